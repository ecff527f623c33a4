"""`sarhad db learn-links`: what evidence weighs, learned from the pairs that agencies have confirmed."""

import asyncio
from typing import Annotated

import typer

from service.cli.acting import command_settings, said_plainly
from service.database import Database
from service.links import learn
from service.links.relearn import TooFewPairs, relearn
from service.settings import Settings


def learn_links(
    keep: Annotated[bool, typer.Option("--keep", help="Weigh what is found from now on with them.")] = False,
) -> None:
    """Learn the weights of evidence for reports of one event from all confirmed pairs, show them, and keep them."""
    settings = command_settings()
    try:
        with said_plainly(settings):
            version, pairs, found = asyncio.run(_relearn(settings, keep))
    except TooFewPairs as few:
        typer.echo(f"{few}", err=True)
        raise typer.Exit(1) from None
    for feature, levels in found.items():
        typer.echo(f"      {feature:<12} " + ", ".join(f"{level} {bits:+.1f}" for level, bits in levels.items()))
    kept = f"kept as version {version}" if keep else "not kept (--keep)"
    typer.echo(f"Learned from {pairs} confirmed pairs, of at least {learn.FEWEST_PAIRS}; {kept}.")


async def _relearn(settings: Settings, keep: bool) -> tuple[int, int, dict[str, dict[str, float]]]:
    database = Database(settings)
    try:
        return await relearn(database, keep=keep)
    finally:
        await database.dispose()
