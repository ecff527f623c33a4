"""`sarhad attach`: send photographs, spectra and reports, and fetch those of a record."""

import hashlib
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from sarhad import attachments
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
from sarhad.cli.words import say
from sarhad.errors import InputError, ProblemError
from sarhad.profile import Profile

app = typer.Typer(no_args_is_help=True, help="Photographs, spectra and reports that records name by their hash.")

Version = Annotated[int | None, typer.Option(help="Of a record of your own: another version than the latest.", min=1)]

_BAR = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
_COLUMNS = ("sha256", "media_type", "size", "content")


@app.command()
def send(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="JPEG, PNG, WebP, PDF or spectra.")],
    into: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Description of a record: name the files in it.")
    ] = None,
    facet: Annotated[
        Literal["marks", "spectra", "laboratory", "transport"], typer.Option(help="The facet that names them.")
    ] = "marks",
    line: Annotated[int, typer.Option(help="Line of the items that marks and spectra belong to.", min=1)] = 1,
    technique: Annotated[str, typer.Option(help="Of spectra: code of the technique.")] = "MS",
    mark: Annotated[str, typer.Option(help="Of marks on a seizure: code of the kind of mark.")] = "LOGO",
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send files; each is kept until a record names its hash, at most a week. Interrupted, the same command goes on.

    Example: sarhad attach send tablet.jpg

    Example: sarhad attach send gcms.mzML --into analysis.json --facet spectra --line 1 --technique MS
    """
    loaded = Profile.load(profile)
    kept = []
    with connect(loaded) as client:
        for file in files:
            kept.append(_sent(client, loaded, file))
    if into is not None:
        _name(into, facet, kept, line, technique if facet == "spectra" else mark)
    if as_json:
        show_json(kept)
        return
    show_table(_COLUMNS, ([one[column] for column in _COLUMNS] for one in kept))
    for file, one in zip(files, kept, strict=True):
        for note in _left_out(one.get("spectra")):
            console.print(f"{file}: {note}", markup=False)
    console.print(
        say("Named in {into}, facet {facet}.", into=into, facet=facet)
        if into
        else say("Name these hashes in a record; see the schemas.")
    )


@app.command("give-up")
def give_up(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Files that were sent in part.")],
    profile: ProfileOption = None,
) -> None:
    """Give up uploads that were interrupted: the service forgets what it received of them. What is kept stays.

    Example: sarhad attach give-up gcms.mzML
    """
    loaded = Profile.load(profile)
    with connect(loaded) as client:
        for file in files:
            note = _note(loaded, file.read_bytes())
            if not note.exists():
                console.print(say("{file}: no upload of it was interrupted here.", file=file), markup=False)
                continue
            try:
                client.give_upload_up(note.read_text(encoding="ascii").strip())
            except ProblemError as fault:
                if fault.status != HTTPStatus.NOT_FOUND:  # forgotten by itself meanwhile
                    raise
            note.unlink()
            console.print(say("{file}: given up.", file=file), markup=False)


@app.command("list")
def list_(
    record_id: Annotated[str | None, typer.Argument(metavar="[RECORD]", help="Of a record; else your own.")] = None,
    version: Version = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "forensic",
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the attachments of a record that you are given, or the files that your agency has sent.

    Example: sarhad attach list 5f0c…
    """
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        found = client.attachments(record_id, version) if record_id else client.own_attachments(limit=500)
    if as_json:
        show_json(found["items"])
        return
    if not found["items"]:
        console.print(
            say("No attachment of it is shared with you.") if record_id else say("Your agency has sent no files.")
        )
        return
    columns = (*_COLUMNS, "facet" if record_id else "named")
    show_table(columns, ([item.get(column) for column in columns] for item in found["items"]))


@app.command()
def fetch(
    record_id: Annotated[str, typer.Argument(metavar="RECORD", help="The record's id.")],
    sha256: Annotated[str | None, typer.Argument(help="One file; without it all that you are given.")] = None,
    to: Annotated[Path, typer.Option(file_okay=False, help="Directory to write to.")] = Path(),
    version: Version = None,
    profile: ProfileOption = None,
    purpose: PurposeOption = "forensic",
    case: CaseOption = None,
) -> None:
    """Fetch attachments of a record, each checked against the hash that its owner signed. A part file is completed.

    Example: sarhad attach fetch 5f0c… --to evidence
    """
    to.mkdir(parents=True, exist_ok=True)
    with connect(Profile.load(profile), purpose=purpose, case=case) as client:
        listed = client.attachments(record_id, version)["items"]
        wanted = {item["sha256"]: item for item in listed if sha256 in (None, item["sha256"])}
        if not wanted:
            console.print(say("No attachment of it is shared with you."))
        for digest, item in wanted.items():
            file = to / f"{digest[:16]}.{item['media_type'].rpartition('/')[2].removeprefix('x-')}"
            have = file.read_bytes() if file.exists() else b""
            if hashlib.sha256(have).hexdigest() != digest:
                file.write_bytes(
                    attachments.fetch(client, record_id, digest, have if len(have) < item["size"] else b"")
                )
            console.print(str(file), markup=False)


def _sent(client: Any, profile: Profile, file: Path) -> dict[str, Any]:
    """One file; the id of its upload is remembered beside the profile until it is through."""
    data = file.read_bytes()
    if not data:
        raise InputError("{file} is empty.", file=file)
    note = _note(profile, data)
    before = note.read_text(encoding="ascii").strip() if note.exists() else None
    with Progress(*_BAR, console=complaints, disable=not complaints.is_terminal, transient=True) as bars:
        bar = bars.add_task(file.name, total=len(data))
        kept = attachments.send(
            client,
            data,
            upload_id=before,
            begun=lambda upload: _remember(note, upload),
            progress=lambda received, _: bars.update(bar, completed=received),
        )
    note.unlink(missing_ok=True)
    return kept


def _note(profile: Profile, data: bytes) -> Path:
    """Where the id of the upload of these bytes is remembered."""
    return profile.directory / f"upload-{hashlib.sha256(data).hexdigest()[:16]}"


def _left_out(run: dict[str, Any] | None) -> Iterator[str]:
    """What of a file of spectra the search will not find."""
    if run is None:
        return
    if run["more"]:
        yield say("only the first {count} spectra of it were read.", count=run["read"] + run["empty"])
    if run["empty"]:
        yield say("scans that hold no peak: {count}.", count=run["empty"])
    if run["comparable"] < run["read"]:
        yield say(
            "spectra that are kept, and not searched: {count}; searched are fragment spectra, and full scans of "
            "electron ionisation where the file names its source.",
            count=run["read"] - run["comparable"],
        )
    if run["searched"] < run["comparable"]:
        yield say(
            "searched are those of the strongest signal: {searched} of {count} spectra.",
            searched=run["searched"],
            count=run["comparable"],
        )


def _remember(note: Path, upload_id: str) -> None:
    note.write_text(upload_id, encoding="ascii")


def _name(description: Path, facet: str, kept: list[dict[str, Any]], line: int, code: str) -> None:
    try:
        document = orjson.loads(description.read_bytes())
        facets = document["facets"]
    except (ValueError, KeyError, TypeError):
        raise InputError("{description} is no description of a record.", description=description) from None
    for one in kept:
        held = {name: one[name] for name in ("media_type", "sha256", "size")}
        if facet == "marks" and document.get("kind") == "analysis":
            facets["marks"][line - 1]["image_sha256"] = one["sha256"]  # of the appearance with that number
        elif facet == "marks":
            facets.setdefault("marks", []).append({"kind": code, "line": line, "image_sha256": one["sha256"]})
        elif facet == "spectra":
            facets.setdefault("spectra", []).append({"line": line, "technique": code, **held})
        elif facet == "laboratory":
            facets["laboratory"].setdefault("reports", []).append(held)
        else:
            facets["transport"].setdefault("images", []).append(one["sha256"])
    description.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
