"""Who read whose records: the questions to the access log, each through a view of the caller's own country."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import Select, Table, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import PURPOSES, Caller
from service.ledger.models import Log
from service.ledger.proofs import InclusionProof, inclusion
from service.paging import Cursors
from service.problems import NotFound
from service.readings.entry import document
from service.readings.models import READING, STATEMENT

MOST = 1000
_CODE = r"^[A-Z]{2}$"
_AGENCY = r"^[A-Z]{2}-[A-Z0-9]{2,12}$"
_PURPOSE = rf"^({'|'.join(sorted(PURPOSES))})$"


class _Period(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Annotated[datetime | None, Field(alias="from", description="Read at or after.")] = None
    until: Annotated[datetime | None, Field(alias="to", description="Read before.")] = None
    agency: Annotated[str | None, Field(pattern=_AGENCY, description="Agency that read.")] = None
    purpose: Annotated[str | None, Field(pattern=_PURPOSE, description="Purpose it stated.")] = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 100
    cursor: Annotated[str | None, Field(max_length=512)] = None

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

    def conditions(self, view: Table) -> list[Any]:
        found = [view.c[name] == value for name in ("agency", "purpose") if (value := getattr(self, name)) is not None]
        if self.since is not None:
            found.append(view.c.at >= self.since)
        if self.until is not None:
            found.append(view.c.at < self.until)
        return found


class Readers(_Period):
    """Filters of a statement: who read records of one's own."""

    country: Annotated[str | None, Field(pattern=_CODE, description="Country that read.")] = None
    record: Annotated[UUID | None, Field(description="One record of one's own.")] = None

    def conditions(self, view: Table) -> list[Any]:
        found = super().conditions(view)
        if self.country is not None:
            found.append(view.c.country == self.country)
        if self.record is not None:
            found.append(view.c.record_ids.any(self.record))
        return found


class Readings(_Period):
    """Filters of the readings of one's own people."""

    owner: Annotated[str | None, Field(pattern=_CODE, description="Country whose records were read.")] = None
    key: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="Key that read.")] = None

    def conditions(self, view: Table) -> list[Any]:
        found = super().conditions(view)
        if self.owner is not None:
            found.append(view.c.owner == self.owner)
        if self.key is not None:
            found.append(view.c.key_id == self.key)
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, and the cursor of the next page."""

    entries: Sequence[Mapping[str, Any]]
    next: str | None


def own(caller: Caller, country: str) -> None:
    """Raises NotFound: the statement of another country is as unknown as that of no country."""
    if caller.country != country:
        raise NotFound("no statement of this country is open to you")


async def readers(session: AsyncSession, caller: Caller, asked: Readers, cursors: Cursors) -> Page:
    """Who read records of the caller's country. Raises InvalidCursor."""
    return await _page(session, caller, asked, STATEMENT, cursors)


async def readings(session: AsyncSession, caller: Caller, asked: Readings, cursors: Cursors) -> Page:
    """What people of the caller's country read. Raises InvalidCursor."""
    return await _page(session, caller, asked, READING, cursors)


async def _page(session: AsyncSession, caller: Caller, asked: _Period, view: Table, cursors: Cursors) -> Page:
    question = asked.model_dump_json(exclude={"cursor", "limit"})
    bound_to = [view.name, caller.country, *sorted(caller.roles), question]
    query: Select[Any] = select(view).where(*asked.conditions(view))
    if asked.cursor is not None:
        query = query.where(tuple_(view.c.at, view.c.id) < tuple_(*cursors.open(asked.cursor, bound_to)))
    query = query.order_by(view.c.at.desc(), view.c.id.desc()).limit(asked.limit + 1)
    rows = (await session.execute(query)).mappings().all()
    shown = [dict(row) for row in rows[: asked.limit]]
    last = shown[-1] if len(rows) > asked.limit else None
    return Page(shown, cursors.seal((last["at"], last["id"]), bound_to) if last else None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves an entry: the document that was hashed, the salt and the leaf, and the leaf's place in the log."""

    document: str
    salt: bytes
    leaf: bytes
    inclusion: InclusionProof


async def evidence(session: AsyncSession, entry: UUID) -> Evidence:
    """Raises NotFound, the same for another's entry and for none, and LeafNotYetMerged."""
    row = (await session.execute(select(STATEMENT).where(STATEMENT.c.id == entry))).mappings().one_or_none()
    if row is None:
        raise NotFound("no such entry in your statement")
    found = await inclusion(session, Log.ACCESS, row["leaf_hash"])
    return Evidence(document(dict(row)).decode(), row["salt"], row["leaf_hash"], found)
