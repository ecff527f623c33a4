"""`sarhad places`: a member's own boundaries and crossing points in place of the public ones."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from service.cli.acting import as_operator
from service.places.load import load_member_file

app = typer.Typer(no_args_is_help=True)


@app.callback()
def places() -> None:
    """A member's own boundaries and crossing points."""


@app.command(epilog="Example: sarhad places load regions.geojson --country KZ")
def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="GeoJSON, or CSV of crossings.")],
    country: Annotated[str, typer.Option(help="Whose places they are: ISO 3166-1 alpha-2.")],
) -> None:
    """Replace boundaries (GeoJSON) or add crossing points (CSV); running workers take them up within a minute."""

    async def act(session: AsyncSession) -> int:
        return await load_member_file(await session.connection(), file, country)

    rows = as_operator(act)
    typer.echo(f"{rows} rows loaded" if rows else "This file is the one already loaded.")
