"""`sarhad admin group`: groups of countries that policies may name; each change leaves a leaf for each country."""

from typing import Annotated

import typer

from service.cli.acting import as_operator
from service.identity import groups

app = typer.Typer(no_args_is_help=True, help="Groups of countries that policies may name.")

Code = Annotated[str, typer.Argument(help="As rules name it, such as caspian; `members` is every member state.")]
Countries = Annotated[list[str], typer.Argument(help="ISO 3166-1 alpha-2, of enrolled countries.")]


@app.command("create", epilog="Example: sarhad admin group create caspian AZ KZ TM")
def create(code: Code, countries: Countries) -> None:
    """Begin a group with these countries."""
    as_operator(lambda session: groups.create_group(session, code, countries))


@app.command("add", epilog="Example: sarhad admin group add caspian RU")
def add(code: Code, countries: Countries) -> None:
    """Put countries into a group: every rule that names it means them too, from their next request on."""
    as_operator(lambda session: groups.add_to_group(session, code, countries))


@app.command("remove", epilog="Example: sarhad admin group remove caspian RU")
def remove(code: Code, countries: Countries) -> None:
    """Take countries out of a group; with the last one the group ends."""
    as_operator(lambda session: groups.remove_from_group(session, code, countries))


@app.command("list", epilog="Example: sarhad admin group list")
def show() -> None:
    """Every group and who is in it."""
    for code, countries in as_operator(groups.groups).items():
        typer.echo(f"{code:24} {' '.join(countries)}")
