"""The cube is folded, rebuilt and checked: each in one statement, or on one snapshot and one reading of the reports."""

from alembic import op

from migrations.grains import (
    COMMON,
    EVENT_INTO,
    FACT,
    GRAINS,
    LINE_INTO,
    MEASURES,
    PERSON_INTO,
    entries,
    event_rows,
    facts,
    keys,
    line_rows,
    measures,
    person_rows,
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


def difference(grain: str) -> str:
    """Cells in which the reports and the cube, with what is fresh, do not say the same."""
    before = GRAINS[grain][2]
    key = [*keys(grain), *(["before"] if before else [])]
    of_source = ", ".join([*keys(grain), *([f"{before} AS before"] if before else [])])

    def taken(sign: str) -> str:
        return ", ".join(f"{sign}{m} AS {m}" for m in measures(grain))

    return f"""
    SELECT '{grain}', (SELECT count(*) FROM core.cube_{grain}), (SELECT count(*) FROM (
      SELECT FROM (
        SELECT {of_source}, {taken("")} FROM core.cube_work WHERE {entries(grain)}
        UNION ALL SELECT {of_source}, {taken("-")} FROM core.cube_fresh WHERE {entries(grain)}
        UNION ALL SELECT {", ".join(key)}, {taken("-")} FROM core.cube_{grain}
      ) every GROUP BY {", ".join(key)} HAVING {" OR ".join(f"sum({m}) <> 0" for m in measures(grain))}
    ) cells)"""


def folded(grain: str, source: str) -> str:
    """Rows of a grain from rows like the fresh ones."""
    before = GRAINS[grain][2]
    columns = [*keys(grain), *(["before"] if before else [])]
    grouped = [*keys(grain), *([before] if before else [])]
    sums = ", ".join(f"sum({m}) AS {m}" for m in measures(grain))
    taken = ", ".join([*keys(grain), *([f"{before} AS before"] if before else [])])
    return f"""({", ".join([*columns, *measures(grain)])})
      SELECT {taken}, {sums} FROM {source} WHERE {entries(grain)}
      GROUP BY {", ".join(grouped)} ORDER BY {", ".join(grouped)}"""


def merged(grain: str) -> str:
    target = ", ".join([*keys(grain), *(["md5(before)"] if GRAINS[grain][2] else [])])
    added = ", ".join(f"{m} = c.{m} + EXCLUDED.{m}" for m in measures(grain))
    return f"""INSERT INTO core.cube_{grain} AS c {folded(grain, "core.cube_fresh")}
      ON CONFLICT ({target}) DO UPDATE SET {added}"""


MAP_KEYS = "substance_group, span, resolution, cell, month_end, scope_id"
SUMS = ("events", "lines", "confirmed", "kg")


def deltas(source: str) -> str:
    """Per cell of resolution 5 and month. A record with several lines of a group is one event of that group."""
    return f"""
    SELECT substance_group, cell, month_end, scope_id,
      sum(CASE WHEN substance_group = ANY (string_to_array(before_groups, ',')) THEN 0 ELSE events END) AS events,
      sum(lines) AS lines, sum(confirmed) AS confirmed, sum(kg_exact + kg_converted) AS kg
    FROM {source} WHERE kind = 'seizure' AND entry IN ('e', 'l') AND cell IS NOT NULL
    GROUP BY substance_group, cell, month_end, scope_id"""


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


MAP_COLUMNS = f"({MAP_KEYS}, {', '.join(SUMS)})"
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

COLUMNS = ", ".join((*COMMON, *MEASURES))
WORK = f"""
  TRUNCATE core.cube_work;
  INSERT INTO core.cube_work ({COLUMNS}) SELECT {COLUMNS} FROM core.cube_source;"""

FOLD = f"""
-- What is fresh goes into the grains, in one statement: a reader sees it before or after, never twice or not at all.
-- Nothing happens below `enough` fresh rows, or while another folds.
CREATE FUNCTION core.fold_cube(enough bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
DECLARE
  folded bigint;
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM core.cube_fresh LIMIT enough) f) < enough THEN RETURN 0; END IF;
  IF NOT pg_try_advisory_xact_lock(7276824) THEN RETURN 0; END IF;
  WITH gone AS (DELETE FROM core.cube_fresh RETURNING 1)
    {"".join(f", into_{grain} AS ({merged(grain)})" for grain in GRAINS)}
    , map_delta AS MATERIALIZED ({deltas("core.cube_fresh")})
    , into_map AS (INSERT INTO core.cube_map AS c {MAP_COLUMNS} {cells("map_delta")}
        ON CONFLICT ({MAP_KEYS}) DO UPDATE SET {", ".join(f"{m} = c.{m} + EXCLUDED.{m}" for m in SUMS)})
  SELECT count(*) INTO folded FROM gone;
  RETURN folded;
END $$;
"""

REBUILD = f"""
-- From the reports anew. Filing goes on: what is filed after this transaction's snapshot stays fresh.
CREATE FUNCTION core.rebuild_cube() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET work_mem = '256MB' SET jit = off AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'repeatable read' THEN
    RAISE EXCEPTION 'the cube is rebuilt on one snapshot: REPEATABLE READ';
  END IF;
  IF NOT pg_try_advisory_xact_lock(7276824) THEN RAISE EXCEPTION 'the cube is being folded; try again'; END IF;
  INSERT INTO core.report_fact ({FACT}) {facts("core.report")} ON CONFLICT DO NOTHING;
  UPDATE core.report_fact f SET scope_id = r.scope_id, latest = r.latest FROM core.report r
    WHERE (r.record_id, r.version) = (f.record_id, f.version)
      AND (r.scope_id, r.latest) IS DISTINCT FROM (f.scope_id, f.latest);
  DELETE FROM core.cube_fresh;
  {WORK}
  {"".join(f"DELETE FROM core.cube_{g}; INSERT INTO core.cube_{g} {folded(g, 'core.cube_work')};" for g in GRAINS)}
  {REBUILD_MAP}
  TRUNCATE core.cube_work;
END $$;
"""

CHECK = f"""
-- How many cells each grain has, and in how many the cube and the reports differ: 0, or somebody has to know.
CREATE FUNCTION core.check_cube() RETURNS TABLE (grain text, cells bigint, differing bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, core SET work_mem = '256MB' SET jit = off AS $$
#variable_conflict use_column
BEGIN
  IF current_setting('transaction_isolation') <> 'repeatable read' THEN
    RAISE EXCEPTION 'the cube is checked on one snapshot: REPEATABLE READ';
  END IF;
  {WORK}
  RETURN QUERY {" UNION ALL ".join(difference(grain) for grain in GRAINS)}
  UNION ALL {MAP_DIFFERENCE};
  TRUNCATE core.cube_work;
END $$;
"""

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
