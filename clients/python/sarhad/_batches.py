"""A batch of records: written to disk first, so that any size can be digested, signed and streamed in
bounded memory.
"""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import orjson

from sarhad._calls import NDJSON
from sarhad.errors import InputError, UnverifiedResponse
from sarhad.models import Verdict
from sarhad.signing import digest_field

CHUNK = 1 << 16
_IN_MEMORY = 1 << 20  # smaller batches never touch the disk

Progress = Callable[[int, int], None]  # bytes sent, bytes in all


@dataclass
class Batch:
    """A spooled request body and its digest. Close it."""

    file: IO[bytes]
    size: int
    lines: int
    digest: bytes

    @classmethod
    def of(cls, records: Iterable[str]) -> Self:
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (closed by the caller)
        sha, size, lines = hashlib.sha256(), 0, 0
        for record in records:
            line = orjson.dumps({"record": record}) + b"\n"
            sha.update(line)
            file.write(line)
            size += len(line)
            lines += 1
        return cls(file=file, size=size, lines=lines, digest=sha.digest())

    @property
    def headers(self) -> dict[str, str]:
        return {
            "content-type": NDJSON,
            "accept": NDJSON,
            "content-length": str(self.size),
            "content-digest": digest_field(self.digest),
        }

    def chunks(self, progress: Progress | None = None) -> Iterator[bytes]:
        self.file.seek(0)
        sent = 0
        while chunk := self.file.read(CHUNK):
            yield chunk
            sent += len(chunk)
            if progress is not None:
                progress(sent, self.size)

    async def achunks(self, progress: Progress | None = None) -> AsyncIterator[bytes]:
        for chunk in self.chunks(progress):
            yield chunk

    def close(self) -> None:
        self.file.close()


def verdicts(answer: IO[bytes], lines: int) -> Iterator[Verdict]:
    """Read a whole, verified answer: a verdict for every line, then the summary. Raises UnverifiedResponse
    when short.
    """
    answer.seek(0)
    count, summary = 0, False
    for line in answer:
        document: dict[str, Any] = orjson.loads(line)
        if "summary" in document:
            summary = True
            continue
        count += 1
        yield Verdict.of(document)
    if count != lines or not summary:
        raise UnverifiedResponse(f"The service answered for {count} of {lines} records; send the batch again.")


def records_in(path: Path) -> Iterator[str]:
    """The records of a file, one a line: bare SD-JWTs or NDJSON `{"record": …}`; raises InputError with the
    line.
    """
    with closing(path.open("rb")) as file:
        for number, raw in enumerate(file, 1):
            line = raw.strip()
            if not line:
                continue
            try:
                record = orjson.loads(line)["record"] if line.startswith(b"{") else line.decode("ascii")
            except (ValueError, KeyError, TypeError):
                raise InputError(f'{path}, line {number}: expected a record or {{"record": …}}.') from None
            if not isinstance(record, str) or not record.endswith("~"):
                raise InputError(f"{path}, line {number}: a record ends with ~.")
            yield record
