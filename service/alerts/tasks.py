"""The jobs of early warning: judge what was filed, sweep once a day, deliver to webhooks; each country's for itself.

    filing, pass over links (its transaction) → unjudged → judge, for each country that watches: in the eyes of each of
      its orders, candidates → what waits for its webhook → deliver → POST

Whoever is to see what is decided when the job runs, in the receiver's own context.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts import events, lanes, unjudged
from service.alerts.eyes import Eyes, Watcher, eyes_of, order, watchers
from service.alerts.sweep import swept
from service.alerts.tell import tell
from service.alerts.watch import look, look_at_links
from service.database import Database, withheld
from service.jobs import Tasks, Work
from service.seizures.row import Fresh
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to

tasks = Tasks("alerts")
_log = structlog.get_logger("sarhad.alerts")
PORTION = 250  # records or links of one entry of what waits
AGAIN_SECONDS = 20  # of one job, for what could not be judged before: it takes no more of a country's time, each minute
COMMITTED = timedelta(minutes=5)  # after which every event of a moment is there to be seen: transactions are shorter

# One statement: every filing asks. In portions, because what is one entry is judged at once; where there is nothing to
# judge, an empty one has webhooks told.
_LATER = text(
    """WITH portion AS (
      SELECT array_agg(u.id) AS records, '{}'::uuid[] AS links
        FROM unnest(CAST(:records AS uuid[])) WITH ORDINALITY AS u(id, n) GROUP BY u.n / :portion
      UNION ALL SELECT '{}', array_agg(u.id)
        FROM unnest(CAST(:links AS uuid[])) WITH ORDINALITY AS u(id, n) GROUP BY u.n / :portion
      UNION ALL SELECT '{}', '{}' WHERE cardinality(CAST(:records AS uuid[])) + cardinality(CAST(:links AS uuid[])) = 0
    ) SELECT jobs.wake('alerts:judge', 'lane', json_build_object('country', w.reader)::jsonb, 'alerts:' || w.reader)
      FROM (SELECT DISTINCT l.reader FROM portion p
        CROSS JOIN LATERAL gate.judge_later(p.records, p.links) AS l(reader)) w"""
)
_WAITING = text("SELECT gate.delivered(:subscription, :kind, :subject, 'waiting', 0, NULL)")
_JUDGING = text("SELECT gate.judging()")
_LANES_DUE = text("SELECT gate.lanes_due(:patience)")
_DIGEST = text("SELECT digest FROM core.substance_catalogue")

Act = Callable[[Watcher, Eyes, Catalogue], Awaitable[None]]


async def follow(session: AsyncSession, filed: Sequence[Fresh]) -> None:
    """In the transaction that files records: have them judged, if anybody watches."""
    await follow_changed(session, [entry.record for entry in filed if entry.kind in ("seizure", "analysis")])


async def follow_changed(session: AsyncSession, records: Sequence[UUID]) -> None:
    """The same for records of which something else is known now than when they were filed."""
    ids = [str(record) for record in records]
    if ids:
        await _later(session, records=ids)


async def follow_links(session: AsyncSession, links: Sequence[UUID]) -> None:
    """In the transaction that proposes links: have them judged, if anybody watches."""
    await _later(session, links=[str(link) for link in links])


async def announce(session: AsyncSession) -> None:
    """In the transaction that issues, closes or retracts an alert: have webhooks told of it, if anybody watches."""
    await _later(session)


async def redeliver(session: AsyncSession, country: str) -> None:
    """In the transaction that makes a delivery wait."""
    await deliver.wake(session, serial=_delivering(country), country=country)


async def _later(session: AsyncSession, records: Sequence[str] = (), links: Sequence[str] = ()) -> None:
    await session.execute(_LATER, {"records": list(records), "links": list(links), "portion": PORTION})


def _judging(country: str) -> str:
    """The lane in which a country's orders look."""
    return f"alerts:{country}"


def _delivering(country: str) -> str:
    """The lane of a country's webhooks."""
    return f"push:{country}"


@tasks.task(lane=True, attempts=1)  # what it leaves is taken again by the next, which waits for no second attempt
async def judge(work: Work, country: str = "", records: Sequence[str] = ()) -> None:
    """Apply the exact rules to what waits, in the eyes of each order of a country; then tell what is new. `records` are
    of jobs that the release before this one queued.
    """
    async with work.database.writing() as session:
        if records:
            await _later(session, records=records)
        else:
            await judge.relay(session, serial=_judging(country), country=country)
    ends = monotonic() + AGAIN_SECONDS
    while (taken := await unjudged.take(work.database, country, again=monotonic() < ends)) is not None:
        turns = await _in_all_eyes(work, country, _looking(work.database, taken), but=taken.looked)
        if turns.faults:
            await unjudged.keep_for_others(work.database, taken, turns.looked)
        else:
            await unjudged.settle(work.database, taken)


def _looking(database: Database, taken: unjudged.Taken) -> Act:
    async def act(watcher: Watcher, eyes: Eyes, catalogue: Catalogue) -> None:
        if taken.records:
            await look(database, eyes, watcher.id, taken.records, catalogue)
        if taken.links:
            await look_at_links(database, eyes, watcher.id, taken.links, catalogue)

    return act


@tasks.task(lane=True)
async def deliver(work: Work, country: str) -> None:
    """What is due to the webhooks of one country."""
    async with work.database.writing() as session:
        await deliver.relay(session, serial=_delivering(country), country=country)
    if await lanes.go(work, country, await _catalogue(work.database)):
        async with work.database.writing() as session:
            await redeliver(session, country)


@tasks.every("* * * * *")
async def tick(work: Work, timestamp: int) -> None:
    """What was not judged to the end is taken again; webhooks to which something is due are tried again."""
    patience = {"patience": work.settings.webhook_patience}
    async with work.database.writing() as session:
        for country in (await session.scalars(_JUDGING)).all():
            await judge.wake(session, serial=_judging(country), country=country)
        for country in (await session.scalars(_LANES_DUE, patience)).all():
            await redeliver(session, country)


@tasks.task()
async def inboxes(work: Work, alert: str | None = None) -> None:
    """Tell of an alert that was just issued whoever may see it; or of all that stand issued."""
    await tell(work.database, [UUID(alert)] if alert else None)


@tasks.every("50 2 * * *")
async def inboxes_again(work: Work, timestamp: int) -> None:
    """Whoever has come to see an alert since is told of it."""
    await tell(work.database)


@tasks.every("20 2 * * *")
async def daily(work: Work, timestamp: int) -> None:
    """Weekly rates, and records that came into sight since: for each country that watches."""
    countries = {watcher.country for watcher in await watchers(work.database)}
    async with work.database.writing() as session:
        for country in sorted(countries):
            await sweep.defer(session, serial=f"sweep:{country}", country=country)


@tasks.task(lane=True)
async def sweep(work: Work, country: str | None = None) -> None:
    """The daily sweep in the eyes of one country's orders, or of all."""

    async def act(watcher: Watcher, eyes: Eyes, catalogue: Catalogue) -> None:
        _looked.pop(watcher.id, None)  # events, too, come into sight later
        await swept(work.database, watcher, eyes, catalogue)

    found = await _in_all_eyes(work, country, act)
    if found.faults:
        raise found.faults[0]


@dataclass(slots=True)
class Turns:
    """The orders that looked, and why others did not."""

    looked: list[UUID] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    @contextmanager
    def aside(self, watcher: Watcher) -> Iterator[None]:
        """What fails in these eyes is noted, and goes no further."""
        try:
            yield
        except Exception as fault:  # of one reader's policies, orders or receivers
            _log.warning("order set aside", order=str(watcher.id), exc_info=withheld(fault))
            self.faults.append(fault)


async def _in_all_eyes(work: Work, country: str | None, act: Act, but: Collection[UUID] = ()) -> Turns:
    """`act` in the eyes of each standing order of a country, or of all (`but` some); then its webhook is told of what
    is new. An order in whose eyes it fails is set aside, and keeps no other from it.
    """
    catalogue = await _catalogue(work.database)
    turns = Turns()
    for watcher in await watchers(work.database):
        if country not in (None, watcher.country) or watcher.id in but:
            continue
        before = len(turns.faults)
        with turns.aside(watcher):
            if (eyes := await eyes_of(work.database, watcher.key_id, watcher.purpose)) is not None:
                await act(watcher, eyes, catalogue)
        with turns.aside(watcher):  # of what was found before it failed, too
            await _hand_over(work, watcher, catalogue)
        if len(turns.faults) == before:
            turns.looked.append(watcher.id)
    return turns


_looked: dict[UUID, datetime] = {}  # up to when a webhook's order was told of everything, as far as it was in sight


async def _hand_over(work: Work, watcher: Watcher, catalogue: Catalogue) -> None:
    """Have a delivery wait for every event of a webhook's order that has none yet, in eyes of this moment."""
    if watcher.delivery != "webhook":
        return
    eyes, began = await eyes_of(work.database, watcher.key_id, watcher.purpose), datetime.now(UTC)
    if eyes is None:
        return
    async with eyes.reading(work.database) as (session, _):
        ordered = await order(session, watcher.id)
        if ordered is None:
            return
        known = await known_to(session, catalogue)
        fresh = await events.fresh(session, ordered, known, _looked.get(watcher.id))
    if fresh:
        async with eyes.writing(work.database) as session:
            for kind, subject in fresh:
                given = {"subscription": watcher.id, "kind": kind, "subject": subject}
                await session.execute(_WAITING, given)
            await redeliver(session, watcher.country)
    _looked[watcher.id] = began - COMMITTED


_loaded: dict[str, Catalogue] = {}


async def _catalogue(database: Database) -> Catalogue:
    """The committed catalogue, read again when another one was loaded."""
    async with database.reading() as session:
        digest = await session.scalar(_DIGEST) or ""
        if digest not in _loaded:
            _loaded.clear()
            _loaded[digest] = await Catalogue.from_database(session)
        return _loaded[digest]
