"""The map's grain of the cube: what a tile of any zoom sums, by cells of four sizes, by month and by year.

A row counts the seizures (and, under a group, the lines and kilograms) of one scope in one H3 cell of resolution 2 to 5
and one month, or one year. Years stand for scopes whose policy gives all of a year at once; where a delay or an event
window cuts through it, readers sum months (`gate.plain` says which). Rows are admitted only to readers who are given
the cell, so that the cell can be looked up in an index.

The three functions that keep the cube get the new grain; what they did before stands in migration 0011.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

ITEMS = 1 << 9
CELL = (1 << 5) | (1 << 6)
DATED, UNDATED, WINDOWED = (1 << 20) | (1 << 21) | (1 << 22), 1 << 23, 1 << 30
LEAVES = {"": ("gate_cube", DATED), "_undated": ("gate_cube_undated", UNDATED)}

TABLE = """
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

KEYS = "substance_group, span, resolution, cell, month_end, scope_id"
SUMS = ("events", "lines", "confirmed", "kg")


def deltas(source: str) -> str:
    """Per cell of resolution 5 and month. A record with several lines of a group is one event of that group."""
    return f"""
    SELECT substance_group, cell, month_end, scope_id,
      sum(CASE WHEN substance_group = ANY (string_to_array(before_groups, ',')) THEN 0 ELSE events END) AS events,
      sum(lines) AS lines, sum(confirmed) AS confirmed, sum(kg_exact + kg_converted) AS kg
    FROM {source} WHERE kind = 'seizure' AND entry IN ('e', 'l') AND cell IS NOT NULL
    GROUP BY substance_group, cell, month_end, scope_id"""


def cells(source: str) -> str:
    """In the columns of the grain: every resolution, every span."""
    return f"""
    SELECT d.substance_group, s.span, r.resolution, core.h3_parent(d.cell, r.resolution) AS cell,
      CASE s.span WHEN 'y' THEN make_date(extract(year FROM d.month_end)::integer, 12, 31) ELSE d.month_end END
        AS month_end, d.scope_id, {", ".join(f"sum(d.{m}) AS {m}" for m in SUMS)}
    FROM {source} d, (VALUES (2::smallint), (3::smallint), (4::smallint), (5::smallint)) r(resolution),
      (VALUES ('m'), ('y')) s(span)
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6"""


INTO = f"INSERT INTO core.cube_map AS c ({KEYS}, {', '.join(SUMS)})"
FOLDED = f"""
    , map_delta AS MATERIALIZED ({deltas("core.cube_fresh")})
    , into_map AS ({INTO} {cells("map_delta")}
        ON CONFLICT ({KEYS}) DO UPDATE SET {", ".join(f"{m} = c.{m} + EXCLUDED.{m}" for m in SUMS)})
  SELECT count(*) INTO folded FROM gone;"""
REBUILT = f"""
  DELETE FROM core.cube_map;
  {INTO} {cells(f"({deltas('core.cube_source')})")};
END"""
CHECKED = f"""
  UNION ALL SELECT 'map', (SELECT count(*) FROM core.cube_map), (SELECT count(*) FROM (
    SELECT FROM (
      {cells(f"({deltas('core.cube_source')})").rsplit("ORDER BY", 1)[0]}
      UNION ALL SELECT {KEYS}, {", ".join(f"-{m}" for m in SUMS)} FROM (
        {cells(f"({deltas('core.cube_fresh')})").rsplit("ORDER BY", 1)[0]}) fresh
      UNION ALL SELECT {KEYS}, {", ".join(f"-{m}" for m in SUMS)} FROM core.cube_map
    ) every GROUP BY {KEYS} HAVING {" OR ".join(f"sum({m}) <> 0" for m in SUMS)}
  ) cells)
"""
CHANGED = {
    "fold_cube": ("SELECT count(*) INTO folded FROM gone;", FOLDED),
    "rebuild_cube": ("END", REBUILT),
    "check_cube": ("$", CHECKED),
    "count_nothing": ("RETURN NULL;", "DELETE FROM core.cube_map; RETURN NULL;"),
}

MASK = "((SELECT gate.masks()))[scope_id + 1]"
DELAY = "((SELECT gate.delays()))[scope_id + 1]"


def admitted(level: int) -> str:
    """Scopes that give rows at this level and the cell; of years only those that nothing cuts through."""
    return f"""{MASK} & {level} <> 0 AND {MASK} & {CELL} <> 0
      AND (substance_group IS NULL OR {MASK} & {ITEMS} <> 0)
      AND ({DELAY} = 0 OR span = 'm' AND month_end + {DELAY} <= current_date)
      AND ({MASK} & {WINDOWED} = 0 OR span = 'm' AND month_end - DATE '1970-01-01'
           BETWEEN ((SELECT gate.windows_from()))[scope_id + 1] AND ((SELECT gate.windows_until()))[scope_id + 1])"""


def views() -> str:
    made = []
    for suffix, (role, level) in LEAVES.items():
        month = "r.month_end" if level == DATED else "NULL::date AS month_end"
        made.append(f"""
        GRANT SELECT ON core.cube_map TO {role};
        CREATE POLICY {role} ON core.cube_map FOR SELECT TO {role} USING ({admitted(level)});
        CREATE VIEW shared.cube_map{suffix} AS
          SELECT s.owner, {month}, r.substance_group, r.span, r.resolution, r.cell, {", ".join(f"r.{m}" for m in SUMS)}
          FROM core.cube_map r LEFT JOIN gate.scope s ON s.id = r.scope_id;
        ALTER VIEW shared.cube_map{suffix} OWNER TO {role};
        GRANT SELECT ON shared.cube_map{suffix} TO sarhad_read;
        """)
    return "".join(made)


RIGHTS = """
ALTER TABLE core.cube_map ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON core.cube_map TO gate_counter;
CREATE POLICY counted ON core.cube_map TO gate_counter USING (true) WITH CHECK (true);
"""

PLAIN = f"""
-- Whether no delay and no event window cuts through what this reader is given: then years are whole.
CREATE FUNCTION gate.plain() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
  SELECT NOT EXISTS (SELECT FROM unnest(gate.masks(), gate.delays()) AS u(mask, delay)
    WHERE mask & {DATED | UNDATED} <> 0 AND (delay <> 0 OR mask & {WINDOWED} <> 0))
$$;
REVOKE ALL ON FUNCTION gate.plain() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.plain() TO sarhad_read;
"""

# Row security holds the owner of the table too, so it comes after the rows that are there already.
BACKFILL = f"""
ALTER TABLE core.report_fact NO FORCE ROW LEVEL SECURITY;
ALTER TABLE core.cube_cell NO FORCE ROW LEVEL SECURITY;
{INTO} {
    cells('''(SELECT substance_group, cell, month_end, scope_id,
      sum(CASE WHEN substance_group = ANY (string_to_array(before, ',')) THEN 0 ELSE events END) AS events,
      sum(lines) AS lines, sum(confirmed) AS confirmed, sum(kg_exact + kg_converted) AS kg
    FROM core.cube_cell WHERE cell IS NOT NULL GROUP BY substance_group, cell, month_end, scope_id)''')
};
ALTER TABLE core.report_fact FORCE ROW LEVEL SECURITY;
ALTER TABLE core.cube_cell FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(TABLE)
    run(BACKFILL)
    run(RIGHTS)
    for name, (mark, put) in CHANGED.items():
        _change(name, mark, put)
    run(views())
    run(PLAIN)


def _change(name: str, mark: str, put: str) -> None:
    """The function as it stands, with `put` in place of the last `mark` of its body."""
    run = op.get_bind().exec_driver_sql
    definition, body = run(
        "SELECT pg_get_functiondef(p.oid), p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        f" WHERE n.nspname = 'core' AND p.proname = '{name}'"
    ).one()
    changed = body + put if mark == "$" else put.join(body.rsplit(mark, 1))
    if changed == body:
        raise RuntimeError(f"core.{name} is not what migration 0011 made of it")
    run(definition.replace(body, changed).replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
