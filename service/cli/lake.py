"""`sarhad lake`: Parquet for DuckDB on the service's host, as wide as one key's view and no wider."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.acting import command_settings, said_plainly
from service.database import Database
from service.exports.lake import Lake, make
from service.identity.behalf import KeyGone
from service.identity.caller import PURPOSES
from service.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Parquet for analysis with DuckDB, on the service's host.")


@app.callback()
def lake() -> None:
    """The lake is read beside the service and never served."""


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Replaced as a whole.")],
    key: Annotated[str, typer.Option(help="Thumbprint of the enrolled key it is made for: sarhad admin key list.")],
    purpose: Annotated[str, typer.Option(help=f"One of {', '.join(sorted(PURPOSES))}.")] = "analysis",
) -> None:
    """Write what a key is given, by owner and year; each owner reads it in its statement.

    \b
    sarhad lake export /srv/lake --key NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs
    duckdb -c "SELECT owner, year, sum(kg) FROM read_parquet('/srv/lake/*/*/*.parquet') GROUP BY ALL"
    """
    if purpose not in PURPOSES:
        raise typer.BadParameter(f"one of {', '.join(sorted(PURPOSES))}", param_hint="--purpose")
    settings = command_settings()
    try:
        with said_plainly(settings):
            made = asyncio.run(_make(settings, Lake(key, purpose, directory)))
    except OSError as fault:
        typer.echo(f"Cannot write {directory}: {fault.strerror or fault}", err=True)
        raise typer.Exit(1) from None
    except KeyGone:
        typer.echo("No enrolled key in force has this thumbprint: see sarhad admin key list", err=True)
        raise typer.Exit(1) from None
    owners = ", ".join(f"{owner} {number}" for owner, number in made["records"].items())
    typer.echo(f"{made['rows']} lines in {directory}; records: {owners or 'none is shared with this key'}")
    if left_out := made["left_out"]["no_export"]:
        typer.echo(f"left out, because their owners forbid export: {left_out}")


async def _make(settings: Settings, lake: Lake) -> dict[str, Any]:
    database = Database(settings)
    try:
        return await make(database, settings, lake)
    finally:
        await database.dispose()
