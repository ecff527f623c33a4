"""`sarhad packs`: what your country owes to UNODC, INCB and WCO, from its own records, approved and frozen."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from sarhad.cli.output import JsonOption, ProfileOption, connect, console, every, show_json, show_table
from sarhad.cli.words import say
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Obligation packs of your own country: drafted, approved, frozen.")
Id = Annotated[str, typer.Argument(metavar="ID", help="The pack's id.")]
DigestOption = Annotated[
    str | None, typer.Option(help="Hash of the content that you have checked; else of the draft as it is shown.")
]


@app.command(epilog="Example: sarhad packs forms")
def forms(profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """The forms there are, and what is known of their columns."""
    with connect(Profile.load(profile)) as client:
        found = client.pack_forms()["items"]
    if as_json:
        show_json(found)
        return
    show_table(
        ("form", "title", "sheets", "columns"), ((f["form"], f["title"], len(f["sheets"]), f["status"]) for f in found)
    )


@app.command(epilog="Example: sarhad packs draft unodc-ids --from 2025-01 --to 2025-12 --profile KZ-DCA")
def draft(
    form: Annotated[str, typer.Argument(help="A form of sarhad packs forms.")],
    from_: Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")],
    to: Annotated[str, typer.Option(help="Last month, YYYY-MM, inclusive.")],
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draft a pack from your country's records (role analyst or policy_officer). Read its workbook before approving."""
    with connect(Profile.load(profile)) as client:
        made = client.draft_pack(form, from_, to)
    if as_json:
        show_json(made)
        return
    console.print(
        say(
            "Draft {id}, version {version}. Next: sarhad packs workbook {id} draft.xlsx",
            id=made["id"],
            version=made["version"],
        )
    )


@app.command("list", epilog="Example: sarhad packs list --state drafted")
def list_(
    state: Annotated[str | None, typer.Option(help="drafted, approved or discarded. Default: all.")] = None,
    form: Annotated[str | None, typer.Option(help="A form of sarhad packs forms. Default: all.")] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """The packs of your country, newest first."""
    with connect(Profile.load(profile)) as client:
        found = list(every(client.packs, state=state, form=form))
    if as_json:
        show_json(found)
        return
    if not found:
        console.print(say("There is none. Start with: sarhad packs draft FORM --from YYYY-MM --to YYYY-MM"))
        return
    head = ("id", "form", "from", "to", "version", "state", "sha256")
    show_table(head, (
        (p["id"], p["form"], p["first_month"], p["last_month"], p["version"], p["state"], p["digest"][:16])
        for p in found
    ))  # fmt: skip


@app.command(epilog="Example: sarhad packs show 5f0c… --json")
def show(pack: Id, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """A pack: its sheets with how many rows, and what it was made of."""
    with connect(Profile.load(profile)) as client:
        found = client.pack(pack)
    if as_json:
        show_json(found)
        return
    console.print(
        say(
            "{form} {first} to {last}, {state}",
            form=found["form"],
            first=found["first_month"],
            last=found["last_month"],
            state=found["state"],
        ),
        markup=False,
    )
    content = found["content"]
    show_table(("sheet", "rows", "records"), ((s["name"], len(s["rows"]), s["records"]) for s in content["sheets"]))
    silent = [month["month"] for month in content["coverage"] if not month["records"]]
    console.print(say("Months without a record or a zero-report: {silent}.", silent=", ".join(silent) or say("none")))


@app.command(epilog="Example: sarhad packs workbook 5f0c… ids-2025.xlsx")
def workbook(
    pack: Id,
    file: Annotated[Path, typer.Argument(help="Where to write it (XLSX).")],
    profile: ProfileOption = None,
) -> None:
    """Write the workbook: of an approved pack always the same bytes, of a draft marked as such."""
    with connect(Profile.load(profile)) as client:
        body = client.pack_workbook(pack)
    file.write_bytes(body)
    console.print(
        say(
            "{file}: {bytes} bytes, SHA-256 {sha256}",
            file=file,
            bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
        )
    )


@app.command(epilog="Example: sarhad packs approve 5f0c… --profile KZ-NCP/policy")
def approve(pack: Id, digest: DigestOption = None, profile: ProfileOption = None) -> None:
    """Approve a draft as focal point (role policy_officer, another key than the drafter's). It is frozen."""
    with connect(Profile.load(profile)) as client:
        show_json(client.approve_pack(pack, digest or client.pack(pack)["digest"]))


@app.command(epilog="Example: sarhad packs discard 5f0c… --profile KZ-NCP/policy")
def discard(pack: Id, digest: DigestOption = None, profile: ProfileOption = None) -> None:
    """End a draft (role policy_officer)."""
    with connect(Profile.load(profile)) as client:
        show_json(client.discard_pack(pack, digest or client.pack(pack)["digest"]))
