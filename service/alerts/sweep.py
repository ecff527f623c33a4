"""Once a day, in the eyes of each order: weekly rates against their past, and records that became visible meanwhile.

A delay that is over, a grant and a new policy let a reader see records that were filed long ago. They are judged like
fresh ones when they come into sight, so that a warning is late rather than lost.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Date, cast, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.beyond import Beyond
from service.alerts.eyes import Eyes, Watcher, order
from service.alerts.facts import among
from service.alerts.newly import newly_visible, spans
from service.alerts.past import TIMELESS, Spans
from service.alerts.rates import WEEKS_NEEDED as WEEKS
from service.alerts.rates import Rise, discoveries, rise, steady
from service.alerts.rules import Candidate
from service.alerts.undated import undated
from service.alerts.watch import keep, look, wanted
from service.database import Database
from service.seizures.models import LEAVES, SHARED_LINE
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to
from service.trends.repeats import repeated

# Place, policy group; and the weekly counts of events by agency.
Series = dict[tuple[str, str], dict[str, list[int]]]


Portions = AsyncIterator[tuple[Eyes, list[UUID]]]


async def swept(database: Database, watcher: Watcher, eyes: Eyes, catalogue: Catalogue) -> None:
    """Both, in the eyes of one order. What fails keeps nothing else from being looked at; the first fault is raised at
    the end.
    """
    faults: list[Exception] = []

    async def step(act: Awaitable[object]) -> None:
        try:
            await act
        except Exception as fault:
            faults.append(fault)

    async def judged(portions: Portions, within: Spans) -> None:
        beyond = Beyond(within)
        async for then, fresh in portions:
            await step(look(database, then, watcher.id, fresh, catalogue, beyond=beyond))

    await step(rates(database, eyes, watcher.id, catalogue))
    within = await spans(database, watcher)
    await step(judged(newly_visible(database, watcher, within), within))
    await step(judged(undated(database, watcher, catalogue), TIMELESS))
    if faults:
        raise faults[0]


async def rates(database: Database, eyes: Eyes, id_: UUID, catalogue: Catalogue, today: date | None = None) -> int:
    """Compare the last whole week with the year before it. How many rises stand."""
    monday = _monday(today or datetime.now(UTC).date())
    async with eyes.reading(database) as (session, policy):
        ordered = await order(session, id_)
        if ordered is None:
            return 0
        widened = await known_to(session, catalogue)
        series, flows = await counted(session, monday, widened)
    found = [_candidate(key, what, monday, _owners(flows[key[0]])) for key, what in rises(series, flows).items()]
    groups = ordered["groups"]
    kept = [c for c in found if wanted({**ordered, "groups": None}, c, widened)]
    kept = [c for c in kept if groups is None or c.facts["group"] in groups]
    await keep(database, eyes, kept, policy)
    return len(kept)


def rises(series: Series, flows: Mapping[str, Mapping[str, list[int]]]) -> dict[tuple[str, str], Rise]:
    """The series whose last week stands out, counted over each country's steady agencies only."""
    found, tested = {}, 0
    for (country, group), by_agency in series.items():
        reporting = steady(flows.get(country, {}))
        if not reporting:
            continue
        tested += 1
        counts = _summed(by_agency[name] for name in reporting if name in by_agency)
        if (risen := rise(counts, _summed(flows[country][name] for name in reporting))) is not None:
            found[country, group] = risen
    named = {f"{country}:{group}": what for (country, group), what in found.items()}
    return {(k[:2], k[3:]): what for k, what in discoveries(named, tested).items()}


async def counted(
    session: AsyncSession, monday: date, catalogue: Catalogue
) -> tuple[Series, dict[str, dict[str, list[int]]]]:
    """Weekly events by country, group and agency; and all events by country and agency. Only where the day is given.
    What was reported twice counts once, as in trends.
    """
    since, twice = monday - timedelta(weeks=WEEKS), await repeated(session)
    leaves = union_all(
        *(
            select(leaf.c.record_id, leaf.c.version, leaf.c.place_country, leaf.c.agency, leaf.c.at).where(
                leaf.c.kind == "seizure",
                leaf.c.status == "reported",
                leaf.c.at >= since,
                leaf.c.at < monday,
                ~among(leaf.c.record_id, twice),
            )
            for leaf in (LEAVES["instant"], LEAVES["day"])
        )
    ).subquery()
    week = cast(func.date_trunc("week", leaves.c.at), Date).label("week")
    shared = (leaves.c.place_country, leaves.c.agency, week)
    flows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0] * WEEKS))
    query = select(*shared, func.count().label("n")).where(leaves.c.place_country.is_not(None)).group_by(*shared)
    for row in await session.execute(query):
        flows[row.place_country][row.agency][_place(row.week, monday)] += row.n
    lines = (
        select(*shared, SHARED_LINE.c.substance, func.count(leaves.c.record_id.distinct()).label("n"))
        .join(
            SHARED_LINE,
            (SHARED_LINE.c.record_id == leaves.c.record_id) & (SHARED_LINE.c.version == leaves.c.version),
        )
        .where(leaves.c.place_country.is_not(None), SHARED_LINE.c.status != "NEGA")
        .group_by(*shared, SHARED_LINE.c.substance)
    )
    series: Series = defaultdict(lambda: defaultdict(lambda: [0] * WEEKS))
    for row in await session.execute(lines):
        group = catalogue.group(row.substance) if catalogue.get(row.substance) else "unknown"
        series[row.place_country, group][row.agency][_place(row.week, monday)] += row.n
    return series, flows


def _owners(flow: Mapping[str, list[int]]) -> dict[str, int]:
    """Whose reports a rise was judged by, and how many of each country: all those of the steady agencies."""
    found: Counter[str] = Counter()
    for agency in steady(flow):
        found[agency[:2]] += sum(flow[agency])
    return dict(found)


def _candidate(key: tuple[str, str], what: Rise, monday: date, owners: Mapping[str, int]) -> Candidate:
    country, group = key
    week = (monday - timedelta(weeks=1)).isoformat()
    facts = {
        "country": country,
        "group": group,
        "week": week,
        "count": what.count,
        "expected": f"{what.expected:.1f}",
        "p": f"{what.p:.2g}",
        "method": "negative binomial tail over 52 weeks and EARS C2, steady agencies, share of reports risen",
    }
    return Candidate("SPIKE", f"{country}:{group}:{week}", None, None, facts, owners)


def _summed(rows: Iterable[list[int]]) -> list[int]:
    return [sum(week) for week in zip(*rows, strict=True)] or [0] * WEEKS


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _place(week: date, monday: date) -> int:
    return WEEKS - (monday - week).days // 7
