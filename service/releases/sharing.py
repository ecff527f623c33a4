"""The sharing rules of one record: grants, blocks and embargoes that its owner lays on top of the policy.

A document names the rules that stay and those that come; what it does not name ends. `version` counts the changes, so
that two officers do not undo each other unseen.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller, Purpose
from service.identity.governance import record as log_act
from service.identity.models import Agency, Country
from service.notices.notify import notify
from service.policies import obligations
from service.policies.document import Agency as AgencyCode
from service.policies.document import Country as CountryCode
from service.policies.obligations import Obligation
from service.problems import Problem
from service.records.registry import mask, named
from service.releases.ask import Facets, Words
from service.releases.enforce import current_rules, enforce
from service.releases.grants import check_granted, tell_officers, tell_released
from service.releases.models import RECIPIENT, RULE, RecordRule
from service.releases.owned import held, may_narrow, may_widen, own_records
from service.releases.refusals import InvalidTerm
from service.releases.words import LONGEST_GRANT, whole_hour, with_coarser
from service.seizures.models import RECALLED

_END = text("SELECT gate.end_record_rules(CAST(:rules AS uuid[]), :by)")
_LONGEST = timedelta(days=3660)

_Countries = Annotated[list[CountryCode], Field(min_length=1, max_length=50)]
_Agencies = Annotated[list[AgencyCode], Field(min_length=1, max_length=200)]


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Words


class Grant(_Rule):
    """These facets of the record to these countries and agencies (any of either), until the full hour at or before a
    time at most 366 days off.
    """

    kind: Literal["grant"]
    countries: _Countries | None = None
    agencies: _Agencies | None = None
    purposes: Annotated[list[Purpose] | None, Field(min_length=1)] = None
    facets: Facets
    obligations: Annotated[list[Obligation], Field(max_length=7)] = []
    until: AwareDatetime

    @model_validator(mode="after")
    def _names_its_audience(self) -> "Grant":
        if self.countries is None and self.agencies is None:
            raise ValueError("a grant names countries or agencies")
        return self


class Block(_Rule):
    """Nothing of the record to these countries and agencies, or to anyone; until the full hour at or after a time, or
    until it is taken away.
    """

    kind: Literal["block"]
    countries: _Countries | None = None
    agencies: _Agencies | None = None
    until: AwareDatetime | None = None


class Embargo(_Rule):
    """Nothing of the record to anyone until the full hour at or after a time."""

    kind: Literal["embargo"]
    until: AwareDatetime


class Sharing(BaseModel):
    """What shall hold: of the rules there are, those of `keep`; and new ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[int, Field(ge=0, description="As read: 0 where there was none.")]
    keep: Annotated[list[uuid.UUID], Field(max_length=100)] = []
    add: Annotated[list[Annotated[Grant | Block | Embargo, Field(discriminator="kind")]], Field(max_length=50)] = []


class SharingChanged(Problem):
    """The rules of this record have changed since you read them."""

    status = HTTPStatus.CONFLICT


class InvalidAudience(Problem):
    """The rule names a country or agency that it cannot concern."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def sharing(session: AsyncSession, record: uuid.UUID) -> dict[str, Any]:
    """The rules of an own record that hold now. Raises NotFound."""
    await own_records(session, [record])
    return await _document(session, record)


async def share(
    session: AsyncSession, caller: Caller, record: uuid.UUID, wanted: Sharing, *, most_granted: int
) -> dict[str, Any]:
    """`most_granted` is how many records a country's officers may widen in a day. Raises NotFound, SharingChanged,
    OfficerRequired, NotTheFilingAgency, InvalidTerm, InvalidAudience, TooManyGranted, TooManyOfTheirOwn, TooManyRules.
    """
    owned = await held(session, [record])
    rules = {rule.id: rule for rule in await current_rules(session, [record])}
    version = await _version(session, record)
    if wanted.version != version or not rules.keys() >= set(wanted.keep):
        raise SharingChanged("read them again, and send what shall hold", pointer="/version", expected=version)
    ended = [rule for id_, rule in rules.items() if id_ not in set(wanted.keep)]
    grants = any(rule.kind == "grant" for rule in wanted.add)
    released = {rule.origin if rule.origin == "recall" else rule.kind for rule in ended if rule.kind != "grant"}
    if grants or released:
        may_widen(caller)
    may_narrow(caller, owned)
    now = datetime.now(UTC)
    await _check(session, caller, wanted.add, now)
    if grants or released:
        await check_granted(session, caller, record, most_granted)
    await session.execute(_END, {"rules": [rule.id for rule in ended], "by": caller.key_id})
    added = [_to_the_hour(rule) for rule in wanted.add]
    session.add_all(_row(rule, record, caller, now) for rule in added)
    await session.flush()
    await log_act(
        session, caller.country, "share-record", record=str(record),
        added=[rule.model_dump(mode="json", exclude_none=True) for rule in added] or None,
        ended=[str(rule.id) for rule in ended] or None, by=caller.key_id,
    )  # fmt: skip
    await enforce(session, [record])
    for rule in ended:
        if rule.origin == "recall":
            await _tell_recipients(session, record, rule.origin_id, caller.country)
    if grants:
        await tell_officers(session, caller, record)
    if released:
        await tell_released(session, caller, record, filer=owned[0].agency, ended=released)
    return await _document(session, record)


async def _tell_recipients(session: AsyncSession, record: uuid.UUID, recall: uuid.UUID, owner: str) -> None:
    """Who was told that the record is recalled is told that it no longer is: copies may be used as before."""
    told = select(RECIPIENT.c.agency).where(RECIPIENT.c.recall_id == recall, RECIPIENT.c.records.any(record))
    for agency in await session.scalars(told.order_by(RECIPIENT.c.agency)):
        await notify(session, agency, "recall-lifted", f"/v1/recalls/{recall}", owner=owner, record=str(record))


async def _document(session: AsyncSession, record: uuid.UUID) -> dict[str, Any]:
    recalled = await session.scalar(select(RECALLED.c.record_id).where(RECALLED.c.record_id == record))
    return {
        "record": str(record),
        "version": await _version(session, record),
        "recalled": recalled is not None,
        "rules": [_item(rule) for rule in await current_rules(session, [record])],
    }


async def _version(session: AsyncSession, record: uuid.UUID) -> int:
    """How often a rule of the record was made or taken away. One that expires does not count: nobody did it."""
    changes = select(func.count() + func.count(RULE.c.ended_at)).where(RULE.c.record_id == record)
    return await session.scalar(changes) or 0


async def _check(
    session: AsyncSession, caller: Caller, rules: Sequence[Grant | Block | Embargo], now: datetime
) -> None:
    known = set(await session.scalars(select(Country.code))) | set(await session.scalars(select(Agency.code)))
    for place, rule in enumerate(rules):
        longest = LONGEST_GRANT if rule.kind == "grant" else _LONGEST
        if rule.until is not None and not now < rule.until <= now + longest:
            raise InvalidTerm(f"a {rule.kind} ends within {longest.days} days from now", pointer=f"/add/{place}/until")
        if isinstance(rule, Grant) and whole_hour(rule.until) <= now:
            raise InvalidTerm("a grant ends at a full hour: name one to come", pointer=f"/add/{place}/until")
        if isinstance(rule, Embargo):
            continue
        for member, codes in (("countries", rule.countries), ("agencies", rule.agencies)):
            for number, code in enumerate(codes or ()):
                if code not in known or code[:2] == caller.country:
                    raise InvalidAudience(
                        "expected a country or agency of the exchange that is not your own",
                        pointer=f"/add/{place}/{member}/{number}",
                    )


def _to_the_hour(rule: Grant | Block | Embargo) -> Grant | Block | Embargo:
    """The rule with an end at a full hour: no sooner than asked for what hides, no later for what gives. When a rule
    ends, whoever it concerns is judged anew: with ends of its own choice one country would have others judged every
    second.
    """
    if rule.until is None:
        return rule
    hour = whole_hour(rule.until)
    late = rule.kind != "grant" and hour != rule.until
    return rule.model_copy(update={"until": hour + timedelta(hours=late)})


def _row(rule: Grant | Block | Embargo, record: uuid.UUID, caller: Caller, now: datetime) -> RecordRule:
    grant = rule if isinstance(rule, Grant) else None
    audience = None if isinstance(rule, Embargo) else rule
    return RecordRule(
        id=uuid.uuid4(),
        record_id=record,
        owner=caller.country,
        kind=rule.kind,
        countries=sorted(set(audience.countries)) if audience and audience.countries else None,
        agencies=sorted(set(audience.agencies)) if audience and audience.agencies else None,
        purposes=sorted(set(grant.purposes)) if grant and grant.purposes else None,
        facets=with_coarser(mask(grant.facets)) if grant else 0,
        duties=obligations.bits(grant.obligations) if grant else 0,
        until=rule.until,
        reason=rule.reason,
        origin="sharing",
        made_at=now,
        made_by=caller.key_id,
    )


def _item(rule: Any) -> dict[str, Any]:
    item = {
        "id": str(rule.id),
        "kind": rule.kind,
        "countries": rule.countries,
        "agencies": rule.agencies,
        "purposes": rule.purposes,
        "facets": list(named(rule.facets)) or None,
        "obligations": obligations.named(rule.duties) or None,
        "until": rule.until.isoformat() if rule.until else None,
        "reason": rule.reason,
        "origin": rule.origin,
        "origin_id": str(rule.origin_id) if rule.origin_id else None,
        "made_at": rule.made_at.isoformat(),
    }
    return {name: value for name, value in item.items() if value is not None}
