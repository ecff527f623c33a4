"""`sarhad trends`: figures over what is shared with you, as a table with a line of their course."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

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


def trends(
    by: Annotated[str, typer.Option(help="One or two dimensions, such as month,substance.")] = "month",
    measure: Annotated[
        str, typer.Option(help="seizures, items, kg, quantity, tablets, first, persons, purity or price.")
    ] = "seizures,kg",
    from_: Annotated[str | None, typer.Option("--from", help="First month or day, YYYY-MM or YYYY-MM-DD.")] = None,
    to: Annotated[str | None, typer.Option(help="Month or day after the last.")] = None,
    owner: Annotated[str | None, typer.Option(help="Reporting country.")] = None,
    country: Annotated[str | None, typer.Option(help="Country of seizure, ISO 3166-1 alpha-2.")] = None,
    admin1: Annotated[str | None, typer.Option(help="First-level unit, ISO 3166-2.")] = None,
    group: Annotated[str | None, typer.Option(help="Group of substances.")] = None,
    substance: Annotated[str | None, typer.Option(help="Catalogue code; includes its descendants.")] = None,
    level: Annotated[int | None, typer.Option(help="Roll substances up to this depth.", min=0)] = None,
    status: Annotated[str | None, typer.Option(help="SUSP, PRES, CONF, NEGA or INCL.")] = None,
    agency: Annotated[str | None, typer.Option(help="Reporting agency, such as KZ-CUS.")] = None,
    transport: Annotated[str | None, typer.Option(help="Mode of transport, UNECE Recommendation 19.")] = None,
    place_type: Annotated[str | None, typer.Option(help="Kind of place, such as ROAD.")] = None,
    concealment: Annotated[str | None, typer.Option(help="How it was hidden, such as LUG.")] = None,
    bbox: Annotated[str | None, typer.Option(help="west,south,east,north in degrees.")] = None,
    compare: Annotated[str | None, typer.Option(help="previous or norm.")] = None,
    changes: Annotated[bool, typer.Option("--changes", help="Say where the level changed.")] = False,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count and sum what is shared with you, by one or two dimensions.

    Example: sarhad trends --by month,substance --measure kg --from 2025-01 --to 2026-01

    Example: sarhad trends --by month --group heroin-opiates --changes

    Example: sarhad trends --measure purity --by quarter --group heroin-opiates

    Example: sarhad trends --measure price --by quarter,substance --group heroin-opiates
    """
    asked: dict[str, Any] = {
        "by": by, "measure": measure, "from_": from_, "to": to, "owner": owner, "country": country, "admin1": admin1,
        "group": group, "substance": substance, "level": level, "status": status, "compare": compare,
        "agency": agency, "transport": transport, "place_type": place_type, "concealment": concealment, "bbox": bbox,
        "changes": "true" if changes else None,
    }  # fmt: skip
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        answer = client.trends(**asked)
    if as_json:
        show_json(answer)
        return
    if measure in APART:
        told = (*APART[measure], "n", "q1", "median", "q3")
        show_table((*answer["by"], *told), _quartiles(answer["cells"], measure, told))
        _silences(answer)
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
    _silences(answer)


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
            unit = " ".join(_word(value) for name, value in cell["key"].items() if name != time)
            values = found.setdefault(unit, [0.0] * len(periods))
            values[periods.index(cell["key"][time])] += float(cell[measure])
    return found


def _quartiles(cells: list[dict[str, Any]], measure: str, told: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for cell in cells:
        for found in cell[measure]:
            yield (*(_word(value) for value in cell["key"].values()), *(found[name] for name in told))


def _row(cell: dict[str, Any], names: Sequence[str]) -> tuple[object, ...]:
    return (*(_word(value) for value in cell["key"].values()), *(_figure(cell, name) for name in names))


def _figure(cell: dict[str, Any], name: str) -> object:
    return kilograms(cell.get(name)) if name == "kg" else cell.get(name)


def _word(value: str | None) -> str:
    return labelled(WITHHELD) if value is None else value or labelled(ABSENT)


def _silences(answer: dict[str, Any]) -> None:
    owners = answer["coverage"]["owners"]
    silent = [o["owner"] for o in owners if o["shares"] and not o["reported"] and not o["zero"]]
    apart = [o["owner"] for o in owners if not o["shares"]]
    for words, listed in ((later("shares, and reported nothing"), silent), (later("does not share with you"), apart)):
        if listed:
            console.print(f"{say(words)}: {', '.join(listed)}", markup=False)
