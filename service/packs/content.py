"""What a pack holds: its sheets, how complete it is, and where every figure comes from. Frozen as canonical bytes."""

import calendar
import hashlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterable
from datetime import date
from http import HTTPStatus
from typing import Any

from service.identity.governance import canonical
from service.packs.fill import MOST_ROWS, Filling
from service.packs.forms import Form
from service.packs.own import OwnRecord, contexts
from service.packs.say import Registers
from service.problems import Problem

MOST_MONTHS = 24
CAVEATS = (
    "Of the country's own records only, latest versions, without those retracted; by the month of the event.",
    "Amounts as reported, not adjusted for purity; kilograms by the rules of the exchange, a litre as a kilogram.",
    "An event that agencies of the country reported twice, and confirmed to be one, counts once: by the report that a "
    "laboratory confirmed, else by the heavier. The month's coverage counts both.",
    "Not certified, and no official form: check it before it is sent. Unknown stays empty. Persons are counts.",
)


class PackTooLarge(Problem):
    """The pack would have more rows than one may have: choose a shorter period."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ImpossibleMonths(Problem):
    """A pack is of one to 24 months, none of them to come."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def month_ends(first: str, last: str, today: date) -> tuple[date, date]:
    """The last days of the first and the last month. Raises ImpossibleMonths."""
    begin, end = (date.fromisoformat(f"{month}-01") for month in (first, last))
    months = (end.year - begin.year) * 12 + end.month - begin.month + 1
    if not 1 <= months <= MOST_MONTHS or end > today:
        raise ImpossibleMonths(f"{first} to {last}", pointer="/last_month", expected=f"1 to {MOST_MONTHS} months")
    return _end(begin), _end(end)


def _end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


async def content_of(
    form: Form, country: str, months: tuple[str, str], records: AsyncIterable[OwnRecord], registers: Registers
) -> dict[str, Any]:
    """The pack as a JSON value without floating-point numbers. Raises PackTooLarge."""
    fillings = [Filling(sheet, form, registers) for sheet in form.sheets]
    coverage: dict[str, Counter[str]] = defaultdict(Counter)
    agencies: dict[str, set[str]] = defaultdict(set)
    used = hashlib.sha256()
    number = 0
    async for record in records:
        coverage[record.month][record.kind] += 1
        agencies[record.month].add(record.agency)
        used.update(f"{record.id} {record.version} {record.digest}\n".encode())
        number += 1
        for filling in () if record.repeats else fillings:
            if record.kind in filling.sheet.records:
                for context in contexts(record, filling.sheet.each, registers.catalogue):
                    filling.add(context)
        if sum(len(filling.rows) for filling in fillings) > MOST_ROWS:
            raise PackTooLarge(f"more than {MOST_ROWS}", parameter="last_month", expected=f"<= {MOST_ROWS} rows")
    return {
        "form": form.form,
        "title": form.title,
        "country": country,
        "first_month": months[0],
        "last_month": months[1],
        "sheets": [filling.done() for filling in fillings],
        "coverage": [
            {"month": month, "agencies": sorted(agencies[month]), "records": dict(sorted(coverage[month].items()))}
            for month in _months(*months)
        ],
        "provenance": {
            "mapping_sha256": form.sha256,
            "sources": form.sources,
            "status": form.status,
            "caveats": list(CAVEATS),
            "records": number,
            "records_sha256": used.hexdigest(),
        },
    }


def _months(first: str, last: str) -> list[str]:
    year, month = map(int, first.split("-"))
    found = []
    while (name := f"{year}-{month:02}") <= last:
        found.append(name)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)  # months of a year
    return found


def frozen(content: dict[str, Any]) -> tuple[bytes, str]:
    """Canonical bytes (RFC 8785 for values without floating-point numbers) and their SHA-256, hexadecimal."""
    body = canonical(content).encode()
    return body, hashlib.sha256(body).hexdigest()
