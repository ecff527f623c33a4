"""`sarhad request`: ask the owner of a record for what its policy withholds, and answer those who ask you."""

from typing import Annotated, Any

import typer

from sarhad.cli.output import CaseOption, JsonOption, ProfileOption, connect, console, show_json, show_table
from sarhad.cli.words import say
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Ask the originator of a record for more, and answer such requests.")

RequestId = Annotated[str, typer.Argument(metavar="ID", help="The request's id.")]


@app.command(
    epilog='Example: sarhad request ask 5f0c… --facet narrative --facet marks --reason "Same stamp" --case ABC-1'
)
def ask(
    record_id: Annotated[str, typer.Argument(metavar="RECORD", help="Id of a record that you see redacted.")],
    facet: Annotated[list[str], typer.Option("--facet", help="Facet that you ask for; may be repeated.")],
    reason: Annotated[str, typer.Option(help="Why, for the owner to judge.")],
    days: Annotated[int, typer.Option(help="Days within which you ask for an answer.", min=1, max=60)] = 10,
    profile: ProfileOption = None,
    purpose: Annotated[str, typer.Option(envvar="SARHAD_PURPOSE", help="What you would use it for.")] = "operational",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the owner of a record for facets that are withheld. You would be given them for the purpose you state."""
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        made = client.ask_originator(record_id, facet, reason, days=days)
    if as_json:
        show_json(made)
    else:
        console.print(
            say(
                "Asked {owner}: request {id}, to be answered by {deadline}.",
                owner=made["owner"],
                id=made["id"],
                deadline=made["deadline"][:10],
            )
        )


@app.command("list", epilog="Example: sarhad request list --state overdue\n\nExample: sarhad request list --mine")
def list_(
    mine: Annotated[bool, typer.Option("--mine", help="Those your agency made, not those to your country.")] = False,
    state: Annotated[str | None, typer.Option(help="open, overdue, answered, refused or withdrawn.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many.", min=1, max=500)] = 50,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the requests to answer, or those of your own agency, newest first."""
    with connect(Profile.load(profile)) as client:
        page = client.requests(role="asker" if mine else "owner", state=state, limit=limit)
    if as_json:
        show_json(page)
        return
    if not page["items"]:
        console.print(say("You have asked for nothing.") if mine else say("Nobody asks anything of your country."))
        return
    show_table(("id", "state", "asks", "of", "facets", "purpose", "deadline"), (_line(item) for item in page["items"]))
    console.print(", ".join(f"{count} {state}" for state, count in page["counts"].items() if count) + ".")


@app.command(
    epilog="Example: sarhad request answer 7e1b… full --days 90 --oblige no_onward\n\n"
    'Example: sarhad request answer 7e1b… refused --refusal legal-bar --text "Sealed by the court."'
)
def answer(
    request_id: RequestId,
    decision: Annotated[str, typer.Argument(help="full, part or refused.")],
    facet: Annotated[list[str] | None, typer.Option("--facet", help="In part: which; may be repeated.")] = None,
    days: Annotated[int, typer.Option(help="For how long, in days.", min=1, max=366)] = 90,
    oblige: Annotated[
        list[str] | None, typer.Option(help="Obligation, such as no_onward or no_export; may be repeated.")
    ] = None,
    refusal: Annotated[
        str | None,
        typer.Option(
            help="Refused: not-held, ongoing-investigation, legal-bar, purpose-not-sufficient, belongs-to-another"
            " or other."
        ),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Words to the asker; needed where you refuse.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a request. To give takes a policy officer; to refuse, also the agency that filed the record."""
    terms: dict[str, Any] = {"facets": facet or None, "refusal": refusal, "text": text}
    if decision != "refused":
        terms |= {"days": days, "obligations": oblige or []}
    with connect(Profile.load(profile)) as client:
        done = client.answer_request(request_id, decision, **{k: v for k, v in terms.items() if v is not None})
    if as_json:
        show_json(done)
    elif done["state"] == "refused":
        console.print(say("Refused to {agency}: {refusal}.", agency=done["agency"], refusal=done["answer"]["refusal"]))
    else:
        given = done["answer"]
        facets, until = ", ".join(given["facets"]), given["until"][:10]
        console.print(
            say(
                "{agency} is given {facets} until {until}, for the purpose {purpose}.",
                agency=done["agency"],
                facets=facets,
                until=until,
                purpose=done["purpose"],
            )
        )


@app.command(epilog="Example: sarhad request withdraw 7e1b…")
def withdraw(request_id: RequestId, profile: ProfileOption = None) -> None:
    """Withdraw an open request of your agency."""
    with connect(Profile.load(profile)) as client:
        client.withdraw_request(request_id)
    console.print(say("Withdrawn."))


def _line(item: dict[str, Any]) -> tuple[object, ...]:
    facets = ", ".join(item["facets"])
    return item["id"], item["state"], item["agency"], item["owner"], facets, item["purpose"], item["deadline"][:10]
