"""`sarhad policy draft …`: documents that the officers of your country work on before one of them proposes one."""

from typing import Annotated, Any

import typer

from sarhad._client import Client
from sarhad.cli.output import JsonOption, ProfileOption, connect, console, every, show_json, show_table
from sarhad.cli.policy import DocumentArgument, OwnerOption, owner_of, print_changes, print_words, read_document
from sarhad.cli.words import say
from sarhad.policies import sign_policy
from sarhad.profile import Profile

drafts = typer.Typer(no_args_is_help=True, help="Keep drafts for the officers of your country, until one is proposed.")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the draft.")]


@drafts.command("list", epilog="Example: sarhad policy draft list --profile .sarhad/demo/KZ-NCP/policy")
def list_(of: OwnerOption = None, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """List the drafts, last changed first."""
    loaded = Profile.load(profile)
    with connect(loaded) as client:
        found = _all(client, loaded, of)
    if as_json:
        show_json(found)
    elif not found:
        console.print(say("There is no draft. Start with: sarhad policy draft save FILE --name NAME"))
    else:
        lines = ((d["id"], d["name"], d["revision"], d["changed"]["at"], d["changed"]["by"]) for d in found)
        show_table(("id", "name", "revision", "changed", "by"), lines)


@drafts.command(
    epilog='Example: sarhad policy draft save KZ.json --name "With TM" --profile .sarhad/demo/KZ-NCP/policy'
)
def save(
    file: DocumentArgument,
    name: Annotated[
        str | None, typer.Option(help="What the colleagues know it by; kept where it is not given.")
    ] = None,
    draft: Annotated[
        str | None, typer.Option("--over", metavar="ID", help="The draft it replaces; else a new one.")
    ] = None,
    revision: Annotated[
        int | None, typer.Option(help="The revision you worked on; refused if a colleague saved since.", min=1)
    ] = None,
    of: OwnerOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a document as a draft, or save it over one. It may be unfinished."""
    loaded = Profile.load(profile)
    owner, document = owner_of(loaded, of), read_document(file)
    with connect(loaded) as client:
        if draft is None:
            saved = client.begin_draft(owner, name or file, document)
        else:
            known = client.policy_draft(owner, draft)
            saved = client.change_draft(owner, draft, name or known["name"], document, revision or known["revision"])
    if as_json:
        show_json(saved)
        return
    console.print(
        say("Draft {id} is kept, revision {revision}.", id=saved["id"], revision=saved["revision"]), markup=False
    )
    if saved["fault"]:
        where = saved["fault"].get("pointer") or say("the document")
        console.print(
            say("Not ready to be proposed: {detail} (at {where}).", detail=saved["fault"]["detail"], where=where),
            markup=False,
        )


@drafts.command(epilog="Example: sarhad policy draft show 0b4f… > KZ.json")
def show(id: IdArgument, of: OwnerOption = None, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Print the document of a draft, or with --json all that is known of it."""
    loaded = Profile.load(profile)
    with connect(loaded) as client:
        found = client.policy_draft(owner_of(loaded, of), id)
    show_json(found if as_json else found["document"])


@drafts.command(epilog="Example: sarhad policy draft check 0b4f… --profile .sarhad/demo/KZ-NCP/policy")
def check(id: IdArgument, of: OwnerOption = None, profile: ProfileOption = None) -> None:
    """Say a draft in sentences, and what it would change."""
    loaded = Profile.load(profile)
    owner = owner_of(loaded, of)
    with connect(loaded) as client:
        found = client.check_policy(owner, client.policy_draft(owner, id)["document"])
    print_words(found["words"])
    console.print()
    print_changes(found["changes"])
    for caution in found["cautions"]:
        console.print(f"! {caution}", markup=False)


@drafts.command(epilog="Example: sarhad policy draft propose 0b4f… --profile .sarhad/demo/KZ-NCP/policy")
def propose(id: IdArgument, of: OwnerOption = None, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Sign a draft and propose it as the next version; the draft ends, and another officer approves the proposal."""
    loaded = Profile.load(profile)
    owner = owner_of(loaded, of)
    with connect(loaded) as client:
        document = client.policy_draft(owner, id)["document"]
        document["version"] = client.get_policy(owner)["latest"] + 1
        proposed = client.propose_policy(owner, sign_policy(loaded.load_record_key(), document))
    if as_json:
        show_json(proposed)
    else:
        console.print(
            say(
                "Version {version} of {owner} is proposed; nothing changes yet. Another officer: "
                "sarhad policy approve {version}",
                version=proposed["version"],
                owner=owner,
            ),
            markup=False,
        )


@drafts.command(epilog="Example: sarhad policy draft discard 0b4f… --profile .sarhad/demo/KZ-NCP/policy")
def discard(id: IdArgument, of: OwnerOption = None, profile: ProfileOption = None) -> None:
    """End a draft."""
    loaded = Profile.load(profile)
    with connect(loaded) as client:
        client.discard_draft(owner_of(loaded, of), id)
    console.print(say("The draft is discarded."))


def _all(client: Client, profile: Profile, of: str | None) -> list[dict[str, Any]]:
    owner = owner_of(profile, of)
    return list(every(lambda **page: client.policy_drafts(owner, **page)))
