"""Provisional entries as a reader may know them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.problems import NotFound
from service.substances.models import PROVISIONAL

P = PROVISIONAL.c


class Asked(BaseModel):
    """Which entries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    resolved: Annotated[bool | None, Field(description="Only those that are, or are not.")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    after: Annotated[str | None, Field(max_length=40, description="Code of the last entry read.")] = None


async def listed(session: AsyncSession, asked: Asked) -> dict[str, Any]:
    """By code: own, and published."""
    query = select(PROVISIONAL).order_by(P.code).limit(asked.limit + 1)
    if asked.owner is not None:
        query = query.where(P.owner == asked.owner)
    if asked.resolved is not None:
        query = query.where(P.resolved.is_not(None) if asked.resolved else P.resolved.is_(None))
    if asked.after is not None:
        query = query.where(P.code > asked.after)
    rows = (await session.execute(query)).mappings().all()
    shown = rows[: asked.limit]
    return {
        "items": [view(row) for row in shown],
        "next": shown[-1]["code"] if len(rows) > asked.limit else None,
    }


async def one(session: AsyncSession, code: str) -> dict[str, Any]:
    """The row of one entry. Raises NotFound, the same for another country's and for none."""
    row = (await session.execute(select(PROVISIONAL).where(P.code == code))).mappings().first()
    if row is None:
        raise NotFound("no such provisional entry, or it is not published")
    return dict(row)


def view(row: Any) -> dict[str, Any]:
    """Without the key that registered it. `published` and `resolved_at` tell when; what is unknown is null."""
    names = (
        *("code", "owner", "agency", "name", "parent", "policy_group", "nps_group", "smiles", "inchikey"),
        *("parent_inchikey", "formula", "triage", "note"),
    )
    resolved = None
    if row["resolved"] is not None:
        resolved = {"substance": row["resolved"], "at": row["resolved_at"].isoformat(), "reason": row["reason"]}
    return {
        **{name: row[name] for name in names},
        "registered": row["registered_at"].isoformat(),
        "published": row["published_at"].isoformat() if row["published_at"] else None,
        "resolved": resolved,
    }
