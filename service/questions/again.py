"""The job that asks scheduled questions again, as who saved them, and tells their agency of a change.

The notice names the question and why, and no figure: not every key of the agency is given what the asker is.
"""

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from service.identity.behalf import KeyGone, enter, on_behalf
from service.jobs import Pointless, Tasks, Work
from service.notices.notify import notify
from service.policies.gate import reach
from service.problems import Problem
from service.questions.read import one
from service.questions.save import trend
from service.readings.account import Account
from service.readings.entry import Reading, rows
from service.readings.write import AccessWriter
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to
from service.trends.tell import tell

tasks = Tasks("questions")
_DUE = text("SELECT id, key_id, purpose, country FROM gate.due_questions()")
_LAST = text("SELECT gate.last_told(:id)")
_TELL = text("SELECT gate.tell_question(:id, CAST(:told AS jsonb), :changed)")


@tasks.every("*/5 * * * *")
async def look(work: Work, timestamp: int) -> None:
    """Queue the questions whose time has come, each in the lane of its country."""
    async with work.database.writing() as session:
        for due in (await session.execute(_DUE)).all():
            lane = f"questions:{due.country}"
            await again.defer(session, serial=lane, question=str(due.id), key=due.key_id, purpose=due.purpose)


@tasks.task(attempts=3, lane=True)
async def again(work: Work, question: str, key: str, purpose: str) -> None:
    """Ask once more; say it where it differs from the last time by more than its threshold."""
    try:
        acting = await on_behalf(work.database, key, purpose)
    except KeyGone:
        raise Pointless from None
    async with work.database.reading() as session:
        policy = await enter(session, acting.token)
        try:
            saved = await one(session, UUID(question))
        except Problem:
            return  # it was dropped
        catalogue = await known_to(session, await Catalogue.from_database(session))
        answer = await tell(session, trend(saved["asks"], catalogue), catalogue, await reach(session))
    told = said(answer.document, policy)
    digest = sha256(orjson.dumps(told)).digest()
    account = Account()
    account.counts.update(answer.owners)
    where = f"/v1/questions/{question}"
    reading = Reading(
        datetime.now(UTC), acting.caller, "GET", "/v1/questions/{question_id}/answer", policy, 200,
        sha256(where.encode()).digest(), digest,
    )  # fmt: skip
    await AccessWriter(work.database).write(rows(reading, account))
    async with work.database.writing() as session:
        await enter(session, acting.token)
        if not await work.settle(session):
            return
        last = await session.scalar(_LAST, {"id": UUID(question)})
        threshold = Decimal(saved["threshold"] or 0)
        cause = None if last is None else difference(last, told, threshold)
        values = {"id": UUID(question), "told": orjson.dumps(told).decode(), "changed": cause is not None}
        if await session.scalar(_TELL, values) and cause is not None:
            await notify(session, acting.caller.agency, "question-changed", where, cause=cause)


def said(answer: dict[str, Any], policy: str) -> dict[str, Any]:
    """What is kept of an answer: the totals that it has, the policies, and a digest of its cells. Pure."""
    whole = answer.get("total") or {}
    measured = answer["question"]["measure"].split(",")
    totals = {name: str(whole[name]) for name in measured if whole.get(name) is not None}
    return {"policy": policy, "cells": sha256(orjson.dumps(answer["cells"])).hexdigest(), "totals": totals}


def difference(last: dict[str, Any], now: dict[str, Any], threshold: Decimal) -> str | None:
    """Why an answer counts as changed: `figures`, or `policies` where other rules held; None where it does not. Pure.

    With a threshold (percent) a total must differ by at least that much of what it was; without one any cell counts,
    and so it does where there is no total, as of quartiles.
    """
    if last["cells"] == now["cells"]:
        return None
    cause = "figures" if last["policy"] == now["policy"] else "policies"
    totals = last["totals"].keys() | now["totals"].keys()
    if threshold == 0 or not totals:
        return cause
    for name in totals:
        before, after = (Decimal(of["totals"].get(name, "0")) for of in (last, now))
        if before != after and (before == 0 or abs(after - before) * 100 >= threshold * abs(before)):
            return cause
    return None
