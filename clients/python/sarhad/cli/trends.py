"""`sarhad trends`: figures over what is shared with you, as a table with a line of their course."""

from collections.abc import Iterator, Sequence
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
TIMES = ("day", "month", "quarter", "year")
MEASURES = ("seizures", "items", "kg", "quantity", "tablets", "persons", "first")
APART = {"purity": ("unit", "basis"), "price": ("level", "currency", "per")}  # never in one quartile
WITHHELD, ABSENT = later("(not disclosed)"), later("(not stated)")


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
    show_table((*answer["by"], *names), (_row(cell, names) for cell in answer["cells"]))
    for unit, values in courses(answer, names[0]).items() if names[0] != "first" else ():
        console.print(f"{sparkline(values)}  {unit} {names[0]}", markup=False)
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


def sparkline(values: list[float]) -> str:
    """One bar a value, from zero to the largest."""
    most = max(values, default=0)
    return "".join(BARS[round(value / most * (len(BARS) - 1))] if most else BARS[0] for value in values)


def courses(answer: dict[str, Any], measure: str) -> dict[str, list[float]]:
    """Per unit the values of the periods that the answer names, in order; nothing where it is not over time."""
    time = next((name for name in answer["by"] if name in TIMES), None)
    if time is None:
        return {}
    periods = sorted({cell["key"][time] for cell in answer["cells"] if cell["key"][time]})
    found: dict[str, list[float]] = {}
    for cell in answer["cells"]:
        if cell["key"][time]:
            unit = " ".join(word(value) for name, value in cell["key"].items() if name != time)
            values = found.setdefault(unit, [0.0] * len(periods))
            values[periods.index(cell["key"][time])] += float(cell[measure])
    return found


def _quartiles(cells: list[dict[str, Any]], measure: str, told: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for cell in cells:
        for found in cell[measure]:
            yield (*(word(value) for value in cell["key"].values()), *(found[name] for name in told))


def _row(cell: dict[str, Any], names: Sequence[str]) -> tuple[object, ...]:
    return (*(word(value) for value in cell["key"].values()), *(_figure(cell, name) for name in names))


def _figure(cell: dict[str, Any], name: str) -> object:
    return kilograms(cell.get(name)) if name == "kg" else cell.get(name)


def word(value: str | None) -> str:
    return labelled(WITHHELD) if value is None else value or labelled(ABSENT)


def silences(answer: dict[str, Any]) -> None:
    owners = answer["coverage"]["owners"]
    silent = [o["owner"] for o in owners if o["shares"] and not o["reported"] and not o["zero"]]
    apart = [o["owner"] for o in owners if not o["shares"]]
    for words, listed in ((later("shares, and reported nothing"), silent), (later("does not share with you"), apart)):
        if listed:
            console.print(f"{say(words)}: {', '.join(listed)}", markup=False)
