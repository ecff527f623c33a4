"""`sarhad import`: a CSV or XLSX table, row by row, signed and sent, with resume and a report."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sarhad._client import Client
from sarhad.cli.output import OK, REFUSED, UNREACHABLE, JsonOption, complaints, connect, console, labelled, show_json
from sarhad.cli.words import say
from sarhad.imports.agencies import Agencies
from sarhad.imports.mapping import ColumnMapping
from sarhad.imports.report import Summary, summarise
from sarhad.imports.run import Import, Refusal
from sarhad.outbox import Tally
from sarhad.profile import Profile

SHOWN = 20  # refusals of a check that fit on a screen


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv, .csv.gz or .xlsx table.")],
    mapping: Annotated[
        str,
        typer.Option(
            "--profile",
            "--mapping",
            metavar="MAPPING",
            help="What the columns mean, not whose keys sign: 'unodc-ids', or the path of a TOML file of yours "
            "(clients/python/IMPORT.md).",
        ),
    ],
    agency_map: Annotated[
        Path | None,
        typer.Option(
            help="Whose keys sign, by country of the row: a TOML file, or a directory of <AGENCY>/profile.toml."
        ),
    ] = None,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="PROFILE",
            help="Whose keys sign all rows: the agency profile that other commands call --profile. "
            "Default: $SARHAD_PROFILE, or 'default'.",
        ),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a CSV that is not UTF-8.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook; the first by default.")] = None,
    report: Annotated[Path | None, typer.Option(help="Rows that need a look, as CSV. Default: FILE.report.csv")] = None,
    state: Annotated[Path | None, typer.Option(help="Resume file. Default: FILE.sarhad-import")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Read and resolve everything, say what would be refused; send nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Import a table: each row becomes a record, signed by its country's agency. Run again to continue.

    Exit code 1 when rows were refused (see the report) or would be (--check), 3 when some still wait for the service.

    Example: sarhad import seizures.csv --profile unodc-ids --agency-map .sarhad/demo --check

    Example: sarhad import june.xlsx --profile ./our-columns.toml --as customs
    """
    agencies = Agencies.load(agency_map) if agency_map else Agencies.single(Profile.load(as_))
    work = Import(
        table=file,
        mapping=ColumnMapping.load(mapping),
        agencies=agencies,
        state=state or file.with_name(file.name + ".sarhad-import"),
        encoding=encoding,
        sheet=sheet,
    )
    total = work.check()
    with connect(agencies.any) as client:
        unknown = work.resolve(client).unknown
    if check:
        _checked(total, unknown, list(work.refusals()), as_json=as_json)
    if not as_json:
        console.print(
            say(
                "{total} rows; {unknown} drug names or units unknown to the service.", total=total, unknown=len(unknown)
            )
        )
    written = report or file.with_name(file.name + ".report.csv")
    tally, summary = _run(work, total, written)
    if as_json:
        show_json({**summary.__dict__, "accepted_share": round(summary.accepted_share, 5), "report": str(written)})
    else:
        _show(summary, tally, written)
    raise typer.Exit(UNREACHABLE if summary.waiting else REFUSED if summary.refused else OK)


def _checked(total: int, unknown: Sequence[tuple[str, str]], refused: Sequence[Refusal], *, as_json: bool) -> None:
    """Say what the import would refuse, and end: 1 if anything."""
    if as_json:
        texts = [{"kind": kind, "text": text} for kind, text in unknown]
        show_json({"rows": total, "unknown": texts, "refused": [asdict(refusal) for refusal in refused]})
    else:
        console.print(
            say(
                "{total} rows; {unknown} drug names or units unknown to the service; {refused} rows "
                "that cannot become a record.",
                total=total,
                unknown=len(unknown),
                refused=len(refused),
            )
        )
        for kind, text in unknown:
            console.print(say("unknown {kind}: {text}", kind=kind, text=text), markup=False)
        for refusal in refused[:SHOWN]:
            place = say(", column {column}", column=refusal.column) if refusal.column else ""
            console.print(
                say("line {line}{place}: {detail}", line=refusal.line, place=place, detail=refusal.detail), markup=False
            )
        if len(refused) > SHOWN:
            console.print(say("and {more} more: --json lists them all.", more=len(refused) - SHOWN), markup=False)
    raise typer.Exit(REFUSED if unknown or refused else OK)


def _run(work: Import, total: int, report: Path) -> tuple[Tally, Summary]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        work.open() as outbox,
        Progress(*columns, console=complaints, disable=not complaints.is_terminal) as bars,
    ):
        tasks = {"sign": bars.add_task(say("Signing"), total=total), "send": bars.add_task(say("Sending"), total=None)}

        def progress(stage: str, done: int, in_all: int) -> None:
            bars.update(tasks[stage], completed=done, total=in_all)

        def client_of(sender: str) -> Client:
            return connect(Profile.load(sender))

        work.sign(outbox, progress, total)
        tally = work.send(outbox, client_of, progress)
        return tally, summarise(outbox, report)


def _show(summary: Summary, tally: Tally, report: Path) -> None:
    for fault in dict.fromkeys(tally.faults):
        complaints.print(f"sarhad: {fault}", markup=False)
    counts = (
        ("rows", summary.rows),
        ("accepted", summary.accepted),
        ("  again", summary.repeated),
        ("already reported", summary.already_reported),
        ("refused", summary.refused),
        ("waiting", summary.waiting),
        ("exact duplicates", summary.duplicates),
        ("warnings", summary.warnings),
    )
    for name, count in counts:
        console.print(f"{labelled(name):<18}{count:>8}")
    share, refused = labelled("accepted share"), labelled("refused")
    console.print(f"{share:<18}{summary.accepted_share:>8.2%}")
    for reason, count in sorted(summary.reasons.items(), key=lambda pair: -pair[1]):
        console.print(f"  {refused}: {reason:<28}{count:>6}", markup=False)
    for country, states in sorted(summary.countries.items()):
        console.print(f"  {country}  " + ", ".join(f"{n} {name}" for name, n in sorted(states.items())), markup=False)
    if summary.listed:
        console.print(say("Rows that need a look: {report}", report=report), markup=False)
