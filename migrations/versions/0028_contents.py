"""What laboratories measured, as a grain of the cube: the contents of one scope, month and substance stand together.

Quartiles do not add up, so a row holds the values themselves. A statement trigger appends what an analysis adds, or
takes away (`sign` -1), in the writer's transaction; `core.fold_cube_contents` puts the rows of one scope and month
together, and a reader takes rows of both kinds, so folding changes no answer.
"""

from alembic import op

from migrations.given import DATED, UNDATED, due, mask
from migrations.scripts import run

revision = "0028"
down_revision = "0027"

ITEMS, COUNTRY, PURITY = 1 << 9, 1 << 8, 1 << 16
KEYS = "scope_id, month_end, place_country, substance, unit, basis, before"
# As stored, so that nothing is unpacked to be measured. A fresh row is some four folded contents long: at a tenth, one
# content in forty is fresh.
SIZE, SHARE = "pg_column_size(c.contents)", 10

TABLE = """
CREATE TABLE core.cube_content (
  id bigint GENERATED ALWAYS AS IDENTITY,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  place_country char(2),
  substance text,
  unit text NOT NULL,
  basis text NOT NULL,
  before text,
  folded boolean NOT NULL DEFAULT false,
  sign smallint NOT NULL DEFAULT 1,
  contents double precision[] NOT NULL,
  CONSTRAINT cube_content_pkey PRIMARY KEY (id)
);
CREATE INDEX cube_content_substance_month_end_idx ON core.cube_content (substance, month_end);
CREATE INDEX cube_content_scope_id_month_end_idx ON core.cube_content (scope_id, month_end);
CREATE INDEX cube_content_scope_id_idx ON core.cube_content (scope_id) WHERE NOT folded;
"""


def contents(source: str, sign: int) -> str:
    """The contents in `source`, which holds all of a version or none; each says which of its record come before it."""
    return f"""
    SELECT {KEYS}, {sign}, ARRAY[value::double precision] FROM (
      SELECT c.scope_id, c.month_end, r.place_country, f.substance, c.unit, c.basis, c.latest, c.value,
        string_agg(concat(f.substance, ':', c.unit, ':', c.basis), ',') OVER (PARTITION BY c.record_id, c.version
          ORDER BY c.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
      FROM {source} c JOIN core.report r ON (r.record_id, r.version) = (c.record_id, c.version)
      LEFT JOIN core.finding f ON (f.record_id, f.version, f.line) = (c.record_id, c.version, c.line)
    ) c WHERE c.latest"""


def together(source: str) -> str:
    """Rows of one key as one, less what was taken away."""
    return f"""
    SELECT {KEYS}, true, array_agg(value ORDER BY value) FROM (
      SELECT {KEYS}, value, sum(sign) AS n FROM {source} s, unnest(s.contents) value GROUP BY {KEYS}, value
    ) v, generate_series(1, v.n) GROUP BY {KEYS}"""


INTO = f"INSERT INTO core.cube_content ({KEYS}, sign, contents)"
FOLDED = f"INSERT INTO core.cube_content ({KEYS}, folded, contents)"
SOURCE = f"(SELECT * FROM ({contents('core.content', 1)}) AS r({KEYS}, sign, contents))"

KEPT = f"""
CREATE FUNCTION core.count_contents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  {INTO} {contents("filed", 1)};
  RETURN NULL;
END $$;

-- Superseded, or under another scope: of a record all contents at once.
CREATE FUNCTION core.count_moved_contents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  {INTO} {contents("before", -1)};
  {INTO} {contents("after", 1)};
  RETURN NULL;
END $$;

-- Only who maintains the database by hand can do this; the cube follows.
CREATE FUNCTION core.count_no_contents() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN DELETE FROM core.cube_content; RETURN NULL; END $$;

CREATE TRIGGER cube_filed AFTER INSERT ON core.content REFERENCING NEW TABLE AS filed
  FOR EACH STATEMENT EXECUTE FUNCTION core.count_contents();
CREATE TRIGGER cube_moved AFTER UPDATE ON core.content REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION core.count_moved_contents();
CREATE TRIGGER cube_emptied AFTER TRUNCATE ON core.content FOR EACH STATEMENT
  EXECUTE FUNCTION core.count_no_contents();

-- The scopes and months where what is fresh is over a share of what is folded, each anew from all its rows, in one
-- statement: a reader sees it before or after. Nothing happens below `enough` fresh rows, or while another folds.
CREATE FUNCTION core.fold_cube_contents(enough bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
DECLARE
  moved bigint;
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM core.cube_content c WHERE NOT c.folded LIMIT enough) f) < enough THEN
    RETURN 0;
  END IF;
  IF NOT pg_try_advisory_xact_lock(7276824) THEN RETURN 0; END IF;
  WITH due AS (
      SELECT c.scope_id, c.month_end FROM core.cube_content c
      WHERE (c.scope_id, c.month_end) IN (SELECT f.scope_id, f.month_end FROM core.cube_content f WHERE NOT f.folded)
      GROUP BY c.scope_id, c.month_end
      HAVING {SHARE} * sum({SIZE}) FILTER (WHERE NOT c.folded) > coalesce(sum({SIZE}) FILTER (WHERE c.folded), 0)),
    gone AS (DELETE FROM core.cube_content c USING due d
      WHERE (c.scope_id, c.month_end) = (d.scope_id, d.month_end) RETURNING c.*),
    come AS ({FOLDED} {together("gone")})
  SELECT count(*) INTO moved FROM gone WHERE NOT gone.folded;
  RETURN moved;
END $$;

-- From the analyses anew, on the snapshot on which `core.rebuild_cube` works.
CREATE FUNCTION core.rebuild_cube_contents() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET work_mem = '256MB' SET jit = off AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock(7276824) THEN RAISE EXCEPTION 'the cube is being folded; try again'; END IF;
  DELETE FROM core.cube_content;
  {FOLDED} {together(SOURCE)};
END $$;

-- How many rows there are, and of how many values of a key the cube and the analyses have other numbers.
CREATE FUNCTION core.check_cube_contents() RETURNS TABLE (grain text, cells bigint, differing bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, core SET work_mem = '256MB' SET jit = off AS $$
  SELECT 'content', (SELECT count(*) FROM core.cube_content), (SELECT count(*) FROM (
    SELECT FROM (
      SELECT {KEYS}, value, sign FROM {SOURCE} s, unnest(s.contents) value
      UNION ALL SELECT {KEYS}, value, -sign FROM core.cube_content c, unnest(c.contents) value
    ) every GROUP BY {KEYS}, value HAVING sum(sign) <> 0) cells)
$$;
"""

RIGHTS = """
ALTER TABLE core.cube_content ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON core.cube_content TO gate_counter;
CREATE POLICY counted ON core.cube_content TO gate_counter USING (true) WITH CHECK (true);
GRANT SELECT ON core.content, core.finding TO gate_counter;
CREATE POLICY counted ON core.content FOR SELECT TO gate_counter USING (true);
CREATE POLICY counted ON core.finding FOR SELECT TO gate_counter USING (true);
GRANT CREATE ON SCHEMA core TO gate_counter;
ALTER FUNCTION core.count_contents() OWNER TO gate_counter;
ALTER FUNCTION core.count_moved_contents() OWNER TO gate_counter;
ALTER FUNCTION core.count_no_contents() OWNER TO gate_counter;
ALTER FUNCTION core.fold_cube_contents(bigint) OWNER TO gate_counter;
ALTER FUNCTION core.rebuild_cube_contents() OWNER TO gate_counter;
ALTER FUNCTION core.check_cube_contents() OWNER TO gate_counter;
REVOKE CREATE ON SCHEMA core FROM gate_counter;
REVOKE ALL ON FUNCTION core.count_contents(), core.count_moved_contents(), core.count_no_contents(),
  core.fold_cube_contents(bigint), core.rebuild_cube_contents(), core.check_cube_contents() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.fold_cube_contents(bigint), core.rebuild_cube_contents(), core.check_cube_contents()
  TO sarhad_sequencer;
"""


def views() -> str:
    """As the reports of analyses are given, and only with their purity; what is withheld of them is NULL."""
    made = []
    for suffix, role, level in (("", "gate_cube", DATED), ("_undated", "gate_cube_undated", UNDATED)):
        month = "r.month_end" if level == DATED else "NULL::date AS month_end"
        items = f"{mask('r.scope_id')} & {ITEMS} <> 0"
        made.append(f"""
        GRANT SELECT ON core.cube_content TO {role};
        CREATE POLICY {role} ON core.cube_content FOR SELECT TO {role}
          USING ({mask()} & {level} <> 0 AND {due()} AND {mask()} & {PURITY} <> 0);
        CREATE VIEW shared.cube_content{suffix} AS SELECT s.owner, s.agency, {month},
          CASE WHEN {mask("r.scope_id")} & {COUNTRY} <> 0 THEN coalesce(r.place_country, '') END AS place_country,
          CASE WHEN {items} THEN r.substance END AS substance, r.unit, r.basis,
          CASE WHEN {items} THEN r.before ELSE regexp_replace(r.before, '[^:,]*:([^:]*:[^,]*)', ':\\1', 'g') END
            AS before, r.sign, r.contents
          FROM core.cube_content r LEFT JOIN gate.scope s ON s.id = r.scope_id;
        ALTER VIEW shared.cube_content{suffix} OWNER TO {role};
        GRANT SELECT ON shared.cube_content{suffix} TO sarhad_read;
        """)
    return "".join(made)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = 0")
    op.execute("SELECT pg_advisory_xact_lock(7276824)")  # a worker that folds is waited for
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(TABLE, KEPT, RIGHTS, views(), "SELECT core.rebuild_cube_contents();")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
