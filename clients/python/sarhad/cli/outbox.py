"""`sarhad outbox`: keep signed records until the line to the service allows sending them."""

import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sarhad import records
from sarhad._client import Client
from sarhad.cli.output import (
    OK,
    REFUSED,
    UNREACHABLE,
    JsonOption,
    ProfileOption,
    complaints,
    connect,
    console,
    show_json,
    show_table,
)
from sarhad.cli.words import say, spoken
from sarhad.describe import read_description, read_input
from sarhad.outbox import Letter, Outbox, deliver
from sarhad.profile import Profile, home

app = typer.Typer(no_args_is_help=True, help="Keep signed records until they can be sent.")

FileOption = Annotated[
    Path | None,
    typer.Option("--file", envvar="SARHAD_OUTBOX", help="Outbox file. Default: outbox.db beside the profiles."),
]
Numbers = Annotated[list[int], typer.Argument(metavar="NUMBER…", help="Numbers from `sarhad outbox list`.")]


def _open(file: Path | None) -> Outbox:
    return Outbox.open(file or home() / "outbox.db")


@app.command(epilog="Example: sarhad outbox add report.json --profile customs")
def add(
    source: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON description, or - for standard input.")],
    profile: ProfileOption = None,
    file: FileOption = None,
) -> None:
    """Sign a described record now and keep it; nothing is sent."""
    loaded = Profile.load(profile)
    record = read_description(read_input(source, sys.stdin.buffer), loaded.agency)
    signed = records.issue(loaded.load_record_key(), record)
    with _open(file) as outbox:
        number = outbox.add(signed, str(loaded.directory.resolve()))
    console.print(say("Kept as number {number}. Send with: sarhad outbox send", number=number), markup=False)


@app.command(epilog="Example: sarhad outbox send --watch")
def send(
    file: FileOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep running and send whenever something is due.")] = False,
) -> None:
    """Send what is due. Failures wait longer each time; refused records become dead letters."""
    with _open(file) as outbox:
        while True:
            tally = deliver(outbox, _client_of)
            for fault in dict.fromkeys(tally.faults):
                complaints.print(f"sarhad: {fault}", markup=False)
            if not watch or tally.delivered or tally.dead:
                waiting = outbox.count("waiting")
                console.print(
                    say(
                        "{delivered} delivered, {dead} dead, {waiting} waiting.",
                        delivered=tally.delivered,
                        dead=tally.dead,
                        waiting=waiting,
                    )
                )
            if not watch:
                raise typer.Exit(REFUSED if tally.dead else UNREACHABLE if tally.postponed else OK)
            next_due = outbox.next_due()
            time.sleep(min(max((next_due or time.time() + 5) - time.time(), 0.5), 5))


def _client_of(sender: str) -> Client:
    return connect(Profile.load(sender))


@app.command("list", epilog="Example: sarhad outbox list --json")
def list_(file: FileOption = None, as_json: JsonOption = False) -> None:
    """Show what waits and what is dead."""
    with _open(file) as outbox:
        _show(outbox.letters("waiting", "dead"), as_json)


@app.command(epilog="Example: sarhad outbox dead")
def dead(file: FileOption = None, as_json: JsonOption = False) -> None:
    """Show the records that the service refused, and why."""
    with _open(file) as outbox:
        _show(outbox.letters("dead"), as_json)


@app.command(epilog="Example: sarhad outbox retry 17")
def retry(
    number: Annotated[list[int] | None, typer.Argument(metavar="[NUMBER…]", help="All by default.")] = None,
    file: FileOption = None,
) -> None:
    """Make dead and waiting records due at once, as they were signed."""
    with _open(file) as outbox:
        console.print(say("{number} are due.", number=outbox.retry(number or ())))


@app.command(epilog="Example: sarhad outbox drop 17")
def drop(number: Numbers, file: FileOption = None) -> None:
    """Forget undelivered records for good."""
    with _open(file) as outbox:
        console.print(say("{number} dropped.", number=outbox.drop(number)))


COLUMNS = ("number", "state", "reference", "attempts", "due", "problem")


def _show(letters: Iterable[Letter], as_json: bool) -> None:
    told = spoken if console.is_terminal and not as_json else str
    lines = [
        {
            "number": letter.number,
            "state": letter.state,
            "reference": letter.reference,
            "attempts": letter.attempts,
            "due": datetime.fromtimestamp(letter.due, UTC).isoformat(timespec="seconds") if letter.due else "now",
            "problem": told(letter.fault) if letter.fault else "",
        }
        for letter in letters
    ]
    if as_json:
        show_json(lines)
    else:
        show_table(COLUMNS, (tuple(line.values()) for line in lines))
