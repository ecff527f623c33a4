"""A pack as a workbook (XLSX): the same bytes for the same pack, whenever and wherever it is made.

Text is never read as formula or link; times inside are those of the pack. The last sheets say what was covered and
where everything is from.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import orjson
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from service import sandbox

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DRAFT = "DRAFT: not approved by the focal point"
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd",
}


@dataclass(frozen=True, slots=True)
class Seal:
    """What stands in the workbook about the pack itself. A draft has no approval."""

    id: str
    version: int
    digest: str
    drafted_at: datetime
    drafted_by: str
    approved_at: datetime | None = None
    approved_by: str | None = None


async def rendered(content: bytes, seal: Seal, country: str) -> bytes:
    """The workbook of a frozen content, made in a process of its own: a large one takes seconds of a processor.

    Raises FileTooDemanding, ParsersBusy.
    """
    said: dict[str, Any] = {"seal": orjson.dumps(seal).decode()}
    return base64.b64decode(await sandbox.parse(encoded, content, sender=country, **said))


def encoded(content: bytes, seal: str) -> str:
    """`workbook` as text, for the sandbox, of a content and a seal in JSON."""
    given = orjson.loads(seal)
    times = {
        name: datetime.fromisoformat(given[name]) for name in ("drafted_at", "approved_at") if given[name] is not None
    }
    return base64.b64encode(workbook(orjson.loads(content), Seal(**given | times))).decode()


def workbook(content: dict[str, Any], seal: Seal) -> bytes:
    target = BytesIO()
    made = (seal.approved_at or seal.drafted_at).astimezone(UTC).replace(tzinfo=None, microsecond=0)
    with xlsxwriter.Workbook(target, _OPTIONS) as book:
        book.set_properties(
            {"title": content["title"], "subject": content["country"], "author": "Sarhad", "created": made}
        )
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        plain = book.add_format({"italic": True, "bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        for sheet in content["sheets"]:
            _sheet(book.add_worksheet(sheet["name"]), sheet, head, plain, draft=seal.approved_at is None)
        _coverage(book.add_worksheet("Coverage"), content["coverage"], head)
        _provenance(book.add_worksheet("Provenance"), content, seal, head)
    return target.getvalue()


def _sheet(page: Worksheet, sheet: dict[str, Any], head: Format, plain: Format, *, draft: bool) -> None:
    columns = sheet["columns"]
    for place, column in enumerate(columns):
        page.write_string(0, place, column["name"], head if column["form_name"] else plain)
        page.set_column(place, place, max(12, min(40, len(column["name"]) + 2)))
    page.freeze_panes(1, 0)
    for number, row in enumerate(sheet["rows"], start=1):
        for place, (value, column) in enumerate(zip(row, columns, strict=True)):
            if value and column["number"] and _is_number(value):
                page.write_number(number, place, float(value))
            else:
                page.write_string(number, place, value)
    if draft:
        page.set_header(f"&C&B{DRAFT}")


def _is_number(value: str) -> bool:
    """Plain decimals that a spreadsheet holds exactly enough; a month or a longer number stays text."""
    return value.replace(".", "", 1).isdigit() and len(value.replace(".", "")) <= 15  # digits of a double


def _coverage(page: Worksheet, coverage: list[dict[str, Any]], head: Format) -> None:
    kinds = sorted({kind for month in coverage for kind in month["records"]})
    for place, name in enumerate(("Month", *kinds, "Agencies that reported")):
        page.write_string(0, place, name, head)
        page.set_column(place, place, max(12, len(name) + 2))
    for number, month in enumerate(coverage, start=1):
        page.write_string(number, 0, month["month"])
        for place, kind in enumerate(kinds, start=1):
            if kind in month["records"]:  # nothing filed is no zero
                page.write_number(number, place, month["records"][kind])
        page.write_string(number, len(kinds) + 1, ", ".join(month["agencies"]) or "none: no record and no zero-report")


def _provenance(page: Worksheet, content: dict[str, Any], seal: Seal, head: Format) -> None:
    made = content["provenance"]
    approved = DRAFT if seal.approved_at is None else f"{_moment(seal.approved_at)} by key {seal.approved_by}"
    lines = [
        ("Pack", f"{content['form']}, {content['country']}, {content['first_month']} to {content['last_month']}"),
        ("Id and version", f"{seal.id}, version {seal.version}"),
        ("SHA-256 of the frozen content", seal.digest),
        ("Drafted", f"{_moment(seal.drafted_at)} by key {seal.drafted_by}"),
        ("Approved", approved),
        ("Records", f"{made['records']}; SHA-256 of their ids, versions and digests {made['records_sha256']}"),
        ("Mapping", f"SHA-256 {made['mapping_sha256']}"),
        ("Columns", f"{made['status']} Names in italics are ours."),
        *(("Source of the mapping", source) for source in made["sources"]),
        *(("Caveat", caveat) for caveat in made["caveats"]),
        *((f"Note on {sheet['name']}", sheet["note"]) for sheet in content["sheets"] if sheet["note"]),
        *((f"Records behind {sheet['name']}", str(sheet["records"])) for sheet in content["sheets"]),
    ]
    page.set_column(0, 0, 34)
    page.set_column(1, 1, 110)
    for number, (name, value) in enumerate(lines):
        page.write_string(number, 0, name, head)
        page.write_string(number, 1, value)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
