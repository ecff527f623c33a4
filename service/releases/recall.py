"""Take back records that were shared: block them, and tell those agencies that have read them, and no others."""

import uuid
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record as log_act
from service.notices.notify import notify
from service.policies.document import Agency as AgencyCode
from service.problems import Problem
from service.records.registry import Handling
from service.releases.ask import Words
from service.releases.enforce import enforce
from service.releases.models import READER, Recall, RecallRecipient, RecordRule
from service.releases.owned import Owned, held, may_narrow
from service.releases.words import ACKNOWLEDGE_WITHIN, MOST_RECALLED
from service.seizures.models import OWN, OWN_LINE, RECALLED


class Chosen(BaseModel):
    """Own records by what they hold; every given member must match."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Annotated[AwareDatetime | None, Field(alias="from", description="Event at or after.")] = None
    until: Annotated[AwareDatetime | None, Field(alias="to", description="Event before.")] = None
    agency: AgencyCode | None = None
    handling: Handling | None = None
    substance: Annotated[str | None, Field(max_length=40, description="Catalogue code of a line, as it stands.")] = None
    admin1: Annotated[str | None, Field(max_length=6)] = None

    @model_validator(mode="after")
    def _chooses(self) -> "Chosen":
        if not self.model_dump(exclude_none=True):
            raise ValueError("a query names at least one condition")
        return self


class Withdrawal(BaseModel):
    """What is recalled, named or chosen, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    records: Annotated[list[uuid.UUID] | None, Field(min_length=1, max_length=MOST_RECALLED)] = None
    query: Chosen | None = None
    reason: Words
    days: Annotated[int, Field(ge=1, le=90, description="Days within which recipients say what they did.")] = (
        ACKNOWLEDGE_WITHIN.days
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Withdrawal":
        if (self.records is None) == (self.query is None):
            raise ValueError("either records or a query")
        if self.records is not None and len(set(self.records)) != len(self.records):
            raise ValueError("a record is named once")
        return self


class NothingToRecall(Problem):
    """No record of yours is chosen, or none that is not recalled already."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooManyRecords(Problem):
    """One recall takes back a limited number of records: narrow the query, and recall in parts."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def recall(session: AsyncSession, caller: Caller, wanted: Withdrawal) -> uuid.UUID:
    """The id of the recall. Raises NotFound, NotTheFilingAgency, NothingToRecall, TooManyRecords."""
    owned = await _records(session, wanted)
    may_narrow(caller, owned)
    again = set(await session.scalars(select(RECALLED.c.record_id).where(_among(RECALLED.c.record_id, owned))))
    fresh = [record.id for record in owned if record.id not in again]
    if not fresh:
        raise NothingToRecall("see GET /v1/recalls?role=owner for what is recalled already")
    id_, now = uuid.uuid4(), datetime.now(UTC)
    deadline = now + timedelta(days=wanted.days)
    session.add(
        Recall(id=id_, owner=caller.country, agency=caller.agency, records=fresh, reason=wanted.reason, at=now,
               deadline=deadline, made_by=caller.key_id)
    )  # fmt: skip
    await session.flush()
    session.add_all(_block(record, id_, caller, wanted.reason, now) for record in fresh)
    readers = await _readers(session, [record for record in owned if record.id in set(fresh)])
    session.add_all(
        RecallRecipient(recall_id=id_, agency=agency, country=agency[:2], owner=caller.country, records=sorted(read),
                        reason=wanted.reason, at=now, deadline=deadline)
        for agency, read in readers.items()
    )  # fmt: skip
    await session.flush()
    await log_act(
        session, caller.country, "recall", recall=str(id_), records=[str(record) for record in fresh],
        reason=wanted.reason, recipients=sorted(readers), by=caller.key_id,
    )  # fmt: skip
    await enforce(session, fresh)
    for agency, read in sorted(readers.items()):
        await notify(
            session, agency, "recall-received", f"/v1/recalls/{id_}", owner=caller.country,
            records=[str(record) for record in sorted(read)], deadline=deadline.isoformat(),
        )  # fmt: skip
    return id_


async def _records(session: AsyncSession, wanted: Withdrawal) -> list[Owned]:
    if wanted.records is not None:
        return await held(session, wanted.records, "/records")
    assert wanted.query is not None
    query = _chosen(wanted.query).limit(MOST_RECALLED + 1)
    ids = list(await session.scalars(query))
    if len(ids) > MOST_RECALLED:
        raise TooManyRecords(f"the query chooses more than {MOST_RECALLED} records", pointer="/query")
    return await held(session, ids)


def _chosen(query: Chosen) -> Any:
    conditions = {
        OWN.c.agency: query.agency,
        OWN.c.handling: query.handling,
        OWN.c.admin1: query.admin1,
    }
    found = select(OWN.c.record_id).where(OWN.c.latest, *(c == value for c, value in conditions.items() if value))
    if query.since is not None:
        found = found.where(OWN.c.at_instant >= query.since)
    if query.until is not None:
        found = found.where(OWN.c.at_instant < query.until)
    if query.substance is not None:
        lines = select(OWN_LINE.c.record_id).where(OWN_LINE.c.substance == query.substance)
        found = found.where(OWN.c.record_id.in_(lines))
    return found.where(OWN.c.record_id.not_in(select(RECALLED.c.record_id)))


def _among(column: Any, owned: list[Owned]) -> Any:
    return column == func.any(bindparam(None, [record.id for record in owned], ARRAY(Uuid)))


async def _readers(session: AsyncSession, owned: list[Owned]) -> dict[str, set[uuid.UUID]]:
    """Agencies of other countries, and which of these records each of them has read, by the access log."""
    ids = [record.id for record in owned]
    query = select(READER.c.agency, READER.c.record_ids).where(
        READER.c.record_ids.overlap(bindparam(None, ids, ARRAY(Uuid)))
    )
    recalled, readers = set(ids), dict[str, set[uuid.UUID]]()
    for agency, read in await session.execute(query):
        readers.setdefault(agency, set()).update(recalled.intersection(read))
    return readers


def _block(record: uuid.UUID, recall_id: uuid.UUID, caller: Caller, reason: str, now: datetime) -> RecordRule:
    return RecordRule(
        id=uuid.uuid4(), record_id=record, owner=caller.country, kind="block", facets=0, duties=0, reason=reason,
        origin="recall", origin_id=recall_id, made_at=now, made_by=caller.key_id,
    )  # fmt: skip
