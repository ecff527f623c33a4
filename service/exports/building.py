"""How a file is built: as the key that asked for it: with what that key is given at the time of the job.

The file is there for its reader once it is whole, its readings are in the access log, and the export says `ready`; in
that order, so that nothing can be taken that no owner is told of.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select, text

from service.database import Database
from service.exports.files import Place, Seen, SeenWriter, read_seen
from service.exports.formats import FORMATS
from service.exports.limits import ExportQuotaReached, held
from service.exports.models import EXPORT
from service.exports.provenance import Made, copy_mark, sheet
from service.exports.rows import Found, seen, stream
from service.exports.subjects import SUBJECTS
from service.identity.behalf import Acting, enter, on_behalf
from service.policies.gate import reach
from service.problems import Problem
from service.readings.account import Account
from service.readings.entry import Reading, rows
from service.readings.write import AccessWriter
from service.seizures.paged import plan_for_what_is_asked
from service.seizures.query import Conditions
from service.seizures.read import descendants
from service.settings import Settings
from service.signing import ServiceKeys
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to

PROGRESS_SECONDS = 2.0
IDS = 5_000  # of an entry of the access log

_BEGIN = text("SELECT gate.begin_export(:id, :policy)")
_PROGRESS = text("SELECT gate.progress_export(:id, :rows)")
_FINISH = text(
    "SELECT gate.finish_export(:id, :state, :rows, :size, :digest, CAST(:sheet AS jsonb), CAST(:refusal AS jsonb))"
)


class NothingMayBeExported(Problem):
    """The owners of all these records oblige their readers not to export them."""


class NoRoom(Exception):
    """The disk has too little space left for files of exports."""


class GivenUp(Exception):
    """The export was deleted, or its time was over, before it was done."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a file holds, and under which policies."""

    rows: int
    policy: str
    sheet: dict[str, Any]
    refusal: Problem | None = None


@dataclass
class Building:
    """One export being built."""

    database: Database
    settings: Settings
    export: UUID
    key: str
    purpose: str
    case: str | None

    @property
    def place(self) -> Place:
        return Place(self.settings, self.export)

    async def acting(self) -> Acting:
        """Raises KeyGone."""
        return await on_behalf(self.database, self.key, self.purpose, self.case)

    async def waited_for(self) -> bool:
        """Whether it was neither deleted nor built, and its time is not over. Raises KeyGone."""
        acting = await self.acting()
        waits = select(EXPORT.c.id).where(
            EXPORT.c.id == self.export, EXPORT.c.state.in_(("queued", "running")), EXPORT.c.expires_at > func.now()
        )
        async with self.database.reading() as session:
            await enter(session, acting.token)
            return await session.scalar(waits) is not None

    async def run(self) -> None:
        """Raises KeyGone, GivenUp."""
        acting = await self.acting()
        async with self.database.reading() as session:
            policy = await enter(session, acting.token)
            row = (await session.execute(select(EXPORT).where(EXPORT.c.id == self.export))).mappings().one_or_none()
        if row is None:
            raise GivenUp
        await self._move(_BEGIN, policy=policy)
        try:
            built = await self._write(dict(row), await self._left())
        except ExportQuotaReached as refusal:
            self.place.remove()
            await self.finish("refused", 0, refusal=refusal.as_document())
            return
        if built.refusal is not None:
            self.place.remove()
            await self.finish("refused", 0, sheet=built.sheet, refusal=built.refusal.as_document())
            return
        size, digest = await asyncio.to_thread(self._measure)
        await self._log(built.policy, bytes(row["asked"]), digest)
        await self._move(_BEGIN, policy=built.policy)
        await self.finish("ready", built.rows, size=size, digest=digest, sheet=built.sheet)

    async def _left(self) -> int:
        """Bytes that the country may still keep."""
        acting = await self.acting()
        async with self.database.writing() as session:
            await enter(session, acting.token)
            return self.settings.exports_quota_bytes - (await held(session)).bytes

    async def _write(self, row: dict[str, Any], left: int) -> Built:
        """The file, in one snapshot of what the reader is given. Raises NoRoom, ExportQuotaReached."""
        self._check_room(left)
        acting = await self.acting()
        subject, question = SUBJECTS[row["subject"]], Conditions.model_validate(row["question"])
        mark = copy_mark(ServiceKeys(self.settings).secret, acting.caller)
        found, made = Found(), 0
        told = time.monotonic()
        async with self.database.reading() as session:
            catalogue = await Catalogue.from_database(session)
            policy = await enter(session, acting.token)
            catalogue = await known_to(session, catalogue)
            await plan_for_what_is_asked(session)
            query = subject.query(question, await reach(session), descendants(question.substance, catalogue))
            flat = subject.rows(catalogue, mark)
            writer = await asyncio.to_thread(FORMATS[row["format"]].open, self.place.file, subject.columns)
            with SeenWriter(self.place.seen) as held:
                async for records in stream(session, acting.caller, query, found, subject.lines):
                    lines = await asyncio.to_thread(flat.rows, records)
                    await asyncio.to_thread(writer.add, records, lines)
                    made += len(lines)
                    for record in records:
                        held.add(Seen(*seen(record), record.owner))
                    if time.monotonic() - told > PROGRESS_SECONDS:
                        told = time.monotonic()
                        self._check_room(left)
                        await self._move(_PROGRESS, rows=made)
        document = sheet(
            acting.caller, row["question"], found, Made(row["subject"], policy, made, mark, subject.columns)
        )
        await asyncio.to_thread(writer.close, document)
        self._check_room(left)
        refusal = None
        if not found.records and found.left_out:
            refusal = NothingMayBeExported(
                "read them in the exchange, or ask their owners", owners=sorted(found.left_out)
            )
        return Built(made, policy, document, refusal)

    def _check_room(self, left: int) -> None:
        """Raises NoRoom, ExportQuotaReached."""
        if self.place.size() > left:
            quota = self.settings.exports_quota_bytes
            raise ExportQuotaReached(f"with this one they would hold more than {quota} bytes together", limit=quota)
        if shutil.disk_usage(self.settings.state_dir).free < self.settings.exports_reserve_bytes:
            raise NoRoom

    def _measure(self) -> tuple[int, bytes]:
        with self.place.file.open("rb") as file:
            return self.place.file.stat().st_size, file_digest(file, "sha256").digest()

    async def _log(self, policy: str, asked: bytes, digest: bytes) -> None:
        """Every record of the file into the access log, as read by who asked."""
        caller, writer = (await self.acting()).caller, AccessWriter(self.database)
        reading = Reading(datetime.now(UTC), caller, "POST", "/v1/exports", policy, 200, asked, digest)
        empty = True
        async for account in _accounts(self.place):
            empty = False
            await writer.write(rows(reading, account))
        if empty:
            await writer.write(rows(reading, Account()))

    async def finish(
        self,
        state: str,
        rows: int,
        *,
        size: int | None = None,
        digest: bytes | None = None,
        sheet: dict[str, Any] | None = None,
        refusal: dict[str, Any] | None = None,
    ) -> None:
        await self._move(
            _FINISH,
            state=state,
            rows=rows,
            size=size,
            digest=digest,
            sheet=None if sheet is None else orjson.dumps(sheet).decode(),
            refusal=None if refusal is None else orjson.dumps(refusal).decode(),
        )

    async def _move(self, how: Any, **values: Any) -> None:
        """One step of the export's state, in the context of its key. Raises GivenUp where it is not to be had."""
        acting = await self.acting()
        async with self.database.writing() as session:
            await enter(session, acting.token)
            if not await session.scalar(how, {"id": self.export, **values}):
                raise GivenUp


async def _accounts(place: Place) -> AsyncIterator[Account]:
    for chunk in read_seen(place.seen, IDS):
        account = Account()
        for owner, ids in _by_owner(chunk):
            account.counts[owner] = len(ids)
            account.ids[owner] = dict.fromkeys(ids)
        yield account


def _by_owner(chunk: list[Seen]) -> Iterator[tuple[str, list[UUID]]]:
    for owner, group in groupby(sorted(chunk, key=lambda held: held.owner), key=lambda held: held.owner):
        yield owner, [held.record for held in group]
