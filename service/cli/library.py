"""`sarhad library`: openly licensed reference spectra for every member."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from service.cli.acting import as_operator
from service.library import reference
from service.sandbox import FileNotUnderstood, FileTooDemanding, parse
from service.spectra.agree import SpectrumDisagrees
from service.spectra.formats import MAX_SPECTRA, read
from service.spectra.spectrum import Spectrum
from service.substances.catalogue import Catalogue

app = typer.Typer(no_args_is_help=True)
_CHUNK = 500  # spectra of one statement


@app.callback()
def library() -> None:
    """Openly licensed reference spectra for every member."""


@app.command()
def load(
    directory: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="MassBank records, or MSP files.")],
) -> None:
    """Add every spectrum that an open licence lets pass on; its licence and authors are kept with it. Again: no change.

    Example: sarhad library load MassBank-data/Eawag
    """
    files = sorted(path for path in directory.rglob("*") if path.is_file() and not path.name.startswith("."))

    unread: list[str] = []

    async def act(session: AsyncSession) -> tuple[int, int]:
        catalogue, rows, added, refused = await Catalogue.from_database(session), [], 0, 0
        for file in files:
            found, more = await _rows(file, catalogue)
            unread.extend([file.name] if more else [])
            refused += not found
            rows += found
            if len(rows) >= _CHUNK:
                added += await reference.load(session, rows)
                rows = []
        return added + await reference.load(session, rows), refused

    added, refused = as_operator(act)
    typer.echo(f"{added} spectra added from {len(files)} files.")
    for name in unread:
        typer.echo(f"{name} goes on after its first {MAX_SPECTRA} spectra, which alone are read: split it.")
    if refused:
        typer.echo(f"{refused} files hold none to be searched and passed on (no mass spectrum or open licence).")


async def _rows(file: Path, catalogue: Catalogue) -> tuple[list[dict[str, Any]], bool]:
    """The rows of a file, and whether it has more than were read."""
    try:
        found = await parse(read, await asyncio.to_thread(file.read_bytes), sender=None)
    except (FileNotUnderstood, FileTooDemanding):
        return [], False
    rows = []
    for spectrum in map(Spectrum.of, found["spectra"]):
        licence = spectrum.attribution.get("licence", "")
        if not reference.is_open(licence):
            continue
        try:
            rows.append(reference.row(spectrum, licence, catalogue))
        except (reference.UnfitReference, SpectrumDisagrees):
            continue
    return rows, bool(found["more"])
