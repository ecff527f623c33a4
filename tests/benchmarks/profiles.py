"""The 20 most alike of many impurity profiles, under a reader's policy, against brute force over what it is given.

Profiles are made: 26 markers, each batch log-normal, specimens of a batch differing by a log-sd of 0.25. Half of them
are marked TLP:RED, and the reader's policy gives the others. Recall compares the service's answer with numpy over
exactly the profiles that the reader may see.
"""

import asyncio
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from service.app import create_app
from service.profiles.neighbours import nearest
from service.profiles.vector import as_cube, unit
from service.settings import Settings
from tests.benchmarks.reads import percentile
from tests.exchange import Exchange, Region

MARKERS, BATCH, NEAREST, QUESTIONS, METHOD = 26, 20, 20, 200, "BENCH-GCMS.1"
RULE = {
    "id": "laboratories",
    "effect": "permit",
    "audience": {"countries": ["KG"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["spectra"],
    "time": "month",
}
_SCOPES = """SELECT s.id, s.kind, s.handling FROM gate.scopes_for(CAST(:wanted AS jsonb)) s"""
_REPORTS = """INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest,
    status, digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day,
    at_month, month_end)
  SELECT r.id, 1, 'analysis', 'KZ-LAB', 'KZ', '', 'TLP:AMBER', r.scope, true, 'reported', '', '', '',
    array_fill(NULL::text, ARRAY[19]), '', '', '', '[]', now(), now(), now(), current_date
  FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, scope integer)"""
_PROFILES = """INSERT INTO core.profile (record_id, version, n, scope_id, month_end, line, method, unit, owner)
  SELECT r.id, 1, 1, r.scope, current_date, 1, :method, r.unit, 'KZ'
  FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, scope integer, unit public.cube)"""


def measure(settings: Settings, region: Region, *, rows: int | None, seconds: float, data: Path) -> dict[str, Any]:
    exchange = Exchange.start(settings, region)
    try:
        exchange.adopt("KZ", RULE)
    finally:
        exchange.stop()
    return asyncio.run(_measure(settings, region, rows or 200_000))


async def _measure(settings: Settings, region: Region, rows: int) -> dict[str, Any]:
    app = create_app(settings)
    database = app.state.database
    kids = {name: region.profiles[name].load_request_key().kid for name in ("KZ-LAB", "KG-LAB")}
    async with database.authn() as session:
        mint = text("SELECT gate.mint(:kid, 'forensic')")
        owner = await session.scalar(mint, {"kid": kids["KZ-LAB"]})
        await session.scalar(mint, {"kid": kids["KG-LAB"]})
    async with database.writing() as session:
        await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": owner})
        wanted = [{"kind": "analysis", "groups": 1, "handling": h, "agency": "KZ-LAB"} for h in (2, 4)]
        found = (await session.execute(text(_SCOPES), {"wanted": orjson.dumps(wanted).decode()})).all()
    scopes = [row.id for row in sorted(found, key=lambda row: row.handling)]  # TLP:AMBER, TLP:RED
    points = made(rows)
    ids = [uuid.UUID(int=n) for n in range(rows)]
    chance = np.random.default_rng(2)
    given = chance.random(rows) < 0.5
    built = await load(settings, ids, points, np.where(given, scopes[0], scopes[1]))
    visible = np.flatnonzero(given)
    seen, times, right = points[visible], [], 0
    brute_times = []
    for number in chance.integers(0, rows, QUESTIONS):
        # a new specimen of the batch
        probe = np.array(unit((areas_like(points[number], chance)).tolist(), ""))
        started = time.perf_counter()
        best = visible[np.argsort(-(seen @ probe), kind="stable")[:NEAREST]]
        brute_times.append((time.perf_counter() - started) * 1000)
        async with database.authn() as session:
            token = await session.scalar(mint, {"kid": kids["KG-LAB"]})
        async with database.reading() as session:
            await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
            query = nearest(METHOD, as_cube(probe.tolist()), NEAREST)
            started = time.perf_counter()
            answer = (await session.execute(query)).all()
            times.append((time.perf_counter() - started) * 1000)
        right += len({row.record_id for row in answer} & {ids[n] for n in best})
    await database.dispose()
    return {
        "rows": rows,
        "given": len(visible),
        "markers": MARKERS,
        "recall": round(right / (QUESTIONS * NEAREST), 4),
        "p50_ms": percentile(times[10:], 50),
        "p95_ms": percentile(times[10:], 95),
        "brute_force_p95_ms": percentile(brute_times[10:], 95),
        "index_s": round(built, 1),
    }


def made(rows: int) -> np.ndarray[Any, Any]:
    """Points of specimens, `BATCH` to a batch."""
    chance = np.random.default_rng(1)
    batches = chance.normal(0, 1, (rows // BATCH + 1, MARKERS))
    areas = np.exp(np.repeat(batches, BATCH, axis=0)[:rows] + chance.normal(0, 0.25, (rows, MARKERS)))
    roots = (areas / areas.sum(axis=1, keepdims=True)) ** 0.25
    centred = roots - roots.mean(axis=1, keepdims=True)
    return centred / np.linalg.norm(centred, axis=1, keepdims=True)


def areas_like(point: np.ndarray[Any, Any], chance: np.random.Generator) -> np.ndarray[Any, Any]:
    """Areas whose point is near: roots that differ by noise."""
    roots = 0.45 + 0.4 * point + chance.normal(0, 0.02, MARKERS)
    return np.clip(roots, 0.01, None) ** 4


async def load(settings: Settings, ids: list[uuid.UUID], points: Any, scopes: Any) -> float:
    """Seconds of building the index over the profiles."""
    print(f"loading {len(ids)} synthetic profiles", flush=True)
    engine = create_async_engine(settings.database_as())
    async with engine.connect() as connection:
        session = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await session.execute(text("SET session_replication_role = replica"))
        await session.execute(
            text("INSERT INTO core.profile_method (code, agency, substance, technique, markers, description,"
                 " declared_by) VALUES (:code, 'KZ-LAB', 'SAR-000030', 'GC', :markers, 'synthetic', 'bench')"),
            {"code": METHOD, "markers": [f"m{n}" for n in range(MARKERS)]},
        )  # fmt: skip
        await session.execute(text("DROP INDEX core.profile_method_owner_unit_idx"))
        for begin in range(0, len(ids), 20_000):
            rows = [
                {"id": str(ids[n]), "scope": int(scopes[n]), "unit": as_cube(points[n].tolist())}
                for n in range(begin, min(begin + 20_000, len(ids)))
            ]
            document = orjson.dumps(rows).decode()
            await session.execute(text(_REPORTS), {"rows": document})
            await session.execute(text(_PROFILES), {"rows": document, "method": METHOD})
        started = time.perf_counter()
        await session.execute(
            text(
                "CREATE INDEX profile_method_owner_unit_idx ON core.profile USING gist (method, owner, unit)"
                " WHERE latest"
            )
        )
        built = time.perf_counter() - started
        await session.execute(text("VACUUM ANALYZE core.profile, core.report"))
    await engine.dispose()
    return built
