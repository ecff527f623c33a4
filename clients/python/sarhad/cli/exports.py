"""`sarhad export`: shared records as a file for other tools."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sarhad.cli.filters import RECORDS, takes
from sarhad.cli.output import (
    CaseOption,
    JsonOption,
    ProfileOption,
    PurposeOption,
    connect,
    console,
    show_json,
    show_table,
)
from sarhad.cli.words import say
from sarhad.exports import built, take
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Shared records as a file for other tools.")
FORMATS = "csv, xlsx, geojson, gpkg, parquet, geoparquet, stix or sdmx"
SUBJECTS = (
    "records (seizures; in every format), or analyses, precursor-incidents, clandestine-laboratories or "
    "price-observations (csv, xlsx, parquet)"
)
Into = Annotated[Path | None, typer.Option("--into", "-o", help="File to write; its name says what it is by itself.")]
ExportId = Annotated[str, typer.Argument(metavar="ID", help="The export's id.")]


@app.command("new")
@takes(RECORDS)
def new(
    filters: dict[str, Any],
    subject: Annotated[str, typer.Option(help=f"What of: {SUBJECTS}.")] = "records",
    format_: Annotated[str, typer.Option("--format", "-f", help=f"One of {FORMATS}.")] = "csv",
    into: Into = None,
    kind: Annotated[str | None, typer.Option(help="seizure or zero.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait and take the file, or print the id.")] = True,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
) -> None:
    """Have the records of a search put into a file, wait, and take it.

    Example: sarhad export new --format xlsx --country TJ --from 2025-01-01

    Example: sarhad export new --format gpkg --substance SAR-000608 --into heroin.gpkg

    Example: sarhad export new --format csv --min-kg 10 --transport 3 --place-type ROAD

    Example: sarhad export new --subject analyses --format parquet --from 2025-01-01
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        made = client.ask_export(format_, subject=subject, kind=kind, **filters)
        if not wait:
            typer.echo(made["id"])
            return
        _have(client, made["id"], into)


@app.command("take")
def take_(
    export_id: ExportId,
    into: Into = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
) -> None:
    """Take the file of an export that was asked for, from where an earlier attempt broke off.

    Example: sarhad export take 5f0c… --into heroin.gpkg
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        _have(client, export_id, into)


@app.command("list")
def list_(
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """The exports of this key, newest first.

    Example: sarhad export list
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        found = client.exports(limit=100)["items"]
    if as_json:
        show_json(found)
    elif not found:
        console.print(say("This key has no exports."))
    else:
        names = ("id", "state", "format", "rows", "size", "expires_at")
        show_table(names, (tuple(item.get(name) for name in names) for item in found))


@app.command("delete")
def delete(
    export_id: ExportId,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
) -> None:
    """Give an export up before its time.

    Example: sarhad export delete 5f0c…
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        client.delete_export(export_id)
    console.print(say("Deleted."))


def _have(client: Any, export_id: str, into: Path | None) -> None:
    with console.status("waiting") as line:
        document = built(client, export_id, lambda told: line.update(f"{told['state']} {told.get('rows', '')}"))
    path = take(client, document, into or Path(document["name"]))
    left_out = document["provenance"]["left_out"]["no_export"]
    console.print(
        say("{rows} lines in {path}; where they are from: {path}.provenance.json", rows=document["rows"], path=path),
        markup=False,
    )
    if left_out:
        console.print(say("left out, because their owners forbid export: {left_out}", left_out=left_out), markup=False)
