"""An import: rows are signed into a resume file (an outbox of its own), then sent; a re-run continues.

The resume file stands beside the table. It holds every row once with the record signed for it, so that a
re-run sends the same bytes again, and what the service answered. Rows that cannot become a record are kept
with their reason.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import orjson

from sarhad import records
from sarhad._client import Client
from sarhad.errors import InputError
from sarhad.imports.agencies import Agencies
from sarhad.imports.mapping import ColumnMapping, RowError
from sarhad.imports.resolve import Resolved, collect, resolve, where
from sarhad.imports.tables import Row, rows
from sarhad.outbox import Outbox, Tally, deliver
from sarhad.profile import Profile

SIGNED_AT_ONCE = 500  # rows per transaction of the resume file

Progress = Callable[[str, int, int], None]  # stage, done, in all

_SCHEMA = """
CREATE TABLE IF NOT EXISTS source (fingerprint TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS line (
  line         INTEGER PRIMARY KEY,
  reference    TEXT NOT NULL,
  country      TEXT,
  letter       INTEGER REFERENCES letter (number),
  duplicate_of INTEGER,
  fault        TEXT,
  fault_column TEXT
);
"""


@dataclass(frozen=True)
class Refusal:
    """A row that cannot become a record; `column` names the cell at fault, where one is."""

    line: int
    country: str | None
    column: str
    detail: str


@dataclass
class Import:
    """One table with its mapping, agencies and resume file."""

    table: Path
    mapping: ColumnMapping
    agencies: Agencies
    state: Path
    encoding: str | None = None
    sheet: str | None = None
    resolved: Resolved = field(default_factory=Resolved)

    def rows(self) -> Iterator[Row]:
        mapping = self.mapping
        return rows(
            self.table, mapping.columns(), encoding=self.encoding, sheet=self.sheet, delimiter=mapping.delimiter
        )

    def check(self) -> int:
        """Read the whole table and collect its texts; how many rows. Raises InputError, nothing was sent."""
        count = 0

        def counted() -> Iterator[Row]:
            nonlocal count
            for row in self.rows():
                count += 1
                yield row

        self._texts, self._places = collect(self.mapping, counted())
        if count == 0:
            raise InputError(f"{self.table.name} has column names and no rows.")
        return count

    def resolve(self, client: Client) -> Resolved:
        """Ask the service about every distinct substance, unit and place of the table."""
        self.resolved = resolve(client, self._texts, self._places)
        return self.resolved

    def refusals(self) -> Iterator[Refusal]:
        """The rows that cannot become a record, by their own content: what signing would refuse. Signs nothing."""
        for row in self.rows():
            country = None
            try:
                country = self.mapping.country_of(row.cells)
                self._record(row, country, self.agencies.of(country), f"(line {row.line})")
            except RowError as fault:
                yield Refusal(row.line, country, fault.column, str(fault))

    def open(self) -> Outbox:
        """The resume file. Raises InputError when it belongs to another table or profile."""
        outbox = Outbox.open(self.state)
        outbox.connection.executescript(_SCHEMA)
        fingerprint = self._fingerprint()
        known = outbox.connection.execute("SELECT fingerprint FROM source").fetchone()
        if known is None:
            outbox.connection.execute("INSERT INTO source VALUES (?)", (fingerprint,))
        elif known[0] != fingerprint:
            outbox.close()
            raise InputError(
                f"{self.state} belongs to an import of another table or with another profile; "
                "name another resume file (--state) or remove it."
            )
        return outbox

    def sign(self, outbox: Outbox, progress: Progress, total: int) -> None:
        """Sign every row that the resume file does not hold yet."""
        last = outbox.connection.execute("SELECT coalesce(max(line), 0) FROM line").fetchone()[0]
        done = 0
        seen: dict[bytes, list[int]] = {}
        pending = self.rows()
        while chunk := list(islice(pending, SIGNED_AT_ONCE)):
            with outbox.transaction():
                for row in chunk:
                    content = _content(row)
                    earlier = seen.setdefault(content, [])
                    earlier.append(row.line)
                    if row.line > last:
                        self._sign_row(outbox, row, content, earlier)
            done += len(chunk)
            progress("sign", done, total)

    def send(self, outbox: Outbox, connect: Callable[[str], Client], progress: Progress) -> Tally:
        """Deliver what waits. Failures of the line leave rows waiting for a re-run."""
        total = outbox.count("waiting")
        done = 0

        def settled(*_: object) -> None:
            nonlocal done
            done += 1
            progress("send", done, total)

        outbox.connection.execute("UPDATE letter SET due = 0 WHERE state = 'waiting'")
        return deliver(outbox, connect, settled=settled)

    def _sign_row(self, outbox: Outbox, row: Row, content: bytes, occurrences: list[int]) -> None:
        reference = self._reference(row, content, len(occurrences))
        duplicate_of = occurrences[0] if len(occurrences) > 1 else None
        country, letter, fault = None, None, None
        try:
            country = self.mapping.country_of(row.cells)
            profile = self.agencies.of(country)
            record = self._record(row, country, profile, reference)
            signed = records.issue(self.agencies.record_key(profile), record)
            letter = outbox.add(signed, str(profile.directory))
        except RowError as reason:
            fault = reason
        words = (str(fault), fault.column) if fault else (None, None)
        outbox.connection.execute(
            "INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.line, reference, country, letter, duplicate_of, *words),
        )

    def _record(self, row: Row, country: str, profile: Profile, reference: str) -> records.Record:
        division, place = self.mapping.place_of(row.cells)
        answer = self.resolved.places.get((country, division, place))
        facets = {
            "reference": reference,
            "reported": datetime.now(UTC).isoformat(timespec="seconds"),
            **where(country, division, place, answer),
            **self.mapping.build(row.cells, self.resolved.known),
        }
        return records.Record(
            agency=profile.agency,
            kind=self.mapping.kind,
            facets=records.complete(self.mapping.kind, facets),
            handling=self.mapping.handling,
        )

    def _reference(self, row: Row, content: bytes, occurrence: int) -> str:
        """The agency's own number, or one of the row's content and its n-th occurrence."""
        if "column" in self.mapping.reference:
            number = row.cells.get(self.mapping.reference["column"], "").strip()
            return number or f"(line {row.line})"
        digest = hashlib.sha256(content + occurrence.to_bytes(4, "big")).digest()
        prefix: str = self.mapping.reference.get("prefix", "")
        return prefix + base64.b32encode(digest[:15]).decode("ascii")

    def _fingerprint(self) -> str:
        settings = [asdict(self.mapping), self.sheet, self.encoding]  # another rule makes another record of a row
        sha = hashlib.sha256(orjson.dumps(settings, option=orjson.OPT_SORT_KEYS))
        with self.table.open("rb") as file:
            while chunk := file.read(1 << 20):
                sha.update(chunk)
        return sha.hexdigest()


def _content(row: Row) -> bytes:
    return hashlib.sha256(orjson.dumps(sorted(row.cells.items()))).digest()
