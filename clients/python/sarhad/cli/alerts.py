"""`sarhad alerts`: what rules found, alerts from review to retraction, and how your agency is told."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from sarhad.cli.output import (
    JsonOption,
    ProfileOption,
    PurposeOption,
    connect,
    console,
    labelled,
    show_json,
    show_pairs,
)
from sarhad.cli.output import show_table as table
from sarhad.cli.words import say
from sarhad.events import listen as listening
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Early warning: candidates, alerts, and how your agency is told of them.")
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The alert's id.")]
OrderArgument = Annotated[str, typer.Argument(metavar="ID", help="The standing order's id.")]


@app.command(epilog="Example: sarhad alerts candidates --purpose operational")
def candidates(
    purpose: PurposeOption = "operational",
    state: Annotated[str | None, typer.Option(help="candidate, raised or dismissed.")] = "candidate",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what rules found in the eyes of your agency, newest first."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        page = client.alert_candidates(state=state)
    if as_json:
        show_json(page)
        return
    if not page["items"]:
        console.print(
            say("Nothing: no rule has found anything for your agency. `sarhad alerts subscribe` lets them look.")
        )
        return
    columns = ("id", "rule", "substance", "record", "facts", "at")
    table(columns, (_cells(item, columns) for item in page["items"]))


@app.command(
    epilog="Example: sarhad alerts review 3c9d… raise --title 'A new opioid' --text 'Handle with gloves.'\n\n"
    "Example: sarhad alerts review 3c9d… dismiss"
)
def review(
    candidate: Annotated[str, typer.Argument(metavar="ID", help="The candidate's id.")],
    decision: Annotated[str, typer.Argument(help="raise or dismiss.")],
    title: Annotated[str | None, typer.Option(help="Of the alert.")] = None,
    text: Annotated[str | None, typer.Option(help="What is known, and what to do.")] = None,
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
) -> None:
    """Raise a candidate to an alert, or dismiss it."""
    given = {"decision": decision, "title": title, "text": text}
    with connect(Profile.load(profile), purpose=purpose) as client:
        made = client.review_candidate(candidate, {k: v for k, v in given.items() if v is not None})
    console.print(
        say("Alert {alert}: another key may issue it.", alert=made["alert"]) if made["alert"] else say("Dismissed.")
    )


@app.command(epilog="Example: sarhad alerts draft --title 'Red tablets' --text 'Reported by a clinic.' --record 5f0c…")
def draft(
    title: Annotated[str, typer.Option(help="Of the alert.")],
    text: Annotated[str, typer.Option(help="What is known, and what to do.")],
    substance: Annotated[str | None, typer.Option(help="Catalogue code.")] = None,
    record: Annotated[list[str] | None, typer.Option(help="A record that it rests on; may be repeated.")] = None,
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
) -> None:
    """Write an alert that no rule found."""
    given = {"title": title, "text": text, "substance": substance, "records": record or []}
    with connect(Profile.load(profile), purpose=purpose) as client:
        made = client.draft_alert({k: v for k, v in given.items() if v is not None})
    console.print(say("Alert {id}: another key may issue it.", id=made["id"]))


@app.command("list", epilog="Example: sarhad alerts list --state issued")
def list_(
    state: Annotated[str | None, typer.Option(help="reviewed, issued, closed or retracted.")] = None,
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the alerts that reach you, and your own country's."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        page = client.alerts(state=state)
    if as_json:
        show_json(page)
        return
    if not page["items"]:
        console.print(say("No alert reaches you."))
        return
    columns = ("id", "state", "level", "handling", "issuer", "title")
    table(columns, (_cells(item, columns) for item in page["items"]))


@app.command(epilog="Example: sarhad alerts show 5f0c…")
def show(
    alert: IdArgument,
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one alert, with the answers to it that you may know."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        found = client.alert(alert)
    if as_json:
        show_json(found)
        return
    show_pairs((name, found[name]) for name in found if name != "answers")
    word = labelled("acknowledged")
    for answer in found["answers"]:
        show_pairs([(answer["country"], f"{word} {answer['acknowledged'][:16]} {answer['action'] or ''}")])


@app.command(epilog="Example: sarhad alerts issue 5f0c… URGENT --handling TLP:AMBER --to KG --to UZ")
def issue(
    alert: IdArgument,
    level: Annotated[str, typer.Argument(help="INFO, ADVISORY or URGENT.")],
    handling: Annotated[str, typer.Option(help="TLP label, at least that of the records it rests on.")],
    to: Annotated[list[str] | None, typer.Option(help="A country; may be repeated. Default: every member.")] = None,
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
) -> None:
    """Issue a reviewed alert of your country, with another key than the one that reviewed it."""
    given = {"level": level, "handling": handling, "countries": to or None}
    with connect(Profile.load(profile), purpose=purpose) as client:
        client.issue_alert(alert, {k: v for k, v in given.items() if v is not None})
    console.print(say("Issued."))


@app.command(epilog="Example: sarhad alerts acknowledge 5f0c…")
def acknowledge(alert: IdArgument, purpose: PurposeOption = "operational", profile: ProfileOption = None) -> None:
    """Say that your country has taken note."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        client.acknowledge_alert(alert)
    console.print(say("Acknowledged."))


@app.command(epilog="Example: sarhad alerts feedback 5f0c… --action 'Posts were told.' --useful")
def feedback(
    alert: IdArgument,
    action: Annotated[str, typer.Option(help="What your country did.")],
    useful: Annotated[bool, typer.Option("--useful/--useless", help="Whether the alert was of use.")] = True,
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
) -> None:
    """Tell the issuer what came of it."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        client.answer_alert(alert, {"action": action, "useful": useful})
    console.print(say("Told."))


@app.command(
    epilog="Example: sarhad alerts end 5f0c… closed --reason 'The batch is seized.'\n\n"
    "Example: sarhad alerts end 5f0c… retracted --reason 'A wrong standard.'"
)
def end(
    alert: IdArgument,
    state: Annotated[str, typer.Argument(help="closed or retracted.")],
    reason: Annotated[str, typer.Option(help="Why; readers see it.")],
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
) -> None:
    """Close an alert of your country, or retract it."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        client.end_alert(alert, state, reason)
    console.print(say("It is {state}.", state=state))


@app.command(
    epilog="Example: sarhad alerts subscribe desk stream\n\n"
    "Example: sarhad alerts subscribe lab webhook --url https://lab.example/hook --rule DANGEROUS_SUBSTANCE"
)
def subscribe(
    name: Annotated[str, typer.Argument(help="Your name of it.")],
    delivery: Annotated[str, typer.Argument(help="stream, webhook or digest.")],
    url: Annotated[str | None, typer.Option(help="Of a webhook: https.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule; may be repeated.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="Only this policy group; may be repeated.")] = None,
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the rules look through your agency's eyes, for this purpose, and be told."""
    given = {"name": name, "delivery": delivery, "url": url, "rules": rule or None, "groups": group or None}
    with connect(Profile.load(profile), purpose=purpose) as client:
        made = client.subscribe({k: v for k, v in given.items() if v is not None})
    if as_json:
        show_json(made)
        return
    console.print(say("Standing order {id}.", id=made["id"]))


@app.command(epilog="Example: sarhad alerts orders")
def orders(purpose: PurposeOption = "operational", profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """List the standing orders of your agency."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        page = client.subscriptions()
    if as_json:
        show_json(page)
        return
    if not page["items"]:
        console.print(say("Your agency has no standing order."))
        return
    columns = ("id", "name", "delivery", "purpose", "url", "ended")
    table(columns, (_cells(item, columns) for item in page["items"]))


@app.command(epilog="Example: sarhad alerts unsubscribe 91ac…")
def unsubscribe(order: OrderArgument, purpose: PurposeOption = "operational", profile: ProfileOption = None) -> None:
    """End a standing order of your agency."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        client.unsubscribe(order)
    console.print(say("Ended."))


@app.command(
    epilog="Example: sarhad alerts deliveries 91ac… --state dead\n\n"
    "Example: sarhad alerts deliveries 91ac… --again candidate 3c9d…"
)
def deliveries(
    order: OrderArgument,
    state: Annotated[str | None, typer.Option(help="waiting, sent or dead.")] = None,
    again: Annotated[tuple[str, str] | None, typer.Option(help="Kind and id of a dead one: try it once more.")] = None,
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what became of a webhook's events."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        if again is not None:
            client.deliver_again(order, *again)
        page = client.deliveries(order, state=state)
    if as_json:
        show_json(page)
        return
    if not page["items"]:
        console.print(say("No deliveries."))
        return
    columns = ("kind", "subject", "state", "attempts", "fault", "at")
    table(columns, (_cells(item, columns) for item in page["items"]))


@app.command(epilog="Example: sarhad alerts digest 91ac… --day 2026-11-25 --save monday.json")
def digest(
    order: OrderArgument,
    day: Annotated[str | None, typer.Option(help="UTC; yesterday where it is not given.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
) -> None:
    """Fetch a day's events as one file, as you may see them now."""
    with connect(Profile.load(profile), purpose=purpose) as client:
        file = client.digest(order, day)
    if save is None:
        show_json(orjson.loads(file))
        return
    save.write_bytes(file)
    console.print(say("{save}: {events} events.", save=save, events=len(orjson.loads(file)["events"])))


@app.command(epilog="Example: sarhad alerts listen 91ac…")
def listen(
    order: OrderArgument,
    after: Annotated[str | None, typer.Option(help="Go on after this place.")] = None,
    count: Annotated[int, typer.Option(help="Stop after so many events; 0: never.", min=0)] = 0,
    purpose: PurposeOption = "operational",
    profile: ProfileOption = None,
) -> None:
    """Print events as they happen, one JSON object a line, each verified; goes on when the service asks for it."""
    chosen, seen = Profile.load(profile), 0
    while True:
        with connect(chosen) as client:
            client.service()  # pins the service's key, and follows it to the one that succeeded it
        chosen = Profile.load(profile)
        for event in listening(chosen, order, purpose, after):
            after, seen = event.place, seen + 1
            typer.echo(orjson.dumps({"place": event.place, **event.document}).decode())
            if count and seen >= count:
                return


def _cells(item: dict[str, Any], columns: tuple[str, ...]) -> tuple[object, ...]:
    def cell(value: object) -> object:
        return orjson.dumps(value).decode() if isinstance(value, dict | list) else value

    return tuple("" if item[name] in (None, {}, []) else cell(item[name]) for name in columns)
