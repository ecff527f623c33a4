"""A batch: many records in one request and one transaction, a verdict for each line, in bounded memory.

Lines are judged and filed in chunks; a refused line never harms another, unless the batch is atomic. The body has been
spooled to disk and its digest verified before the first line is read.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from service.problems import Problem
from service.records import strict_json
from service.seizures.submit import Accepted, Filing, Verdict, submit

CHUNK = 250


class MalformedLine(Problem):
    """The line is not one JSON object with the member `record`."""


class TooManyLines(Problem):
    """The batch has more lines than the service accepts."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class EmptyBatch(Problem):
    """The batch has no line."""


@dataclass
class Summary:
    """How the batch went; `committed` is false for a dry run and for an atomic batch with a refusal."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    committed: bool = False

    def count(self, verdict: Verdict) -> None:
        if isinstance(verdict, Problem):
            self.refused += 1
        elif verdict.fresh:
            self.accepted += 1
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
    for chunk in _chunks(lines):
        if number + len(chunk) > max_lines:
            raise TooManyLines(f"a batch has at most {max_lines} lines", limit=max_lines)
        for verdict in await _file_chunk(session, filing, chunk):
            number += 1
            summary.count(verdict)
            yield orjson.dumps(verdict_document(number, verdict)) + b"\n"
    if number == 0:
        raise EmptyBatch("expected one record a line")


async def _file_chunk(session: AsyncSession, filing: Filing, chunk: list[bytes]) -> list[Verdict]:
    records: list[bytes] = []
    verdicts: list[Verdict | None] = []
    for line in chunk:
        record = _record_of(line)
        verdicts.append(record if isinstance(record, Problem) else None)
        if not isinstance(record, Problem):
            records.append(record)
    filed = iter(await submit(session, filing, records))
    return [verdict if verdict is not None else next(filed) for verdict in verdicts]


def _record_of(line: bytes) -> bytes | Problem:
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
        status = HTTPStatus.CREATED if verdict.fresh else HTTPStatus.OK
        return {"line": number, "status": int(status), **verdict.document()}
    return {"line": number, "status": int(verdict.status), "problem": verdict.as_document()}


def _chunks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    source = iter(lines)
    while chunk := list(islice(source, CHUNK)):
        yield chunk
