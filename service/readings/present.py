"""Entries of the access log as JSON and as CSV. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from service.base64url import encode
from service.readings.entry import instant
from service.spreadsheets import safe

COLUMNS = (
    *("at", "country", "agency", "key", "roles", "purpose", "case", "method", "route", "policy"),
    *("records", "record_ids", "id"),
)


def reader(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as the owner has it: who read which of its records, when, why and under which policies."""
    return {
        "id": str(entry["id"]),
        "at": instant(entry["at"]),
        **_who(entry),
        "records": entry["records"],
        "record_ids": [str(record) for record in entry["record_ids"]],
    }


def reading(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as the reader's country has it. The parts of one answer, one for each owner, share `reading`."""
    return {
        "id": str(entry["id"]),
        "reading": str(entry["reading"]),
        "at": instant(entry["at"]),
        **_who(entry),
        "status": entry["status"],
        "owner": entry["owner"],
        "records": entry["records"],
        **{name: encode(entry[name]) for name in ("question", "answer", "seal")},
    }


def _who(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "country": entry["country"],
        "agency": entry["agency"],
        "key": entry["key_id"],
        "roles": entry["roles"],
        "purpose": entry["purpose"],
        "case": entry["case_reference"],
        "method": entry["method"],
        "route": entry["route"],
        "policy": entry["policy"],
    }


def table(entries: Iterable[Mapping[str, Any]]) -> str:
    """Entries of `reader` as CSV (RFC 4180) that no spreadsheet takes for formulas."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow([_cell(entry[name]) for name in COLUMNS])
    return text.getvalue()


def _cell(value: Any) -> str:
    return safe(" ".join(value) if isinstance(value, list) else "" if value is None else str(value))
