"""Confirm, reject and undo: what a party may say of a link, and who is told.

A link between two agencies holds when each has confirmed it; within one agency, when two keys have. One party's word is
enough to reject a proposal, and to undo what was confirmed. Both records stay as they are.
"""

from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record as log_act
from service.links.query import find
from service.notices.notify import notify
from service.problems import NotFound, Problem

Act = Literal["confirm", "reject", "undo"]
Reason = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]
_ACT = text("SELECT gate.act_on_link(:id, :act, :reason)")
AUDIENCE = text("SELECT agency, relation, number FROM gate.link_audience(:links)").bindparams(
    bindparam("links", type_=ARRAY(Uuid))
)


class Word(BaseModel):
    """Why, for the other party. Not needed to confirm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Reason | None = None


class Because(BaseModel):
    """Why, for the other party."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Reason


class NoPartyToLink(Problem):
    """Only the agencies of the two records speak on their link."""

    status = HTTPStatus.FORBIDDEN


class LinkOutOfTurn(Problem):
    """A proposal is confirmed or rejected; what is confirmed is undone."""

    status = HTTPStatus.CONFLICT


class SecondKeyNeeded(Problem):
    """Your party has confirmed this link already: the other party's key, or in one agency another key, is needed."""

    status = HTTPStatus.CONFLICT


async def act(session: AsyncSession, caller: Caller, id_: UUID, what: Act, reason: str | None) -> str:
    """The state of the link afterwards. Raises NotFound, NoPartyToLink, LinkOutOfTurn, SecondKeyNeeded."""
    row = await find(session, id_)
    state: str = await session.scalar(_ACT, {"id": id_, "act": what, "reason": reason})
    _refuse(state, row)
    await log_act(
        session, caller.country, f"{what}-link", link=str(id_), relation=row.relation, state=state,
        agency=caller.agency, by=caller.key_id,
    )  # fmt: skip
    seeing = {seen.agency for seen in await session.execute(AUDIENCE, {"links": [id_]})}
    for agency in sorted({row.a_agency, row.b_agency} & seeing - {caller.agency}):
        await notify(
            session, agency, f"link-{_PAST[what]}", f"/v1/links/{id_}", relation=row.relation, state=state,
            agency=caller.agency,
        )  # fmt: skip
    return state


_PAST = {"confirm": "confirmed", "reject": "rejected", "undo": "undone"}


def _refuse(answer: str, row: Any) -> None:
    match answer:
        case "hidden":
            raise NotFound("no such link, or it is not for you to see")
        case "no-party":
            raise NoPartyToLink(f"the parties are {row.a_agency} and {row.b_agency}")
        case "out-of-turn":
            raise LinkOutOfTurn(f"it is {row.state}")
        case "said-already":
            raise SecondKeyNeeded("wait for the second confirmation")
