"""`sarhad spectra`: what is this, who else has it; and reference spectra for all members."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sarhad.cli.output import (
    CaseOption,
    JsonOption,
    ProfileOption,
    PurposeOption,
    complaints,
    connect,
    console,
    show_json,
    show_table,
)
from sarhad.cli.words import later, say
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Search with a spectrum; reference spectra for all members.")

File = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, help="A mass spectrum: MassBank, MSP, JCAMP-DX or mzML."),
]

_RESERVATIONS = {
    "open-search": later(
        "Likeness under another precursor is a hint of a class at most: an open search is never confident."
    ),
    "not-calibrated": later("Only positive MS/MS is calibrated: here a score is a hint, never confident."),
}


@app.command()
def search(
    file: File,
    how: Annotated[
        Literal["precursor", "open"], typer.Option(help="MS/MS: among spectra of its precursor's mass, or all.")
    ] = "precursor",
    n: Annotated[int, typer.Option(help="Which spectrum of the file.", min=1)] = 1,
    full_scans: Annotated[
        Literal["EI"] | None, typer.Option(help="What full scans of an mzML file are, where it does not say.")
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many candidates.", min=1, max=25)] = 10,
    hits: Annotated[bool, typer.Option(help="Ask about hits in spectra not shown to you.")] = False,
    plot: Annotated[Path | None, typer.Option(dir_okay=False, help="Write a mirror plot, SVG.")] = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "forensic",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search the library and the records shared with you for what looks like this spectrum. Nothing of it is stored.

    Example: sarhad spectra search unknown.msp

    Example: sarhad spectra search unknown.mzML --n 12 --how open --hits --plot mirror.svg
    """
    asked = {"how": how, "n": n, "limit": limit, "hits": hits, "mirrors": 1 if plot else 0, "full_scans": full_scans}
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        found = client.search_spectra(file.read_bytes(), **asked)
    if plot is not None and found["candidates"]:
        plot.write_text(found["candidates"][0]["mirror"], encoding="utf-8")
    elif plot is not None:
        complaints.print(
            "sarhad: " + say("There is no candidate to draw: {plot} was not written.", plot=plot), markup=False
        )
    if as_json:
        show_json(found)
        return
    console.print(
        found["answer"].capitalize() + say(" (threshold {threshold}).", threshold=found["threshold"]), markup=False
    )
    if found["candidates"] and (why := _RESERVATIONS.get(found["reservation"])):
        console.print(say(why))
    if found["candidates"]:
        columns = ("score", "peaks", "ion", "substance", "name", "from")
        show_table(columns, (_line(one) for one in found["candidates"]))
    elif how == "precursor":
        console.print(say("Nothing has this precursor's mass. Is it right? --how open compares fragments alone."))
    for hit in found.get("hits", ()):
        what = hit["class_name"] or say("class not told")
        console.print(
            say(
                "hit  {owner}  {agency}  {what}  score {band}",
                owner=hit["owner"],
                agency=hit["contact"]["agency"],
                what=what,
                band=hit["band"],
            ),
            markup=False,
        )
    if hits and not found["hits"]:
        console.print(say("No hit that anyone's policy lets you know of."))


@app.command()
def library(
    substance: Annotated[str | None, typer.Option(help="Catalogue code.")] = None,
    technique: Annotated[str | None, typer.Option(help="MS2 or EI.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=500)] = 50,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List reference spectra, newest first, with their licences.

    Example: sarhad spectra library --substance SAR-000384
    """
    with connect(Profile.load(profile)) as client:
        found = client.spectra_library(substance=substance, technique=technique, limit=limit)
    if as_json:
        show_json(found)
        return
    if not found["items"]:
        console.print(say("The library has no such spectrum. The operator loads open ones: sarhad library load."))
        return
    columns = ("id", "technique", "substance", "name", "licence")
    show_table(columns, ([item[column] for column in columns] for item in found["items"]))


@app.command()
def submit(
    file: File,
    licence: Annotated[str, typer.Option(help="members, or an open licence such as CC-BY-4.0.")] = "members",
    substance: Annotated[str | None, typer.Option(help="Catalogue code, where the file has no InChIKey.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give reference spectra of known substances to every member. Spectra of cases belong to an analysis instead.

    Example: sarhad spectra submit reference.msp --licence members --substance SAR-000384
    """
    with connect(Profile.load(profile)) as client:
        added = client.submit_spectra(file.read_bytes(), licence=licence, substance=substance)
    if as_json:
        show_json(added)
        return
    console.print(say("{added} added, {known} known already.", added=len(added["added"]), known=added["known"]))


@app.command()
def withdraw(
    spectra: Annotated[list[str], typer.Argument(metavar="ID...", help="As `sarhad spectra library` shows them.")],
    profile: ProfileOption = None,
) -> None:
    """Take back reference spectra that your laboratory submitted: nobody finds them any more.

    Example: sarhad spectra withdraw 5f0c…
    """
    with connect(Profile.load(profile)) as client:
        for spectrum in spectra:
            client.withdraw_spectrum(spectrum)
            console.print(say("{spectrum}: taken back.", spectrum=spectrum), markup=False)


def _line(one: dict[str, Any]) -> tuple[object, ...]:
    mark = "" if one["confident"] else "?"
    if one["source"] == "library":
        where = one["agency"] or f"library, {one['licence']}"
    else:
        where = f"{one['record']['owner']} record {one['record']['id']}"
    ion = "none" if one["ion"] is None else one["ion"]
    substance = f"{one['substance']} = {one['resolved']}" if "resolved" in one else one["substance"]
    return one["score"] + mark, one["matched"], ion, substance, one["name"], where
