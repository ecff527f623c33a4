"""`sarhad aggregates`: figures of records that may be counted and not seen."""

from typing import Annotated, Literal

import typer

from sarhad.cli.output import (
    JsonOption,
    ProfileOption,
    PurposeOption,
    connect,
    console,
    every,
    labelled,
    show_json,
    show_table,
)
from sarhad.cli.words import say
from sarhad.profile import Profile


def aggregates(
    first_month: Annotated[
        str, typer.Option("--from", help="First month, YYYY-MM: of a whole year, quarter or month.")
    ],
    last_month: Annotated[str, typer.Option("--to", help="Last month, YYYY-MM.")],
    time: Annotated[Literal["year", "quarter", "month"], typer.Option(help="Length of a period.")] = "quarter",
    place: Annotated[Literal["region", "country", "admin1"], typer.Option(help="Level of places.")] = "country",
    substance: Annotated[
        Literal["all", "group", "class", "substance"], typer.Option(help="Level of substances.")
    ] = "group",
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    as_json: JsonOption = False,
) -> None:
    """Count records that you may count and not see. Figures are disturbed, and small cells are withheld.

    Example: sarhad aggregates --from 2026-01 --to 2026-06 --time quarter --place country --substance group
    """
    with connect(Profile.load(profile), purpose=purpose) as client:
        levels = {"time": time, "place": place, "substance": substance}
        cells = list(every(client.aggregates, "cells", **levels, first_month=first_month, last_month=last_month))
    if as_json:
        show_json({**levels, "cells": cells})
        return
    if not cells:
        console.print(
            say(
                "No figure may be told. Records that are shared with you are not counted here: see "
                "sarhad search. A country's part of a cell with few events is withheld."
            )
        )
        return
    lines = ((c["time"], c["place"], c["substance"], c["events"], c["kg"] or labelled("withheld")) for c in cells)
    show_table(("period", "place", "substance", "events", "kg"), lines)
    console.print(say("Disturbed figures. A missing line is not a zero."))
