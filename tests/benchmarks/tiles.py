"""Vector tiles at z3 to z10 and pages by bounding box, as a partner under policy, beside TiPg 1.6 over the same rows.

TiPg (an environment of its own) reads a copy of the rows without policy, views or signatures, with its own indexes.
Each question is asked of both in turns, over HTTP, on the same machine; a tile of ours holds sums by H3 cell, one
of TiPg's up to 10,000 points, which is its default. Rows lie around cities of the region, as seizures do; the tiles
asked for are those around the cities, where the rows are.

`nothing_p95_ms` is what a tile of ours takes on which there is nothing: the signature is verified, the policies are
asked, the reading is logged, the answer is signed. No tile can be more than `most_possible` times as fast as TiPg's.
"""

import asyncio
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import h3
import httpx
import numpy as np
import psycopg
from sarhad.signing import sign_request
from sqlalchemy.engine import make_url

from service.database import Database
from service.ogc.grid import HALF, mercator
from service.settings import Settings
from service.trends import keep
from tests.benchmarks.bulk import loading
from tests.benchmarks.records import share
from tests.benchmarks.trends import _LINES, OWNERS, PARTNER, _p95, _url
from tests.exchange import Exchange, Region

RULE = {
    "id": "partners", "effect": "permit", "audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER",
    "facets": ["items", "transport"], "time": "day", "place": "point",
}  # fmt: skip
CITIES = ((69.2, 34.5), (68.8, 38.55), (69.25, 41.3), (74.6, 42.87), (76.9, 43.25), (62.2, 35.3), (58.4, 37.9),
          (71.45, 51.13), (60.6, 56.8), (49.9, 40.4), (37.6, 55.75), (82.9, 55.0))  # fmt: skip
ASKED = CITIES[1:5]
NOWHERE = "/ogc/collections/cells/tiles/WebMercatorQuad/10/900/100"  # in the Pacific, far south
BOXES = {"bbox_city": 0.2, "bbox_province": 2.0, "bbox_region": 12.0}  # half of the side, degrees


def measure(settings: Settings, region: Region, rows: int | None, seconds: float, **_: Any) -> dict[str, Any]:
    rows = rows or 5_000_000
    exchange = Exchange.start(settings, region)
    try:
        share(exchange, OWNERS, RULE)
        load(settings, rows)
        with tipg(settings) as theirs:
            nothing = _p95([_ours(exchange, region, NOWHERE)[0] for _ in range(200)])
            found = {name: _turns(exchange, region, theirs, ours, other, seconds) for name, ours, other in _questions()}
    finally:
        exchange.stop()
    ratios = {name: their / our for name, (our, their, _, _) in found.items()}
    return {
        "rows": rows, **{f"{name}_p95_ms": our for name, (our, _, _, _) in found.items()},
        **{f"{name}_tipg_p95_ms": their for name, (_, their, _, _) in found.items()},
        "speedup_over_tipg_p95": round(min(ratios.values()), 2),
        "slowest_against_tipg": min(ratios, key=ratios.__getitem__), "nothing_p95_ms": nothing,
        "most_possible": round(min(their for _, their, _, _ in found.values()) / nothing, 2),
        "max_tile_kb": round(max(size for name, (_, _, size, _) in found.items() if name[0] == "z") / 1024, 1),
        "tipg_max_tile_kb": round(max(size for name, (_, _, _, size) in found.items() if name[0] == "z") / 1024, 1),
    }  # fmt: skip


def _questions() -> Iterator[tuple[str, list[str], list[str]]]:
    """Name, our paths, TiPg's."""
    for z in range(3, 11):
        tiles = sorted({_tile(z, *city) for city in ASKED})
        yield (
            f"z{z}",
            [f"/ogc/collections/cells/tiles/WebMercatorQuad/{z}/{row}/{col}" for row, col in tiles],
            [f"/collections/open.seizure/tiles/WebMercatorQuad/{z}/{col}/{row}" for row, col in tiles],
        )
        if z >= 8:
            yield (
                f"z{z}_points",
                [f"/ogc/collections/seizures/tiles/WebMercatorQuad/{z}/{row}/{col}" for row, col in tiles],
                [f"/collections/open.seizure/tiles/WebMercatorQuad/{z}/{col}/{row}" for row, col in tiles],
            )
    for name, reach in BOXES.items():
        boxes = [
            urlencode({"bbox": f"{x - reach},{y - reach},{x + reach},{y + reach}", "limit": 100}) for x, y in ASKED
        ]
        yield (
            name,
            [f"/ogc/collections/seizures/items?{box}" for box in boxes],
            [f"/collections/open.seizure/items?{box}" for box in boxes],
        )


def _tile(z: int, lon: float, lat: float) -> tuple[int, int]:
    x, y = mercator(lon, lat)
    side = 2 * HALF / (1 << z)
    return int((HALF - y) / side), int((x + HALF) / side)


def _turns(
    exchange: Exchange, region: Region, theirs: str, ours: list[str], others: list[str], seconds: float
) -> tuple[float, float, int, int]:
    """p95 of ours and of TiPg's in milliseconds, the largest answer of each in bytes."""
    spent: tuple[list[float], list[float]] = ([], [])
    largest = [0, 0]
    turns = 0
    while turns < 12 or (turns < 200 and sum(spent[0]) + sum(spent[1]) < seconds * 1000):
        for path, other in zip(ours, others, strict=True):
            for n, (elapsed, size) in enumerate((_ours(exchange, region, path), _asked(theirs, other, {}))):
                largest[n] = max(largest[n], size)
                if turns >= 2:
                    spent[n].append(elapsed)
        turns += 1
    our, their = _p95(spent[0]), _p95(spent[1])
    print(f"{ours[0]}: {our} ms, TiPg {their} ms, {largest[0]} and {largest[1]} bytes", flush=True)
    return our, their, largest[0], largest[1]


def _ours(exchange: Exchange, region: Region, path: str) -> tuple[float, int]:
    """Signed beforehand, as the partner."""
    origin = exchange.settings.origin
    request = httpx.Request("GET", origin + path, headers={"sarhad-purpose": "analysis"})
    sign_request(request, region.profiles[PARTNER].load_request_key())
    return _asked(origin, request.url.raw_path.decode(), dict(request.headers))


def _asked(origin: str, path: str, headers: dict[str, str]) -> tuple[float, int]:
    address = urlsplit(origin)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=600)
    connection.connect()
    started = time.perf_counter()
    connection.request("GET", path, None, headers)
    response = connection.getresponse()
    body = response.read()
    elapsed = (time.perf_counter() - started) * 1000
    connection.close()
    if response.status != 200 or (not body and not path.endswith(NOWHERE)):
        raise RuntimeError(f"{path}: {response.status} {body[:500]!r}")
    return elapsed, len(body)


@contextmanager
def tipg(settings: Settings) -> Iterator[str]:
    """Its address, over the schema `open` of the same database."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    command = [
        os.environ["SARHAD_TIPG_PYTHON"],
        "-m",
        "uvicorn",
        "tipg.main:app",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    environment = os.environ | {
        "DATABASE_URL": _socket_url(settings), "TIPG_DB_SCHEMAS": '["open"]',
        "TIPG_DB_EXCLUDE_FUNCTION_SCHEMAS": '["public"]',
        "TIPG_CATALOG_TTL": "36000",
    }  # fmt: skip
    process = subprocess.Popen(command, env=environment)
    try:
        origin, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 180
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{origin}/collections/open.seizure", timeout=60).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.5)
        else:
            raise RuntimeError("TiPg did not answer")
        yield origin
    finally:
        process.terminate()
        process.wait(30)


def _socket_url(settings: Settings) -> str:
    """The same with the socket's directory where TiPg's driver looks for a host."""
    url = make_url(settings.database_url)
    if "host" not in url.query:
        return _url(settings)
    return f"postgresql://{url.username}@{quote(str(url.query['host']), safe='')}:{url.query['port']}/{url.database}"


def load(settings: Settings, rows: int) -> None:
    """Synthetic reports around the cities, the cube built from them, and the copy that TiPg reads."""
    chance = np.random.default_rng(1)
    at, reach, angle = (
        chance.integers(0, len(CITIES), rows),
        3.5 * chance.random(rows) ** 2,
        chance.random(rows) * 2 * np.pi,
    )
    cities = np.array(CITIES)
    lon, lat = cities[at, 0] + reach * np.cos(angle), cities[at, 1] + 0.75 * reach * np.sin(angle)
    with psycopg.connect(_url(settings), autocommit=True) as connection:
        print(f"loading {rows} synthetic reports", flush=True)
        with loading(connection):
            connection.execute("CREATE UNLOGGED TABLE public.staged (i int, lon float8, lat float8, h3 text)")
            with connection.cursor().copy("COPY public.staged FROM STDIN") as copy:
                for n in range(rows):
                    copy.write_row((n + 1, float(lon[n]), float(lat[n]), h3.latlng_to_cell(lat[n], lon[n], 5)))
            connection.execute(_REPORTS)
            connection.execute(_FACTS)
            connection.execute("ANALYZE core.report, core.report_line")  # or the join of the lines is a guess
            connection.execute(_LINES, {"first": 1})
            connection.execute("DROP TABLE public.staged")
        print("building the cube", flush=True)
        database = Database(settings)
        asyncio.run(_rebuilt(database))
        print("the copy without protection", flush=True)
        connection.execute(_COPY)
        connection.execute("VACUUM ANALYZE")


async def _rebuilt(database: Database) -> None:
    await keep.rebuild(database)
    await database.dispose()


_REPORTS = """
INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest, status,
  reference, digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day,
  at_month, month_end, admin1, place_country, transport_mode, place_type, point, cell)
WITH made AS MATERIALIZED (
  SELECT g.*, timestamptz '2011-01-01' + random() * interval '5470 days' AS t, random() AS u FROM public.staged g)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(made.i), 12, '0'))::uuid, 1, 'seizure',
  s.agency, s.country, s.key_id, s.handling, s.scope_id, true, 'reported',
  'synthetic-' || made.i, s.digest, s.content_hash, 'synthetic', array_fill(NULL::text, ARRAY[19]), '', '', '', '[]', t,
  date_trunc('day', t), date_trunc('month', t), (date_trunc('month', t) + interval '1 month - 1 day')::date,
  s.country || '-' || (10 + floor(power(random(), 2) * 16)::int), s.country,
  (ARRAY['2', '3', '3', '3', '4', '5'])[1 + floor(random() * 6)::int],
  (ARRAY['ROAD', 'BCPR', 'AIRP', 'POST'])[1 + floor(random() * 4)::int],
  ST_SetSRID(ST_MakePoint(made.lon, made.lat), 4326),
  ST_SetSRID(ST_MakePoint(round(made.lon::numeric, 1), round(made.lat::numeric, 1)), 4326)
FROM made
JOIN (SELECT *, row_number() OVER (ORDER BY reference, agency) - 1 AS n, count(*) OVER () AS total FROM core.report
      WHERE reference ~ '^BENCH-1?[0-9]$' AND latest AND kind = 'seizure') s
  ON s.n = floor(power(made.u, 2) * s.total)::int
"""
_FACTS = """
INSERT INTO core.report_fact (record_id, version, scope_id, month_end, latest, kind, day, cell, place_country, admin1,
  transport_mode, place_type)
SELECT r.record_id, r.version, r.scope_id, r.month_end, r.latest, r.kind, r.at_day::date, g.h3, r.place_country,
  r.admin1, r.transport_mode, r.place_type
FROM core.report r JOIN public.staged g ON g.i = substr(r.reference, 11)::int WHERE r.reference LIKE 'synthetic-%'
"""
_COPY = """
CREATE SCHEMA open;
CREATE TABLE open.seizure AS
  SELECT r.record_id AS id, r.at_instant AS at, r.country::text AS owner, r.agency, r.admin1, r.transport_mode,
    r.place_type, l.substance, l.kg::float8 AS kg, r.point::geometry(Point, 4326) AS geom
  FROM core.report r JOIN core.report_line l ON (l.record_id, l.version) = (r.record_id, r.version)
  WHERE r.latest AND r.kind = 'seizure' AND r.point IS NOT NULL;
ALTER TABLE open.seizure ADD PRIMARY KEY (id);
CREATE INDEX ON open.seizure USING gist (geom);
CREATE INDEX ON open.seizure (at);
"""
