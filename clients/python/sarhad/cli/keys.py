"""`sarhad keys`: make the agency's keys, show them, ask for their enrolment."""

from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, show_json, show_pairs
from sarhad.cli.words import say
from sarhad.enrolment import enrolment
from sarhad.errors import ConfigurationError
from sarhad.keys import PrivateKey
from sarhad.profile import DEFAULT_SERVICE, Profile, home

app = typer.Typer(no_args_is_help=True, help="Make keys, show them, ask for their enrolment.")

TokenOption = Annotated[
    str | None, typer.Option(help="PKCS#11 URI of this key, made where the token has none; else it is a file.")
]
USES = ("request-signing", "record-signing")


@app.command(epilog="Example: sarhad keys new --agency KZ-CUS --service https://sarhad.example.org --profile customs")
def new(
    agency: Annotated[str, typer.Option(help="Code of the agency, such as KZ-CUS.")],
    profile: ProfileOption = None,
    service: Annotated[str, typer.Option(help="Address of the service.")] = DEFAULT_SERVICE,
    kind: Annotated[Literal["ed25519", "p256"], typer.Option(help="Type of both keys.")] = "ed25519",
    request_key: TokenOption = None,
    record_key: TokenOption = None,
) -> None:
    """Make a profile with two new keys: one signs requests, one signs records."""
    name = profile or "default"
    directory = Path(name) if "/" in name else home() / name
    made = Profile(
        directory=directory.resolve(),
        agency=agency,
        service=service,
        request_key=request_key or Profile.request_key,
        record_key=record_key or Profile.record_key,
    )
    if made.file.exists():
        raise ConfigurationError("There is already a profile at {file}.", file=made.file)
    for place in (made.place(made.request_key), made.place(made.record_key)):
        PrivateKey.make(place, kind)
    made.save()
    console.print(
        say("Profile and keys are in {directory}. Next: sarhad keys request", directory=made.directory), markup=False
    )


@app.command(epilog="Example: sarhad keys show --profile customs")
def show(profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Show agency, service and the thumbprints of both keys."""
    loaded = Profile.load(profile)
    pairs = [
        ("profile", str(loaded.file)),
        ("agency", loaded.agency),
        ("service", loaded.service),
        ("request key", loaded.load_request_key().kid),
        (
            "record key",
            loaded.load_record_key().kid if _is_there(loaded.place(loaded.record_key)) else "",
        ),
        ("service key", loaded.service_key.kid if loaded.service_key else "not pinned yet"),
    ]
    if as_json:
        show_json({name.replace(" ", "_"): value for name, value in pairs})
    else:
        show_pairs(pairs)


def _is_there(place: Path | str) -> bool:
    return not isinstance(place, Path) or place.exists()


@app.command(epilog="Example: sarhad keys request --role reporter --role analyst > enrol.json")
def request(
    profile: ProfileOption = None,
    role: Annotated[list[str] | None, typer.Option(help="Role to ask for; may be repeated.")] = None,
) -> None:
    """Print the enrolment of both public keys, for the key administrator of your country to propose."""
    loaded = Profile.load(profile)
    keys = (loaded.load_request_key(), loaded.load_record_key())
    changes = [
        enrolment(loaded.agency, use, key, list(role or ("reporter",)) if use == "request-signing" else [])
        for use, key in zip(USES, keys, strict=True)
    ]
    show_json(changes)


@app.command(epilog="Example: sarhad keys propose enrol.json --profile kz-administrator-1")
def propose(
    file: Annotated[Path, typer.Argument(help="What `sarhad keys request` printed.")],
    profile: ProfileOption = None,
) -> None:
    """Propose enrolments (role key_administrator); prints the numbers a second officer approves."""
    with connect(Profile.load(profile)) as client:
        for change in orjson.loads(file.read_bytes()):
            console.print(client.propose_change(change)["id"], markup=False)


@app.command(epilog='Example: sarhad keys reject 0b4f… --reason "not asked for"')
def reject(
    change: Annotated[str, typer.Argument(help="Number of a proposed change.")],
    reason: Annotated[str, typer.Option(help="Why; kept beside the change.")],
    profile: ProfileOption = None,
) -> None:
    """Reject what an officer proposed, or withdraw a proposal of one's own (role key_administrator)."""
    with connect(Profile.load(profile)) as client:
        console.print(f"{change} {client.reject_change(change, reason)['state']}", markup=False)


@app.command(epilog="Example: sarhad keys approve 0b4f… --profile kz-administrator-2")
def approve(
    change: Annotated[list[str], typer.Argument(help="Number of a proposed change.")],
    profile: ProfileOption = None,
) -> None:
    """Approve what another officer proposed (role key_administrator); it applies at once."""
    with connect(Profile.load(profile)) as client:
        for number in change:
            console.print(f"{number} {client.approve_change(number)['state']}", markup=False)
