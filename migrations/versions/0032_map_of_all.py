"""The map counts all of time too (span `a`); every coarser cell and longer span is summed from a finer one.

A map without a period, and that is the first that everybody looks at, was the sum of twenty years of each cell.
"""

from alembic import op

from migrations.grains import (
    MAP_ADDED,
    MAP_COLUMNS,
    MAP_KEYS,
    SUMS,
    check_cube,
    deltas,
    fold_cube,
    rebuild_cube,
)
from migrations.scripts import run

revision = "0032"
down_revision = "0031"

ALL = "date '2099-12-31'"  # what `month_end` says of all of time: the calendar's last day
ASKED = "month_end BETWEEN '1970-01-01' AND '2099-12-31'"  # that calendar: no map can ask for more
SUMMED = ", ".join(f"sum({m}) AS {m}" for m in SUMS)
NEGATED = ", ".join(f"-{m}" for m in SUMS)
YEAR_END = "make_date(extract(year FROM month_end)::integer, 12, 31)"


def spans(finest: str) -> str:
    """The statements of a WITH that end in `spans`, in the columns of the grain, from sums by month and finest cell."""
    kept = f"substance_group, cell, month_end, scope_id, {', '.join(SUMS)}"
    coarser = "".join(
        f""", map_{at} AS (SELECT substance_group, core.h3_parent(cell, {at}) AS cell, month_end, scope_id, {SUMMED}
          FROM map_{at + 1} GROUP BY 1, 2, 3, 4)"""
        for at in (4, 3, 2)
    )
    months = " UNION ALL ".join(f"SELECT {at}::smallint AS resolution, {kept} FROM map_{at}" for at in (5, 4, 3, 2))
    columns = f"resolution, {kept}"
    return f"""map_5 AS ({finest}){coarser}
    , months AS ({months})
    , years AS (SELECT resolution, substance_group, cell, {YEAR_END} AS month_end, scope_id, {SUMMED}
        FROM months GROUP BY 1, 2, 3, 4, 5)
    , spans AS (SELECT 'm' AS span, {columns} FROM months UNION ALL SELECT 'y', {columns} FROM years
        UNION ALL SELECT 'a', resolution, substance_group, cell, {ALL}, scope_id, {SUMMED}
        FROM years WHERE {ASKED} GROUP BY resolution, substance_group, cell, scope_id)"""


# In the order of the grain's key, in which rows are written.
INTO = f"""INSERT INTO core.cube_map AS c {MAP_COLUMNS}
      SELECT {MAP_KEYS}, {", ".join(SUMS)} FROM spans ORDER BY {MAP_KEYS}"""

FRESH = f"""{spans(deltas("core.cube_fresh"))}
    , into_map AS ({INTO} ON CONFLICT ({MAP_KEYS}) DO UPDATE SET {MAP_ADDED})"""

ANEW = f"""
  DELETE FROM core.cube_map;
  WITH {spans(deltas("core.cube_work"))} {INTO};"""

DIFFERENCE = f"""SELECT 'map', (SELECT count(*) FROM core.cube_map), (
    WITH {
    spans(f'''SELECT substance_group, cell, month_end, scope_id, {SUMMED} FROM (
        {deltas("core.cube_work")} UNION ALL SELECT substance_group, cell, month_end, scope_id, {NEGATED}
        FROM ({deltas("core.cube_fresh")}) fresh) folded GROUP BY 1, 2, 3, 4''')
}
    SELECT count(*) FROM (
      SELECT FROM (
        SELECT {MAP_KEYS}, {", ".join(SUMS)} FROM spans
        UNION ALL SELECT {MAP_KEYS}, {NEGATED} FROM core.cube_map
      ) every GROUP BY {MAP_KEYS} HAVING {" OR ".join(f"sum({m}) <> 0" for m in SUMS)}
    ) cells)"""

FILLED = f"""
INSERT INTO core.cube_map {MAP_COLUMNS}
  SELECT substance_group, 'a', resolution, cell, {ALL}, scope_id, {SUMMED}
  FROM core.cube_map WHERE span = 'y' AND {ASKED}
  GROUP BY substance_group, resolution, cell, scope_id ORDER BY substance_group, resolution, cell, scope_id;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = 0")
    op.execute("SELECT pg_advisory_xact_lock(7276824)")  # a worker that folds is waited for
    op.execute("SET LOCAL lock_timeout = '5s'")
    replaced = (fold_cube(FRESH), rebuild_cube(ANEW), check_cube(DIFFERENCE))
    run(
        "GRANT CREATE ON SCHEMA core TO gate_counter;",
        *(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION") for function in replaced),
        "REVOKE CREATE ON SCHEMA core FROM gate_counter;",
        FILLED,
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
