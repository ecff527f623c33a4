"""Rows of a CSV or XLSX file as text, exactly as written. Anything doubtful refuses the whole file, by
cell.
"""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

import python_calamine

from sarhad.errors import InputError

MAX_CELL = 10_000  # characters; a stray quote swallows the rest of a file, and this stops it
_FORMULA = re.compile(r"^\s*(=|@|[+-](?![\d.,\s]*$))")
_NS = {
    "m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
}


@dataclass(frozen=True)
class Row:
    """One row: its line number in the file (the header is 1) and its cells by column name."""

    line: int
    cells: dict[str, str]


def rows(
    path: Path,
    required: Sequence[str],
    *,
    encoding: str | None = None,
    sheet: str | None = None,
    delimiter: str = ",",
) -> Iterator[Row]:
    """All rows that are not empty. Raises InputError for a file that cannot be read safely and completely."""
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        lines = _csv(path, encoding, delimiter)
    elif name.endswith((".xlsx", ".xlsm")):
        lines = _xlsx(path, sheet)
    else:
        raise InputError(f"{path.name}: expected a .csv, .csv.gz or .xlsx file.")
    _, header = next(lines, (0, []))
    _check_header(path, header, required)
    for line, cells in lines:
        if not any(cells):
            continue
        if len(cells) > len(header) and any(cells[len(header) :]):
            raise InputError(f"{path.name}, line {line}: {len(cells)} cells under {len(header)} columns.")
        if len(cells) < len(header) and name.endswith((".csv", ".csv.gz")):
            raise InputError(f"{path.name}, line {line}: {len(cells)} cells under {len(header)} columns.")
        named = dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=False))
        _check_cells(path, line, named)
        yield Row(line, named)


def _check_header(path: Path, header: list[str], required: Sequence[str]) -> None:
    if not any(header):
        raise InputError(f"{path.name} is empty: expected a line of column names.")
    if repeated := sorted({name for name in header if name and header.count(name) > 1}):
        raise InputError(f"{path.name}: these columns occur more than once: {', '.join(repeated)}.")
    if missing := [name for name in required if name not in header]:
        raise InputError(
            f"{path.name}: these columns are missing: {', '.join(missing)}. Found: {', '.join(header)[:300]}."
            + _advice(header, missing)
        )


def _advice(header: list[str], missing: list[str]) -> str:
    """What most often is the matter when columns are missing."""
    for mark, written in ((";", ";"), ("\t", "\\t"), (",", ",")):
        if any(missing[0] in cell.split(mark) for cell in header):
            return f' The columns are separated by another character: write delimiter = "{written}" in the profile.'
    return " In a workbook, name the sheet that has them: --sheet NAME." if len(header) <= 1 else ""


def _check_cells(path: Path, line: int, cells: dict[str, str]) -> None:
    for column, text in cells.items():
        if _FORMULA.match(text):
            raise InputError(
                f"{path.name}, line {line}, column {column}: a formula ({text[:40]!r}). "
                "Replace formulas by their values and import again; nothing was sent."
            )
        if len(text) > MAX_CELL:
            raise InputError(f"{path.name}, line {line}, column {column}: {len(text)} characters; a quote is open?")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        if path.name.lower().endswith(".gz"):
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield unpacked  # type: ignore[misc]
        else:
            yield raw


def _csv(path: Path, encoding: str | None, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(1 << 20)
    try:
        with _opened(path) as raw:
            text = io.TextIOWrapper(raw, encoding=encoding or "utf-8-sig", newline="")
            reader = csv.reader(text, strict=True, delimiter=delimiter)
            for cells in reader:
                yield reader.line_num, cells
    except UnicodeDecodeError as fault:
        line, position = _undecodable(path, encoding or "utf-8")
        raise InputError(
            f"{path.name}, line {line}: byte 0x{fault.object[fault.start]:02x} at position {position} is not "
            f"{encoding or 'UTF-8'}. Save the file as UTF-8, or name its encoding: --encoding windows-1251"
        ) from None
    except LookupError:
        raise InputError(f"There is no encoding {encoding!r}.") from None
    except csv.Error as fault:
        raise InputError(f"{path.name}: not a well-formed CSV file: {fault}.") from None
    except (OSError, EOFError) as fault:
        raise InputError(f"{path.name} cannot be read: {fault}.") from None


def _undecodable(path: Path, encoding: str) -> tuple[int, int]:
    """Line and byte position of the first byte that is not in the encoding."""
    with _opened(path) as raw:
        for number, line in enumerate(raw, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as fault:
                return number, fault.start + 1
    return 0, 0


def _xlsx(path: Path, sheet: str | None) -> Iterator[tuple[int, list[str]]]:
    try:
        with python_calamine.CalamineWorkbook.from_path(path) as book:
            names = book.sheet_names
            chosen = sheet or names[0]
            if chosen not in names:
                raise InputError(f"{path.name} has no sheet {chosen!r}; it has {', '.join(names)}.")
            found = book.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError, IndexError) as fault:
        raise InputError(f"{path.name} cannot be read as an XLSX workbook: {fault}.") from None
    if cell := _first_formula(path, chosen):
        raise InputError(
            f"{path.name}, sheet {chosen}, cell {cell}: a formula. "
            "Replace formulas by their values (copy, paste as values) and import again; nothing was sent."
        )
    for line, cells in enumerate(found, 1):
        yield line, [_as_text(value) for value in cells]


def _first_formula(path: Path, sheet: str) -> str | None:
    """The reference of the first cell with a formula; the reader above gives only computed values."""
    with zipfile.ZipFile(path) as package:
        book = ElementTree.fromstring(package.read("xl/workbook.xml"))  # noqa: S314 (expat limits expansion)
        links = ElementTree.fromstring(package.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        for entry in book.iterfind("m:sheets/m:sheet", _NS):
            if entry.get("name") == sheet:
                target = targets[entry.get(f"{{{_NS['r']}}}id")]
                member = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
                with package.open(member) as xml:
                    return _formula_in(xml)
    return None


def _formula_in(xml: IO[bytes]) -> str | None:
    for _, cell in ElementTree.iterparse(xml):  # noqa: S314
        if cell.tag == f"{{{_NS['m']}}}c":
            if cell.find("m:f", _NS) is not None:
                return cell.get("r", "?")
            cell.clear()
    return None


def _as_text(value: Any) -> str:
    """A cell as a person sees it: whole numbers without a fraction, dates in ISO 8601."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value)
