"""`sarhad trends`: figures over what is shared with you, as a table with a line of their course."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from sarhad.cli.filters import TRENDS, ByOption, MeasureOption, takes
from sarhad.cli.output import (
    CaseOption,
    JsonOption,
    ProfileOption,
    PurposeOption,
    connect,
    console,
    kilograms,
    labelled,
    show_json,
    show_table,
)
from sarhad.cli.words import later, say
from sarhad.profile import Profile

BARS = "▁▂▃▄▅▆▇█"
UNREPORTED, UNSHARED = "·", "×"  # instead of a bar
TIMES = ("day", "month", "quarter", "year")
MEASURES = ("seizures", "items", "kg", "quantity", "tablets", "persons", "first")
APART = {"purity": ("unit", "basis"), "price": ("level", "currency", "per")}  # never in one quartile
WITHHELD, ABSENT = later("(not disclosed)"), later("(not stated)")
SILENT, APART_FROM_YOU = later("shares, and reported nothing"), later("does not share with you")


@takes(TRENDS)
def trends(
    filters: dict[str, Any],
    by: ByOption = "month",
    measure: MeasureOption = "seizures,kg",
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count and sum what is shared with you, by one or two dimensions.

    Example: sarhad trends --by month,substance --measure kg --from 2025-01 --to 2026-01

    Example: sarhad trends --by month --group heroin-opiates --changes

    Example: sarhad trends --by cell --resolution 3 --country TJ

    Example: sarhad trends --measure purity --by quarter --group heroin-opiates

    Example: sarhad trends --measure price --by quarter,substance --group heroin-opiates
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        answer = client.trends(by=by, measure=measure, **filters)
    if as_json:
        show_json(answer)
        return
    if measure in APART:
        told = (*APART[measure], "n", "q1", "median", "q3")
        show_table((*answer["by"], *told), _quartiles(answer["cells"], measure, told))
        silences(answer)
        return
    names = [name for name in MEASURES if name in measure.split(",")]
    compare = answer["question"].get("compare")
    head = (*answer["by"], *names, *_compared(compare, names))
    show_table(head, (_row(cell, names, compare) for cell in answer["cells"]))
    drawn = courses(answer, names[0]) if names[0] != "first" else {}
    for unit, values in drawn.items():
        console.print(f"{sparkline(values)}  {unit} {names[0]}", markup=False)
    for mark, meaning in ((UNREPORTED, SILENT), (UNSHARED, APART_FROM_YOU)):
        if any(mark in values for values in drawn.values()):
            console.print(f"{mark}  {say(meaning)}", markup=False)
    for change in answer.get("changes", {}).get("found", ()):
        unit = " ".join(str(part) for part in change["unit"])
        console.print(
            say(
                "level changed {at}: {before} → {after} {unit}",
                at=change["at"],
                before=change["before"],
                after=change["after"],
                unit=unit,
            ),
            markup=False,
        )
    silences(answer)


def sparkline(values: Sequence[float | str]) -> str:
    """One bar a value, from zero to the largest; a mark stands as it is."""
    most = max((value for value in values if not isinstance(value, str)), default=0)
    scale = (len(BARS) - 1) / most if most else 0
    return "".join(value if isinstance(value, str) else BARS[round(value * scale)] for value in values)


def courses(answer: dict[str, Any], measure: str) -> dict[str, list[float | str]]:
    """Per unit its value in every period of the question, in order, or what its silence there means; by owner also of
    those that share nothing. Nothing where the question is not over time.
    """
    time = next((name for name in answer["by"] if name in TIMES), None)
    cells = [cell for cell in answer["cells"] if time and cell["key"][time]]
    if time is None or not cells:
        return {}
    order = _periods(answer["question"], time, {cell["key"][time] for cell in cells})
    places = {period: place for place, period in enumerate(order)}
    owners = {owner["owner"]: owner for owner in answer["coverage"]["owners"]}
    found: dict[str, list[float | str]] = {}
    for cell in cells:
        key = cell["key"]
        unit = " ".join(word(value) for name, value in key.items() if name != time)
        if unit not in found:
            asked = [owners[key["owner"]]] if "owner" in key else owners.values()
            found[unit] = [_silence(asked, period) for period in order]
        found[unit][places[key[time]]] = float(cell[measure])
    if "owner" in answer["by"]:
        found |= {name: [UNSHARED] * len(order) for name, owner in owners.items() if not owner["shares"]}
    return found


def _silence(owners: Iterable[dict[str, Any]], period: str) -> float | str:
    """What no cell means: zero where any of them reported in that period."""
    since, until = _months(period)
    sharing = [owner for owner in owners if owner["shares"]]
    if any(first <= until and last >= since for o in sharing for first, last in o["reported"] + o["zero"]):
        return 0.0
    return UNREPORTED if sharing else UNSHARED


def _periods(asked: dict[str, Any], time: str, named: set[str]) -> list[str]:
    """From the first to the last of the question; where it has no bound, of those that have a value."""
    ends = named if time == "day" else [month for period in named for month in _months(period)]
    days = [date.fromisoformat(f"{end}-01"[:10]) for end in ends]
    since = date.fromisoformat(asked["from"]) if "from" in asked else min(days)
    until = date.fromisoformat(asked["to"]) if "to" in asked else max(days) + timedelta(1)
    every = (since + timedelta(number) for number in range((until - since).days))
    return sorted(named | {_period(day, time) for day in every})


def _period(day: date, time: str) -> str:
    quarter = f"{day.year}-Q{(day.month + 2) // 3}"
    return {"day": f"{day}", "month": f"{day:%Y-%m}", "quarter": quarter, "year": f"{day.year}"}[time]


def _months(period: str) -> tuple[str, str]:
    """The first and the last of a period."""
    year, _, rest = period.partition("-")
    if not rest:
        return f"{year}-01", f"{year}-12"
    if rest.startswith("Q"):
        last = 3 * int(rest[1:])
        return f"{year}-{last - 2:02}", f"{year}-{last:02}"
    return period[:7], period[:7]


def _quartiles(cells: list[dict[str, Any]], measure: str, told: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for cell in cells:
        for found in cell[measure]:
            yield (*(word(value) for value in cell["key"].values()), *(found[name] for name in told))


def _row(cell: dict[str, Any], names: Sequence[str], compare: str | None = None) -> tuple[object, ...]:
    figures = [_figure(cell, name) for name in names]
    if compare == "previous":
        figures += [_figure(cell["previous"] or {}, name) for name in names]
    elif compare == "norm":
        figures += [cell["norm"]["median"], cell["norm"]["score"]]
    return (*(word(value) for value in cell["key"].values()), *figures)


def _compared(compare: str | None, names: Sequence[str]) -> tuple[str, ...]:
    """The heads of what a question compares with."""
    if compare == "previous":
        return tuple(f"previous_{name}" for name in names)
    return ("norm_median", "norm_score") if compare == "norm" else ()


def _figure(cell: dict[str, Any], name: str) -> object:
    return kilograms(cell.get(name)) if name == "kg" else cell.get(name)


def word(value: str | None) -> str:
    return labelled(WITHHELD) if value is None else value or labelled(ABSENT)


def silences(answer: dict[str, Any]) -> None:
    owners = answer["coverage"]["owners"]
    silent = [o["owner"] for o in owners if o["shares"] and not o["reported"] and not o["zero"]]
    apart = [o["owner"] for o in owners if not o["shares"]]
    for words, listed in ((SILENT, silent), (APART_FROM_YOU, apart)):
        if listed:
            console.print(f"{say(words)}: {', '.join(listed)}", markup=False)
