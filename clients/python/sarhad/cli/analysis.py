"""`sarhad analysis`: drafted at one desk, reviewed at another, submitted; and what the evidence amounts to."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sarhad import analyses
from sarhad.cli.output import (
    CaseOption,
    JsonOption,
    ProfileOption,
    PurposeOption,
    connect,
    console,
    labelled,
    show_json,
    show_pairs,
    show_table,
)
from sarhad.cli.read import newest
from sarhad.cli.submit import SaveOption, send
from sarhad.cli.words import later, say
from sarhad.describe import read_description, read_input
from sarhad.errors import ProblemError
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Analyses of a laboratory: four eyes, and what the evidence amounts to.")

File = Annotated[str, typer.Argument(metavar="FILE|-", help="JSON description, or - for standard input.")]
DraftFile = Annotated[str, typer.Argument(metavar="DRAFT|-", help="What `sarhad analysis draft` wrote.")]


@app.command()
def draft(
    file: File,
    reviewer: Annotated[str, typer.Option(help="Thumbprint of the reviewer's record-signing key.")],
    profile: ProfileOption = None,
) -> None:
    """Fix an analysis for review, and print the draft. It holds the whole analysis: protect it as such.

    Example: sarhad analysis draft analysis.json --reviewer kid… > draft.json
    """
    loaded = Profile.load(profile)
    record = read_description(read_input(file, sys.stdin.buffer), loaded.agency)
    analyst = loaded.load_record_key().public
    sys.stdout.write(analyses.prepare(record, analyst=analyst, reviewer=reviewer).to_json().decode() + "\n")


@app.command()
def review(draft_file: DraftFile, profile: ProfileOption = None) -> None:
    """Countersign a draft with this profile's record key, and print the review. Read the draft first.

    Example: sarhad analysis review draft.json --profile reviewer > review.jws
    """
    given = analyses.Draft.from_json(read_input(draft_file, sys.stdin.buffer))
    sys.stdout.write(analyses.countersign(Profile.load(profile).load_record_key(), given) + "\n")


@app.command()
def submit(
    draft_file: DraftFile,
    review_file: Annotated[Path, typer.Argument(metavar="REVIEW", help="What `sarhad analysis review` wrote.")],
    profile: ProfileOption = None,
    save: SaveOption = None,
    dry_run: Annotated[bool, typer.Option(help="Let the service judge the record; nothing is stored.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Sign a reviewed draft, submit it, and keep the receipt.

    Example: sarhad analysis submit draft.json review.jws
    """
    loaded = Profile.load(profile)
    given = analyses.Draft.from_json(read_input(draft_file, sys.stdin.buffer))
    signed = analyses.complete(loaded.load_record_key(), given, review_file.read_text(encoding="ascii").strip())
    send(loaded, signed, save=save, dry_run=dry_run, as_json=as_json)


@app.command()
def check(file: File, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """Ask the service what the evidence amounts to: the SWGDRUG scheme and what it is missing. Nothing is stored.

    Before it is drafted and reviewed: signatures, and what was filed before, are not looked at.

    Example: sarhad analysis check analysis.json
    """
    loaded = Profile.load(profile)
    record = read_description(read_input(file, sys.stdin.buffer), loaded.agency)
    with connect(loaded) as client:
        (told,) = client.check_analyses([record.facets])
    if "problem" in told:
        raise ProblemError(told["problem"], told["problem"]["status"])
    if as_json:
        show_json(told)
        return
    derived, warnings = told["derived"], told["warnings"]
    for found in derived.get("findings", ()):
        scheme = found.get("scheme")
        if scheme is None:
            continue
        said = say("met") if scheme["met"] else say("not met: {missing}", missing="; ".join(scheme["missing"]))
        console.print(
            say(
                "finding {line}  {substance}  SWGDRUG {part} {said}",
                line=found["line"],
                substance=found["substance"],
                part=scheme["part"],
                said=said,
            ),
            markup=False,
        )
    for drawn in derived.get("sampling", ()):
        claim = say(
            "at least {proportion} positive with confidence {confidence}",
            proportion=drawn["proportion"],
            confidence=drawn["confidence"],
        )
        console.print(
            say(
                "exhibit {exhibit}  {claim} (claimed {claimed})",
                exhibit=drawn["exhibit"],
                claim=claim,
                claimed=drawn["claimed"],
            ),
            markup=False,
        )
    for warning in warnings:
        console.print(
            say("warning  {pointer} {detail}", pointer=warning["pointer"], detail=warning["detail"]), markup=False
        )


@app.command()
def search(
    substance: Annotated[
        str | None, typer.Option(help="Catalogue code of a finding; includes its descendants.")
    ] = None,
    technique: Annotated[str | None, typer.Option(help="Code of a technique that was used.")] = None,
    exhibit: Annotated[str | None, typer.Option(help="Number of an exhibit.")] = None,
    min_purity: Annotated[str | None, typer.Option(help="Per cent by mass.")] = None,
    owner: Annotated[str | None, typer.Option(help="Country of the laboratory.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many.", min=1)] = 50,
    profile: ProfileOption = None,
    purpose: PurposeOption = "forensic",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find analyses that are shared with you, newest first.

    Example: sarhad analysis search --substance SAR-000384 --min-purity 60
    """
    asked = {"substance": substance, "technique": technique, "exhibit": exhibit, "min_purity": min_purity}
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        found = newest(client, asked | {"kind": "analysis", "owner": owner}, limit)
    if as_json:
        show_json(found)
        return
    if not found:
        console.print(say("No analysis like that is shared with you for this purpose."))
        return
    show_table(("id", "laboratory", "when", "found", "purity"), (_line(item) for item in found))


@app.command()
def show(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="The analysis' id.")],
    sd_jwt: Annotated[bool, typer.Option("--sd-jwt", help="Print the laboratory's signed record itself.")] = False,
    profile: ProfileOption = None,
    purpose: PurposeOption = "forensic",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one analysis, as far as it is shared with you, with what the service derives from it.

    Example: sarhad analysis show 5f0c…
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        if sd_jwt:
            typer.echo(client.get_record(record_id, kind="analysis"))
            return
        document = client.get(record_id, kind="analysis")
    if as_json:
        show_json(document)
        return
    facets = document.pop("facets")
    show_pairs([*document.items(), *facets.items()])


@app.command()
def waiting(
    reports: Annotated[bool, typer.Option("--reports", help="Reports without a result instead.")] = False,
    agency: Annotated[str | None, typer.Option(help="Of one agency of your country.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many.", min=1, max=500)] = 50,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List your country's analyses whose exhibits no report has named yet, or reports that await a result.

    Example: sarhad analysis waiting --reports
    """
    asked = {"side": "report" if reports else "analysis", "agency": agency, "limit": limit}
    with connect(Profile.load(profile)) as client:
        found = client.exhibits_waiting(**asked)["items"]
    if as_json:
        show_json(found)
        return
    if not found:
        console.print(say("Nothing waits."))
        return
    show_table(
        ("record", "agency", "since", "exhibits", "held"),
        (
            (one["record"], one["agency"], one["since"][:16], ", ".join(one["exhibits"]), _held(one["held"]))
            for one in found
        ),
    )


_WHY = {
    "handling": later("marked more strictly than the report"),
    "group": later("of another group: correct the report"),
    "unpublished": later("an unknown that is not published"),
}


def _held(results: list[dict[str, Any]]) -> str:
    """Results that have come and stand off the line, in words."""
    line = labelled("line")
    return "; ".join(f"{line} {one['line']}: {one['analysis']}, {labelled(_WHY[one['reason']])}" for one in results)


def _line(item: dict[str, Any]) -> tuple[object, ...]:
    facets = item["facets"]
    when = facets.get("when.day") or facets.get("when.month")
    found = "; ".join(f"{one['reported']} ({one['level']})" for one in facets.get("items", ()))
    purity = "; ".join(f"{one['value']} {one['unit']}" for one in facets.get("purity", ()))
    return item["id"], item["agency"], when, found, purity
