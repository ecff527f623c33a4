"""`sarhad timeliness`: how long each stage took in one's own country, and which agencies are silent."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, show_json, show_table
from sarhad.profile import Profile


def timeliness(
    first: Annotated[str | None, typer.Option("--from", help="First month, YYYY-MM.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month, YYYY-MM.")] = None,
    agency: Annotated[str | None, typer.Option(help="Month by month, of this agency.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how long each stage took in your country, and which agencies were silent.

    For the roles key_administrator, policy_officer and auditor. Without months: the twelve that end now.

    Example: sarhad timeliness --as KZ-DCA/admin

    Example: sarhad timeliness --from 2026-01 --to 2026-06 --agency KZ-CUS
    """
    with connect(Profile.load(profile)) as client:
        answer = client.timeliness(first_month=first, last_month=last)
    if as_json:
        show_json(answer)
        return
    show_table(
        ("agency", "last filed", "records", "of none", "silent months"),
        (
            (
                one["agency"],
                (one["last_filed"] or "never")[:10],
                one["records"],
                one["zero_reports"],
                _spans(one["silent"]),
            )
            for one in answer["agencies"]
            if agency in (None, one["agency"])
        ),
    )
    wanted = [lag for lag in answer["lags"] if lag["agency"] is not None and agency in (None, lag["agency"])]
    shown = [lag for lag in wanted if (lag["month"] is None) == (agency is None)]
    if not shown:
        console.print("Nothing was filed in these months.")
        return
    show_table(("stage", "agency", "month", "median", "90 %", "n", "without"), _rows(shown))
    told = {lag["stage"] for lag in shown}
    for one in answer["stages"]:
        if one["stage"] in told:
            console.print(f"{one['stage']}: {one['meaning']} Without: {one['without']}", markup=False)


def _rows(lags: Iterable[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for lag in lags:
        yield (
            lag["stage"],
            lag["agency"],
            lag["month"] or "all",
            lasting(lag["median"]),
            lasting(lag["p90"]),
            lag["n"],
            lag["without"],
        )


def _spans(silent: Iterable[list[str]]) -> str:
    return ", ".join(first if first == last else f"{first} to {last}" for first, last in silent)


def lasting(hours: float | None) -> str:
    """In the unit that reads well: seconds, minutes, hours or days."""
    if hours is None:
        return ""
    for unit, length in (("d", 24.0), ("h", 1.0), ("min", 1 / 60)):
        if hours >= 2 * length:
            return f"{hours / length:.1f} {unit}"
    return f"{hours * 3600:.0f} s"
