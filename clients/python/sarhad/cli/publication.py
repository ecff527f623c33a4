"""`sarhad publication`: public releases of figures, proposed, approved by each owner, and fetched by anybody."""

import hashlib
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, every, show_json, show_table
from sarhad.cli.words import say
from sarhad.describe import read_input
from sarhad.errors import InputError, UnverifiedResponse
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Public releases of figures.")
Id = Annotated[str, typer.Argument(metavar="ID", help="The publication's id.")]


@app.command(epilog="Example: sarhad publication propose quarterly.json --profile KZ-DCA")
def propose(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Name, title, months and tables, JSON.")],
    profile: ProfileOption = None,
) -> None:
    """Propose a release (role analyst or coordinator); a known name gets its next version."""
    try:
        definition = orjson.loads(read_input(file, sys.stdin.buffer))
    except ValueError as fault:
        raise InputError("The proposal is not JSON: {fault}.", fault=fault) from None
    with connect(Profile.load(profile)) as client:
        show_json(client.propose_publication(definition))


@app.command(epilog="Example: sarhad publication approve 5f0c… --up-to TLP:GREEN --profile KZ-NCP/policy")
def approve(
    publication: Id,
    up_to: Annotated[str, typer.Option("--up-to", help="Records marked above this are not counted.")] = "TLP:GREEN",
    digest: Annotated[
        str | None, typer.Option(help="The definition's hash, if you have checked it elsewhere; else as shown.")
    ] = None,
    profile: ProfileOption = None,
) -> None:
    """Let your country's records be counted in a release as it is defined (role policy_officer)."""
    with connect(Profile.load(profile)) as client:
        shown = client.publication(publication)
        show_json(client.approve_publication(publication, digest or shown["digest"], up_to))


@app.command(epilog="Example: sarhad publication release 5f0c… --profile KZ-DCA")
def release(publication: Id, profile: ProfileOption = None) -> None:
    """Publish the figures of the countries that approved; nothing of it changes afterwards."""
    with connect(Profile.load(profile)) as client:
        show_json(client.release_publication(publication))


@app.command(epilog='Example: sarhad publication withdraw 5f0c… --reason "Wrong unit in May" --profile KZ-DCA')
def withdraw(
    publication: Id,
    reason: Annotated[str, typer.Option(help="Why; everybody may read it.")],
    profile: ProfileOption = None,
) -> None:
    """Take a publication back; its figures are no longer served."""
    with connect(Profile.load(profile)) as client:
        show_json(client.withdraw_publication(publication, reason))


@app.command("list", epilog="Example: sarhad publication list --public")
def list_(
    public: Annotated[bool, typer.Option("--public", help="What everybody sees: releases only.")] = False,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List publications with their state, and who approved them."""
    with connect(Profile.load(profile)) as client:
        found = list(every(client.releases if public else client.publications))
    if as_json:
        show_json(found)
        return
    if not found:
        console.print(
            say("Nothing is published.")
            if public
            else say("There is none. Start with: sarhad publication propose FILE")
        )
        return
    lines = (
        (
            entry["name"],
            entry["version"],
            entry["state"],
            " ".join(approval["country"] for approval in entry.get("approvals", ())),
            entry.get("id", entry.get("sha256")),
        )
        for entry in found
    )
    show_table(("name", "version", "state", "approved by", "id or hash"), lines)


@app.command(epilog="Example: sarhad publication fetch quarterly-seizures 2 --csv --output figures.csv")
def fetch(
    name: Annotated[str, typer.Argument(help="The publication's name.")],
    version: Annotated[int, typer.Argument(min=1)],
    csv: Annotated[bool, typer.Option("--csv", help="CSV instead of JSON.")] = False,
    output: Annotated[Path | None, typer.Option(help="File to write; standard output otherwise.")] = None,
    profile: ProfileOption = None,
) -> None:
    """Fetch a release; JSON is held against the hash in the list of releases."""
    with connect(Profile.load(profile)) as client:
        body = client.release(name, version, csv=csv)
        listed = {(entry["name"], entry["version"]): entry["sha256"] for entry in every(client.releases)}
    if not csv and hashlib.sha256(body).hexdigest() != listed.get((name, version)):
        raise UnverifiedResponse("The bytes of the release are not those that its hash names.")
    if output is None:
        sys.stdout.buffer.write(body)
    else:
        output.write_bytes(body)
        console.print(say("{bytes} bytes in {output}.", bytes=len(body), output=output))
