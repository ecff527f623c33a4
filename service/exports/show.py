"""What is told of exports: to the key that asked, and counts only while the policies hold under which it was built."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.exports.formats import FORMATS
from service.exports.models import EXPORT
from service.exports.take import unknown
from service.identity.caller import Caller
from service.paging import Cursors

_DELETE = text("SELECT gate.delete_export(:id)")


class Listed(BaseModel):
    """Which exports are listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


async def one(session: AsyncSession, export: UUID) -> dict[str, Any]:
    """The row. Raises NotFound, also for another key's."""
    row = (await session.execute(select(EXPORT).where(EXPORT.c.id == export))).mappings().one_or_none()
    if row is None:
        raise unknown(export)
    return dict(row)


async def listed(session: AsyncSession, caller: Caller, asked: Listed, cursors: Cursors, policy: str) -> dict[str, Any]:
    """Newest first. Raises InvalidCursor."""
    bound = ["exports", caller.key_id]
    place = tuple_(EXPORT.c.made_at, EXPORT.c.id)
    query = select(EXPORT).order_by(EXPORT.c.made_at.desc(), EXPORT.c.id.desc()).limit(asked.limit + 1)
    if asked.cursor is not None:
        query = query.where(place < cursors.open(asked.cursor, bound))
    rows = (await session.execute(query)).mappings().all()
    shown = rows[: asked.limit]
    last = shown[-1] if len(rows) > asked.limit else None
    return {
        "items": [document(dict(row), caller, policy) for row in shown],
        "next": cursors.seal((last["made_at"], last["id"]), bound) if last else None,
    }


async def delete(session: AsyncSession, export: UUID) -> None:
    """Raises NotFound."""
    await one(session, export)
    await session.execute(_DELETE, {"id": export})


def document(row: dict[str, Any], caller: Caller, policy: str) -> dict[str, Any]:
    """`policy` is the version that holds for the caller's purpose now."""
    made: dict[str, Any] = {
        "id": str(row["id"]),
        "subject": row["subject"],
        "format": row["format"],
        "question": row["question"],
        "purpose": row["purpose"],
        "case": row["case_reference"],
        "state": row["state"],
        **{
            name: row[name] and row[name].isoformat() for name in ("made_at", "started_at", "finished_at", "expires_at")
        },
    }
    counted = row["purpose"] == caller.purpose and row["policy"] == policy
    if counted and row["state"] in ("running", "ready", "refused"):
        made["rows"] = row["so_far"]
        made["policy"] = row["policy"]
    if counted and row["state"] == "ready":
        made |= {
            "file": f"/v1/exports/{row['id']}/file",
            "name": name(row),
            "media_type": FORMATS[row["format"]].media_type,
            "size": row["size"],
            "sha256": row["digest"].hex(),
        }
    if counted and row["state"] in ("ready", "refused"):
        made["provenance"] = row["provenance"]
    if row["state"] == "refused":
        made["refusal"] = row["refusal"] if counted else None
    return made


def name(row: dict[str, Any]) -> str:
    """Of the file when it is saved."""
    return f"sarhad-{row['subject']}-{str(row['id'])[:8]}.{FORMATS[row['format']].suffix}"
