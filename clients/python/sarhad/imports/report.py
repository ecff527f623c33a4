"""What became of an import: counts for the screen, and a CSV with a line for every row that needs a look."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from sarhad.errors import ProblemError
from sarhad.outbox import Outbox

COLUMNS = ("line", "state", "country", "reference", "type", "pointer", "detail", "duplicate-of", "id")
_RISKY = re.compile(r"^[=+\-@\t\r]")
_QUERY = """
SELECT line.line, line.country, line.reference, line.duplicate_of, line.fault, line.fault_column,
       letter.state, letter.problem, letter.receipt, letter.record_id
FROM line LEFT JOIN letter ON letter.number = line.letter ORDER BY line.line
"""


@dataclass
class Summary:
    """Counts of rows. `accepted` includes `repeated` (the service had the same record already); `listed` are the lines
    of the report.
    """

    rows: int = 0
    accepted: int = 0
    repeated: int = 0
    already_reported: int = 0
    refused: int = 0
    waiting: int = 0
    duplicates: int = 0
    warnings: int = 0
    listed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    countries: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def accepted_share(self) -> float:
        """Of the rows decided so far, those the service holds."""
        decided = self.rows - self.waiting
        return (self.accepted + self.already_reported) / decided if decided else 0.0


def summarise(outbox: Outbox, path: Path | None) -> Summary:
    """Count every row; write those that were refused, wait, repeat another or carry warnings to `path`."""
    summary = Summary()
    entries = list(_entries(outbox, summary))
    summary.listed = len(entries)
    if path is not None:
        with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark tells spreadsheets it is UTF-8
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([harmless(cell) for cell in entry] for entry in entries)
    return summary


def harmless(value: object) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if _RISKY.match(text) else text


def _entries(outbox: Outbox, summary: Summary) -> Iterator[tuple[Any, ...]]:
    for (
        line,
        country,
        reference,
        original,
        fault,
        column,
        state,
        problem,
        receipt,
        record_id,
    ) in outbox.connection.execute(_QUERY):
        summary.rows += 1
        summary.duplicates += original is not None
        outcome, kind, pointer, detail = _outcome(fault, column, state, problem)
        _count(summary, outcome, kind, country)
        kept = orjson.loads(receipt) if receipt else {}
        summary.repeated += bool(kept) and not kept["created"]
        start = (line, outcome, country, reference)
        if outcome != "accepted":
            yield (*start, kind, pointer, detail, original, record_id)
        elif original is not None:
            yield (*start, "duplicate-of", "", f"The same content as line {original}.", original, record_id)
        for warning in kept.get("warnings", ()):
            summary.warnings += 1
            words = (warning.get("type"), warning.get("pointer"), warning.get("detail"))
            yield (line, "warning", country, reference, *words, original, record_id)


def _outcome(fault: str | None, column: str | None, state: str, problem: str | None) -> tuple[str, str, str, str]:
    if fault is not None:
        return "refused", "row", column or "", fault
    said = ProblemError(orjson.loads(problem)) if problem else None
    words = (said.kind, said.pointer or "", said.sentence) if said else ("", "", "")
    if state == "delivered":
        return ("accepted", "", "", "")
    if state == "dead":
        # The reference is made of the row's content, so another record under it is this row, sent before.
        known = said is not None and said.kind == "duplicate-reference"
        return ("already-reported" if known else "refused", *words)
    return ("waiting", *words)


def _count(summary: Summary, outcome: str, kind: str, country: str | None) -> None:
    name = outcome.replace("-", "_")
    setattr(summary, name, getattr(summary, name) + 1)
    if outcome == "refused":
        summary.reasons[kind] = summary.reasons.get(kind, 0) + 1
    per_country = summary.countries.setdefault(country or "?", {})
    per_country[outcome] = per_country.get(outcome, 0) + 1
