"""`sarhad search` and `sarhad show`: what is shared with you, as far as it is."""

from typing import Annotated, Any

import typer

from sarhad._client import Client
from sarhad.cli.filters import RECORDS, takes
from sarhad.cli.output import (
    CaseOption,
    JsonOption,
    ProfileOption,
    PurposeOption,
    complaints,
    connect,
    console,
    show_json,
    show_pairs,
    show_table,
)
from sarhad.cli.words import say
from sarhad.profile import Profile

PAGE = 100  # records that are asked for at once
KINDS = "seizure (the default), zero, precursor_incident, clandestine_laboratory or price_observation."
KindOption = Annotated[str | None, typer.Option(help="Kind of record where it is no seizure.")]


@takes(RECORDS)
def search(
    filters: dict[str, Any],
    kind: Annotated[str | None, typer.Option(help=KINDS)] = None,
    aspect: Annotated[
        str | None, typer.Option(help="Type of incident, role in the laboratory, level of the market.")
    ] = None,
    limit: Annotated[int, typer.Option(help="At most this many records.", min=1)] = 50,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find records that are shared with you, newest first.

    Example: sarhad search --country TJ --from 2025-01-01 --purpose analysis

    Example: sarhad search --owner UZ --limit 500 --json

    Example: sarhad search --substance SAR-000608 --min-kg 10 --concealment LUG

    Example: sarhad search --kind precursor_incident --aspect STOPPED
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        found = newest(client, {"kind": kind, "aspect": aspect} | filters, limit)
    if as_json:
        show_json(found)
        return
    show_table(("id", "owner", "when", "where", "what"), (_line(item) for item in found))
    console.print(say("{records} records.", records=len(found)))


def newest(client: Client, filters: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """The newest `limit` records, page by page; it is said where there are more."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.search(**filters, limit=min(limit, PAGE), cursor=cursor)
        found += page.items
        cursor = page.next
        if cursor is None or len(found) >= limit:
            break
    if cursor is not None or len(found) > limit:
        complaints.print(
            "sarhad: "
            + say(
                "These are the newest {limit}; there are more: --limit {more}, or ask narrower.",
                limit=limit,
                more=2 * limit,
            )
        )
    return found[:limit]


def show(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="The record's id.")],
    sd_jwt: Annotated[bool, typer.Option("--sd-jwt", help="Print the owner-signed record itself.")] = False,
    kind: KindOption = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one record, as far as it is shared with you.

    Example: sarhad show 5f0c…

    Example: sarhad show 5f0c… --kind price_observation

    Example: sarhad show 5f0c… --sd-jwt > record.sd-jwt
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        if sd_jwt:
            typer.echo(client.get_record(record_id, kind=kind))
            return
        document = client.get(record_id, kind=kind)
    if as_json:
        show_json(document)
    else:
        show_pairs(_flat(document))


def _line(item: dict[str, Any]) -> tuple[object, ...]:
    facets = item.get("facets", item)
    when = facets.get("when.instant") or facets.get("when.day") or facets.get("when.month")
    unit = facets.get("where.admin1") or {}
    where = unit.get("code") or facets.get("where.country")
    what = "; ".join(_said(entry) for entry in facets.get("items") or ())
    return item.get("id"), item.get("owner") or item.get("agency"), when, where, what


def _said(entry: dict[str, Any]) -> str:
    """What is reported of an item: the amount, and what is its own (an incident, a role, a price)."""
    own = [entry.get(name) for name in ("incident", "role", "level", "typical", "currency")]
    return " ".join(str(part) for part in (*entry.get("reported", {}).values(), *own) if part is not None)


def _flat(document: dict[str, Any]) -> list[tuple[str, object]]:
    facets = document.get("facets")
    if not isinstance(facets, dict):
        return list(document.items())
    return [*((n, v) for n, v in document.items() if n != "facets"), *facets.items()]
