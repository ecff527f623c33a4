"""Deliveries to webhooks: each country has a lane of its own, so nobody's receivers hold up another's deliveries.

In a lane, receivers have their turns, `webhooks_per_country` of them at the same time; to one receiver, one delivery
goes after the other. Whoever does not answer has failed for everything that was due to it, and costs its country one
wait, not one for each event. What failed is due again 4, 16, 64, 256, 1024 seconds later (times `webhook_patience`),
and dead after that.
"""

import asyncio
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache, lru_cache
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Select, func, select, text

from service.alerts import accounting, events
from service.alerts.eyes import Watcher, eyes_of, order, watchers
from service.alerts.models import DELIVERY
from service.alerts.reach import NotDelivered, deliver
from service.database import Database
from service.jobs import Work
from service.reach import Unreached
from service.readings.write import AccessWriter
from service.settings import Settings
from service.signing import ServiceKeys, pushed
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to

TRIES = 6  # of one delivery
TURN_SECONDS = 30  # of one receiver, while others wait for theirs
AT_ONCE = 200  # deliveries that are looked at in one turn
ROUTE = "/v1/subscriptions/{id}"
JSON = "application/json"

_DELIVERED = text("SELECT gate.delivered(:subscription, :kind, :subject, :state, :attempts, :fault)")


class Due(NamedTuple):
    """A delivery that waits: of which event, and how often it was tried."""

    kind: str
    subject: UUID
    attempts: int


async def go(work: Work, country: str, catalogue: Catalogue) -> bool:
    """One turn of each receiver of the country. Whether something that is due was left for the next."""
    room = asyncio.Semaphore(work.settings.webhooks_per_country)

    async def turn(watcher: Watcher) -> bool:
        async with room:
            return await _turn(work, watcher, catalogue)

    standing = await watchers(work.database)
    turns = [turn(watcher) for watcher in standing if (watcher.country, watcher.delivery) == (country, "webhook")]
    done = await asyncio.gather(*turns, return_exceptions=True)
    for fault in done:
        if isinstance(fault, BaseException):
            raise fault
    return any(done)


def _due(subscription: UUID, patience: float) -> Select[Any]:
    """What waits for an order and whose time has come, oldest first."""
    again = func.make_interval(0, 0, 0, 0, 0, 0, patience * func.power(4, DELIVERY.c.attempts))
    return (
        select(DELIVERY.c.kind, DELIVERY.c.subject, DELIVERY.c.attempts)
        .where(DELIVERY.c.subscription_id == subscription, DELIVERY.c.state == "waiting")
        .where((DELIVERY.c.attempts == 0) | (DELIVERY.c.at + again <= func.now()))
        .order_by(DELIVERY.c.at, DELIVERY.c.subject)
        .limit(AT_ONCE)
    )


async def _turn(work: Work, watcher: Watcher, catalogue: Catalogue) -> bool:
    """What is due to one receiver, oldest first. Whether something that is due was left."""
    ends = monotonic() + TURN_SECONDS
    eyes = await eyes_of(work.database, watcher.key_id, watcher.purpose)
    if eyes is None:
        return False
    async with eyes.reading(work.database) as (session, _):
        rows = await session.execute(_due(watcher.id, work.settings.webhook_patience))
        due = [Due(*row) for row in rows]
    for place, one in enumerate(due):
        if monotonic() > ends:
            return True
        try:
            await _push(work, watcher, one, catalogue)
        except NotDelivered as fault:
            await _failed(work, watcher, [one], fault)
        except Unreached as fault:
            await _failed(work, watcher, due[place:], fault)
            return False
    return len(due) == AT_ONCE


async def _push(work: Work, watcher: Watcher, one: Due, catalogue: Catalogue) -> None:
    """One event to one receiver, as it may see it now. What it may not see is not sent. Raises Unreached."""
    eyes = await eyes_of(work.database, watcher.key_id, watcher.purpose)
    if eyes is None:
        raise Unreached("KeyGone")
    async with eyes.reading(work.database) as (session, policy):
        ordered = await order(session, watcher.id)
        if ordered is None:
            raise Unreached("OrderEnded")
        event = await events.one(session, ordered, one.kind, one.subject, await known_to(session, catalogue))
        by_owner = await accounting.owners(session, [event] if event else [])
    if event is None:
        raise NotDelivered("NotShown")
    body = orjson.dumps({"subscription": str(watcher.id), **event})
    await accounting.settle(_writer(work.database), eyes.caller, policy, ROUTE, by_owner=by_owner, sent=body)
    await _send(work.settings, watcher.country, ordered["url"], body)
    await _note(work, watcher, [one], state="sent", fault=None)


async def _send(settings: Settings, country: str, url: str, body: bytes) -> None:
    key = await asyncio.to_thread(ServiceKeys(settings).current)
    headers = pushed(key, url, url.split("/")[2], body, JSON)
    await deliver(url, body, headers, settings, names(country, settings.webhooks_per_country))


async def _failed(work: Work, watcher: Watcher, due: list[Due], fault: Unreached) -> None:
    """Another attempt at each was in vain."""
    last = [one for one in due if one.attempts + 1 >= TRIES]
    await _note(work, watcher, last, state="dead", fault=str(fault))
    await _note(work, watcher, [one for one in due if one not in last], state="waiting", fault=str(fault))


async def _note(work: Work, watcher: Watcher, what: list[Due], *, state: str, fault: str | None) -> None:
    """In eyes of this moment, for a receiver may take long. Of a key that is gone nothing is noted."""
    eyes = await eyes_of(work.database, watcher.key_id, watcher.purpose)
    if eyes is None or not what:
        return
    given = {"subscription": watcher.id, "state": state, "fault": fault}
    async with eyes.writing(work.database) as session:
        for kind, subject, attempts in what:
            await session.execute(_DELIVERED, given | {"kind": kind, "subject": subject, "attempts": attempts + 1})


@cache
def names(country: str, number: int) -> Executor:
    """The threads in which names of a country's receivers are looked up."""
    return ThreadPoolExecutor(number, f"names of {country}")


@lru_cache(maxsize=1)
def _writer(database: Database) -> AccessWriter:
    return AccessWriter(database)
