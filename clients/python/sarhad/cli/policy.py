"""`sarhad policy`: the life of your country's sharing policy."""

import sys
from typing import Annotated, Any, Literal

import orjson
import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, show_json, show_table
from sarhad.cli.words import say
from sarhad.describe import read_input
from sarhad.errors import InputError
from sarhad.policies import sign_approval, sign_policy
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Propose, approve, try and suspend your country's sharing policy.")

DocumentArgument = Annotated[str, typer.Argument(metavar="FILE|-", help="Policy document, JSON.")]
OwnerOption = Annotated[
    str | None, typer.Option("--of", help="Ceiling of this agency of yours; the country's policy by default.")
]
VersionArgument = Annotated[int, typer.Argument(metavar="VERSION", help="Number of the version.", min=1)]
LanguageOption = Annotated[Literal["en", "ru"], typer.Option(help="Language of the sentences.")]

DraftOption = Annotated[
    str | None, typer.Option("--draft", help="A document in a file, or the id of a draft, not yet proposed.")
]
UnderOption = Annotated[int | None, typer.Option("--version", help="A version, such as the proposed one.", min=1)]


def read_document(file: str) -> dict[str, Any]:
    """The JSON object of a file, or of standard input for `-`."""
    try:
        document = orjson.loads(read_input(file, sys.stdin.buffer))
    except ValueError as fault:
        raise InputError("The policy is not JSON: {fault}.", fault=fault) from None
    if not isinstance(document, dict):
        raise InputError("The policy is not a JSON object.")
    return document


def owner_of(profile: Profile, of: str | None) -> str:
    return of or profile.agency[:2]


def named_in(document: dict[str, Any], profile: Profile) -> str:
    """Whose policy a document says it is: an agency's ceiling, or a country's own."""
    return str(document.get("agency") or document.get("country") or profile.agency[:2])


@app.command(epilog="Example: sarhad policy show --profile .sarhad/demo/KZ-NCP/policy")
def show(
    version: Annotated[int | None, typer.Argument(help="Print this version with its signatures, as JSON.")] = None,
    of: OwnerOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is in force, what comes next, what waits for a second officer, and the history."""
    loaded = Profile.load(profile)
    with connect(loaded) as client:
        if version is not None:
            show_json(client.policy_version(owner_of(loaded, of), version))
            return
        found = client.get_policy(owner_of(loaded, of))
    if as_json:
        show_json(found)
    elif not found["history"]:
        console.print(
            say(
                "{owner} has no policy yet: nothing is shared. Start with: sarhad policy propose FILE",
                owner=found["owner"],
            )
        )
    else:
        show_table(("version", "state", "effective", "proposed"), (_line(version) for version in found["history"]))


def _line(version: dict[str, Any]) -> tuple[object, ...]:
    return version["version"], version["state"], version.get("effective"), version["proposed"]["at"]


@app.command(epilog="Example: sarhad policy words 3 --language ru --profile .sarhad/demo/KZ-NCP/policy")
def words(
    version: VersionArgument,
    of: OwnerOption = None,
    language: LanguageOption = "en",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say a version in sentences."""
    loaded = Profile.load(profile)
    with connect(loaded) as client:
        said = client.policy_words(owner_of(loaded, of), version, language)
    if as_json:
        show_json(said)
    else:
        print_words(said)


def print_words(said: dict[str, Any]) -> None:
    console.print(said["title"], markup=False)
    console.print(said["effective"], markup=False)
    for number, rule in enumerate(said["rules"], start=1):
        console.print(f"\n{number}. {rule['text']} [{rule['id']}]", markup=False)
    console.print()
    for sentence in said["closing"]:
        console.print(sentence, markup=False)


@app.command(epilog="Example: sarhad policy diff 4 --from 3 --profile .sarhad/demo/KZ-NCP/policy")
def diff(
    to: VersionArgument,
    from_: Annotated[
        int | None, typer.Option("--from", help="The earlier version; by default what is in force.")
    ] = None,
    of: OwnerOption = None,
    language: LanguageOption = "en",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say in words what a version changes."""
    loaded = Profile.load(profile)
    with connect(loaded) as client:
        found = client.policy_diff(owner_of(loaded, of), to, from_, language)
    if as_json:
        show_json(found)
    else:
        print_changes(found["changes"])


def print_changes(changes: list[dict[str, Any]]) -> None:
    for change in changes:
        console.print(f"- {change['text']}", markup=False)
    if not changes:
        console.print(say("Nothing changes."))


@app.command(epilog="Example: sarhad policy check KZ.json --profile .sarhad/demo/KZ-NCP/policy")
def check(
    file: DocumentArgument,
    of: OwnerOption = None,
    language: LanguageOption = "en",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask whether a document would be taken, what it says and what it changes; nothing is kept."""
    loaded = Profile.load(profile)
    document = read_document(file)
    with connect(loaded) as client:
        found = client.check_policy(of or named_in(document, loaded), document, language)
    if as_json:
        show_json(found)
        return
    print_words(found["words"])
    console.print()
    print_changes(found["changes"])
    for caution in found["cautions"]:
        console.print(f"! {caution}", markup=False)


@app.command(epilog="Example: sarhad policy propose KZ.json --profile .sarhad/demo/KZ-NCP/policy")
def propose(file: DocumentArgument, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Sign a document and propose it as the next version; another officer approves it."""
    loaded = Profile.load(profile)
    document = read_document(file)
    owner = named_in(document, loaded)
    signed = sign_policy(loaded.load_record_key(), document)
    with connect(loaded) as client:
        proposed = client.propose_policy(owner, signed)
    if as_json:
        show_json(proposed)
    else:
        whose = f" --of {owner}" if "-" in owner else ""
        console.print(
            say(
                "Version {version} of {owner} is proposed, {rules} rules; nothing changes yet. "
                "Another officer: sarhad policy approve {version}{whose}",
                version=proposed["version"],
                owner=owner,
                rules=proposed["rules"],
                whose=whose,
            ),
            markup=False,
        )


@app.command(epilog="Example: sarhad policy approve 2 --profile .sarhad/demo/KZ-NCP/policy-2")
def approve(
    version: VersionArgument,
    of: OwnerOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve without being asked.")] = False,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a proposal changes, then sign its approval (by another officer than proposed it)."""
    loaded = Profile.load(profile)
    owner = owner_of(loaded, of)
    with connect(loaded) as client:
        proposal = client.policy_version(owner, version)
        if not yes:
            print_words(client.policy_words(owner, version))
            console.print()
            print_changes(client.policy_diff(owner, version)["changes"])
            typer.confirm(say("Approve version {version} of {owner}?", version=version, owner=owner), abort=True)
        approval = sign_approval(loaded.load_record_key(), owner, version, proposal["signed"])
        approved = client.approve_policy(owner, version, approval)
    if as_json:
        show_json(approved)
    else:
        console.print(
            say(
                "Version {version} of {owner} is approved: {state}, from {effective}.",
                version=version,
                owner=owner,
                state=approved["state"],
                effective=approved["effective"],
            )
        )


@app.command(epilog='Example: sarhad policy reject 2 --reason "Too wide for TM" --profile .sarhad/demo/KZ-NCP/policy-2')
def reject(
    version: VersionArgument,
    reason: Annotated[str, typer.Option(help="Why; the officers of your country can read it.")],
    of: OwnerOption = None,
    profile: ProfileOption = None,
) -> None:
    """End a proposal without effect: reject another officer's, or withdraw your own."""
    loaded = Profile.load(profile)
    with connect(loaded) as client:
        ended = client.reject_policy(owner_of(loaded, of), version, reason)
    console.print(say("Version {version} is {state}.", version=version, state=ended["state"]))


@app.command("export-odrl", epilog="Example: sarhad policy export-odrl 2 > KZ.odrl.jsonld")
def export_odrl(version: VersionArgument, of: OwnerOption = None, profile: ProfileOption = None) -> None:
    """Print a version as ODRL 2.2 (JSON-LD)."""
    loaded = Profile.load(profile)
    with connect(loaded) as client:
        show_json(client.policy_odrl(owner_of(loaded, of), version))
