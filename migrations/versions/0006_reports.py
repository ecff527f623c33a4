"""Reports and their lines, under row security, and the masking views that are all a reader can select from.

Every view has the columns of READER. A leaf view is owned by a role that row security holds to exactly one precision
level, so that a condition on a finer value can never be tried on a row that discloses only a coarser one, whatever the
planner flattens. The unions over the leaves are what the queries use: `shared.report` by time, `shared.report_placed`
by place, `shared.report_line` for lines, `shared.own_report` for a country's own records in every version.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = """
CREATE TABLE core.report (
  record_id uuid NOT NULL,
  version integer NOT NULL,
  kind text NOT NULL,
  agency text NOT NULL CONSTRAINT report_agency_fkey REFERENCES core.agency (code),
  country char(2) NOT NULL,
  key_id text NOT NULL,
  handling text NOT NULL,
  scope_id integer NOT NULL,
  latest boolean NOT NULL,
  status text NOT NULL,
  reference text,
  digest bytea NOT NULL,
  content_hash bytea NOT NULL,
  jwt text NOT NULL,
  disclosures text[] NOT NULL,
  log_salt bytea NOT NULL,
  leaf_hash bytea NOT NULL,
  receipt text NOT NULL,
  warnings json NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  at_instant timestamptz NOT NULL,
  at_day timestamptz NOT NULL,
  at_month timestamptz NOT NULL,
  at_undated timestamptz NOT NULL DEFAULT '-infinity',
  month_end date NOT NULL,
  point geometry(Point, 4326),
  cell geometry(Point, 4326),
  admin1 text,
  place_country char(2),
  transport_mode text,
  conveyance text,
  place_type text,
  concealment text[],
  CONSTRAINT report_pkey PRIMARY KEY (record_id, version),
  CONSTRAINT report_agency_reference_version_key UNIQUE (agency, reference, version),
  CONSTRAINT report_scope_id_country_fkey FOREIGN KEY (scope_id, country) REFERENCES gate.scope (id, owner),
  CONSTRAINT report_version_check CHECK (version >= 1),
  CONSTRAINT report_agency_check CHECK (left(agency, 2) = country),
  CONSTRAINT report_disclosures_check CHECK (cardinality(disclosures) = 19)
);
ALTER TABLE core.report
  ALTER COLUMN jwt SET STORAGE EXTERNAL, ALTER COLUMN disclosures SET STORAGE EXTERNAL,
  ALTER COLUMN receipt SET STORAGE EXTERNAL;
CREATE INDEX report_content_hash_idx ON core.report (country, content_hash) WHERE latest;
CREATE INDEX report_reference_idx ON core.report (reference) WHERE latest AND reference IS NOT NULL;
CREATE INDEX report_instant_idx ON core.report (at_instant DESC, record_id) WHERE latest;
CREATE INDEX report_day_idx ON core.report (at_day DESC, record_id) WHERE latest;
CREATE INDEX report_month_idx ON core.report (at_month DESC, record_id) WHERE latest;
CREATE INDEX report_undated_idx ON core.report (at_undated DESC, record_id) WHERE latest;
CREATE INDEX report_point_idx ON core.report USING gist (point gate.gist_box) WHERE latest;
CREATE INDEX report_cell_idx ON core.report USING gist (cell gate.gist_box) WHERE latest;

CREATE TABLE core.report_line (
  record_id uuid NOT NULL,
  version integer NOT NULL,
  line integer NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  substance text NOT NULL,
  status text NOT NULL,
  form text,
  quantity numeric NOT NULL,
  unit text NOT NULL,
  kg numeric,
  kg_low numeric,
  kg_high numeric,
  rule text NOT NULL,
  latest boolean NOT NULL DEFAULT true,
  CONSTRAINT report_line_pkey PRIMARY KEY (record_id, version, line),
  CONSTRAINT report_line_record_id_version_fkey FOREIGN KEY (record_id, version)
    REFERENCES core.report (record_id, version)
);
CREATE INDEX report_line_substance_record_id_version_idx ON core.report_line (substance, record_id, version);
"""

FACETS = [
    "reference",
    "reported",
    "when_instant",
    "when_day",
    "when_month",
    "where_point",
    "where_cell",
    "where_admin1",
    "where_country",
    "items",
    "transport",
    "route",
    "persons",
    "marks",
    "case",
    "laboratory",
    "purity",
    "spectra",
    "narrative",
]
BIT = {name: 1 << index for index, name in enumerate(FACETS)}
LEVEL = {
    "instant": 1 << 20,
    "day": 1 << 21,
    "month": 1 << 22,
    "undated": 1 << 23,
    "point": 1 << 24,
    "cell": 1 << 25,
}
OWN = 1 << 27

MASK = "((SELECT gate.masks()))[r.scope_id + 1]"
TIME = {
    "instant": "r.at_instant",
    "day": "r.at_day",
    "month": "r.at_month",
    "undated": "r.at_undated",
}
PLACE = {"point": "r.point", "cell": "r.cell"}


def given(facet: str, value: str) -> str:
    return f"CASE WHEN {MASK} & {BIT[facet]} <> 0 THEN {value} END"


def reader_columns(at: str, position: str) -> str:
    columns = {
        "record_id": "r.record_id",
        "version": "r.version",
        "kind": "r.kind",
        "agency": "r.agency",
        "country": "r.country",
        "handling": "r.handling",
        "status": "r.status",
        "jwt": "r.jwt",
        "mask": MASK,
        "disclosures": f"gate.disclose(r.disclosures, {MASK})",
        "at": at,
        "position": position,
        "reference": given("reference", "r.reference"),
        "admin1": given("where_admin1", "r.admin1"),
        "place_country": given("where_country", "r.place_country"),
        "transport_mode": given("transport", "r.transport_mode"),
        "conveyance": given("transport", "r.conveyance"),
        "place_type": given("transport", "r.place_type"),
        "concealment": given("transport", "r.concealment"),
        "leaf_hash": given("reported", "r.leaf_hash"),
        "log_salt": given("reported", "r.log_salt"),
    }
    return ", ".join(f"{expression} AS {name}" for name, expression in columns.items())


def masked_time() -> str:
    levels = " ".join(f"WHEN {MASK} & {LEVEL[level]} <> 0 THEN {TIME[level]}" for level in ("instant", "day", "month"))
    return f"CASE {levels} ELSE r.at_undated END"


def masked_place() -> str:
    return "CASE " + " ".join(f"WHEN {MASK} & {LEVEL[p]} <> 0 THEN {PLACE[p]}" for p in PLACE) + " END"


def leaf(level: str, columns: str) -> str:
    """A view for one precision level, and the row security that holds its owner to that level.

    The view has no condition of its own: only then does the planner merge the leaves in index order.
    """
    placed = f" AND {level} IS NOT NULL" if level in PLACE else ""
    return f"""
    CREATE VIEW shared.report_{level} AS SELECT {columns} FROM core.report r;
    GRANT SELECT ON core.report TO gate_{level};
    CREATE POLICY {level} ON core.report FOR SELECT TO gate_{level}
      USING (latest{placed} AND {admits(LEVEL[level])});
    ALTER VIEW shared.report_{level} OWNER TO gate_{level};
    GRANT SELECT ON shared.report_{level} TO sarhad_read, gate_items;
    """


def admits(flag: int) -> str:
    """Rows whose scope has `flag` in this context and whose delay, counted from the end of the month, is over."""
    return f"""((SELECT gate.masks()))[scope_id + 1] & {flag} <> 0
      AND (((SELECT gate.delays()))[scope_id + 1] = 0
           OR month_end + ((SELECT gate.delays()))[scope_id + 1] <= current_date)"""


_GIVEN = ", ".join(f"CASE WHEN mask & {1 << i} <> 0 THEN disclosures[{i + 1}] END" for i in range(len(FACETS)))
DISCLOSE = f"""
-- The disclosures that a mask gives, at their facets' places, the others NULL. Called for rows that leave, never in a
-- condition.
CREATE FUNCTION gate.disclose(disclosures text[], mask integer) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
  IF mask & 524287 = 524287 THEN RETURN disclosures; END IF;
  RETURN ARRAY[{_GIVEN}];
END $$;
REVOKE ALL ON FUNCTION gate.disclose(text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.disclose(text[], integer) TO sarhad_read;
"""

SECURITY = """
ALTER TABLE core.report ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE core.report_line ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT INSERT ON core.report, core.report_line TO sarhad_write;
CREATE POLICY filed ON core.report FOR INSERT TO sarhad_write WITH CHECK (country = (SELECT gate.country()));
"""

OWN_VIEWS = f"""
GRANT SELECT ON core.report, core.report_line TO gate_own;
CREATE POLICY own ON core.report FOR SELECT TO gate_own USING (((SELECT gate.masks()))[scope_id + 1] & {OWN} <> 0);
CREATE VIEW shared.own_report AS
  SELECT record_id, version, kind, agency, country, key_id, handling, scope_id, latest, status, reference, digest,
    content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, received_at, at_instant, at_day, at_month,
    month_end, point, cell, admin1, place_country, transport_mode, conveyance, place_type, concealment FROM core.report;
ALTER VIEW shared.own_report OWNER TO gate_own;
GRANT SELECT ON shared.own_report TO sarhad_read, sarhad_write;
CREATE POLICY own ON core.report_line FOR SELECT TO gate_own
  USING (latest AND ((SELECT gate.masks()))[scope_id + 1] & {OWN} <> 0);
CREATE VIEW shared.own_line AS SELECT record_id, version, line, substance, kg FROM core.report_line;
ALTER VIEW shared.own_line OWNER TO gate_own;
GRANT SELECT ON shared.own_line TO sarhad_write;
-- A line goes to an own report, under its scope.
CREATE POLICY filed ON core.report_line FOR INSERT TO sarhad_write WITH CHECK (latest AND EXISTS (
  SELECT FROM shared.own_report o
  WHERE (o.record_id, o.version, o.scope_id) = (report_line.record_id, report_line.version, report_line.scope_id)));

GRANT SELECT ON core.report_line TO gate_items;
CREATE POLICY items ON core.report_line FOR SELECT TO gate_items USING (latest AND {admits(BIT["items"])});
CREATE VIEW shared.report_line AS
  SELECT record_id, version, line, substance, status, form, quantity, unit, kg, kg_low, kg_high, rule
  FROM core.report_line;
ALTER VIEW shared.report_line OWNER TO gate_items;
GRANT SELECT ON shared.report_line TO sarhad_read;

-- A reference is looked up, not scanned for: rows, not masks, so that the index serves whoever is given it.
GRANT SELECT ON core.report TO gate_reference;
CREATE POLICY reference ON core.report FOR SELECT TO gate_reference
  USING (latest AND reference IS NOT NULL AND {admits(BIT["reference"])});
CREATE VIEW shared.report_reference AS SELECT record_id, version, reference FROM core.report;
ALTER VIEW shared.report_reference OWNER TO gate_reference;
GRANT SELECT ON shared.report_reference TO sarhad_read;

-- The one update: a version stops being the latest when its successor is filed, in the same transaction.
CREATE FUNCTION gate.supersede(record uuid, superseded integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.report SET latest = false
    WHERE record_id = record AND version = superseded AND latest AND country = gate.country();
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE core.report_line SET latest = false WHERE record_id = record AND version = superseded;
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION gate.supersede(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.supersede(uuid, integer) TO sarhad_write;
-- FORCE ROW LEVEL SECURITY holds the owner too; this is all it may touch.
CREATE POLICY superseded ON core.report FOR UPDATE TO sarhad_owner USING (latest) WITH CHECK (NOT latest);
CREATE POLICY found ON core.report FOR SELECT TO sarhad_owner USING (country = gate.country());
CREATE POLICY superseded ON core.report_line FOR UPDATE TO sarhad_owner USING (latest) WITH CHECK (NOT latest);
CREATE POLICY found ON core.report_line FOR SELECT TO sarhad_owner USING (
  EXISTS (SELECT FROM core.report r WHERE (r.record_id, r.version) = (report_line.record_id, report_line.version)));
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(TABLES)
    run(SECURITY)
    run(DISCLOSE)
    for level, at in TIME.items():
        run(leaf(level, reader_columns(at, masked_place())))
    for level, position in PLACE.items():
        run(leaf(level, reader_columns(masked_time(), position)))
    run(
        """
        CREATE VIEW shared.report AS SELECT * FROM shared.report_instant UNION ALL SELECT * FROM shared.report_day
          UNION ALL SELECT * FROM shared.report_month UNION ALL SELECT * FROM shared.report_undated;
        CREATE VIEW shared.report_placed AS SELECT * FROM shared.report_point
          UNION ALL SELECT * FROM shared.report_cell;
        ALTER VIEW shared.report OWNER TO gate_items;
        ALTER VIEW shared.report_placed OWNER TO gate_items;
        GRANT SELECT ON shared.report, shared.report_placed TO sarhad_read;
        """
    )
    run(OWN_VIEWS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
