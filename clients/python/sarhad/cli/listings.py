"""`sarhad listings`: what your country controls, and the lists of all members side by side."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, show_json, show_table
from sarhad.cli.words import say
from sarhad.errors import InputError
from sarhad.listings import sign_listing
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Enter your country's list, and compare the lists of all members.")
MARKS = {"listed": "list", "class": "class", "generic": "generic", "not-listed": "-", "no-data": "?", "not-asked": "…"}


@app.command(
    epilog="Example: sarhad listings enter kz-i-12.json\n\n"
    'The file: {"listing": "sarhad-listing/1", "country": "KZ", "entry": "KZ-I-12", "version": 1, "substance": '
    '"SAR-000383", "schedule": "Table I", "legal_basis": "Order …", "valid_from": "2019-07-03"}'
)
def enter(
    file: Annotated[Path, typer.Argument(help="The entry as a JSON document.", exists=True)],
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign and enter one version of one entry of your country's list (policy officers)."""
    try:
        document = orjson.loads(file.read_bytes())
    except ValueError:
        raise InputError("{file} is not JSON.", file=file) from None
    chosen = Profile.load(profile)
    with connect(chosen) as client:
        made = client.enter_listing(sign_listing(chosen.load_record_key(), document))
    if as_json:
        show_json(made)
        return
    console.print(
        say(
            "Entered: {country} {entry}, version {version}.",
            country=made["country"],
            entry=made["entry"],
            version=made["version"],
        )
    )


@app.command("list", epilog="Example: sarhad listings list --country KZ")
def list_(
    country: Annotated[str | None, typer.Option(help="Of this country.")] = None,
    substance: Annotated[str | None, typer.Option(help="Entries that name this code.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the entries of members' lists, every version."""
    with connect(Profile.load(profile)) as client:
        page = client.listings(country=country, substance=substance)
    if as_json:
        show_json(page)
        return
    if not page["items"]:
        console.print(say("No member has entered anything like this."))
        return
    columns = ("country", "entry", "version", "substance", "schedule", "valid_from", "valid_until")
    show_table(columns, ([item[name] or "" for name in columns] for item in page["items"]))


@app.command(
    epilog="Example: sarhad listings table --group synthetic-cathinones\n\n"
    "Example: sarhad listings table --gaps --on 2025-01-01"
)
def table(
    group: Annotated[str | None, typer.Option(help="Policy group of substances.")] = None,
    substance: Annotated[str | None, typer.Option(help="An entry and everything below it.")] = None,
    on: Annotated[str | None, typer.Option(help="The day; today where it is not given.")] = None,
    gaps: Annotated[bool, typer.Option("--gaps", help="Only what some member controls and another does not.")] = False,
    limit: Annotated[int, typer.Option(help="At most this many rows.", min=1, max=500)] = 100,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the lists of all members: list, class, generic, - (not listed), ? (no list), … (not asked)."""
    asked = {"group": group, "substance": substance, "on": on, "gaps": "true" if gaps else None, "limit": limit}
    with connect(Profile.load(profile)) as client:
        found = client.listing_table(**asked)
    if as_json:
        show_json(found)
        return
    if not found["items"]:
        console.print(say("Nothing: no member and no convention controls such a substance."))
        return
    countries = list(found["items"][0]["countries"])
    show_table(
        ("code", "name", "UN", *countries),
        (
            (
                row["substance"], row["name"], " ".join(s["schedule"] for s in row["conventions"]),
                *(MARKS[row["countries"][country]["status"]] for country in countries),
            )
            for row in found["items"]
        ),
    )  # fmt: skip
    console.print(found["caveat"])
