"""`sarhad search` and `sarhad show`: what is shared with you, as far as it is."""

from itertools import islice
from typing import Annotated, Any

import typer

from sarhad.cli.output import (
    CaseOption,
    JsonOption,
    ProfileOption,
    PurposeOption,
    connect,
    console,
    show_json,
    show_pairs,
    show_table,
)
from sarhad.profile import Profile


def search(
    from_: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")] = None,
    to: Annotated[str | None, typer.Option(help="Day after the last, YYYY-MM-DD.")] = None,
    country: Annotated[str | None, typer.Option(help="Country of seizure, ISO 3166-1 alpha-2.")] = None,
    admin1: Annotated[str | None, typer.Option(help="First-level unit, ISO 3166-2.")] = None,
    bbox: Annotated[str | None, typer.Option(help="west,south,east,north in degrees.")] = None,
    substance: Annotated[str | None, typer.Option(help="Catalogue code; includes its descendants.")] = None,
    status: Annotated[str | None, typer.Option(help="SUSP, PRES, CONF, NEGA or INCL.")] = None,
    agency: Annotated[str | None, typer.Option(help="Reporting agency.")] = None,
    owner: Annotated[str | None, typer.Option(help="Reporting country.")] = None,
    kind: Annotated[str | None, typer.Option(help="seizure or zero.")] = None,
    min_kg: Annotated[str | None, typer.Option(help="At least this many kilograms.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many records.", min=1)] = 50,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find records that are shared with you, newest first.

    Example: sarhad search --country TJ --from 2025-01-01 --purpose analysis

    Example: sarhad search --owner UZ --limit 500 --json
    """
    filters: dict[str, Any] = {
        "from_": from_, "to": to, "country": country, "admin1": admin1, "bbox": bbox, "substance": substance,
        "status": status, "agency": agency, "owner": owner, "kind": kind, "min_kg": min_kg,
        "limit": min(limit, 100),
    }  # fmt: skip
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        found = list(islice(client.search_all(**filters), limit))
    if as_json:
        show_json(found)
        return
    show_table(("id", "owner", "when", "where", "what"), (_line(item) for item in found))
    console.print(f"{len(found)} records.")


def show(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="The record's id.")],
    sd_jwt: Annotated[bool, typer.Option("--sd-jwt", help="Print the owner-signed record itself.")] = False,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one record, as far as it is shared with you.

    Example: sarhad show 5f0c…

    Example: sarhad show 5f0c… --sd-jwt > record.sd-jwt
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        if sd_jwt:
            typer.echo(client.get_record(record_id))
            return
        document = client.get(record_id)
    if as_json:
        show_json(document)
    else:
        show_pairs(_flat(document))


def _line(item: dict[str, Any]) -> tuple[object, ...]:
    facets = item.get("facets", item)
    when = facets.get("when.instant") or facets.get("when.day") or facets.get("when.month")
    unit = facets.get("where.admin1") or {}
    where = unit.get("code") or facets.get("where.country")
    items = facets.get("items") or ()
    what = "; ".join(" ".join(str(part) for part in entry.get("reported", {}).values()) for entry in items)
    return item.get("id"), item.get("owner") or item.get("agency"), when, where, what


def _flat(document: dict[str, Any]) -> list[tuple[str, object]]:
    facets = document.get("facets")
    if not isinstance(facets, dict):
        return list(document.items())
    return [*((n, v) for n, v in document.items() if n != "facets"), *facets.items()]
