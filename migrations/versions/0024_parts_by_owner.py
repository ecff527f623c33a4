"""Figures under disclosure control come by owner: each owner's part of a cell is judged and disturbed by itself."""

from alembic import op

revision = "0024"
down_revision = "0023"

_COLUMNS = """period text, place text, substance text, owner char(2), events bigint, weighed bigint, kg numeric,
  largest numeric[], agency_largest numeric, key_sum bigint"""


def cells(view: str, least: int) -> str:
    """The true figures of each owner's part of the cells of one table over the lines of `view`, from `least` events. An
    unknown level gives no cell, and neither does a place that is not stated.
    """
    return f"""
  WITH contribution AS (
    SELECT cell.period, cell.place, cell.substance, left(l.agency, 2)::char(2) AS owner, l.record_id, l.agency,
      sum(l.kg) AS kg
    FROM {view} l
    JOIN gate.substance_classes() s ON s.code = l.substance
    CROSS JOIN LATERAL (SELECT
      CASE time_level WHEN 'year' THEN to_char(l.at_month AT TIME ZONE 'UTC', 'YYYY')
        WHEN 'quarter' THEN to_char(l.at_month AT TIME ZONE 'UTC', 'YYYY-"Q"Q')
        WHEN 'month' THEN to_char(l.at_month AT TIME ZONE 'UTC', 'YYYY-MM') END AS period,
      CASE place_level WHEN 'region' THEN '*' WHEN 'country' THEN l.place_country::text
        WHEN 'admin1' THEN l.admin1 END AS place,
      CASE substance_level WHEN 'all' THEN '*' WHEN 'group' THEN s.policy_group WHEN 'class' THEN s.class
        WHEN 'substance' THEN l.substance END AS substance) cell
    WHERE l.at_month >= first_month::timestamp AT TIME ZONE 'UTC'
      AND l.at_month <= last_month::timestamp AT TIME ZONE 'UTC'
      AND cell.period IS NOT NULL AND cell.place IS NOT NULL AND cell.substance IS NOT NULL
    GROUP BY cell.period, cell.place, cell.substance, l.record_id, l.agency
  ), agency AS (
    SELECT c.period, c.place, c.substance, c.owner, max(c.kg) AS kg
    FROM (SELECT i.period, i.place, i.substance, i.owner, sum(i.kg) AS kg FROM contribution i
          GROUP BY i.period, i.place, i.substance, i.owner, i.agency) c
    GROUP BY c.period, c.place, c.substance, c.owner
  )
  SELECT c.period, c.place, c.substance, c.owner, count(*), count(c.kg), coalesce(sum(c.kg), 0),
    coalesce((array_agg(c.kg ORDER BY c.kg DESC) FILTER (WHERE c.kg IS NOT NULL))[1:2], '{{}}'),
    coalesce(max(a.kg), 0), mod(sum(gate.record_key(c.record_id)), 4294967296)::bigint
  FROM contribution c JOIN agency a USING (period, place, substance, owner)
  GROUP BY c.period, c.place, c.substance, c.owner
  HAVING count(*) >= {least}
  ORDER BY c.period COLLATE "C", c.place COLLATE "C", c.substance COLLATE "C", c.owner COLLATE "C";
"""


FUNCTIONS = f"""
DROP FUNCTION gate.publication_cells(uuid, text, text, text, date, date);
DROP FUNCTION gate.aggregate_cells(text, text, text, date, date);

-- One table of a proposed publication, over the records of the owners that approved it.
CREATE FUNCTION gate.publication_cells(
  publication uuid, time_level text, place_level text, substance_level text, first_month date, last_month date)
RETURNS TABLE ({_COLUMNS})
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core, shared, gate AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('sarhad.publication', publication::text, true);
  RETURN QUERY {cells("shared.publication_line", 10)}
END $$;
REVOKE ALL ON FUNCTION gate.publication_cells(uuid, text, text, text, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.publication_cells(uuid, text, text, text, date, date) TO sarhad_write;

-- One table over the records that the reader may count and not see.
CREATE FUNCTION gate.aggregate_cells(
  time_level text, place_level text, substance_level text, first_month date, last_month date)
RETURNS TABLE ({_COLUMNS})
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core, shared, gate AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY {cells("shared.aggregate_line", 5)}
END $$;
REVOKE ALL ON FUNCTION gate.aggregate_cells(text, text, text, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.aggregate_cells(text, text, text, date, date) TO sarhad_read;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(FUNCTIONS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
