"""`sarhad substances`: examine a structure, register an unknown, and say what it turned out to be."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, labelled, show_json, show_pairs, show_table
from sarhad.cli.words import say
from sarhad.errors import InputError
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Structures, provisional substances, and who controls what.")

SmilesOption = Annotated[str | None, typer.Option(help="The structure as SMILES.")]
MolOption = Annotated[Path | None, typer.Option(help="The structure as a MOL file (V2000 or V3000).", exists=True)]


@app.command(
    epilog="Example: sarhad substances examine --smiles 'CNC(C)C(=O)c1ccc(C)cc1'\n\n"
    "Example: sarhad substances examine --mol unknown.mol --svg unknown.svg"
)
def examine(
    smiles: SmilesOption = None,
    mol: MolOption = None,
    svg: Annotated[Path | None, typer.Option(help="Write a drawing to this file.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a structure is, whether it is known, what it resembles, and who controls it. Nothing is stored."""
    with connect(Profile.load(profile)) as client:
        found = client.examine_structure(_structure(smiles, mol), picture=svg is not None)
    if svg is not None:
        svg.write_text(found["svg"], encoding="utf-8")
    if as_json:
        show_json(found)
        return
    show_pairs((name, found[name]) for name in ("parent_smiles", "parent_inchikey", "formula", "molar_mass"))
    known = ", ".join(f"{one['code']} {one['name']} ({one['match']})" for one in found["known"])
    show_pairs([("known as", known or labelled("nothing: the catalogue does not have it"))])
    triage = found["triage"]
    show_pairs([("looks like", triage["nps_group"] or labelled("no group of the rules")), ("", triage["says"])])
    if found["nearest"]:
        show_table(
            ("similarity", "code", "name", "schedules"),
            ((n["similarity"], n["code"], n["name"], _schedules(n)) for n in found["nearest"]),
        )
    _show_control(found["control"])
    if unasked := found["definitions_not_asked"]:
        console.print(
            say(
                "General definitions of {unasked} could not be asked: of those the table holds lists only.",
                unasked=", ".join(unasked),
            )
        )


@app.command(
    epilog="Example: sarhad substances register 'white crystals, case 884' --smiles 'CCCNC(C)C(=O)c1cccc(C)c1'\n\n"
    "Example: sarhad substances register 'unknown, m/z 246' --formula C17H19NO --class SAR-000038"
)
def register(
    name: Annotated[str, typer.Argument(help="Your working name of it.")],
    smiles: SmilesOption = None,
    mol: MolOption = None,
    class_: Annotated[str | None, typer.Option("--class", help="A class of the catalogue, where you know it.")] = None,
    formula: Annotated[str | None, typer.Option(help="Without a structure: the formula.")] = None,
    note: Annotated[str | None, typer.Option(help="Words to whoever reads the entry.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register what the catalogue does not have: it gets a provisional code, known to your country (laboratories)."""
    structure = _structure(smiles, mol) if smiles or mol else None
    given = {"name": name, "structure": structure, "parent": class_, "formula": formula, "note": note}
    with connect(Profile.load(profile)) as client:
        made = client.register_provisional({k: v for k, v in given.items() if v is not None})
    if as_json:
        show_json(made)
        return
    console.print(
        say(
            "{code}, below {parent}, known to {owner} only until it is published.",
            code=made["code"],
            parent=made["parent"],
            owner=made["owner"],
        )
    )


@app.command("list", epilog="Example: sarhad substances list\n\nExample: sarhad substances list --open")
def list_(
    open_: Annotated[bool, typer.Option("--open", help="Only those that are not resolved.")] = False,
    owner: Annotated[str | None, typer.Option(help="Of this country.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List provisional substances: your country's, and those that were published."""
    with connect(Profile.load(profile)) as client:
        page = client.provisional_substances(owner=owner, resolved="false" if open_ else None)
    if as_json:
        show_json(page)
        return
    if not page["items"]:
        console.print(say("No provisional substance of your country, and none is published."))
        return
    show_table(("code", "name", "group", "published", "turned out to be"), (_line(item) for item in page["items"]))


@app.command(epilog="Example: sarhad substances publish UNK-KZ-LAB-2026-1")
def publish(code: Annotated[str, typer.Argument(help="The provisional code.")], profile: ProfileOption = None) -> None:
    """Let every member know a provisional substance of your country (policy officers)."""
    with connect(Profile.load(profile)) as client:
        client.publish_provisional(code)
    console.print(say("{code} is published.", code=code))


@app.command(epilog="Example: sarhad substances resolve UNK-KZ-LAB-2026-1 SAR-000389 --reason 'NMR and a standard'")
def resolve(
    code: Annotated[str, typer.Argument(help="The provisional code.")],
    substance: Annotated[str, typer.Argument(help="The entry of the catalogue that it turned out to be.")],
    reason: Annotated[str, typer.Option(help="How that is known.")],
    structure_differs: Annotated[bool, typer.Option(help="The structure that was registered was wrong.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Say what it turned out to be: every question follows, no record changes (another laboratory key)."""
    document = {"substance": substance, "reason": reason, "structure_differs": structure_differs}
    with connect(Profile.load(profile)) as client:
        client.resolve_provisional(code, document)
    console.print(say("{code} turned out to be {substance}.", code=code, substance=substance))


@app.command(epilog="Example: sarhad substances control SAR-000383 --on 2024-06-01")
def control(
    code: Annotated[str, typer.Argument(help="A code of the catalogue, or a provisional one.")],
    on: Annotated[str | None, typer.Option(help="The day; today where it is not given.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which member controls a substance on a day, and by which entry of its list."""
    with connect(Profile.load(profile)) as client:
        found = client.control(code, on)
    if as_json:
        show_json(found)
        return
    scheduled = ", ".join(f"{s['convention']} {s['schedule']} (as of {s['as_of']})" for s in found["conventions"])
    show_pairs([("conventions", scheduled or labelled("none that the catalogue knows"))])
    _show_control(found["countries"])
    console.print(found["caveat"])


def _structure(smiles: str | None, mol: Path | None) -> dict[str, str]:
    if (smiles is None) == (mol is None):
        raise InputError("Give --smiles or --mol, and not both.")
    return {"smiles": smiles} if smiles is not None else {"mol": mol.read_text(encoding="utf-8")} if mol else {}


def _show_control(countries: dict[str, Any]) -> None:
    show_table(
        ("country", "status", "schedule", "legal basis"),
        (
            (country, cell["status"], *_words(cell["entries"][0] if cell["entries"] else None))
            for country, cell in countries.items()
        ),
    )


def _words(entry: dict[str, Any] | None) -> tuple[str, str]:
    return ("", "") if entry is None else (entry["schedule"], entry["legal_basis"])


def _schedules(near: dict[str, Any]) -> str:
    return ", ".join(f"{s['convention']} {s['schedule']}" for s in near["schedules"])


def _line(item: dict[str, Any]) -> tuple[object, ...]:
    resolved = item["resolved"]["substance"] if item["resolved"] else ""
    return item["code"], item["name"], item["policy_group"], (item["published"] or labelled("no"))[:10], resolved
