"""The cube is folded, rebuilt and checked: each in one statement, or on one snapshot and one reading of the reports."""

from alembic import op

from migrations.grains import (
    COMMON,
    EVENT_INTO,
    LINE_INTO,
    MAP_ADDED,
    MAP_COLUMNS,
    MAP_KEYS,
    MEASURES,
    PERSON_INTO,
    SUMS,
    check_cube,
    deltas,
    event_rows,
    fold_cube,
    line_rows,
    person_rows,
    rebuild_cube,
)
from migrations.scripts import run

revision = "0016"
down_revision = "0015"


def whole(into: str, rows: str) -> str:
    """Rows for an INSERT as rows of every column of the fresh ones."""
    given = [c.strip() for c in into.split("(", 1)[1].rsplit(")", 1)[0].split(",")]
    kinds = {"day": "date"}
    columns = [
        f"r.{c}" if c in given else (f"0 AS {c}" if c in MEASURES else f"NULL::{kinds.get(c, 'text')} AS {c}")
        for c in (*COMMON, *MEASURES)
    ]
    return f"SELECT {', '.join(columns)} FROM ({rows}) AS r({', '.join(given)})"


SOURCE = f"""
CREATE VIEW core.cube_source AS
  {whole(EVENT_INTO, event_rows("core.report_fact", 1))}
  UNION ALL {whole(PERSON_INTO, person_rows("core.report_fact", 1))}
  UNION ALL {whole(LINE_INTO, line_rows("core.report_line", 1))};
"""


def unordered(source: str) -> str:
    """In the columns of the grain: every resolution, every span."""
    return f"""
    SELECT d.substance_group, s.span, r.resolution, core.h3_parent(d.cell, r.resolution) AS cell,
      CASE s.span WHEN 'y' THEN make_date(extract(year FROM d.month_end)::integer, 12, 31) ELSE d.month_end END
        AS month_end, d.scope_id, {", ".join(f"sum(d.{m}) AS {m}" for m in SUMS)}
    FROM {source} d, (VALUES (2::smallint), (3::smallint), (4::smallint), (5::smallint)) r(resolution),
      (VALUES ('m'), ('y')) s(span)
    GROUP BY 1, 2, 3, 4, 5, 6"""


def cells(source: str) -> str:
    """The same in the order of the grain's key, in which rows are written."""
    return f"{unordered(source)} ORDER BY 1, 2, 3, 4, 5, 6"


MAP_INTO = f"INSERT INTO core.cube_map {MAP_COLUMNS}"
SUMMED = ", ".join(f"sum({m})" for m in SUMS)
# From fine to coarse, each from the one before.
REBUILD_MAP = f"""
  DELETE FROM core.cube_map;
  {MAP_INTO} SELECT substance_group, 'm', 5, cell, month_end, scope_id,
      sum(CASE WHEN substance_group = ANY (string_to_array(before_groups, ',')) THEN 0 ELSE events END),
      sum(lines), sum(confirmed), sum(kg_exact + kg_converted)
    FROM core.cube_work WHERE kind = 'seizure' AND entry IN ('e', 'l') AND cell IS NOT NULL
    GROUP BY substance_group, cell, month_end, scope_id ORDER BY substance_group, cell, month_end, scope_id;
  FOR coarser IN REVERSE 4..2 LOOP
    {MAP_INTO} SELECT substance_group, 'm', coarser, core.h3_parent(cell, coarser), month_end, scope_id, {SUMMED}
      FROM core.cube_map WHERE span = 'm' AND resolution = coarser + 1
      GROUP BY substance_group, core.h3_parent(cell, coarser), month_end, scope_id
      ORDER BY substance_group, core.h3_parent(cell, coarser), month_end, scope_id;
  END LOOP;
  {MAP_INTO} SELECT substance_group, 'y', resolution, cell,
      make_date(extract(year FROM month_end)::integer, 12, 31) AS year_end, scope_id, {SUMMED}
    FROM core.cube_map WHERE span = 'm'
    GROUP BY substance_group, resolution, cell, year_end, scope_id
    ORDER BY substance_group, resolution, cell, year_end, scope_id;
"""

MAP_DIFFERENCE = f"""SELECT 'map', (SELECT count(*) FROM core.cube_map), (SELECT count(*) FROM (
    SELECT FROM (
      {unordered(f"({deltas('core.cube_work')})")}
      UNION ALL SELECT {MAP_KEYS}, {", ".join(f"-{m}" for m in SUMS)} FROM (
        {unordered(f"({deltas('core.cube_fresh')})")}) fresh
      UNION ALL SELECT {MAP_KEYS}, {", ".join(f"-{m}" for m in SUMS)} FROM core.cube_map
    ) every GROUP BY {MAP_KEYS} HAVING {" OR ".join(f"sum({m}) <> 0" for m in SUMS)}
  ) cells)"""

INTO_MAP = f"""map_delta AS MATERIALIZED ({deltas("core.cube_fresh")})
    , into_map AS (INSERT INTO core.cube_map AS c {MAP_COLUMNS} {cells("map_delta")}
        ON CONFLICT ({MAP_KEYS}) DO UPDATE SET {MAP_ADDED})"""
FOLD, REBUILD, CHECK = fold_cube(INTO_MAP), rebuild_cube(REBUILD_MAP), check_cube(MAP_DIFFERENCE)

RIGHTS = """
GRANT SELECT ON core.cube_source TO gate_counter;
GRANT CREATE ON SCHEMA core TO gate_counter;
ALTER VIEW core.cube_source OWNER TO gate_counter;
ALTER FUNCTION core.fold_cube(bigint) OWNER TO gate_counter;
ALTER FUNCTION core.rebuild_cube() OWNER TO gate_counter;
ALTER FUNCTION core.check_cube() OWNER TO gate_counter;
REVOKE ALL ON FUNCTION core.fold_cube(bigint), core.rebuild_cube(), core.check_cube() FROM PUBLIC;
REVOKE CREATE ON SCHEMA core FROM gate_counter;
GRANT EXECUTE ON FUNCTION core.fold_cube(bigint), core.rebuild_cube(), core.check_cube() TO sarhad_sequencer;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(SOURCE, FOLD, REBUILD, CHECK, RIGHTS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
