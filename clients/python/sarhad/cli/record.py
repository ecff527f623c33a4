"""`sarhad record`: grants, blocks and embargoes of one record of your own."""

from datetime import UTC, datetime, time
from typing import Annotated, Any

import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, labelled, show_json, show_table
from sarhad.cli.words import say
from sarhad.errors import InputError
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Say who sees one record of your own, besides what the policy says.")

RecordId = Annotated[str, typer.Argument(metavar="ID", help="The record's id.")]
ToOption = Annotated[list[str] | None, typer.Option("--to", help="Country or agency; may be repeated.")]
ReasonOption = Annotated[str, typer.Option(help="Why; kept with the rule.")]


@app.command(epilog="Example: sarhad record show 5f0c…")
def show(record_id: RecordId, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Show the rules of a record."""
    with connect(Profile.load(profile)) as client:
        _print(client.sharing(record_id), as_json)


@app.command(
    epilog='Example: sarhad record grant 5f0c… --to KG-CUS --facet narrative --until 2027-01-31 --reason "Joint case"'
)
def grant(
    record_id: RecordId,
    to: Annotated[list[str], typer.Option("--to", help="Country or agency; may be repeated.")],
    facet: Annotated[list[str], typer.Option("--facet", help="Facet that is given; may be repeated.")],
    until: Annotated[str, typer.Option(help="Last day, YYYY-MM-DD; at most 366 days from now.")],
    reason: ReasonOption,
    purpose: Annotated[list[str] | None, typer.Option("--for", help="Purpose; may be repeated. Default: any.")] = None,
    oblige: Annotated[list[str] | None, typer.Option(help="Obligation; may be repeated.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give facets of a record to others, until a day (role policy_officer)."""
    rule = {"kind": "grant", "facets": facet, "until": _end_of(until), "reason": reason, **_audience(to)}
    if purpose:
        rule["purposes"] = purpose
    _add(record_id, rule | {"obligations": oblige or []}, profile, as_json)


@app.command(epilog='Example: sarhad record block 5f0c… --to KG --until 2027-01-31 --reason "Under investigation"')
def block(
    record_id: RecordId,
    reason: ReasonOption,
    to: ToOption = None,
    until: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD. Default: until lifted.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a record from these countries and agencies, or without --to from everyone else."""
    rule: dict[str, Any] = {"kind": "block", "reason": reason, **_audience(to or [])}
    _add(record_id, rule | ({"until": _end_of(until)} if until else {}), profile, as_json)


@app.command(epilog='Example: sarhad record embargo 5f0c… --until 2026-12-31 --reason "Controlled delivery"')
def embargo(
    record_id: RecordId,
    until: Annotated[str, typer.Option(help="Last day, YYYY-MM-DD.")],
    reason: ReasonOption,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a record to your own country until a day."""
    _add(record_id, {"kind": "embargo", "until": _end_of(until), "reason": reason}, profile, as_json)


@app.command(epilog="Example: sarhad record lift 5f0c… 91ac…")
def lift(
    record_id: RecordId,
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="A rule's id, from `sarhad record show`.")],
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """End one rule of a record. To end a block or an embargo takes a policy officer."""
    with connect(Profile.load(profile)) as client:
        now = client.sharing(record_id)
        ids = [rule["id"] for rule in now["rules"]]
        if rule_id not in ids:
            raise InputError(
                "The record has no rule {rule_id}; see: sarhad record show {record_id}",
                rule_id=rule_id,
                record_id=record_id,
            )
        keep = [id_ for id_ in ids if id_ != rule_id]
        _print(client.put_sharing(record_id, {"version": now["version"], "keep": keep}), as_json)


def _add(record_id: str, rule: dict[str, Any], profile: str | None, as_json: bool) -> None:
    with connect(Profile.load(profile)) as client:
        now = client.sharing(record_id)
        keep = [kept["id"] for kept in now["rules"]]
        _print(client.put_sharing(record_id, {"version": now["version"], "keep": keep, "add": [rule]}), as_json)


def _audience(to: list[str]) -> dict[str, list[str]]:
    parts = {"countries": [code for code in to if "-" not in code], "agencies": [code for code in to if "-" in code]}
    return {name: codes for name, codes in parts.items() if codes}


def _end_of(day: str) -> str:
    try:
        return datetime.combine(datetime.fromisoformat(day).date(), time.max, UTC).isoformat()
    except ValueError:
        raise InputError("{day} is no day: expected YYYY-MM-DD.", day=day) from None


def _print(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(document)
        return
    if document["recalled"]:
        console.print(say("Recalled: nobody outside your country reads this record."))
    if not document["rules"]:
        console.print(say("No rules of its own: the country's policy alone says who sees this record."))
        return
    show_table(("rule", "kind", "to", "facets", "until", "reason"), (_line(rule) for rule in document["rules"]))


def _line(rule: dict[str, Any]) -> tuple[object, ...]:
    to = ", ".join([*rule.get("countries", ()), *rule.get("agencies", ())]) or labelled("everyone")
    facets, until = ", ".join(rule.get("facets", ())), (rule.get("until") or labelled("lifted"))[:10]
    return rule["id"], rule["kind"], to, facets, until, rule["reason"]
