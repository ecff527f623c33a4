"""`sarhad questions`: questions of the trends that are kept, shared, and asked again by the service."""

from typing import Annotated, Any

import typer

from sarhad.cli.filters import TRENDS, ByOption, MeasureOption, takes
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

app = typer.Typer(no_args_is_help=True, help="Saved questions: kept, shared, asked again on a schedule.")
QuestionId = Annotated[str, typer.Argument(metavar="ID", help="The question's id.")]
SharedOption = Annotated[str, typer.Option(help="Who may ask it too: key (nobody), agency, country or members.")]
ScheduleOption = Annotated[str | None, typer.Option(help="Have it asked again: daily, weekly or monthly.")]
ThresholdOption = Annotated[
    str | None, typer.Option(help="Percent of a total by which an answer must differ to be told in the inbox.")
]


@app.command("save")
@takes(TRENDS)
def save(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    filters: dict[str, Any],
    by: ByOption = "month",
    measure: MeasureOption = "seizures,kg",
    shared: SharedOption = "key",
    schedule: ScheduleOption = None,
    threshold: ThresholdOption = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
) -> None:
    """Save a question of `sarhad trends`; prints its id.

    Example: sarhad questions save "Heroin by month" --substance SAR-000608 --schedule weekly --threshold 20

    Example: sarhad questions save "Cells of Khatlon" --by cell --resolution 4 --admin1 TJ-KT
    """
    asks = {"by": by, "measure": measure} | {option.rstrip("_"): value for option, value in filters.items()}
    document: dict[str, Any] = {"name": name, "asks": asks}
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        typer.echo(client.save_question(document | _terms(shared, schedule, threshold))["id"])


@app.command("list")
def list_(
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Your questions and those shared with you, newest first.

    Example: sarhad questions list
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        found = client.questions(limit=200)["items"]
    if as_json:
        show_json(found)
    elif not found:
        console.print(say("No question is saved or shared with you."))
    else:
        names = ("id", "name", "agency", "shared", "schedule", "changed_at")
        show_table(names, (tuple(item.get(name) for name in names) for item in found))


@app.command("ask")
def ask(
    question_id: QuestionId,
    profile: ProfileOption = None,
    purpose: PurposeOption = "analysis",
    case: CaseOption = None,
) -> None:
    """Ask a saved question as yourself: the answer holds what is shared with you.

    Example: sarhad questions ask 5f0c…
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        show_json(client.ask_question(question_id))


@app.command("change")
def change(
    question_id: QuestionId,
    name: Annotated[str, typer.Option(help="What it is called.")],
    shared: SharedOption = "key",
    schedule: ScheduleOption = None,
    threshold: ThresholdOption = None,
    profile: ProfileOption = None,
) -> None:
    """Rename an own question, share or schedule it otherwise.

    Example: sarhad questions change 5f0c… --name "Heroin by month" --shared agency --schedule daily
    """
    with connect(Profile.load(profile)) as client:
        client.change_question(question_id, {"name": name} | _terms(shared, schedule, threshold))
    console.print(say("Changed."))


@app.command("drop")
def drop(question_id: QuestionId, profile: ProfileOption = None) -> None:
    """Forget an own question.

    Example: sarhad questions drop 5f0c…
    """
    with connect(Profile.load(profile)) as client:
        client.drop_question(question_id)
    console.print(say("Dropped."))


def _terms(shared: str, schedule: str | None, threshold: str | None) -> dict[str, Any]:
    terms = {"shared": shared, "schedule": schedule, "threshold": threshold}
    return {name: value for name, value in terms.items() if value is not None}
