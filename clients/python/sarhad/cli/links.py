"""`sarhad links`: records that may belong together, and what your agency says of it."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from sarhad.cli.output import (
    CaseOption,
    JsonOption,
    ProfileOption,
    PurposeOption,
    connect,
    console,
    show_json,
    show_table,
)
from sarhad.cli.words import say
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Records that may belong together: proposals, confirmations, groups.")

LinkId = Annotated[str, typer.Argument(metavar="ID", help="The link's id.")]
Relation = Annotated[
    str, typer.Option(help="event (reported twice), chemical (impurities alike) or physical (one press).")
]


@app.command("list", epilog="Example: sarhad links list --relation event\n\nExample: sarhad links list --record 5f0c…")
def list_(
    relation: Annotated[str | None, typer.Option(help="event, chemical or physical; all of them by default.")] = None,
    state: Annotated[str, typer.Option(help="proposed, confirmed, rejected or undone.")] = "proposed",
    record: Annotated[str | None, typer.Option(help="Only links of this record.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many.", min=1, max=500)] = 50,
    profile: ProfileOption = None,
    purpose: PurposeOption = "operational",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List links of which you see both records, the best supported first."""
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        page = client.links(relation=relation, state=state, record=record, limit=limit)
    if as_json:
        show_json(page)
    elif not page["items"]:
        console.print(say("No {state} links between records that you see.", state=state))
    else:
        show_table(("id", "relation", "of", "and", "support", "because"), (_line(item) for item in page["items"]))


@app.command(epilog="Example: sarhad links show 7e1b…")
def show(
    link_id: LinkId, profile: ProfileOption = None, purpose: PurposeOption = "operational", as_json: JsonOption = False
) -> None:
    """One link: every reason with what it weighs, and what the parties have said."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        link = client.link(link_id)
    if as_json:
        show_json(link)
        return
    console.print(f"{link['meaning']} ({link['state']}, {_support(link)}).")
    for entry in link["records"]:
        console.print(f"  {entry['agency']}  {entry['id']}")
    for reason in link["reasons"]:
        console.print(f"  {reason['weight']:>6}  {reason['words']}")
    for act in link["acts"]:
        why = f": {act['reason']}" if act["reason"] else ""
        console.print(f"  {act['at'][:16]}  {act['agency']} {act['act']}{why}")


@app.command(epilog="Example: sarhad links confirm 7e1b…")
def confirm(
    link_id: LinkId,
    reason: Annotated[str | None, typer.Option(help="Words to the other party.")] = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "operational",
) -> None:
    """The two records belong together, your agency holds. It is so when two keys of the parties say so."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        state = client.confirm_link(link_id, reason)["state"]
    console.print(
        say("Confirmed by both.") if state == "confirmed" else say("Your word is noted; a second key has to confirm.")
    )


@app.command(epilog='Example: sarhad links reject 7e1b… --reason "Two lorries, an hour apart"')
def reject(
    link_id: LinkId,
    reason: Annotated[str, typer.Option(help="Why, for the other party.")],
    profile: ProfileOption = None,
    purpose: PurposeOption = "operational",
) -> None:
    """They do not belong together. One party's word is enough."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        client.reject_link(link_id, reason)
    console.print(say("Rejected."))


@app.command(epilog='Example: sarhad links undo 7e1b… --reason "The second lorry was another one"')
def undo(
    link_id: LinkId,
    reason: Annotated[str, typer.Option(help="Why, for the other party.")],
    profile: ProfileOption = None,
    purpose: PurposeOption = "operational",
) -> None:
    """Take a confirmed link apart again. Both records, and what was said, stay."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        client.undo_link(link_id, reason)
    console.print(say("Undone."))


@app.command(epilog="Example: sarhad links groups --relation chemical --out groups.geojson")
def groups(
    relation: Relation,
    record: Annotated[str | None, typer.Option(help="Only the group of this record.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write GeoJSON to this file, for a map.")] = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "operational",
) -> None:
    """What hangs together by confirmed links, each member where and as precisely as it is disclosed to you."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        found = client.link_groups(relation, record)
    if out is not None:
        out.write_bytes(orjson.dumps(found))
        console.print(
            say(
                "{groups} groups, {features} places in {out}.",
                groups=found["groups"],
                features=len(found["features"]),
                out=out,
            )
        )
    elif not found["features"]:
        console.print(say("No confirmed {relation} links between records that you see.", relation=relation))
    else:
        names = ("group", "record", "agency", "at", "country", "admin1")
        show_table(names, ([feature["properties"][name] for name in names] for feature in found["features"]))


def _support(link: dict[str, Any]) -> str:
    if link["relation"] != "chemical":
        return f"{link['weight']} {'bits' if link['relation'] == 'event' else 'points'}"
    worth = link["likelihood_ratio"]
    return f"r {link['r']}" + (say(", likelihood ratio {value}: {words}", **worth) if worth else "")


def _line(link: dict[str, Any]) -> tuple[object, ...]:
    one, other = link["records"]
    because = "; ".join(reason["words"] for reason in link["reasons"][:2])
    return link["id"], link["relation"], one["agency"], other["agency"], _support(link), because
