"""`sarhad db learn-links`: what evidence weighs, learned from the pairs that agencies have confirmed."""

from typing import Annotated

import typer

from service.cli.acting import as_service, command_settings, said_plainly
from service.links import learn
from service.links.relearn import TooFewPairs, relearn


def learn_links(
    keep: Annotated[bool, typer.Option("--keep", help="Weigh what is found from now on with them.")] = False,
) -> None:
    """Learn the weights of evidence for reports of one event from all confirmed pairs, show them, and keep them."""
    settings = command_settings()
    try:
        with said_plainly(settings):
            version, pairs, found = as_service(settings, lambda database: relearn(database, keep=keep))
    except TooFewPairs as few:
        typer.echo(f"{few}", err=True)
        raise typer.Exit(1) from None
    for feature, levels in found.items():
        typer.echo(f"      {feature:<12} " + ", ".join(f"{level} {bits:+.1f}" for level, bits in levels.items()))
    kept = f"kept as version {version}" if keep else "not kept (--keep)"
    typer.echo(f"Learned from {pairs} confirmed pairs, of at least {learn.FEWEST_PAIRS}; {kept}.")
