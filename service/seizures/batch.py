"""A batch: many records in one request and one transaction, a verdict for each line, in bounded memory.

Lines are judged and filed in chunks; a refused line never harms another, unless the batch is atomic. The body has been
spooled to disk and its digest verified before the first line is read.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from service.problems import Problem
from service.records import strict_json
from service.records.refusals import RecordTooLarge
from service.records.sdjwt import MAX_RECORD_BYTES
from service.seizures.decide import Accepted, Verdict
from service.seizures.filing import Filing
from service.seizures.judge import start_judging
from service.seizures.row import Fresh
from service.seizures.submit import file_judged

CHUNK = 250
CHUNK_BYTES = 2 << 20
IN_MEMORY = 1 << 20  # bytes
MAX_LINE_BYTES = MAX_RECORD_BYTES + 100  # the record and the JSON around it


_HEAD, _TAIL = b'{"record":"', b'"}'


class MalformedLine(Problem):
    """The line is not one JSON object with the member `record`."""


class TooManyLines(Problem):
    """The batch has more lines than the service accepts."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class EmptyBatch(Problem):
    """The batch has no line."""


@dataclass
class Summary:
    """How the batch went; `committed` is false for a dry run and for an atomic batch with a refusal.

    `fresh` is what was filed.
    """

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    committed: bool = False
    fresh: list[Fresh] = field(default_factory=list)

    def count(self, verdict: Verdict) -> None:
        if isinstance(verdict, Problem):
            self.refused += 1
        elif verdict.fresh is not None:
            self.accepted += 1
            self.fresh.append(verdict.fresh)
        else:
            self.duplicates += 1

    def document(self) -> dict[str, Any]:
        return {
            "summary": {
                "accepted": self.accepted,
                "duplicates": self.duplicates,
                "refused": self.refused,
                "committed": self.committed,
            }
        }


async def file_batch(
    session: AsyncSession, filing: Filing, lines: Iterable[bytes], max_lines: int, summary: Summary
) -> AsyncIterator[bytes]:
    """The verdict lines, chunk by chunk, as they are filed in the session's transaction. Fills `summary`."""
    number = 0
    async for verdicts in _filed_chunks(session, filing, _counted(lines, max_lines)):
        for verdict in verdicts:
            number += 1
            summary.count(verdict)
            yield orjson.dumps(verdict_document(number, verdict)) + b"\n"
    if number == 0:
        raise EmptyBatch("expected one record a line")


async def _filed_chunks(session: AsyncSession, filing: Filing, lines: Iterable[bytes]) -> AsyncIterator[list[Verdict]]:
    """Verdicts chunk by chunk. While the database stores one chunk, the next is judged."""
    judging: Judging | None = None
    try:
        for chunk in _chunks(lines):
            read = [_record_of(line) for line in chunk]
            records = [record for record in read if not isinstance(record, Problem)]
            following = Judging(read, await start_judging(session, filing, records))
            if judging is not None:
                previous, judging = judging, following
                yield await _file_chunk(session, filing, previous)
            judging = following
        if judging is not None:
            yield await _file_chunk(session, filing, judging)
    finally:
        if judging is not None:
            judging.task.cancel()


class Judging(NamedTuple):
    """A chunk under way: what each line held, and the judgement of those that held a record."""

    read: list[bytes | Problem]
    task: asyncio.Task[Any]


async def _file_chunk(session: AsyncSession, filing: Filing, judging: Judging) -> list[Verdict]:
    filed = iter(await file_judged(session, filing, judging.task))
    return [entry if isinstance(entry, Problem) else next(filed) for entry in judging.read]


def _counted(lines: Iterable[bytes], limit: int) -> Iterator[bytes]:
    for number, line in enumerate(lines, start=1):
        if number > limit:
            raise TooManyLines(f"a batch has at most {limit} lines", limit=limit)
        yield line


def _record_of(line: bytes) -> bytes | Problem:
    if len(line) > MAX_LINE_BYTES:
        return RecordTooLarge(f"A record has at most {MAX_RECORD_BYTES} bytes.", limit=MAX_RECORD_BYTES)
    inner = line[len(_HEAD) : -len(_TAIL)]
    if line.startswith(_HEAD) and line.endswith(_TAIL) and inner.isascii() and b'"' not in inner and b"\\" not in inner:
        return inner  # what every client writes; the record's own alphabet is checked next
    try:
        value = strict_json.read(line)
    except ValueError as error:
        return MalformedLine(f"the line is {error}", pointer="")
    match value:
        case {"record": str(record)} if len(value) == 1:
            return record.encode(errors="replace")
    return MalformedLine('expected {"record": "<sd-jwt>"}', pointer="/record")


def verdict_document(number: int, verdict: Verdict) -> dict[str, Any]:
    if isinstance(verdict, Accepted):
        status = HTTPStatus.CREATED if verdict.fresh is not None else HTTPStatus.OK
        return {"line": number, "status": int(status), **verdict.document()}
    return {"line": number, "status": int(verdict.status), "problem": verdict.as_document()}


class Verdicts:
    """The verdict lines of a batch, kept in a nameless file once they are many."""

    def __init__(self, directory: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(directory))  # noqa: SIM115

    def add(self, line: bytes) -> None:
        self._file.write(line)

    def lines(self, *, receipts: bool) -> Iterator[bytes]:
        """Each line once, then the file is gone. Where nothing was committed no line promises anything."""
        with self._file:
            self._file.seek(0)
            for line in self._file:
                yield line if receipts else _without_receipt(line)


def _without_receipt(line: bytes) -> bytes:
    document = orjson.loads(line)
    document.pop("receipt", None)
    return orjson.dumps(document) + b"\n"


def _chunks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Runs of at most CHUNK lines and, but for one line alone, CHUNK_BYTES."""
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        if chunk and (len(chunk) == CHUNK or size + len(line) > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += len(line)
    if chunk:
        yield chunk
