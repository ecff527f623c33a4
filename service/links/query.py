"""Which links a reader sees: pages, one link with its reasons, what a record has.

Everything is weighed from what the reader is given of both records. Of proposals that one report is of an event with
several reports of another agency, the strongest is shown: the strongest that this reader sees.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Double, Select, and_, cast, exists, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.links.models import SHARED_ACT, SHARED_LINK
from service.links.words import RELATIONS, band, reasons
from service.paging import Cursors
from service.policies.gate import reach
from service.problems import NotFound
from service.profiles.methods import calibration
from service.profiles.study import worth


class Asked(BaseModel):
    """Which links."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    relation: Literal["event", "chemical", "physical"] | None = None
    state: Literal["proposed", "confirmed", "rejected", "undone"] = "proposed"
    record: Annotated[UUID | None, Field(description="Of this record.")] = None
    agency: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$", description="A party.")] = None
    min_weight: Annotated[
        Decimal | None, Field(ge=-100, le=100, decimal_places=3, description="Sum of the disclosed evidence.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


def page(asked: Asked, after: tuple[float, UUID] | None) -> Select[Any]:
    """One page and one row more: the heaviest first, of equals in the order of their ids."""
    link = SHARED_LINK
    heft = cast(func.coalesce(link.c.score, link.c.weight), Double).label("heft")
    conditions: list[ColumnElement[bool]] = [link.c.state == asked.state]
    if asked.relation is not None:
        conditions.append(link.c.relation == asked.relation)
    if asked.record is not None:
        conditions.append(or_(link.c.a == asked.record, link.c.b == asked.record))
    if asked.agency is not None:
        conditions.append(or_(link.c.a_agency == asked.agency, link.c.b_agency == asked.agency))
    if asked.min_weight is not None:
        conditions.append(link.c.weight >= float(asked.min_weight))
    if asked.state == "proposed":
        conditions.append(or_(link.c.relation != "event", ~_outweighed()))
    if after is not None:
        conditions.append(tuple_(-heft, link.c.id) > tuple_(literal(-after[0]), literal(after[1])))
    return select(link, heft).where(*conditions).order_by(heft.desc(), link.c.id).limit(asked.limit + 1)


def _outweighed() -> ColumnElement[bool]:
    link, other = SHARED_LINK, SHARED_LINK.alias("other")
    same_a = and_(other.c.a == link.c.a, other.c.b_agency == link.c.b_agency)
    same_b = and_(other.c.b == link.c.b, other.c.a_agency == link.c.a_agency)
    stronger = tuple_(other.c.weight, other.c.id) > tuple_(link.c.weight, link.c.id)
    standing = other.c.state.in_(("proposed", "confirmed"))
    return or_(
        *(
            exists().where(other.c.relation == "event", side, or_(other.c.state == "confirmed", stronger), standing)
            for side in (same_a, same_b)
        )
    )


async def listed(session: AsyncSession, caller: Caller, asked: Asked, cursors: Cursors) -> dict[str, Any]:
    """Raises InvalidCursor."""
    version = (await reach(session)).version
    bound_to = ["links", *caller.standing, version, asked.model_dump_json(exclude={"cursor", "limit"})]
    after = None
    if asked.cursor is not None:
        heft, last_id = cursors.open_values(asked.cursor, bound_to)
        after = (float(heft), UUID(last_id))
    rows = (await session.execute(page(asked, after))).all()
    shown = rows[: asked.limit]
    last = shown[-1] if len(rows) > asked.limit else None
    return {
        "items": [await document(session, row) for row in shown],
        "next": cursors.seal_values([repr(last.heft), str(last.id)], bound_to) if last else None,
        "policy": version,
    }


async def find(session: AsyncSession, id_: UUID) -> Any:
    """The link as the reader sees it. Raises NotFound, the same for one that it does not."""
    row = (await session.execute(select(SHARED_LINK).where(SHARED_LINK.c.id == id_))).first()
    if row is None:
        raise NotFound("no such link, or it is not for you to see")
    return row


async def one(session: AsyncSession, id_: UUID) -> dict[str, Any]:
    """With what the parties have said, for readers of their countries. Raises NotFound."""
    row = await find(session, id_)
    acts = select(SHARED_ACT).where(SHARED_ACT.c.link_id == id_).order_by(SHARED_ACT.c.at)
    said = [
        {
            "act": act.act,
            "agency": act.agency,
            "reason": act.reason,
            "at": act.at.isoformat(),
            "counts": act.act == "confirm" and act.round == row.round,
        }
        for act in await session.execute(acts)
    ]
    return await document(session, row) | {"acts": said}


async def document(session: AsyncSession, row: Any) -> dict[str, Any]:
    """A link as JSON. A chemical one says what its score is worth today, a physical one its points."""
    said: dict[str, Any] = {
        "id": str(row.id),
        "relation": row.relation,
        "meaning": RELATIONS[row.relation],
        "state": row.state,
        "records": [{"id": str(row.a), "agency": row.a_agency}, {"id": str(row.b), "agency": row.b_agency}],
        "reasons": reasons(row.levels, row.weights),
    }
    if row.relation == "chemical":
        said |= {"method": row.method, "r": f"{row.score:.4f}"}
        said["likelihood_ratio"] = worth(await calibration(session, row.method), row.score)
    else:
        said["weight"] = f"{row.weight:.1f}"
    if row.relation == "event":
        said |= {"band": band(row.relation, row.weight), "model": row.model}
    return said


def owners(*links: dict[str, Any]) -> tuple[dict[str, int], dict[str, list[UUID]]]:
    """Whose records the links tell of, for the access log."""
    ids: dict[str, list[UUID]] = {}
    for link in links:
        for record in link["records"]:
            ids.setdefault(record["agency"][:2], []).append(UUID(record["id"]))
    return {country: len(set(its)) for country, its in ids.items()}, ids
