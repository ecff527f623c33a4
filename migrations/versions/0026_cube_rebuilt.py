"""The cube is rebuilt and checked from one reading of the reports, and the map's grain from fine to coarse.

Until now every grain read all reports again, and every line looked eleven times at those before it. `core.cube_work`
holds what the reports say while the grains are made or compared; nobody reads it, and it is empty in between. Both need
one snapshot, as they have several statements.
"""

import re

from alembic import op

revision = "0026"
down_revision = "0025"

COLUMNS = """entry, scope_id, month_end, kind, day, cell, place_country, admin1, transport_mode, place_type, origin,
  transit, destination, certainty, substance_group, substance, status, unit, rule, before_groups, before_substances,
  before_reported, person_role, sex, age_band, events, lines, confirmed, kg_exact, kg_converted, kg_low, kg_high,
  unconvertible, tablets, quantity, persons"""
WORK = """
CREATE UNLOGGED TABLE core.cube_work (LIKE core.cube_fresh INCLUDING DEFAULTS);
ALTER TABLE core.cube_work DROP COLUMN id;
ALTER TABLE core.cube_work ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, TRUNCATE ON core.cube_work TO gate_counter;
CREATE POLICY counted ON core.cube_work TO gate_counter USING (true) WITH CHECK (true);
"""
FILLED = f"""
  TRUNCATE core.cube_work;
  INSERT INTO core.cube_work ({COLUMNS}) SELECT {COLUMNS} FROM core.cube_source;
"""

SUMS = ("events", "lines", "confirmed", "kg")
INTO = f"INSERT INTO core.cube_map (substance_group, span, resolution, cell, month_end, scope_id, {', '.join(SUMS)})"
SUMMED = ", ".join(f"sum({m})" for m in SUMS)
MAP = f"""
  DELETE FROM core.cube_map;
  {INTO} SELECT substance_group, 'm', 5, cell, month_end, scope_id,
      sum(CASE WHEN substance_group = ANY (string_to_array(before_groups, ',')) THEN 0 ELSE events END),
      sum(lines), sum(confirmed), sum(kg_exact + kg_converted)
    FROM core.cube_work WHERE kind = 'seizure' AND entry IN ('e', 'l') AND cell IS NOT NULL
    GROUP BY substance_group, cell, month_end, scope_id ORDER BY substance_group, cell, month_end, scope_id;
  FOR coarser IN REVERSE 4..2 LOOP
    {INTO} SELECT substance_group, 'm', coarser, core.h3_parent(cell, coarser), month_end, scope_id, {SUMMED}
      FROM core.cube_map WHERE span = 'm' AND resolution = coarser + 1
      GROUP BY substance_group, core.h3_parent(cell, coarser), month_end, scope_id
      ORDER BY substance_group, core.h3_parent(cell, coarser), month_end, scope_id;
  END LOOP;
  {INTO} SELECT substance_group, 'y', resolution, cell,
      make_date(extract(year FROM month_end)::integer, 12, 31) AS year_end, scope_id, {SUMMED}
    FROM core.cube_map WHERE span = 'm'
    GROUP BY substance_group, resolution, cell, year_end, scope_id
    ORDER BY substance_group, resolution, cell, year_end, scope_id;
  TRUNCATE core.cube_work;
END"""
SNAPSHOT = """
  IF current_setting('transaction_isolation') <> 'repeatable read' THEN
    RAISE EXCEPTION 'the cube is checked on one snapshot: REPEATABLE READ';
  END IF;"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(WORK)
    definition, body = _function("rebuild_cube")
    changed = re.sub(r"\n\s*DELETE FROM core\.cube_map;.*END", lambda _: MAP, body, flags=re.DOTALL)
    changed = changed.replace("core.cube_source", "core.cube_work")
    changed = changed.replace("DELETE FROM core.cube_fresh;", f"DELETE FROM core.cube_fresh;{FILLED}", 1)
    if changed.count("core.cube_source") != 1 or "coarser" not in changed:
        raise RuntimeError("core.rebuild_cube is not what migration 0017 made of it")
    run(definition.replace(body, changed).replace("%", "%%"))
    _, body = _function("check_cube")
    compared = body.strip().removesuffix(";").replace("core.cube_source", "core.cube_work").replace("%", "%%")
    run(f"""
    CREATE OR REPLACE FUNCTION core.check_cube() RETURNS TABLE (grain text, cells bigint, differing bigint)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, core SET work_mem = '256MB' SET jit = off
    AS $$
    #variable_conflict use_column
    BEGIN {SNAPSHOT}
      {FILLED}
      RETURN QUERY {compared};
      TRUNCATE core.cube_work;
    END $$;
    """)


def _function(name: str) -> tuple[str, str]:
    """The definition of a function of `core` and its body."""
    definition, body = (
        op.get_bind()
        .exec_driver_sql(
            f"SELECT pg_get_functiondef(p.oid), p.prosrc FROM pg_proc p WHERE p.oid = 'core.{name}()'::regprocedure"
        )
        .one()
    )
    return definition, body


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
