"""Read attachments: those of a record under its gate, and what the caller's own country holds.

A file that is withheld answers as one that does not exist, and so does one that another country alone holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.attachments.models import OWN_ATTACHMENT, OWN_VERSION_ATTACHMENT, SHARED_ATTACHMENT
from service.attachments.present import attachment_document
from service.attachments.store import Files
from service.identity.caller import Caller
from service.paging import Cursors
from service.problems import NotFound, Problem
from service.seizures.models import OWN, SHARED


class AttachmentDamaged(Problem):
    """The stored file is not the one that was stored; the operator was told."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


class Asked(BaseModel):
    """A page of the files that the caller's agency has sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


@dataclass(frozen=True, slots=True)
class Content:
    """A file, and whose."""

    row: Mapping[Any, Any]
    data: bytes

    @property
    def owner(self) -> str:
        return str(self.row["country"])


async def listed(
    session: AsyncSession, record_id: UUID, version: int | None = None
) -> tuple[str, list[dict[str, Any]]]:
    """(owner, the attachments in the facets that the caller is given), of the latest version or of another one.

    Superseded versions are for the record's own country. Raises NotFound, the same for hidden and for absent.
    """
    # by column: the times of a record whose time is withheld are none that a client can hold
    found_as = select(SHARED.c.country, SHARED.c.version).where(SHARED.c.record_id == record_id)
    shown = (await session.execute(found_as)).first()
    table, owner = SHARED_ATTACHMENT, None if shown is None else shown.country
    if version is not None and (shown is None or shown.version != version):
        own = select(OWN.c.country).where(OWN.c.record_id == record_id, OWN.c.version == version)
        table, owner = OWN_VERSION_ATTACHMENT, await session.scalar(own)
    if owner is None:
        raise NotFound("no such record, or it is not shared with you")
    found = select(table).where(table.c.record_id == record_id)
    if version is not None:
        found = found.where(table.c.version == version)
    rows = (await session.execute(found.order_by(table.c.facet.collate("C"), table.c.sha256))).mappings().all()
    return owner, [attachment_document(row) for row in rows]


async def of_record(session: AsyncSession, files: Files, record_id: UUID, digest: str) -> Content:
    """Named by the version that is shared; for the record's own country, by any. Raises NotFound, the same for hidden
    and for absent.
    """
    for table in (SHARED_ATTACHMENT, OWN_VERSION_ATTACHMENT):
        found = select(table).where(table.c.record_id == record_id, table.c.sha256 == bytes.fromhex(digest))
        if (row := (await session.execute(found.limit(1))).mappings().first()) is not None:
            return await _content(files, row)
    raise NotFound("no such attachment, or it is not shared with you")


async def own(session: AsyncSession, files: Files, digest: str) -> Content:
    """A file that the caller's own country holds. Raises NotFound."""
    found = select(OWN_ATTACHMENT).where(OWN_ATTACHMENT.c.sha256 == bytes.fromhex(digest))
    row = (await session.execute(found)).mappings().first()
    if row is None:
        raise NotFound("your country holds no such file")
    return await _content(files, row)


async def own_page(session: AsyncSession, caller: Caller, asked: Asked, cursors: Cursors) -> dict[str, Any]:
    """What the caller's agency has sent and the service keeps, newest first. Raises InvalidCursor."""
    bound_to = [caller.country, caller.agency, "attachments"]
    place = (OWN_ATTACHMENT.c.stored_at, OWN_ATTACHMENT.c.id)
    query = select(OWN_ATTACHMENT).where(OWN_ATTACHMENT.c.agency == caller.agency)
    if asked.cursor is not None:
        query = query.where(tuple_(*place) < tuple_(*cursors.open(asked.cursor, bound_to)))
    query = query.order_by(*(column.desc() for column in place)).limit(asked.limit + 1)
    rows = (await session.execute(query)).mappings().all()
    shown = rows[: asked.limit]
    more = len(rows) > asked.limit
    following = cursors.seal((shown[-1]["stored_at"], shown[-1]["id"]), bound_to) if more else None
    return {"items": [attachment_document(row) for row in shown], "next": following}


async def _content(files: Files, row: Mapping[Any, Any]) -> Content:
    data = await files.get(row["object"])
    if sha256(data).digest() != row["sha256"]:
        raise AttachmentDamaged("its hash does not hold")
    return Content(row, data)
