"""`sarhad db cube`: the cube of the trends against the reports it counts."""

from typing import Annotated

import typer

from service.cli.acting import as_service, command_settings, said_plainly
from service.database import Database
from service.trends.keep import differences, rebuild


def cube(
    check: Annotated[bool, typer.Option("--check", help="Compare every cell with the reports.")] = False,
    anew: Annotated[bool, typer.Option("--rebuild", help="Count every report anew.")] = False,
) -> None:
    """Compare the cube of the trends with the reports, or build it anew. Fails where they differ."""
    if not check and not anew:
        raise typer.BadParameter("say --check, --rebuild or both")
    settings = command_settings()
    with said_plainly(settings):
        found = as_service(settings, lambda database: _cube(database, anew))
    for grain, (cells, differing) in found.items():
        typer.echo(f"      {grain:<10} {cells:>10} cells, {differing} differ")
    if any(differing for _, differing in found.values()):
        raise typer.Exit(1)


async def _cube(database: Database, anew: bool) -> dict[str, tuple[int, int]]:
    if anew:
        await rebuild(database)
    return await differences(database)
