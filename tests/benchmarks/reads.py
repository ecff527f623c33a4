"""Questions to a million synthetic reports, as owner and as partner, against the same SQL on the tables themselves.

The rows are made by SQL from one signed record, and say `synthetic` in their reference. The partner's policy gives the
day and the cell; the plain question has no policy, no views and no masks: it reads the base tables as their owner.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from service.app import create_app
from service.identity.caller import Caller
from service.paging import Cursors
from service.seizures import present, read
from service.seizures.models import Report, ReportLine
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


def measure(settings: Settings, region: Region, rows: int | None, seconds: float) -> dict[str, Any]:
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
    await _load(engine, rows)
    app = create_app(settings)
    async with app.state.database.reading() as session:
        catalogue = await Catalogue.from_database(session)
    asker = _Asker(app.state.database, engine, catalogue, Cursors(b"bench" * 8))
    readers = {name: await asker.enter(region, agency) for name, agency in (("owner", "KZ-CUS"), ("partner", "KG-CUS"))}
    ids = await asker.some_ids()
    figures: dict[str, Any] = {"rows": rows}
    worst = {"owner": 0.0, "partner": 0.0}
    for question in ("newest", "filtered", "bbox", "item"):
        times = await _in_turns(asker, readers, question, ids, seconds)
        for who, spent in times.items():
            figures[f"{question}_{who}_p50_ms"] = _percentile(spent, 50)
            figures[f"{question}_{who}_p95_ms"] = _percentile(spent, 95)
        for who, ratio in worst.items():
            worst[who] = max(ratio, _percentile(times[who], 95) / _percentile(times["plain"], 95))
    figures |= {f"{who}_over_plain_p95": round(ratio, 2) for who, ratio in worst.items()}
    await engine.dispose()
    await app.state.database.dispose()
    return figures


class _Asker:
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

    async def enter(self, region: Region, agency: str) -> tuple[Caller, str]:
        kid = region.profiles[agency].load_request_key().kid
        async with self._database.authn() as session:
            token = await session.scalar(text("SELECT gate.mint(:kid, 'analysis')"), {"kid": kid})
        return Caller(kid, agency, agency[:2], frozenset({"analyst", "reporter"}), "analysis"), token

    async def some_ids(self) -> list[UUID]:
        async with self._plain() as session:
            query = select(Report.record_id).where(Report.country == "KZ").limit(500)
            return list(await session.scalars(query))

    async def shared(self, reader: tuple[Caller, str], question: str, record_id: UUID) -> Any:
        caller, token = reader
        async with self._database.reading() as session:
            await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
            if question == "item":
                return await read.document(session, caller, record_id)
            found = await read.search(session, caller, self._searches[question], self._catalogue, self._cursors)
            return found.items

    async def plain(self, question: str, record_id: UUID) -> Any:
        async with self._plain() as session:
            rows = (await session.execute(self._plain_query(question, record_id))).mappings().all()[:50]
            keys = [(row["record_id"], row["version"]) for row in rows]
            lines: dict[UUID, list[dict[str, Any]]] = {}
            query = (
                select(ReportLine.__table__)
                .where(tuple_(ReportLine.record_id, ReportLine.version).in_(keys))
                .order_by(ReportLine.record_id, ReportLine.line)
            )
            for line in (await session.execute(query)).mappings():
                lines.setdefault(line["record_id"], []).append(dict(line))
            return [
                present.item({**row, "mask": 524287}, lines.get(row["record_id"], ()), owners_view=False)
                for row in rows
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


async def _in_turns(
    asker: _Asker, readers: dict[str, tuple[Caller, str]], question: str, ids: list[UUID], seconds: float
) -> dict[str, list[float]]:
    """Milliseconds per asking; the three take turns, so that the machine treats them alike."""
    chance = random.Random(7)
    times: dict[str, list[float]] = {"plain": [], **{who: [] for who in readers}}
    for turn in range(10_000):
        record_id = chance.choice(ids)
        asked: dict[str, Question] = {"plain": lambda r=record_id: asker.plain(question, r)}
        for who, reader in readers.items():
            asked[who] = lambda r=record_id, reader=reader: asker.shared(reader, question, r)
        for who, ask in asked.items():
            started = time.perf_counter()
            answer = await ask()
            elapsed = (time.perf_counter() - started) * 1000
            if not answer:
                raise RuntimeError(f"{who} found nothing for {question}")
            if turn >= 10:  # plans and caches are warm
                times[who].append(elapsed)
        if turn >= 60 and sum(map(sum, times.values())) > seconds * 1000:
            break
    return times


async def _load(engine: AsyncEngine, rows: int) -> None:
    """`rows` reports like the signed ones, at other times and places."""
    print(f"loading {rows} synthetic reports", flush=True)
    async with engine.begin() as connection:
        await connection.execute(text("SET session_replication_role = replica"))
        await connection.execute(text(_COPIES), {"rows": rows})
        await connection.execute(text("ANALYZE core.report"))
        await connection.execute(text(_LINES))
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text("VACUUM ANALYZE core.report, core.report_line"))


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
INSERT INTO core.report ({_OTHER}, record_id, reference, at_instant, at_day, at_month, month_end, point, cell)
SELECT {_OTHER}, gen_random_uuid(), 'synthetic-' || i, t, date_trunc('day', t), date_trunc('month', t),
  (date_trunc('month', t) + interval '1 month - 1 day')::date,
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


def _percentile(times: list[float], percent: int) -> float:
    return round(statistics.quantiles(times, n=100, method="inclusive")[percent - 1], 2)
