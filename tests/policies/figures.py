"""What stands beside reports: their own tables, the cube, and what may only be counted; each against what is told.

Every report counts in the cube for another power of two, so that a sum tells which ones are in it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.policies.random_gate import Stage

ITEMS, PERSONS, PURITY, MONTH, DATED, CELL = 1 << 9, 1 << 12, 1 << 16, 1 << 4, 7 << 20, 0b11 << 5
# One row for each report, whatever its kind.
BESIDE = {
    "analysis": ("techniques, exhibits", "'{}', '{}'"),
    "finding": ("line, role, level", "1, 'MAIN', 'IDENTIFIED'"),
    "content": ("n, line, value, unit, basis", "1, 1, 1, '%', 'BASE'"),
    "exhibit_link": ("exhibit, substances", "'X', '{}'"),
}
# The grains of the cube whose rows with a label count lines, and without one records.
GRAINS = {
    **dict.fromkeys(("group", "carriage", "cell", "day", "flow"), "substance_group"),
    **dict.fromkeys(("substance", "place", "reported"), "substance"),
}
LEVELS = ("", "_undated")
_COUNTED = """FROM core.report r JOIN weight w USING (record_id)
  WHERE r.latest AND r.kind = 'seizure' AND r.status = 'reported' GROUP BY r.scope_id, r.month_end"""


def stand(stage: "Stage") -> None:
    """Puts all that there."""
    for table, (columns, values) in BESIDE.items():
        stage.run(
            f"INSERT INTO core.{table} (record_id, version, scope_id, month_end, {columns})"
            f" SELECT record_id, version, scope_id, month_end, {values} FROM core.report WHERE latest"
            " ON CONFLICT DO NOTHING"
        )
    stage.run("CREATE TEMPORARY TABLE IF NOT EXISTS weight (record_id uuid, weight bigint) ON COMMIT DROP")
    stage.run("DELETE FROM weight")
    for number, report in enumerate(stage.situation.reports):
        stage.run("INSERT INTO weight VALUES (CAST(:r AS uuid), :w)", r=report.id, w=1 << number)
    stage.run("""UPDATE core.report_fact f SET persons = jsonb_build_array(jsonb_build_object('n', w.weight))
      FROM weight w WHERE w.record_id = f.record_id""")
    stage.run("DELETE FROM core.cube_fresh")
    stage.run(f"""INSERT INTO core.cube_fresh (entry, scope_id, month_end, kind, events, persons)
      SELECT e, x.scope_id, x.month_end, 'seizure', x.events, x.events FROM (
        SELECT r.scope_id, r.month_end, sum(w.weight) AS events {_COUNTED}) x, unnest('{{e,l,p}}'::text[]) e""")
    _fill(stage, "kind", "kind, events", "'seizure'")
    _fill(stage, "person", "persons", "")
    _fill(stage, "map", "span, resolution, cell, events", "'m', 5, 'x'")
    for span, label in (("y", "NULL"), ("a", "NULL"), ("m", "'x'")):
        stage.run(
            "INSERT INTO core.cube_map (scope_id, month_end, span, resolution, cell, substance_group, events)"
            f" SELECT scope_id, month_end, '{span}', resolution, cell, {label}, events FROM core.cube_map"
            " WHERE span = 'm' AND substance_group IS NULL"
        )
    stage.run("DELETE FROM core.cube_content")
    stage.run(f"""INSERT INTO core.cube_content (scope_id, month_end, unit, basis, contents)
      SELECT r.scope_id, r.month_end, 'x', 'x', ARRAY[sum(w.weight)] {_COUNTED}""")
    for grain, label in GRAINS.items():
        _fill(stage, grain, f"{label}, events", "NULL")
        stage.run(
            f"INSERT INTO core.cube_{grain} (scope_id, month_end, {label}, events)"
            f" SELECT scope_id, month_end, 'x', events FROM core.cube_{grain}"
        )


def _fill(stage: "Stage", grain: str, columns: str, value: str) -> None:
    values = f"{value}, " if value else ""
    stage.run(f"DELETE FROM core.cube_{grain}")
    stage.run(
        f"INSERT INTO core.cube_{grain} (scope_id, month_end, {columns})"
        f" SELECT r.scope_id, r.month_end, {values}sum(w.weight) {_COUNTED}"
    )


# (what is counted, the view, its rows)
ASKED = {
    "kind": ("events", "cube_kind", ""),
    "person": ("persons", "cube_person", ""),
    **{grain: ("events", f"cube_{grain}", f" WHERE {label} IS NULL") for grain, label in GRAINS.items()},
    **{f"{grain} lines": ("lines", f"cube_{grain}", f" WHERE {label} IS NOT NULL") for grain, label in GRAINS.items()},
    "fresh": ("events", "cube_fresh", " WHERE entry = 'e'"),
    "fresh lines": ("lines", "cube_fresh", " WHERE entry = 'l'"),
    "fresh persons": ("persons", "cube_fresh", " WHERE entry = 'p'"),
    "map": ("cells", "cube_map", " WHERE span = 'm' AND substance_group IS NULL"),
    "map lines": ("cell lines", "cube_map", " WHERE substance_group IS NOT NULL"),
    "map of years": ("whole cells", "cube_map", " WHERE span = 'y'"),
    "map of all": ("whole cells", "cube_map", " WHERE span = 'a'"),
    "of each": ("persons", "report_person", ""),
    "content": ("contents", "cube_content", ""),
}
_SUMMED = {"persons": "sum(persons)", "contents": "sum(contents[1])"}
SUMS = " UNION ALL ".join(
    f"SELECT '{name}{level}', coalesce({_SUMMED.get(what, 'sum(events)')}, 0) FROM shared.{view}{level}{where}"
    for level in LEVELS
    for name, (what, view, where) in ASKED.items()
)


def wrong(stage: "Stage", told: Mapping[Any, Any]) -> Iterator[str]:
    """What the reader at hand is given otherwise than `told`."""
    sums, facts, countable = _expected(stage, told)
    stage.run("SET LOCAL ROLE sarhad_read")
    found = {name: int(total) for name, total in stage.run(SUMS)}
    if found != sums:
        yield f"figures {found.items() - sums.items()}, told {sums.items() - found.items()}"
    for level in LEVELS:
        rows = sorted(map(str, stage.run(f"SELECT record_id FROM shared.report_fact{level}").scalars()))
        if rows != sorted(facts[level]):
            yield f"facts{level} {rows}, told {facts[level]}"
    stage.run("RESET ROLE")
    stage.run("SET LOCAL ROLE gate_aggregate")
    no_reports = {r.id for r in stage.situation.reports if (r.scope.kind, r.status) != ("seizure", "reported")}
    for table in ("report", "report_line"):  # a line is read through its report alone
        rows = sorted(map(str, stage.run(f"SELECT record_id FROM core.{table}").scalars()))
        if [row for row in rows if table == "report" or row not in no_reports] != sorted(countable):
            yield f"{table}s to count {rows}, told {countable}"
    stage.run("RESET ROLE")


def _expected(stage: "Stage", told: Mapping[Any, Any]) -> tuple[dict[str, int], dict[str, set[str]], set[str]]:
    seen, countable = Counter[tuple[str, str]](), set()
    facts: dict[str, set[str]] = {level: set() for level in LEVELS}
    for number, report in enumerate(stage.situation.reports):
        sight = told[report.scope]
        if sight is None or (report.scope.kind, report.status) != ("seizure", "reported"):
            continue
        if not sight.shows(report.month_end, stage.situation.now.date()):
            continue
        mask = sight.mask()
        if sight.gives == "aggregates" and mask & ITEMS and mask & MONTH:
            countable.add(report.id)
        if sight.gives != "rows":
            continue
        level = "" if mask & DATED else "_undated"
        facts[level].add(report.id)
        cells, whole = mask & CELL, sight.delay == 0 and sight.since is None and sight.until is None
        for what, given in (
            *(("events", True), ("lines", mask & ITEMS), ("persons", mask & PERSONS)),
            *(("cells", cells), ("cell lines", cells and mask & ITEMS), ("whole cells", cells and whole)),
            ("contents", mask & PURITY),
        ):
            seen[level, what] += 1 << number if given else 0
    sums = {f"{name}{level}": seen[level, what] for level in LEVELS for name, (what, _, _) in ASKED.items()}
    return sums, facts, countable
