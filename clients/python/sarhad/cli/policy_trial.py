"""`sarhad policy preview | simulate | suspend | lift`: what a policy would do, and stopping it."""

import re
from typing import Annotated, Any

import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, every, labelled, show_json, show_table
from sarhad.cli.policy import DraftOption, OwnerOption, UnderOption, app, owner_of, read_document
from sarhad.cli.policy_draft import drafts
from sarhad.cli.words import say
from sarhad.errors import InputError
from sarhad.profile import Profile

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _trial(version: int | None, draft: str | None) -> dict[str, Any]:
    """Which policy is tried: `draft` is the id of one that the exchange keeps, or a file."""
    given: dict[str, Any] = {"version": version}
    if draft is not None:
        given |= {"draft": draft} if _ID.fullmatch(draft) else {"document": read_document(draft)}
    return {name: value for name, value in given.items() if value is not None}


def _parameters(pairs: list[str]) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    for name, equals, _ in split:
        if not equals:
            raise InputError("{name} is no filter: write name=value.", name=repr(name))
    return {name: value for name, _, value in split}


__all__ = ["app"]  # the commands of `sarhad policy`, these included
app.add_typer(drafts, name="draft")


@app.command(epilog="Example: sarhad policy preview KG-CUS --purpose operational --where country=KZ --version 2")
def preview(
    agency: Annotated[str, typer.Argument(help="Whose eyes: an agency, such as KG-CUS.")],
    role: Annotated[list[str] | None, typer.Option(help="Its role; may be repeated. Default: analyst.")] = None,
    purpose: Annotated[str | None, typer.Option(help="The purpose it states.")] = "analysis",
    record: Annotated[str | None, typer.Option(help="Id of one record; a search by default.")] = None,
    path: Annotated[
        str, typer.Option(help="Another question: /v1/analyses, /v1/trends, /v1/flows, /v1/hotspots, /v1/aggregates.")
    ] = "/v1/seizures",
    where: Annotated[
        list[str] | None, typer.Option(help="Parameter of the question, name=value; may be repeated.")
    ] = None,
    sd_jwt: Annotated[bool, typer.Option("--sd-jwt", help="The record as the reader gets it signed.")] = False,
    version: UnderOption = None,
    draft: DraftOption = None,
    of: OwnerOption = None,
    profile: ProfileOption = None,
) -> None:
    """Print your own records exactly as another reader sees them, or would see them under a version or draft.

    Example: sarhad policy preview KG-DCA --path /v1/trends --where by=month,group --version 2
    """
    loaded = Profile.load(profile)
    path = f"{path}/{record}" if record else path
    accept = {"accept": "application/sd-jwt"} if sd_jwt else {}
    eyes = {"country": agency[:2], "agency": agency, "roles": list(role or ["analyst"]), "purpose": purpose}
    asked = {"as": eyes, "question": {"path": path, "params": _parameters(where or []), **accept}}
    with connect(loaded) as client:
        found = client.preview_policy(owner_of(loaded, of), {**asked, **_trial(version, draft)})
    if sd_jwt and found["status"] == 200:
        typer.echo(found["body"])
    else:
        show_json(found)


@app.command(epilog="Example: sarhad policy simulate --version 2 --from 2025-01-01 --to 2026-01-01")
def simulate(
    from_: Annotated[str, typer.Option("--from", help="First day of events, YYYY-MM-DD.")],
    to: Annotated[str, typer.Option(help="Day after the last, YYYY-MM-DD.")],
    version: UnderOption = None,
    draft: DraftOption = None,
    of: OwnerOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count who would newly see or lose which of your records of a period."""
    if version is None and draft is None:
        raise InputError("Name what to try: --version or --draft.")
    loaded = Profile.load(profile)
    asked = {"from": from_, "to": to, **_trial(version, draft)}
    with connect(loaded) as client:
        found = client.simulate_policy(owner_of(loaded, of), asked)
    if as_json:
        show_json(found)
        return
    columns = ("reader", "roles", "purposes", "records", "newly", "lost", "fields newly", "fields lost")
    show_table(columns, (_line(change) for change in found["changes"]))
    if not found["changes"]:
        console.print(say("Nobody would see more or less."))
    console.print(
        say(
            "{records} records of {first} to {to}, {audiences} kinds of readers.",
            records=found["records"],
            first=from_,
            to=to,
            audiences=found["audiences"],
        )
    )


def _line(change: dict[str, Any]) -> tuple[object, ...]:
    records, facets = change["records"], change["facets"]
    newly, lost = (
        " ".join(f"{name}:{counts[way]}" for name, counts in facets.items() if counts[way]) for way in ("newly", "lost")
    )
    seen = f"{records['before']} → {records['after']}"
    who = change["agency"] or change["country"]
    return (
        who,
        " ".join(change["roles"]),
        " ".join(change["purposes"]),
        seen,
        records["newly"],
        records["lost"],
        newly,
        lost,
    )


@app.command(
    epilog='Example: sarhad policy suspend --towards KG-CUS --reason "Key lost" --profile .sarhad/demo/KZ-NCP/policy'
)
def suspend(
    reason: Annotated[str, typer.Option(help="Why; it is logged.")],
    towards: Annotated[
        str | None, typer.Option(help="A country, an agency or the thumbprint of a key; everyone by default.")
    ] = None,
    of: Annotated[str | None, typer.Option("--of", help="Only what this agency of yours reported.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop sharing at once: the kill switch. Another officer lifts it. Without arguments to list, see `suspensions`."""
    order = {"reason": reason, "of_agency": of}
    if towards:
        kind = "towards_country" if len(towards) == 2 else "towards_key" if len(towards) == 43 else "towards_agency"
        order[kind] = towards
    with connect(Profile.load(profile)) as client:
        made = client.suspend({name: value for name, value in order.items() if value is not None})
    if as_json:
        show_json(made)
    else:
        console.print(
            say(
                "Sharing with {towards} is suspended. Another officer: sarhad policy lift {id}",
                towards=towards or say("everyone"),
                id=made["id"],
            )
        )


@app.command(epilog="Example: sarhad policy suspensions --profile .sarhad/demo/KZ-NCP/policy")
def suspensions(
    in_force: Annotated[bool, typer.Option("--in-force", help="Only what is suspended now.")] = False,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the suspensions of your country, newest first."""
    with connect(Profile.load(profile)) as client:
        found = list(every(client.suspensions, state="in-force" if in_force else None))
    if as_json:
        show_json(found)
        return
    towards = ("towards_key", "towards_agency", "towards_country")
    show_table(
        ("id", "towards", "of", "since", "lifted", "reason"),
        (
            (
                entry["id"],
                next((entry[name] for name in towards if entry[name]), labelled("everyone")),
                entry["of_agency"] or labelled("all records"),
                entry["created_at"],
                (entry["lifted"] or {}).get("at"),
                entry["reason"],
            )
            for entry in found
        ),
    )
    if not found:
        console.print(say("Nothing is suspended."))


@app.command(
    epilog='Example: sarhad policy lift 0b4f… --reason "New key enrolled" --profile .sarhad/demo/KZ-NCP/policy-2'
)
def lift(
    suspension: Annotated[str, typer.Argument(metavar="ID", help="Id of the suspension.")],
    reason: Annotated[str, typer.Option(help="Why; it is logged.")],
    profile: ProfileOption = None,
) -> None:
    """Lift a suspension that another officer ordered; sharing goes on with the next request."""
    with connect(Profile.load(profile)) as client:
        lifted = client.lift_suspension(suspension, reason)
    console.print(say("Lifted at {at}.", at=lifted["lifted"]["at"]))
