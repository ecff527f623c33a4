"""`sarhad recall`: take records back that you have shared, and answer the recalls of others."""

import csv
import io
import re
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import orjson
import typer

from sarhad.cli.output import JsonOption, ProfileOption, PurposeOption, connect, console, show_json, show_table
from sarhad.cli.words import say
from sarhad.describe import read_input
from sarhad.errors import InputError
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Take shared records back, and acknowledge the recalls of others.")


@app.command(
    epilog='Example: sarhad recall start 5f0c… 91ac… --reason "Filed under the wrong case"\n\n'
    'Example: sarhad recall start --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z --reason "Method error"'
)
def start(
    record_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Ids of your records.")] = None,
    reason: Annotated[str, typer.Option(help="Why; recipients read it.")] = "",
    from_: Annotated[str | None, typer.Option("--from", help="Instead of ids: events at or after.")] = None,
    to: Annotated[str | None, typer.Option(help="Instead of ids: events before.")] = None,
    agency: Annotated[str | None, typer.Option(help="Instead of ids: filed by this agency.")] = None,
    substance: Annotated[str | None, typer.Option(help="Instead of ids: catalogue code of a line.")] = None,
    days: Annotated[int, typer.Option(help="Days within which recipients answer.", min=1, max=90)] = 14,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take records back: nobody else reads them from now on, and whoever has read them is told."""
    query = {"from": from_, "to": to, "agency": agency, "substance": substance}
    query = {name: value for name, value in query.items() if value is not None}
    if bool(record_ids) == bool(query) or not reason:
        raise InputError("Name records or describe them, not both, and give a reason.")
    chosen: dict[str, Any] = {"records": record_ids} if record_ids else {"query": query}
    with connect(Profile.load(profile)) as client:
        made = client.recall({**chosen, "reason": reason, "days": days})
    if as_json:
        show_json(made)
        return
    told = ", ".join(one["agency"] for one in made["recipients"]) or say("nobody: no one had read them")
    console.print(
        say("Recall {id}: {records} records. Told: {told}.", id=made["id"], records=len(made["records"]), told=told)
    )


@app.command("list", epilog="Example: sarhad recall list --state open\n\nExample: sarhad recall list --own")
def list_(
    own: Annotated[bool, typer.Option("--own", help="Those your country made, with who has acknowledged.")] = False,
    state: Annotated[str | None, typer.Option(help="open, overdue or acknowledged.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many.", min=1, max=500)] = 50,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the recalls addressed to your agency, or made by your country, newest first."""
    with connect(Profile.load(profile)) as client:
        page = client.recalls(role="owner" if own else "recipient", state=state, limit=limit)
    if as_json:
        show_json(page)
        return
    if not page["items"]:
        console.print(
            say("Your country has recalled nothing.") if own else say("Nothing that your agency read was recalled.")
        )
        return
    show_table(("id", "owner", "records", "state", "deadline", "reason"), (_line(item) for item in page["items"]))


@app.command(
    epilog="Example: sarhad recall acknowledge 3c9d… deleted\n\n"
    'Example: sarhad recall acknowledge 3c9d… kept --law "Code of criminal procedure, art. 124"'
)
def acknowledge(
    recall_id: Annotated[str, typer.Argument(metavar="ID", help="The recall's id.")],
    done: Annotated[str, typer.Argument(help="deleted or kept.")],
    law: Annotated[str | None, typer.Option(help="Kept: the legal duty.")] = None,
    text: Annotated[str | None, typer.Option(help="Words to the owner.")] = None,
    profile: ProfileOption = None,
) -> None:
    """Say what your agency did with its copies of recalled records."""
    said = {"legal_reference": law, "text": text}
    with connect(Profile.load(profile)) as client:
        client.acknowledge_recall(recall_id, done, **{k: v for k, v in said.items() if v is not None})
    console.print(say("Acknowledged."))


def _line(item: dict[str, Any]) -> tuple[object, ...]:
    state = item.get("state") or ", ".join(f"{one['agency']} {one['state']}" for one in item["recipients"]) or "unread"
    return item["id"], item["owner"], len(item["records"]), state, item["deadline"][:10], item["reason"]


@app.command(
    epilog="Example: sarhad recall check export.csv --purpose analysis\n\nExample: sarhad recall check 5f0c… 91ac…"
)
def check(
    copies: Annotated[list[str], typer.Argument(metavar="FILE|ID…", help="An export (CSV, JSON, NDJSON), or ids.")],
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    as_json: JsonOption = False,
) -> None:
    """Ask how records stand of which you hold copies: recalled, retracted, corrected, or no longer shared with you."""
    held: dict[str, int] = {}
    for copy in copies:
        held |= {copy: 1} if _ID.fullmatch(copy) else _of_file(read_input(copy, sys.stdin.buffer))
    if not held:
        raise InputError("No record is named.")
    found: list[dict[str, Any]] = []
    with connect(Profile.load(profile), purpose=purpose) as client:
        waiting = iter(held.items())
        while some := dict(islice(waiting, 1000)):
            found += client.standings(some)["items"]
    if as_json:
        show_json(found)
        return
    flagged = [item for item in found if item["state"] != "current"]
    show_table(
        ("id", "state", "owner", "recall", "reason"),
        ([item[name] for name in ("id", "state", "owner", "recall", "reason")] for item in flagged),
    )
    console.print(say("{same} of {all} are as you hold them.", same=len(found) - len(flagged), all=len(found)))


_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _of_file(data: bytes) -> dict[str, int]:
    """{id: version} of every record in an export: what has an `id`, and a `version` where it is told."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("This is no text: give the export as CSV, JSON or NDJSON.") from None
    rows: list[Any] = list(csv.DictReader(io.StringIO(text)))
    if text.lstrip().startswith(("{", "[")):
        try:
            rows = [orjson.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            rows = [orjson.loads(text)]
    return {
        row["id"]: int(row.get("version") or 1)
        for row in _flat(rows)
        if isinstance(row.get("id"), str) and _ID.fullmatch(row["id"])
    }


def _flat(rows: list[Any]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if isinstance(row, list):
            yield from _flat(row)
        elif isinstance(row, dict):
            yield {**row, **(row["properties"] if isinstance(row.get("properties"), dict) else {})}
            yield from _flat([row[name] for name in ("items", "features") if name in row])
