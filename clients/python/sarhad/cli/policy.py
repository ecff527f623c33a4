"""`sarhad policy`: read and adopt the sharing policy of one's own country."""

import sys
from typing import Annotated

import orjson
import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, show_json
from sarhad.describe import read_input
from sarhad.errors import InputError
from sarhad.policies import sign_policy
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Read and adopt your country's sharing policy.")


@app.command(epilog="Example: sarhad policy put KZ.json --profile .sarhad/demo/KZ-NCP/policy")
def put(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Policy document, JSON.")],
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign a policy document and adopt it as the next version (role policy_officer)."""
    loaded = Profile.load(profile)
    try:
        document = orjson.loads(read_input(file, sys.stdin.buffer))
    except ValueError as fault:
        raise InputError(f"The policy is not JSON: {fault}.") from None
    signed = sign_policy(loaded.load_record_key(), document)
    with connect(loaded) as client:
        adopted = client.put_policy(loaded.agency[:2], signed)
    if as_json:
        show_json(adopted)
    else:
        console.print(f"Policy version {adopted.get('version')} is in force, {adopted.get('rules')} rules.")


@app.command(epilog="Example: sarhad policy get --profile .sarhad/demo/KZ-NCP/policy")
def get(
    country: Annotated[str | None, typer.Argument(help="Country; your own by default.")] = None,
    profile: ProfileOption = None,
) -> None:
    """Print the policy in force, as JSON with its officer's signature."""
    loaded = Profile.load(profile)
    with connect(loaded) as client:
        show_json(client.get_policy(country or loaded.agency[:2]))
