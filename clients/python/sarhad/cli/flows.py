"""`sarhad flows` and `sarhad hotspots`: the ways that are reported, and where there was more than usual."""

from typing import Annotated, Any

import typer

from sarhad.cli.filters import CELLS, FIGURES, takes
from sarhad.cli.output import (
    CaseOption,
    JsonOption,
    ProfileOption,
    PurposeOption,
    connect,
    console,
    kilograms,
    show_json,
    show_table,
)
from sarhad.cli.trends import silences, word
from sarhad.cli.words import say
from sarhad.profile import Profile


@takes(FIGURES)
def flows(
    filters: dict[str, Any],
    certainty: Annotated[
        str | None, typer.Option(help="Of the weakest leg of the route: KNOWN, DECLARED or SUSPECTED.")
    ] = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Routes of what is shared with you, as reported, the most used first.

    Example: sarhad flows --group heroin-opiates --from 2025-01 --to 2026-01

    Example: sarhad flows --country TJ --certainty KNOWN
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        answer = client.flows(certainty=certainty, **filters)
    if as_json:
        show_json(answer)
        return
    head = ("origin", "transit", "destination", "certainty", "seizures", "items", "kg")
    show_table(head, map(_route, answer["flows"]))
    silences(answer)


@takes(FIGURES | CELLS)
def hotspots(
    filters: dict[str, Any],
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Places with more seizures lately than their own past and the season would give. Takes whole months.

    Example: sarhad hotspots --from 2025-01 --to 2026-01

    Example: sarhad hotspots --from 2025-01 --to 2026-01 --group heroin-opiates --resolution 3
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        answer = client.hotspots(**filters)
    if as_json:
        show_json(answer)
        return
    head = ("since", "observed", "expected", "ratio", "p", "cells")
    show_table(head, map(_cluster, answer["clusters"]))
    counted = {name: answer[name] for name in ("located", "not_located")}
    console.print(say("Seizures whose cell and month you are given: {located}; others: {not_located}.", **counted))
    silences(answer)


def _route(flow: dict[str, Any]) -> tuple[object, ...]:
    origin, destination, certainty = (word(flow[name]) for name in ("origin", "destination", "certainty"))
    transit = flow["transit"]
    return (
        origin,
        word(None if transit is None else ">".join(transit)),
        destination,
        certainty,
        flow["seizures"],
        flow["items"],
        kilograms(flow["kg"]),
    )


def _cluster(cluster: dict[str, Any]) -> tuple[object, ...]:
    return (*(cluster[name] for name in ("from", "observed", "expected", "ratio", "p")), " ".join(cluster["cells"]))
