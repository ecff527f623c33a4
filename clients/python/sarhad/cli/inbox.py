"""`sarhad inbox`: what others have done that concerns your agency."""

from typing import Annotated, Any

import orjson
import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, show_json, show_table
from sarhad.cli.words import say
from sarhad.profile import Profile


def inbox(
    state: Annotated[str | None, typer.Option(help="open or acknowledged. Default: all.")] = None,
    kind: Annotated[str | None, typer.Option(help="Such as request-received or recall-received.")] = None,
    since: Annotated[str | None, typer.Option(help="`since` of an earlier answer: only what is newer.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many.", min=1, max=500)] = 50,
    done: Annotated[list[str] | None, typer.Option("--done", help="Take note of this notice; may be repeated.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what concerns your agency: requests to answer, answers, recalls; newest first.

    Example: sarhad inbox --state open

    Example: sarhad inbox --done 1b7e…
    """
    with connect(Profile.load(profile)) as client:
        for notice_id in done or ():
            client.acknowledge_notice(notice_id)
        found = client.inbox(state=state, kind=kind, since=since, limit=limit)
    if as_json:
        show_json(found)
        return
    if not found["items"]:
        console.print(say("Nothing new.") if since or state or kind else say("Your inbox is empty."))
        return
    show_table(("id", "at", "from", "kind", "about", "facts", "done"), (_line(note) for note in found["items"]))
    console.print(say("{open} to take note of.", open=found["open"]))


def _line(note: dict[str, Any]) -> tuple[object, ...]:
    facts = orjson.dumps(note["facts"]).decode()
    done = (note["acknowledged_at"] or "")[:10]
    return note["id"], note["at"][:16], note["from"], note["kind"], note["subject"], facts, done
