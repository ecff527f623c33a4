"""The figures: of each stage, agency and month the median and the 90th percentile; of each agency what it filed.

Read through views of times (migration 0038), which hold the caller's own country's records and nobody else's. A record
counts in the month of its first filing, unless it is retracted.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.timeliness.period import bounds
from service.timeliness.stages import STAGES
from service.trends.coverage import ranges

# Asked agency by agency, so that each is read from its index.
_FILED = """
filed AS MATERIALIZED (
  SELECT f.*, to_char(f.filed_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month
  FROM core.agency a CROSS JOIN LATERAL (
    SELECT * FROM shared.filing f WHERE f.agency = a.code AND f.filed_at >= :since AND f.filed_at < :until
  ) f
  WHERE a.country = :country AND f.status = 'reported'
)"""
_LAGS = text(f"""
WITH {_FILED}, examined AS MATERIALIZED (
  SELECT f.record_id, f.agency, f.month, f.filed_at, e.received, e.issued
  FROM filed f JOIN shared.exhibit_examined e USING (record_id) WHERE f.kind = 'analysis'
), lag AS (
  SELECT 'event-to-report' AS stage, agency, month, filed_at - event_at AS took FROM filed
    WHERE kind IN ('seizure', 'precursor_incident', 'clandestine_laboratory')
  UNION ALL SELECT 'report-to-log', f.agency, f.month, covered.at - f.filed_at FROM filed f
    LEFT JOIN core.log_leaf l ON (l.log, l.leaf_hash) = ('records', f.leaf_hash)
    LEFT JOIN LATERAL (SELECT c.at FROM core.log_checkpoint c
      WHERE c.log = 'records' AND c.size > l."index" ORDER BY c.size LIMIT 1) covered ON true
  UNION ALL SELECT 'exhibit-to-analysis', agency, month, (issued - received) * interval '24 hours' FROM examined
  UNION ALL SELECT 'analysis-to-filing', agency, month, filed_at - issued::timestamp AT TIME ZONE 'UTC'
    FROM (SELECT DISTINCT record_id, agency, month, filed_at, issued FROM examined) of_analysis
  UNION ALL SELECT 'report-to-result', f.agency, f.month, e.resulted_at - f.filed_at
    FROM filed f JOIN shared.line_examined e USING (record_id)
  UNION ALL SELECT 'request-to-answer', agency, to_char(asked_at AT TIME ZONE 'UTC', 'YYYY-MM'), settled_at - asked_at
    FROM shared.request_settled WHERE asked_at >= :since AND asked_at < :until
)
SELECT stage, agency, month, count(hours) AS n, count(*) - count(hours) AS without,
  percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY hours) AS at
FROM (
  SELECT stage, agency, month,
    CASE WHEN took IS NOT NULL THEN greatest(extract(epoch FROM took) / 3600, 0)::float8 END AS hours FROM lag
) measured
GROUP BY GROUPING SETS ((stage, agency, month), (stage, agency), (stage, month), (stage))
""")
_COVERAGE = text(f"""
WITH {_FILED}
SELECT a.code, a.type, a.name, last.filed_at, counted.month, counted.records, counted.zero
FROM core.agency a
LEFT JOIN LATERAL (SELECT f.filed_at FROM shared.filing f WHERE f.agency = a.code ORDER BY f.filed_at DESC LIMIT 1) last
  ON true
LEFT JOIN (
  SELECT agency, month, count(*) AS records, count(*) FILTER (WHERE kind = 'zero') AS zero FROM filed GROUP BY 1, 2
) counted ON counted.agency = a.code
WHERE a.country = :country ORDER BY a.code, counted.month
""")


async def lags(session: AsyncSession, country: str, months: list[str]) -> list[dict[str, Any]]:
    """Stage by stage; `agency` null: all agencies, `month` null: the whole period. In hours."""
    rows = (await session.execute(_LAGS, {"country": country, **bounds(months)})).all()
    found = [
        {
            "stage": row.stage,
            "agency": row.agency,
            "month": row.month,
            "n": row.n,
            "without": row.without,
            **dict(zip(("median", "p90"), _hours(row.at), strict=True)),
        }
        for row in rows
    ]
    return sorted(found, key=lambda lag: (STAGES.index(lag["stage"]), lag["agency"] or "", lag["month"] or ""))


async def coverage(session: AsyncSession, country: str, months: list[str]) -> list[dict[str, Any]]:
    """Of every agency of the country when it last filed, what in the period, and the months in which nothing."""
    rows = (await session.execute(_COVERAGE, {"country": country, **bounds(months)})).all()
    filed: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in rows:
        if row.month is not None:
            filed[row.code][row.month] = (row.records, row.zero)
    last: dict[str, datetime | None] = {row.code: row.filed_at for row in rows}
    return [
        {
            "agency": code,
            "type": kind,
            "name": name,
            "last_filed": last[code],
            "records": sum(records for records, _ in filed[code].values()),
            "zero_reports": sum(zero for _, zero in filed[code].values()),
            "reported": ranges([month for month in months if _beyond_zero(filed[code], month)]),
            "zero": ranges([month for month in filed[code] if not _beyond_zero(filed[code], month)]),
            "silent": ranges([month for month in months if month not in filed[code]]),
        }
        for code, kind, name in dict.fromkeys((row.code, row.type, row.name) for row in rows)
    ]


def _beyond_zero(filed: dict[str, tuple[int, int]], month: str) -> bool:
    records, zero = filed.get(month, (0, 0))
    return records > zero


def _hours(at: list[float | None] | None) -> list[float | None]:
    return [None if hours is None else round(hours, 4) for hours in at or (None, None)]
