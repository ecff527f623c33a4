"""Questions to a million synthetic reports, as owner and as partner, against the same SQL on the tables themselves.

The rows are made by SQL from one signed record, and say `synthetic` in their reference. The partner's policy gives the
day and the cell; the plain question has no policy, no views and no masks: it reads the base tables as their owner.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, false, func, select, text, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from service.app import create_app
from service.identity.caller import Caller
from service.paging import Cursors
from service.policies.gate import Reach, reach
from service.problems import NotFound
from service.seizures import present, read
from service.seizures.models import LEAVES, Report, ReportLine
from service.seizures.paged import BY_TIME
from service.seizures.query import Search
from service.settings import Settings
from service.substances.catalogue import Catalogue
from tests.benchmarks.records import signed
from tests.exchange import Exchange, Region

Question = Callable[[], Awaitable[Any]]
RULE = {
    "id": "neighbours",
    "effect": "permit",
    "audience": {"countries": ["KG"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items", "transport"],
    "time": "day",
    "place": "cell",
}


def measure(settings: Settings, region: Region, rows: int | None, seconds: float, **_: Any) -> dict[str, Any]:
    rows = rows or 1_000_000
    exchange = Exchange.start(settings, region)
    try:
        for country in ("KZ", "UZ"):
            exchange.adopt(country, RULE)
        exchange.adopt("TJ", {**RULE, "time": "month", "place": "admin1", "facets": ["items"]})
        for agency in ("KZ-CUS", "UZ-CUS", "TJ-CUS"):
            client = exchange.client(agency)
            for record in signed(region.profiles[agency], agency, 0, 20):
                client.submit(record)
    finally:
        exchange.stop()
    return asyncio.run(_measure(settings, region, rows, seconds))


async def _measure(settings: Settings, region: Region, rows: int, seconds: float) -> dict[str, Any]:
    engine = create_async_engine(settings.database_as())
    await load(engine, rows)
    app = create_app(settings)
    async with app.state.database.reading() as session:
        catalogue = await Catalogue.from_database(session)
    asker = Asker(app.state.database, engine, catalogue, Cursors(b"bench" * 8))
    readers = {name: asker.reader(region, agency) for name, agency in (("owner", "KZ-CUS"), ("partner", "KG-CUS"))}
    ids = await asker.some_ids()
    figures: dict[str, Any] = {"rows": rows}
    worst = {"owner": 0.0, "partner": 0.0}
    for question in ("newest", "filtered", "bbox", "item"):
        times = await in_turns(asker, readers, question, ids, seconds)
        for who, spent in times.items():
            figures[f"{question}_{who}_p50_ms"] = percentile(spent, 50)
            figures[f"{question}_{who}_p95_ms"] = percentile(spent, 95)
        for who, ratio in worst.items():
            worst[who] = max(ratio, percentile(times[who], 95) / percentile(times["plain"], 95))
    figures |= {f"{who}_over_plain_p95": round(ratio, 2) for who, ratio in worst.items()}
    await engine.dispose()
    await app.state.database.dispose()
    return figures


class Asker:
    """The same questions through the gate, and without any policy."""

    def __init__(self, database: Any, engine: AsyncEngine, catalogue: Catalogue, cursors: Cursors) -> None:
        self._database, self._catalogue, self._cursors = database, catalogue, cursors
        self._plain = async_sessionmaker(engine)
        heroin = catalogue.resolve("Heroin")
        self._heroin = heroin.code if heroin else ""
        self._searches = {
            "newest": Search(),
            "filtered": Search.model_validate({"substance": self._heroin, "to": "2024-06-01", "transport": "3"}),
            "bbox": Search(bbox="68.35,43.35,68.45,43.45"),
        }

    def reader(self, region: Region, agency: str) -> Caller:
        kid = region.profiles[agency].load_request_key().kid
        return Caller(kid, agency, agency[:2], frozenset({"analyst", "reporter"}), "analysis")

    async def token(self, caller: Caller) -> str:
        """As of every request: a token is good for two minutes."""
        async with self._database.authn() as session:
            minted: str = await session.scalar(text("SELECT gate.mint(:kid, 'analysis')"), {"kid": caller.key_id})
        return minted

    async def some_ids(self) -> list[UUID]:
        async with self._plain() as session:
            query = select(Report.record_id).where(Report.country == "KZ").limit(500)
            return list(await session.scalars(query))

    async def shared(self, caller: Caller, token: str, question: str, record_id: UUID) -> Any:
        async with self._database.reading() as session:
            await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
            if question == "count":
                return await session.scalar(counted(await reach(session)))
            if question == "item":
                try:
                    return await read.document(session, caller, record_id)
                except NotFound:
                    return None
            found = await read.search(session, caller, self._searches[question], self._catalogue, self._cursors)
            return found.items

    async def plain(self, question: str, record_id: UUID) -> Any:
        async with self._plain.begin() as session:  # ends with COMMIT, as a reading does: its plans are kept too
            if question == "count":
                return (await session.execute(_COUNT_PLAIN)).scalar_one()
            rows = (await session.execute(self._plain_query(question, record_id))).mappings().all()[:50]
            keys = [(row["record_id"], row["version"]) for row in rows]
            lines: dict[UUID, list[dict[str, Any]]] = {}
            query = (
                select(ReportLine.__table__)
                .where(tuple_(ReportLine.record_id, ReportLine.version).in_(keys))
                .order_by(ReportLine.record_id, ReportLine.line)
            )
            for line in (await session.execute(query)).mappings():
                lines.setdefault(line["record_id"], []).append({"analysis_id": None, **line})
            everything = {"mask": 524287, "duties": 0, "recalled": False}
            return [
                present.item({**row, **everything}, lines.get(row["record_id"], ()), owners_view=False) for row in rows
            ]

    def _plain_query(self, question: str, record_id: UUID) -> Any:
        table = Report.__table__
        names = (
            "record_id",
            "version",
            "kind",
            "agency",
            "country",
            "handling",
            "status",
            "jwt",
            "disclosures",
        )
        query = select(*(table.c[name] for name in names))
        if question == "item":
            return query.where(table.c.latest, table.c.record_id == record_id)
        query = query.where(table.c.latest, table.c.kind == "seizure", table.c.status == "reported")
        if question == "filtered":
            search, line = self._searches["filtered"], ReportLine.__table__
            wanted = sorted({self._heroin, *self._catalogue.descendants(self._heroin)})
            same = and_(line.c.record_id == table.c.record_id, line.c.version == table.c.version)
            query = query.where(
                table.c.at_instant < search.until,
                table.c.transport_mode == search.transport,
                exists().where(same, line.c.substance.in_(wanted)),
            )
        if question == "bbox":
            box = func.ST_MakeEnvelope(68.35, 43.35, 68.45, 43.45, 4326)
            query = query.where(table.c.point.op("OPERATOR(gate.&&)", is_comparison=True)(box))
        return query.order_by(table.c.at_instant.desc(), table.c.record_id).limit(51)


async def in_turns(
    asker: Asker,
    readers: dict[str, Caller],
    question: str,
    ids: list[UUID],
    seconds: float,
    blind: frozenset[str] = frozenset(),
) -> dict[str, list[float]]:
    """Milliseconds per asking; all take turns, so that the machine treats them alike. `blind` may find nothing."""
    chance = random.Random(7)
    times: dict[str, list[float]] = {"plain": [], **{who: [] for who in readers}}
    for turn in range(10_000):
        record_id = chance.choice(ids)
        asked: dict[str, Question] = {"plain": lambda r=record_id: asker.plain(question, r)}
        for who, reader in readers.items():
            token = await asker.token(reader)
            asked[who] = lambda r=record_id, c=reader, t=token: asker.shared(c, t, question, r)
        for who, ask in asked.items():
            started = time.perf_counter()
            answer = await ask()
            elapsed = (time.perf_counter() - started) * 1000
            if bool(answer) == (who in blind):
                raise RuntimeError(f"{who} found {'something' if answer else 'nothing'} for {question}")
            if turn >= 10:  # plans and caches are warm
                times[who].append(elapsed)
        if turn >= 60 and sum(map(sum, times.values())) > seconds * 1000:
            break
    return times


async def load(engine: AsyncEngine, rows: int) -> None:
    """`rows` reports like the signed ones, at other times and places, but for the signed text, which is a word: neither
    side reads less than the other. The indexes are built once the rows are there.
    """
    print(f"loading {rows} synthetic reports", flush=True)
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
        indexes = (await connection.execute(text(_INDEXES))).all()
        for name, _ in indexes:
            await connection.execute(text(f"DROP INDEX {name}"))
        await connection.execute(text(_COPIES), {"rows": rows})
        await connection.execute(text("ANALYZE core.report"))
        await connection.execute(text(_LINES))
        for _, definition in indexes:
            await connection.execute(text(definition))
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text("VACUUM ANALYZE core.report, core.report_line"))


# Half a year of seizures: by the time itself, and by the disclosed time at the levels that the reader has at all.
_COUNT_PLAIN = text("""SELECT count(*) FROM core.report WHERE latest AND kind = 'seizure'
  AND at_instant BETWEEN timestamptz '2018-01-01' AND timestamptz '2018-07-01'""")


def counted(limits: Reach) -> Select[Any]:
    leaves = [LEAVES[level] for level in BY_TIME if limits.levels[level]]
    if not leaves:
        return select(func.count()).where(false())
    found = union_all(*(select(leaf.c.at, leaf.c.kind) for leaf in leaves)).subquery()
    first, last = datetime(2018, 1, 1, tzinfo=UTC), datetime(2018, 7, 1, tzinfo=UTC)
    return select(func.count()).select_from(found).where(found.c.kind == "seizure", found.c.at.between(first, last))


_INDEXES = """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
  WHERE indrelid IN ('core.report'::regclass, 'core.report_line'::regclass)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"""
_SOURCE = """(SELECT *, row_number() OVER () - 1 AS n, count(*) OVER () AS total FROM core.report
  WHERE reference NOT LIKE 'synthetic%')"""
_TIMES = "timestamptz '2012-01-01' + random() * interval '4800 days'"
_OTHER = ", ".join(
    name
    for name in [column.name for column in Report.__table__.columns]
    if name
    not in (
        "record_id",
        "reference",
        "jwt",
        "at_instant",
        "at_day",
        "at_month",
        "month_end",
        "point",
        "cell",
        "at_undated",
    )
)
_COPIES = f"""
INSERT INTO core.report ({_OTHER}, record_id, reference, jwt, at_instant, at_day, at_month, month_end, point, cell)
SELECT {_OTHER}, gen_random_uuid(), 'synthetic-' || i, 'synthetic', t, date_trunc('day', t),
  date_trunc('month', t), (date_trunc('month', t) + interval '1 month - 1 day')::date,
  ST_SetSRID(ST_MakePoint(x, y), 4326), ST_SetSRID(ST_MakePoint(round(x::numeric, 1), round(y::numeric, 1)), 4326)
FROM (SELECT i, {_TIMES} AS t, 60 + random() * 20 AS x, 38 + random() * 12 AS y FROM generate_series(1, :rows) i) made
JOIN {_SOURCE} source ON source.n = made.i % source.total
"""
_LINES = """
INSERT INTO core.report_line
SELECT r.record_id, r.version, l.line, l.scope_id, r.month_end, l.substance, l.status, l.form, l.quantity, l.unit,
  l.kg, l.kg_low, l.kg_high, l.rule
FROM core.report r
JOIN core.report s ON s.digest = r.digest AND s.reference NOT LIKE 'synthetic%'
JOIN core.report_line l ON (l.record_id, l.version) = (s.record_id, s.version)
WHERE r.reference LIKE 'synthetic%'
"""


def percentile(times: list[float], percent: int) -> float:
    return round(statistics.quantiles(times, n=100, method="inclusive")[percent - 1], 2)
