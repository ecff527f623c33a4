"""The cube: counts and sums per scope and month, kept in the transaction that files, corrects or retracts a record.

A statement trigger writes what a record adds or takes away into `core.cube_fresh`, in the writer's transaction and
without touching a row that anybody else writes: two agencies never wait for each other, and a long batch for nobody.
`core.fold_cube` adds what is fresh to the tables of the cube, one a grain; a reader sums both, so folding changes no
answer. `core.report_fact` keeps what a question asks of a record beside its lines, also when its facets are deleted.

The map's grain is what a tile of any zoom sums, by cells of four sizes, by month and by year: a row counts the seizures
(and, under a group, the lines and kilograms) of one scope in one H3 cell of resolution 2 to 5 and one month, or one
year. Years stand for scopes whose policy gives all of a year at once; where a delay or an event window cuts through it,
readers sum months (`gate.plain` says which).

gate_counter owns the functions and can read reports and write the cube, nothing else; nobody can log in as it.
"""

from alembic import op

from migrations.grains import (
    EVENT,
    EVENT_INTO,
    FACT,
    FRESH,
    GRAINS,
    LINE_INTO,
    PERSON_INTO,
    TYPES,
    event_rows,
    facts,
    keys,
    line_rows,
    measures,
    person_rows,
    typed,
)
from migrations.scripts import run

revision = "0015"
down_revision = "0014"

TABLES = f"""
CREATE TABLE core.report_fact (
  record_id uuid NOT NULL,
  version integer NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  latest boolean NOT NULL,
  {EVENT},
  concealment text[],
  persons jsonb,
  CONSTRAINT report_fact_pkey PRIMARY KEY (record_id, version)
);
CREATE INDEX report_fact_month_end_idx ON core.report_fact (month_end) WHERE latest;

CREATE TABLE core.cube_fresh (
  id bigint GENERATED ALWAYS AS IDENTITY,{FRESH},
  CONSTRAINT cube_fresh_pkey PRIMARY KEY (id)
);
-- emptied again and again: a reader scans it
ALTER TABLE core.cube_fresh SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
  autovacuum_vacuum_insert_threshold = -1);

-- What the reports say while the grains are made or compared: one reading of them for all grains, where each by itself
-- would look at all reports again, and from each line at those before it. Nobody reads it, and it is empty in between.
CREATE UNLOGGED TABLE core.cube_work ({FRESH});

-- When the cube was compared with the reports, and in how many cells they differed.
CREATE TABLE core.cube_check (
  checked_at timestamptz NOT NULL,
  cells bigint NOT NULL,
  differing bigint NOT NULL,
  CONSTRAINT cube_check_pkey PRIMARY KEY (checked_at)
);
INSERT INTO core.cube_check VALUES (now(), 0, 0);
GRANT SELECT, INSERT ON core.cube_check TO sarhad_sequencer;
"""


def table(grain: str) -> str:
    before = GRAINS[grain][2]
    columns = [f"{k} {TYPES.get(k, 'text')}" for k in keys(grain) if k not in ("month_end", "scope_id")]
    unique = [*keys(grain), *(["md5(before)"] if before else [])]
    more = f"CREATE INDEX cube_{grain}_month_end_idx ON core.cube_{grain} (month_end);" if grain == "substance" else ""
    return f"""
    CREATE TABLE core.cube_{grain} (
      id bigint GENERATED ALWAYS AS IDENTITY,
      scope_id integer NOT NULL,
      month_end date NOT NULL,
      {", ".join([*columns, *(["before text"] if before else []), *(typed(m) for m in measures(grain))])},
      CONSTRAINT cube_{grain}_pkey PRIMARY KEY (id)
    );
    CREATE UNIQUE INDEX cube_{grain}_key ON core.cube_{grain} ({", ".join(unique)}) NULLS NOT DISTINCT;
    {more}
    """


MAP = """
CREATE TABLE core.cube_map (
  id bigint GENERATED ALWAYS AS IDENTITY,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  substance_group text,
  span text NOT NULL,
  resolution smallint NOT NULL,
  cell text NOT NULL,
  events bigint NOT NULL DEFAULT 0,
  lines bigint NOT NULL DEFAULT 0,
  confirmed bigint NOT NULL DEFAULT 0,
  kg numeric NOT NULL DEFAULT 0,
  CONSTRAINT cube_map_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX cube_map_key
  ON core.cube_map (substance_group, span, resolution, cell, month_end, scope_id) NULLS NOT DISTINCT;

-- The coarser H3 cell around a cell. (An index holds mode, resolution, base cell and 15 digits of 3 bits.)
CREATE FUNCTION core.h3_parent(cell text, resolution integer) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT to_hex(('x' || lpad(cell, 16, '0'))::bit(64)::bigint & ~(15::bigint << 52) | (resolution::bigint << 52)
    | ((1::bigint << (3 * (15 - resolution))) - 1))
$$;
REVOKE ALL ON FUNCTION core.h3_parent(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.h3_parent(text, integer) TO gate_counter;
"""

# A disclosure is base64url of [salt, name, value]: its first character says that JSON or white space begins there.
FACET = """
CREATE FUNCTION core.facet(disclosure text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
  SELECT CASE WHEN left(disclosure, 1) IN ('W', 'I', 'C', 'D') THEN
    convert_from(decode(rpad(translate(disclosure, '-_', '+/'), (length(disclosure) + 3) / 4 * 4, '='), 'base64'),
      'UTF8')::jsonb -> 2 END
$$;
REVOKE ALL ON FUNCTION core.facet(text) FROM PUBLIC;
"""

# The reports that are there already. Row security holds the owner too, so it rests while they are counted.
BACKFILL = f"""
ALTER TABLE core.report NO FORCE ROW LEVEL SECURITY;
ALTER TABLE core.report_line NO FORCE ROW LEVEL SECURITY;
INSERT INTO core.report_fact ({FACT}) {facts("core.report")};
{EVENT_INTO} {event_rows("core.report_fact", 1)};
{PERSON_INTO} {person_rows("core.report_fact", 1)};
{LINE_INTO} {line_rows("core.report_line", 1)};
ALTER TABLE core.report FORCE ROW LEVEL SECURITY;
ALTER TABLE core.report_line FORCE ROW LEVEL SECURITY;
"""

_COUNTED = "scope_id, latest, substance, status, unit, rule, quantity, kg, kg_low, kg_high"
_TOUCHED = f"""SELECT DISTINCT n.record_id, n.version FROM after n
    JOIN before o ON (o.record_id, o.version, o.line) = (n.record_id, n.version, n.line)
    WHERE ({", ".join(f"o.{c.strip()}" for c in _COUNTED.split(","))})
      IS DISTINCT FROM ({", ".join(f"n.{c.strip()}" for c in _COUNTED.split(","))})"""
_AS_IT_WAS = f"""(SELECT o.* FROM before o JOIN ({_TOUCHED}) t USING (record_id, version)
    UNION ALL SELECT l.* FROM core.report_line l JOIN ({_TOUCHED}) t USING (record_id, version)
      WHERE NOT EXISTS (SELECT FROM before o
        WHERE (o.record_id, o.version, o.line) = (l.record_id, l.version, l.line)))"""
_AS_IT_IS = f"(SELECT l.* FROM core.report_line l JOIN ({_TOUCHED}) t USING (record_id, version))"

TRIGGERS = f"""
CREATE FUNCTION core.count_filed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  WITH filed_fact AS (INSERT INTO core.report_fact ({FACT}) {facts("filed")} RETURNING *),
    people AS ({PERSON_INTO} {person_rows("filed_fact", 1)})
  {EVENT_INTO} {event_rows("filed_fact", 1)};
  RETURN NULL;
END $$;

CREATE FUNCTION core.count_lines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  {LINE_INTO} {line_rows("filed", 1)};
  RETURN NULL;
END $$;

-- Superseded, or under another scope: taken away as it was, added as it is. Other updates change no count.
CREATE FUNCTION core.count_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  WITH moved AS (
    SELECT n.record_id, n.version, n.scope_id, n.latest FROM after n JOIN before o
      ON (o.record_id, o.version) = (n.record_id, n.version)
    WHERE (o.scope_id, o.latest) IS DISTINCT FROM (n.scope_id, n.latest)
  ), old AS (
    SELECT f.* FROM core.report_fact f JOIN moved m ON (m.record_id, m.version) = (f.record_id, f.version)
  ), new AS (
    UPDATE core.report_fact f SET scope_id = m.scope_id, latest = m.latest FROM moved m
    WHERE (m.record_id, m.version) = (f.record_id, f.version) RETURNING f.*
  ), people_gone AS ({PERSON_INTO} {person_rows("old", -1)}), people_come AS ({PERSON_INTO} {person_rows("new", 1)}),
  gone AS ({EVENT_INTO} {event_rows("old", -1)})
  {EVENT_INTO} {event_rows("new", 1)};
  RETURN NULL;
END $$;

-- Superseded, moved, or changed by a laboratory's result. A line says which labels come before it, so the records are
-- taken away whole, as they were, and added whole, as they are.
CREATE FUNCTION core.count_moved_lines() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM ({_TOUCHED}) t) THEN RETURN NULL; END IF;
  {LINE_INTO} {line_rows(_AS_IT_WAS, -1)};
  {LINE_INTO} {line_rows(_AS_IT_IS, 1)};
  RETURN NULL;
END $$;

-- Only who maintains the database by hand can do this; the cube follows.
CREATE FUNCTION core.count_nothing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM core.report_fact; DELETE FROM core.cube_fresh;
  {" ".join(f"DELETE FROM core.cube_{grain};" for grain in GRAINS)}
  DELETE FROM core.cube_map; RETURN NULL;
END $$;

CREATE TRIGGER cube_filed AFTER INSERT ON core.report REFERENCING NEW TABLE AS filed
  FOR EACH STATEMENT EXECUTE FUNCTION core.count_filed();
CREATE TRIGGER cube_filed AFTER INSERT ON core.report_line REFERENCING NEW TABLE AS filed
  FOR EACH STATEMENT EXECUTE FUNCTION core.count_lines();
CREATE TRIGGER cube_moved AFTER UPDATE ON core.report REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION core.count_moved();
CREATE TRIGGER cube_moved AFTER UPDATE ON core.report_line REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION core.count_moved_lines();
CREATE TRIGGER cube_emptied AFTER TRUNCATE ON core.report FOR EACH STATEMENT EXECUTE FUNCTION core.count_nothing();
"""

CUBE = ("report_fact", "cube_fresh", *(f"cube_{grain}" for grain in GRAINS), "cube_map")
FUNCTIONS = ("count_filed", "count_lines", "count_moved", "count_moved_lines", "count_nothing")


def rights() -> str:
    held = "".join(
        f"""
        ALTER TABLE core.{name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        GRANT {may} ON core.{name} TO gate_counter;
        CREATE POLICY counted ON core.{name} TO gate_counter USING (true) WITH CHECK (true);
        """
        for name, may in (
            *((name, "SELECT, INSERT, UPDATE, DELETE") for name in CUBE),
            ("cube_work", "SELECT, INSERT, TRUNCATE"),
        )
    )
    owned = "".join(
        f"ALTER FUNCTION core.{name} OWNER TO gate_counter; REVOKE ALL ON FUNCTION core.{name} FROM PUBLIC;"
        for name in FUNCTIONS
    )
    return f"""
    {held}
    GRANT USAGE ON SCHEMA core TO gate_counter;
    GRANT SELECT ON core.report, core.report_line, core.substance TO gate_counter;
    GRANT EXECUTE ON FUNCTION core.facet(text) TO gate_counter;
    CREATE POLICY counted ON core.report FOR SELECT TO gate_counter USING (true);
    CREATE POLICY counted ON core.report_line FOR SELECT TO gate_counter USING (true);
    GRANT CREATE ON SCHEMA core TO gate_counter;
    {owned}
    REVOKE CREATE ON SCHEMA core FROM gate_counter;
    """


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(TABLES, *map(table, GRAINS), MAP, FACET, BACKFILL, TRIGGERS, rights())


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
