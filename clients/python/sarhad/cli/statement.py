"""`sarhad statement`: who read the records of one's own country."""

import time
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from sarhad import accounts
from sarhad._client import Client
from sarhad.cli.output import JsonOption, ProfileOption, connect, console, show_json, show_table
from sarhad.cli.patience import GRACE, once_merged
from sarhad.cli.verify import log_key_of
from sarhad.cli.words import say
from sarhad.profile import Profile


class By(StrEnum):
    """What a tally is by."""

    COUNTRY = "country"
    AGENCY = "agency"
    PURPOSE = "purpose"
    KEY = "key"
    ROUTE = "route"


def statement(
    from_: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")] = None,
    to: Annotated[str | None, typer.Option(help="Day after the last, YYYY-MM-DD.")] = None,
    country: Annotated[str | None, typer.Option(help="Country that read, ISO 3166-1 alpha-2.")] = None,
    agency: Annotated[str | None, typer.Option(help="Agency that read.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Purpose it stated.")] = None,
    record: Annotated[str | None, typer.Option(help="One record of yours, by id.")] = None,
    by: Annotated[By | None, typer.Option(help="Count by this instead of listing.")] = None,
    quarter: Annotated[str | None, typer.Option(help="Give and get with each partner, such as 2026-Q3.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the entries as CSV.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every entry against the access log, waiting as promised.")
    ] = False,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who read your country's records, when and why (roles auditor, policy_officer).

    Example: sarhad statement --from 2026-07-01 --by agency --as KZ-DCA/auditor

    Example: sarhad statement --record 5f0c… --verify

    Example: sarhad statement --quarter 2026-Q3
    """
    loaded = Profile.load(profile)
    filters = {
        "from_": from_, "to": to, "country": country, "agency": agency, "purpose": purpose, "record": record,
    }  # fmt: skip
    own = loaded.agency[:2]
    with connect(loaded) as client:
        if quarter is not None:
            _balance(client.balance(own, quarter), as_json)
            return
        entries = list(client.statement_all(own, **filters, limit=1000))
        size = _prove(client, own, entries) if verify and entries else None
    if csv is not None:
        csv.write_text(accounts.table(entries), encoding="utf-8", newline="")
    _show(entries, by, as_json)
    if not as_json:
        if csv is not None:
            console.print(say("Written to {csv}.", csv=csv), markup=False)
        if size is not None:
            console.print(say("All are in the access log, as told (checkpoint of {size} entries).", size=size))


def _show(entries: list[dict[str, Any]], by: By | None, as_json: bool) -> None:
    if as_json:
        tally = [{by.value: v, "answers": a, "records": r} for v, a, r in accounts.tally(entries, by)] if by else None
        show_json(entries if tally is None else tally)
    elif not entries:
        console.print(say("Nobody read a record of yours in this period and under these filters."))
    elif by is not None:
        show_table((by.value, "answers", "records"), accounts.tally(entries, by))
    else:
        shown = ("at", "country", "agency", "purpose", "case", "route", "records", "id")
        show_table(shown, ([entry[name] for name in shown] for entry in entries))
        console.print(
            say(
                "{entries} entries, {records} records shown.",
                entries=len(entries),
                records=sum(entry["records"] for entry in entries),
            )
        )


def _balance(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(document)
        return
    show_table(
        ("partner", "sees now", "read of yours", "answers", "you read of theirs", "answers"),
        (
            (
                partner["country"],
                partner["visible_now"],
                partner["given"]["distinct_records"],
                partner["given"]["answers"],
                partner["taken"]["records"],
                partner["taken"]["answers"],
            )
            for partner in document["partners"]
        ),
    )


def _prove(client: Client, country: str, entries: list[dict[str, Any]]) -> int:
    """The size of the largest tree that holds an entry; raises what `verify_entry` raises.

    An entry is written with the answer it tells of, and in the log within the delay that the service promises.
    """
    said = client.service()
    log_key = log_key_of(said["logs"]["access"], client.service_key)
    until = time.monotonic() + said["limits"]["merge_delay_seconds"] + GRACE
    size = 0
    for entry in entries:
        proof = once_merged(partial(client.entry_proof, country, entry["id"]), until)
        size = max(size, accounts.verify_entry(entry, proof, log_key).size)
    return size
