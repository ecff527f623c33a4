"""A question as one SELECT over the visible rows, for what no grain of the cube holds: slower, and limited in time."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from service.policies.gate import Reach
from service.trends.parts import Labels, Statement, agency_type, conditions, key
from service.trends.question import Trend

_FACT = """record_id, version, owner, agency, month_end, day, cell, place_country, admin1, transport_mode, place_type,
  origin, transit, destination, certainty, concealment"""
# A concealment that is withheld is one NULL, one that nobody stated one empty text.
_CONCEALMENT = """LEFT JOIN LATERAL
        unnest(CASE WHEN f.concealment = '{}' THEN '{""}' ELSE f.concealment END) AS c(concealed) ON true"""
_SUMS = """count(DISTINCT record_id)::bigint AS events,
  count(line)::bigint AS lines, count(*) FILTER (WHERE status = 'CONF')::bigint AS confirmed,
  count(line) FILTER (WHERE kg IS NULL)::bigint AS unconvertible,
  trim_scale(coalesce(sum(kg) FILTER (WHERE exact), 0)) AS kg_exact,
  trim_scale(coalesce(sum(kg) FILTER (WHERE NOT exact), 0)) AS kg_converted,
  trim_scale(coalesce(sum(kg_low), 0)) AS kg_low, trim_scale(coalesce(sum(kg_high), 0)) AS kg_high,
  trim_scale(coalesce(sum(quantity) FILTER (WHERE unit = 'tablet'), 0)) AS tablets,
  trim_scale(coalesce(sum(quantity), 0)) AS quantity"""


def over_rows(
    question: Trend,
    labels: Labels,
    reach: Reach,
    most: int,
    *,
    apart: Sequence[UUID] = (),
    only: Sequence[UUID] | None = None,
) -> Statement:
    """Columns d0, d1, `part` (cell, owner or whole), `owner`, then the sums: of all records but those `apart`, or of
    `only` some. By `concealment`, the total has each line once, however many its record has. Raises InvalidBox.
    """
    named, values = _rows(question, labels, reach, apart=apart, only=only)
    keys = _keys(question)
    columns = ", ".join(f"{k} AS d{n}" for n, k in enumerate(keys))
    sums = f"{_SUMS}, min(month_end) AS first" if "first" in question.measures else _SUMS
    order = ", ".join(f"{n + 1} NULLS LAST" for n in range(len(keys)))
    sql = f"""
    WITH named AS ({named}),
    counted AS (SELECT {columns}, 'cell' AS part, NULL::text AS owner, {sums}
      FROM named GROUP BY {", ".join(keys)}),
    totals AS (SELECT {", ".join("NULL::text" for _ in keys)},
      CASE WHEN grouping(owner) = 0 THEN 'owner' ELSE 'whole' END AS part, owner, {sums}
      FROM {_once(keys)} GROUP BY GROUPING SETS ((owner), ()))
    SELECT * FROM counted UNION ALL SELECT * FROM totals WHERE events > 0 ORDER BY {order} LIMIT {most}
    """
    return Statement(sql, values)


def cells_in_rows(
    question: Trend, labels: Labels, reach: Reach, among: int, *, apart: Sequence[UUID] = ()
) -> Statement:
    """How many cells there are among so many rows: as many at least are in the answer. Raises InvalidBox."""
    named, values = _rows(question, labels, reach, apart=apart)
    keys = ", ".join(_keys(question))
    return Statement(f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM ({named} LIMIT {among}) named) found", values)


def _keys(question: Trend) -> list[str]:
    return ["concealed" if name == "concealment" else key(name, question.resolution) for name in question.dimensions]


def _rows(
    question: Trend, labels: Labels, reach: Reach, *, apart: Sequence[UUID], only: Sequence[UUID] | None = None
) -> tuple[str, dict[str, Any]]:
    """One SELECT of the visible rows, a line each, and its parameters."""
    found, values = conditions(question)
    if question.concealment is not None:
        found.append(":concealment = ANY (concealment)")
        values["concealment"] = question.concealment
    if (box := question.box()) is not None:
        halves = []
        for number, half in enumerate(box.halves):
            corners = {f"{side}{number}": getattr(half, side) for side in ("west", "south", "east", "north")}
            names = ", ".join(f":{name}" for name in corners)
            halves.append(f"p.position OPERATOR(gate.&&) public.ST_MakeEnvelope({names}, 4326)")
            values |= corners
        found.append(f"record_id IN (SELECT p.record_id FROM shared.report_placed p WHERE {' OR '.join(halves)})")
    if only is not None:
        found.append("record_id = ANY (:only)")
        values["only"] = list(only)
    if apart:
        found.append("record_id <> ALL (:apart)")
        values["apart"] = list(apart)
    views = [
        v
        for v, levels in (("", ("instant", "day", "month")), ("_undated", ("undated",)))
        if _given(reach, levels, question)
    ]
    facts = (
        " UNION ALL ".join(
            f"SELECT {_FACT} FROM shared.report_fact{view} WHERE kind = 'seizure' AND {' AND '.join(found) or 'true'}"
            for view in views
        )
        or f"SELECT {_FACT} FROM shared.report_fact WHERE false"
    )
    concealed = "concealment" in question.dimensions
    sql = f"""SELECT f.*, {"concealed," if concealed else ""} {_LINE}, {_name(labels)} AS name{agency_type(question)}
      FROM ({facts}) f {_CONCEALMENT if concealed else ""} {_lines(question, labels, values)}"""
    return sql, values | labels.values()


_LINE = """l.line, l.substance, l.status, l.unit, l.rule, l.kg, l.kg_low, l.kg_high, l.quantity,
      l.rule IN ('mass', 'named-mass', 'measured-mass') AS exact"""


def _given(reach: Reach, levels: tuple[str, ...], question: Trend) -> bool:
    needed = question.needs()
    if "undated" in levels and question.period is not None:
        return False
    return any(reach.levels[level] and reach.levels[level] & needed == needed for level in levels)


def _lines(question: Trend, labels: Labels, values: dict[str, object]) -> str:
    join = "LEFT JOIN shared.report_line l ON (l.record_id, l.version) = (f.record_id, f.version)"
    if not question.about_lines:
        return join
    kept = ["true"]
    if labels.kept is not None:
        kept.append("l.substance = ANY (:kept)")
    if question.status is not None:
        kept.append("l.status = :status")
        values["status"] = question.status
    return f"{join.removeprefix('LEFT ')} WHERE {' AND '.join(kept)}"


def _name(labels: Labels) -> str:
    return "l.substance" if labels.names is None else "coalesce(CAST(:names AS jsonb) ->> l.substance, l.substance)"


def _once(keys: list[str]) -> str:
    """Each line once, however many concealments its record has."""
    if "concealed" not in keys:
        return "named"
    return "(SELECT DISTINCT ON (record_id, line) * FROM named) once"
