"""What the policies cost: five questions by four readers against plain SQL, a big compile, kill switch, access log.

The readers: the owner, a partner at full precision, a partner at ADM1 and month, and an outsider who is given nothing.
The plain question reads the base tables as their owner, without views, masks or row security, in the same run.
"""

import asyncio
import time
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.app import create_app
from service.paging import Cursors
from service.settings import Settings
from service.substances.catalogue import Catalogue
from tests.benchmarks import access
from tests.benchmarks.reads import Asker, in_turns, load, percentile
from tests.benchmarks.records import signed
from tests.exchange import Exchange, Region

QUESTIONS = ("newest", "filtered", "bbox", "item", "count")
READERS = {"owner": "KZ-CUS", "full": "UZ-CUS", "coarse": "KG-CUS", "outsider": "RU-CUS"}
FULL = {
    "id": "full",
    "effect": "permit",
    "audience": {"countries": ["UZ"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["reference", "reported", "items", "transport", "route", "persons", "marks", "case", "narrative"],
    "time": "instant",
    "place": "point",
}
COARSE = {
    "id": "coarse",
    "effect": "permit",
    "audience": {"countries": ["KG"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items", "transport"],
    "time": "month",
    "place": "admin1",
}
# Nobody without a position finds anything in a box, nor an outsider anywhere.
BLIND = {question: frozenset({"outsider"}) for question in QUESTIONS} | {"bbox": frozenset({"outsider", "coarse"})}


def measure(settings: Settings, region: Region, rows: int | None, seconds: float, **_: Any) -> dict[str, Any]:
    rows = rows or 5_000_000
    exchange = Exchange.start(settings, region)
    try:
        for country in ("KZ", "TJ"):
            exchange.adopt(country, FULL, COARSE)
        for agency in ("KZ-CUS", "TJ-CUS"):
            client = exchange.client(agency)
            filed = [client.submit(record).id for record in signed(region.profiles[agency], agency, 0, 20)]
        asyncio.run(_load(settings, rows))
        figures = {"rows": rows, **_kill_switch(exchange)}
    finally:
        exchange.stop()
    figures |= access.cost(settings, region, filed, seconds)
    return figures | asyncio.run(_measure(settings, region, seconds))


async def _load(settings: Settings, rows: int) -> None:
    engine = create_async_engine(settings.database_as())
    await load(engine, rows)
    await engine.dispose()


def _kill_switch(exchange: Exchange) -> dict[str, Any]:
    """Seconds from sending a suspension until a partner, who asks all the time, is first given nothing."""
    officer, reader = exchange.client("KZ-DCA/policy", None), exchange.client("UZ-CUS", "analysis")
    given = reader.search(owner="KZ").items
    if not given:
        raise RuntimeError("there is nothing to stop")
    began = time.perf_counter()
    officer.suspend({"towards_country": "UZ", "reason": "measured"})
    while reader.search(owner="KZ").items:
        pass
    return {"kill_switch_s": round(time.perf_counter() - began, 3)}


async def _measure(settings: Settings, region: Region, seconds: float) -> dict[str, Any]:
    engine = create_async_engine(settings.database_as())
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE core.suspension SET lifted_at = now(), lifted_by = 'bench'"))
    app = create_app(settings)
    async with app.state.database.reading() as session:
        catalogue = await Catalogue.from_database(session)
    asker = Asker(app.state.database, engine, catalogue, Cursors(b"bench" * 8))
    readers = {name: asker.reader(region, agency) for name, agency in READERS.items()}
    ids = await asker.some_ids()
    figures: dict[str, Any] = {}
    worst = dict.fromkeys(READERS, 0.0)
    for question in QUESTIONS:
        times = await in_turns(asker, readers, question, ids, seconds, BLIND[question])
        plain = percentile(times["plain"], 95)
        figures[f"{question}_plain_p95_ms"] = plain
        for who in READERS:
            figures[f"{question}_{who}_p95_ms"] = percentile(times[who], 95)
            worst[who] = max(worst[who], percentile(times[who], 95) / plain)
    figures |= {f"{who}_over_plain_p95": round(ratio, 2) for who, ratio in worst.items()}
    figures["policy_over_plain_p95"] = round(max(worst.values()), 2)
    figures |= await _compile(engine)
    await engine.dispose()
    await app.state.database.dispose()
    return figures


async def _compile(engine: AsyncEngine, rules: int = 1_000, scopes: int = 5_000, contexts: int = 500) -> dict[str, Any]:
    """Seconds to compile every rule for every scope and context anew; the worst change of one owner's policy."""
    async with engine.begin() as connection:
        await connection.execute(text(_CONTEXTS), {"contexts": contexts})
        await connection.execute(text(_SCOPES), {"scopes": scopes})
        await connection.execute(text(_RULES), {"rules": rules})
        await connection.execute(text("ANALYZE gate.scope, gate.context, gate.rule"))
    async with engine.begin() as connection:
        sizes = (await connection.execute(text(_SIZES))).one()
        began = time.perf_counter()
        await connection.execute(text("SELECT gate.compile(ARRAY(SELECT id FROM gate.context WHERE trial IS NULL))"))
        spent = time.perf_counter() - began
    return {"compile_s": round(spent, 2), "compiled": dict(zip(("rules", "scopes", "contexts"), sizes, strict=True))}


_CONTEXTS = """
INSERT INTO gate.context (country, agency, roles, purpose)
SELECT c.code, c.code || '-B' || lpad(n::text, 3, '0'), ARRAY['analyst'], p.purpose
FROM (SELECT code, row_number() OVER () AS place FROM core.country) c
CROSS JOIN generate_series(1, 100) n
CROSS JOIN (VALUES ('analysis'), ('operational'), ('forensic')) AS p(purpose)
ORDER BY n, c.place LIMIT greatest(0, :contexts - (SELECT count(*) FROM gate.context WHERE trial IS NULL))
"""
_SCOPES = """
INSERT INTO gate.scope (id, owner, kind, groups, handling, agency)
SELECT (SELECT count(*) FROM gate.scope) + row_number() OVER () - 1, c.code, 'seizure', g.groups, h.handling,
  c.code || '-CUS'
FROM core.country c CROSS JOIN generate_series(1000, 1400) AS g(groups) CROSS JOIN generate_series(0, 4) AS h(handling)
ORDER BY g.groups LIMIT greatest(0, :scopes - (SELECT count(*) FROM gate.scope))
"""
_RULES = """
INSERT INTO gate.rule (owner, position, permit, joins, countries, roles, purposes, groups, handling, facets, delay)
SELECT c.code, 1000 + n, n % 9 <> 0, n % 4 = 0,
  CASE WHEN n % 3 = 0 THEN NULL ELSE ARRAY['KZ', 'UZ', 'TJ', 'KG'] END,
  CASE WHEN n % 5 = 0 THEN ARRAY['analyst'] END, CASE WHEN n % 2 = 0 THEN ARRAY['analysis', 'forensic'] END,
  CASE WHEN n % 7 = 0 THEN 1023 END, n % 5, CASE WHEN n % 9 = 0 THEN 0 ELSE (n * 7919) % 524288 END,
  CASE WHEN n % 9 = 0 THEN 0 ELSE (n % 6) * 30 END
FROM core.country c CROSS JOIN generate_series(1, 200) n
ORDER BY n, c.code LIMIT greatest(0, :rules - (SELECT count(*) FROM gate.rule))
"""
_SIZES = """
SELECT (SELECT count(*) FROM gate.rule), (SELECT count(*) FROM gate.scope),
  (SELECT count(*) FROM gate.context WHERE trial IS NULL)
"""
