"""Preview and simulation over HTTP."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Request
from pydantic import ConfigDict, Field, model_validator

from service.identity.callers import PRETENDED, PolicyTrier, Submitter
from service.policies import history
from service.policies.document import compiled_rows
from service.policies.life import Owner
from service.policies.propose import own
from service.policies.trial import Trial, on_trial
from service.previews import foresight, look, simulate
from service.previews.audiences import audiences
from service.readings.account import Account, account
from service.seizures.check import Unsigned
from service.seizures.filing import filing_for
from service.web import WriteSession, ask_within, json_body

router = APIRouter(prefix="/v1/policies", tags=["policies"])
reports = APIRouter(prefix="/v1/seizures", tags=["seizures"])


OwnerPath = Annotated[str, Path(pattern=r"^[A-Z]{2}(-[A-Z0-9]{2,12})?$")]


async def _group_bits(request: Request) -> dict[str, int]:
    return {code: group.bit for code, group in request.app.state.reference.catalogue.groups.items()}


Groups = Annotated[dict[str, int], Depends(_group_bits)]


class Simulation(Trial):
    """Which policy, over the own records of which events."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    since: Annotated[date, Field(alias="from", strict=False, description="First day of events (UTC).")]
    until: Annotated[date, Field(alias="to", strict=False, description="Day after the last.")]

    @model_validator(mode="after")
    def _is_a_period(self) -> "Simulation":
        if not self.since < self.until:
            raise ValueError("from is not before to")
        return self


@router.post("/{owner}/preview")
async def preview(
    *,
    owner: OwnerPath,
    request: Request,
    caller: PolicyTrier,
    session: WriteSession,
    asked: Annotated[look.Preview, json_body(look.Preview)],
    groups: Groups,
) -> dict[str, Any]:
    """The own records, and figures of them, exactly as another reader gets them, now or under a proposal or draft: the
    answer of the route itself. Of other countries' records it tells nothing, also where that reader would see some.

    What the officer is shown is a reading of its own, and logged like any.
    """
    whose = Owner.of(owner)
    own(caller, whose)
    look.check(asked.question)
    tried = await on_trial(session, whose, asked, groups)
    claim = await look.open_eyes(session, caller, asked.eyes, whose.layer, tried and tried[1])
    await session.commit()  # the token holds for other transactions from here on
    question = asked.question
    try:
        found = await ask_within(request.app, question.path, question.params, question.accept, **{PRETENDED: claim})
    finally:
        async with request.app.state.database.writing() as ending:
            await look.close_eyes(ending, claim)
    shown: Account = found.state.get("account") or Account()
    account(request, shown.counts + shown.unseen, records=shown.ids)
    body: Any = found.body.decode()
    if found.media_type.partition(";")[0].endswith("json"):
        body = orjson.loads(found.body)
    return {
        "as": asked.eyes.model_dump(),
        "under": tried[0].version if tried else "in-force",
        "status": found.status,
        "content_type": found.media_type,
        "body": body,
    }


@router.post("/{owner}/simulation")
async def simulation(
    *,
    owner: OwnerPath,
    request: Request,
    caller: PolicyTrier,
    session: WriteSession,
    asked: Annotated[Simulation, json_body(Simulation)],
    groups: Groups,
) -> dict[str, Any]:
    """Who would newly see or lose which own records of a period, and which of their facets, before it takes effect.

    The records of the period are counted and some are named: a reading of the officer's own, and logged like any.
    """
    whose = Owner.of(owner)
    own(caller, whose)
    tried = await on_trial(session, whose, asked, groups)
    current = await history.in_force(session, whose)
    before_rules = compiled_rows(current, groups) if current else []
    after_rules = tried[1] if tried else before_rules
    now = datetime.now(UTC)
    moment = max(now, tried[0].effective or now) if tried else now
    readers = await audiences(session, whose.country, before_rules, after_rules)
    records = await simulate.buckets(session, asked.since, asked.until)
    changed = await simulate.simulated(
        session, records, readers, at=moment, layer=whose.layer, rules=tried and tried[1]
    )
    counted = sum(bucket.records for bucket in records)
    account(request, {whose.country: counted}, records={whose.country: simulate.named(changed)})
    return {
        "owner": owner,
        "under": tried[0].version if tried else "in-force",
        "at": moment,
        "from": asked.since,
        "to": asked.until,
        "records": counted,
        "audiences": len(readers),
        "changes": changed,
    }


@reports.post("/check")
async def check_report(
    request: Request, caller: Submitter, session: WriteSession, asked: Annotated[Unsigned, json_body(Unsigned)]
) -> foresight.Told:
    """What a report of the caller's agency would be answered with before anyone has signed it, and what analysts of
    each other member country would be given of it. Every rule is asked but those of signatures and of what was filed
    before. Nothing is filed. Of a correction, rules of that single record are not counted.
    """
    return await foresight.told(session, filing_for(request.app.state, caller), asked)
