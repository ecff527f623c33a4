"""A question as one SELECT over the cube: the folded rows of one grain and the fresh rows, summed together.

A record with several lines is one event: a line counts an event unless a line before it in its record is in the same
cell too (for the total: in the question too).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from service.policies.gate import Reach
from service.trends.grains import COUNTING, PERSON, Grain
from service.trends.parts import COLUMNS, Labels, Statement, agency_type, conditions, grouped, key
from service.trends.question import LINES, Trend

_SUMS = ("lines", "confirmed", "unconvertible", "kg_exact", "kg_converted", "kg_low", "kg_high", "tablets")
DECIMALS = ("kg_exact", "kg_converted", "kg_low", "kg_high", "tablets", "quantity")
# Counts, and sums: these keep the decimals of what has been taken away again, so they are trimmed.
_SUM = {False: "sum({0})::bigint", True: "trim_scale(sum({0}))"}
_REPORTS = "coalesce(sum(events) FILTER (WHERE label IS NULL), 0)"
_FILTERS = ("country", "admin1", "transport", "place_type", "status")


def grain_for(question: Trend) -> Grain | None:
    """The smallest grain that has every column of the question; None where only the rows have them all."""
    if question.measures == ("persons",):
        return PERSON
    asked = {*question.dimensions, *(name for name in _FILTERS if getattr(question, name) is not None)}
    if "concealment" in asked or question.concealment or question.bbox:
        return None
    columns = {COLUMNS[name] for name in asked if name in COLUMNS}
    if "day" in asked or not question.whole_months:
        columns.add("day")
    if "substance" in asked or question.substance is not None:
        columns.add("substance")
    return next((grain for grain in COUNTING if columns <= {*grain.columns}), None)


def over_cube(
    question: Trend,
    grain: Grain,
    labels: Labels,
    reach: Reach,
    most: int,
    *,
    persons_of: Sequence[UUID] | None = None,
) -> Statement:
    """Columns d0, d1, `part` (cell, owner or whole), `owner`, then the sums; of an owner and of the whole each event
    counts once, in however many cells it is. At most `most` rows, in order. `first`, where it is asked for, is the end
    of the first month with any.

    `persons_of`: of the grain of persons, those of these records alone, each read by itself.
    """
    where, values = _where(question, labels)
    sources = [_folded(grain), _fresh(grain)]
    if persons_of is not None:
        where += " AND record_id = ANY (:persons_of)"
        values["persons_of"] = list(persons_of)
        sources = [Source("report_person")]
    keys = ", ".join(f"{key(name, question.resolution)} AS d{n}" for n, name in enumerate(question.dimensions))
    in_groups = [of for name in question.dimensions for of in grouped(name, question.resolution)]
    names = ", ".join(f"d{n}" for n in range(len(question.dimensions)))
    sums = _sums(question, grain, labels)
    summed = {name: _SUM[name in DECIMALS].format(name) for name in sums if name != "in_question"}
    apart, number = ["owner"], "persons" if grain is PERSON else "events"
    if "first" in question.measures:  # only of months can be told in which of them anything is left
        apart.append("month_end")
        summed["first"] = "min(month_end)"
    once = summed | ({number: _SUM[False].format("in_question")} if "in_question" in sums else {})
    anything = "sum(persons) <> 0" if grain is PERSON else f"sum(lines) <> 0 OR {_REPORTS} <> 0"
    sql = f"""
    WITH part AS ({_parts(question, grain, reach, where, sources)}),
    named AS (SELECT part.*, {_name(grain, labels)} AS name{agency_type(question)} FROM part),
    summed AS (SELECT {keys}, {", ".join(apart)}, {_columns(sums)} FROM named
      GROUP BY {", ".join(dict.fromkeys([*in_groups, *apart]))} HAVING {anything}),
    cells AS (SELECT {names}, 'cell' AS part, NULL::text AS owner, {_columns(summed)} FROM summed GROUP BY {names}),
    totals AS (SELECT {", ".join("NULL::text" for _ in question.dimensions)},
      CASE WHEN grouping(owner) = 0 THEN 'owner' ELSE 'whole' END AS part, owner, {_columns(once)}
      FROM summed GROUP BY GROUPING SETS ((owner), ()))
    SELECT * FROM cells UNION ALL SELECT * FROM totals WHERE {number} > 0
    ORDER BY {", ".join(f"{n + 1} NULLS LAST" for n in range(len(question.dimensions)))} LIMIT {most}"""
    return Statement(sql, values | labels.values())


def cells_in_cube(question: Trend, grain: Grain, labels: Labels, reach: Reach, among: int) -> Statement:
    """How many cells there are among so many rows of the cube: as many at least are in the answer. A folded row is of
    records that stood, and only what is fresh can have taken them away since.
    """
    where, values = _where(question, labels)
    keys = ", ".join(key(name, question.resolution) for name in question.dimensions)

    def cells(source: Source, most: str) -> str:
        part = _parts(question, grain, reach, where, [source])
        return (
            f"SELECT {keys} FROM (SELECT part.*, {_name(grain, labels)} AS name{agency_type(question)}"
            f" FROM ({part}) part {most}) named"
        )

    there = Source(f"cube_{grain.name}", "before", "(events <> 0 OR lines <> 0)")
    gone = Source("cube_fresh", grain.before, f"{_fresh(grain).which} AND (events < 0 OR lines < 0)")
    sql = f"SELECT count(*) FROM (({cells(there, f'LIMIT {among}')}) EXCEPT ({cells(gone, '')})) found"
    return Statement(sql, values | labels.values())


def _where(question: Trend, labels: Labels) -> tuple[str, dict[str, Any]]:
    found, values = conditions(question)
    if question.about_lines:
        found.append("label IS NOT NULL" if labels.kept is None else "label = ANY (:kept)")
    if question.status is not None:
        found.append("status = :status")
        values["status"] = question.status
    return " AND ".join(found) or "true", values


class Source(NamedTuple):
    """A view of `shared`, what stands in it for `before`, and which of its rows."""

    view: str
    before: str | None = "before"
    which: str = "true"


def _folded(grain: Grain) -> Source:
    return Source(f"cube_{grain.name}")


def _fresh(grain: Grain) -> Source:
    entries = "entry = 'p'" if grain is PERSON else "kind = 'seizure' AND entry IN ('e', 'l')"
    return Source("cube_fresh", grain.before, entries)


def _parts(question: Trend, grain: Grain, reach: Reach, where: str, sources: Sequence[Source]) -> str:
    """The rows that the question keeps, of scopes with a time and of scopes without."""
    needed, parts = question.needs(), []
    for suffix, levels in (("", ("instant", "day", "month")), ("_undated", ("undated",))):
        given = [reach.levels[level] for level in levels]
        if not any(mask and mask & needed == needed for mask in given):
            continue
        if suffix and question.period is not None:
            continue  # what has no time is in no period
        parts += [_part(grain, source, suffix, where) for source in sources]
    return " UNION ALL ".join(parts) or _part(grain, sources[0]._replace(which="false"), "", where)


def _part(grain: Grain, source: Source, suffix: str, where: str) -> str:
    columns = ["owner", "agency", "month_end", *grain.columns]
    if grain is PERSON:
        measured = ["persons", "NULL AS label"]
    else:
        quantity = ["quantity"] if grain.name == "reported" else []
        measured = [f"{grain.label} AS label", f"{source.before} AS before", "events", *_SUMS, *quantity]
    inner = f"SELECT *, {grain.label or 'NULL'} AS label FROM shared.{source.view}{suffix}"
    return f"SELECT {', '.join([*columns, *measured])} FROM ({inner}) v WHERE {source.which} AND {where}"


def _name(grain: Grain, labels: Labels) -> str:
    if grain is PERSON:
        return "NULL"
    return "label" if labels.names is None else "coalesce(CAST(:names AS jsonb) ->> label, label)"


def _sums(question: Trend, grain: Grain, labels: Labels) -> dict[str, str]:
    """Of each cell: its sums, and the events that no other cell of the question counts where these are fewer."""
    if grain is PERSON:
        return {"persons": _SUM[False].format("persons")}
    in_cell = in_question = "CASE WHEN label IS NULL THEN events END"
    if question.about_lines:
        in_cell, in_question = _first(_in_cell(question, grain, labels)), _first(_in_question(grain, labels, question))
    found = {"events": f"coalesce(sum({in_cell}), 0)::bigint"}
    if set(LINES) & set(question.dimensions):  # else each event is in one cell
        found["in_question"] = f"sum({in_question})::bigint"
    found |= {m: _SUM[False].format(m) for m in ("lines", "confirmed", "unconvertible")}
    return found | {m: _SUM[True].format(m) for m in _asked(question)}


def _columns(values: dict[str, str]) -> str:
    return ", ".join(f"{value} AS {name}" for name, value in values.items())


def _asked(question: Trend) -> list[str]:
    """The sums of decimals that the answer tells."""
    others = [m for m in DECIMALS[4:] if m in question.measures]
    return [*DECIMALS[:4], *others]


def _first(condition: str) -> str:
    """The events of a line that no line before it in its record counts already."""
    earlier = f"EXISTS (SELECT FROM unnest(string_to_array(before, ',')) e WHERE {condition})"
    return f"CASE WHEN before IS NULL THEN events WHEN {earlier} THEN 0 ELSE events END"


def _in_question(grain: Grain, labels: Labels, question: Trend) -> str:
    conditions = ["true" if labels.kept is None else f"{_part_of('e', grain, 1)} = ANY (:kept)"]
    if question.status is not None:
        conditions.append(f"{_part_of('e', grain, 2)} = :status")
    return " AND ".join(conditions)


def _in_cell(question: Trend, grain: Grain, labels: Labels) -> str:
    conditions = [_in_question(grain, labels, question)]
    code = _part_of("e", grain, 1)
    for name in question.dimensions:
        if name in ("substance", "group"):
            named = code if labels.names is None else f"coalesce(CAST(:names AS jsonb) ->> {code}, {code})"
            conditions.append(f"{named} = name")
        elif name in ("status", "unit", "rule"):
            place = ("substance", "status", "unit", "rule").index(name) + 1
            conditions.append(f"{_part_of('e', grain, place)} = {name}")
    return " AND ".join(conditions)


def _part_of(word: str, grain: Grain, number: int) -> str:
    """`before` of the grain `reported` holds substance:status:unit:rule, of the others the label."""
    return f"split_part({word}, ':', {number})" if grain.name == "reported" else word
