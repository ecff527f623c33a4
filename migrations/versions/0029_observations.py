"""Observed kinds of record: what a question may ask of their items and of clandestine laboratories."""

from alembic import op

revision = "0029"
down_revision = "0028"

ROWS, WINDOWED = 1 << 26, 1 << 30
BITS = {"observation": 9, "clandestine_site": 15}  # items, laboratory

_BESIDE = """
  record_id uuid NOT NULL,
  version integer NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  latest boolean NOT NULL DEFAULT true,"""


def _key(table: str, *more: str) -> str:
    return f"""
  CONSTRAINT {table}_pkey PRIMARY KEY ({", ".join(("record_id", "version", *more))}),
  CONSTRAINT {table}_record_id_version_fkey FOREIGN KEY (record_id, version)
    REFERENCES core.report (record_id, version)"""


COLUMNS = """line, kind, aspect, detail, substance, form, quantity, unit, kg, kg_low, kg_high, rule, currency, price,
  price_low, price_high, prices"""
TABLES = f"""
CREATE TABLE core.observation ({_BESIDE}
  line integer NOT NULL,
  kind text NOT NULL,
  aspect text NOT NULL,
  detail text,
  substance text NOT NULL,
  form text,
  quantity numeric NOT NULL,
  unit text NOT NULL,
  kg numeric,
  kg_low numeric,
  kg_high numeric,
  rule text NOT NULL,
  currency text,
  price numeric,
  price_low numeric,
  price_high numeric,
  prices integer,{_key("observation", "line")}
);
CREATE INDEX observation_substance_record_id_version_idx ON core.observation (substance, record_id, version);
CREATE TABLE core.clandestine_site ({_BESIDE}
  types text[] NOT NULL,
  stage text NOT NULL,
  scale text,
  makes text[] NOT NULL,{_key("clandestine_site")}
);
"""


def admits(flags: int) -> str:
    """As for reports: rows whose scope has every flag, whose delay is over and whose event window they lie in."""
    return f"""((SELECT gate.masks()))[scope_id + 1] & {flags} = {flags}
      AND (((SELECT gate.delays()))[scope_id + 1] = 0
           OR month_end + ((SELECT gate.delays()))[scope_id + 1] <= current_date)
      AND (((SELECT gate.masks()))[scope_id + 1] & {WINDOWED} = 0
           OR month_end - DATE '1970-01-01' BETWEEN ((SELECT gate.windows_from()))[scope_id + 1]
             AND ((SELECT gate.windows_until()))[scope_id + 1])"""


def shared(table: str, bit: int, columns: str) -> str:
    """A view for readers that are given the facet, and row security that holds its owner to that."""
    return f"""
    ALTER TABLE core.{table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    GRANT INSERT ON core.{table} TO sarhad_write;
    GRANT SELECT ON core.{table} TO gate_items;
    CREATE POLICY given ON core.{table} FOR SELECT TO gate_items USING (latest AND {admits(1 << bit | ROWS)});
    CREATE POLICY filed ON core.{table} FOR INSERT TO sarhad_write WITH CHECK (latest AND EXISTS (
      SELECT FROM shared.own_report o
      WHERE (o.record_id, o.version, o.scope_id) = ({table}.record_id, {table}.version, {table}.scope_id)));
    CREATE POLICY followed ON core.{table} TO sarhad_owner USING (true) WITH CHECK (true);
    CREATE TRIGGER follow_report BEFORE INSERT ON core.{table} FOR EACH ROW WHEN (NEW.version > 1)
      EXECUTE FUNCTION gate.follow_report();
    CREATE VIEW shared.{table} AS SELECT record_id, version, {columns} FROM core.{table};
    ALTER VIEW shared.{table} OWNER TO gate_items;
    GRANT SELECT ON shared.{table} TO sarhad_read;
    """


# Kinds of which there are few: a page of them is not looked for among the seizures.
INDEXES = "".join(
    f"""
CREATE INDEX report_rarer_{level}_idx ON core.report (at_{level} DESC, record_id)
  WHERE latest AND kind IN ('analysis', 'precursor_incident', 'clandestine_laboratory', 'price_observation');"""
    for level in ("instant", "day", "month", "undated")
)

FOLLOW = """
-- What stands beside a record follows its scope and its place among the versions, whoever changes them.
CREATE FUNCTION gate.keep_observed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.observation SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (record_id, version) = (NEW.record_id, NEW.version);
  UPDATE core.clandestine_site SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (record_id, version) = (NEW.record_id, NEW.version);
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION gate.keep_observed() FROM PUBLIC;
CREATE TRIGGER observed AFTER UPDATE OF scope_id, latest ON core.report FOR EACH ROW
  WHEN (NEW.kind IN ('precursor_incident', 'clandestine_laboratory', 'price_observation')
    AND (OLD.scope_id, OLD.latest) IS DISTINCT FROM (NEW.scope_id, NEW.latest))
  EXECUTE FUNCTION gate.keep_observed();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(TABLES)
    run(shared("observation", BITS["observation"], COLUMNS))
    run(shared("clandestine_site", BITS["clandestine_site"], "types, stage, scale, makes"))
    run(FOLLOW)
    run(INDEXES)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
