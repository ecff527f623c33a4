"""Nine questions of an analyst to synthetic reports, as a partner under policy over HTTP, against the same GROUP BY.

The rows are made by SQL from a few signed records and say `synthetic` in their reference; to every ten seizures there
is one analysis with one content beside them. The cube is built from them. The GROUP BY reads the reports, lines and
contents themselves as the owner of the tables: no policy, no views, no masks, no HTTP. `cube_cost` is the share of the
throughput of signed batches that triggers and folding cost, switched off and on in turns; a batch has the fresh rows at
which the service folds (`keep.MANY`).
"""

import asyncio
import http.client
import statistics
import time
from typing import Any
from urllib.parse import urlsplit

import h3
import httpx
import psycopg
from sarhad.signing import sign_request
from sqlalchemy.engine import make_url

from service.database import Database
from service.settings import Settings
from service.trends import keep
from tests.analyses.laboratory import Laboratory
from tests.benchmarks.bulk import loading
from tests.benchmarks.records import share, signed
from tests.exchange import Exchange, Region

OWNERS, LABORATORIES, PARTNER = (
    ("KZ-CUS", "UZ-CUS", "TJ-CUS", "RU-CUS"), ("KZ-LAB", "UZ-LAB", "TJ-LAB", "RU-LAB"), "KG-CUS",
)  # fmt: skip
RULE = {
    "id": "partners", "effect": "permit", "audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER",
    "facets": ["items", "transport", "route", "purity"], "time": "day", "place": "cell",
}  # fmt: skip
HEROIN, GROUP = "SAR-000608", "heroin-opiates"
_FROM = "FROM core.report r JOIN core.report_line l ON (l.record_id, l.version) = (r.record_id, r.version)"
_WHERE = "WHERE r.latest AND r.kind = 'seizure' AND r.status = 'reported'"
_SUMS = "count(DISTINCT r.record_id), sum(l.kg), sum(l.kg_low), sum(l.kg_high), count(*) FILTER (WHERE l.kg IS NULL)"
_FACT = "JOIN core.report_fact f ON (f.record_id, f.version) = (r.record_id, r.version)"
_GROUPED = "JOIN core.substance s ON s.code = l.substance"


def _raw(key: str, condition: str = "", join: str = "", more: str = "") -> str:
    return f"SELECT {key}, {_SUMS}{more} {_FROM} {join} {_WHERE} {condition} GROUP BY {key}"


_MONTH = "date_trunc('month', r.at_month)"
_GROUP_IS = f"AND s.policy_group = '{GROUP}'"
_YEAR = "AND r.at_month >= '2024-01-01' AND r.at_month < '2025-01-01'"
_TWO = "AND r.at_month >= '2023-01-01' AND r.at_month < '2025-01-01'"
IN_2024, IN_TWO = {"from": "2024-01", "to": "2025-01"}, {"from": "2023-01", "to": "2025-01"}
IN_FIVE = {"from": "2020-01", "to": "2025-01"}
_PURITY = f"""
SELECT {_MONTH}, c.unit, c.basis, count(*), count(DISTINCT r.record_id),
  percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY c.value::float8)
FROM core.report r JOIN core.content c ON (c.record_id, c.version) = (r.record_id, r.version)
JOIN core.finding f ON (f.record_id, f.version, f.line) = (c.record_id, c.version, c.line)
WHERE r.latest AND r.kind = 'analysis' AND r.status = 'reported' AND f.substance = '{HEROIN}'
  AND r.at_month >= '2020-01-01' AND r.at_month < '2025-01-01' GROUP BY {_MONTH}, c.unit, c.basis"""
QUESTIONS: dict[str, tuple[str, dict[str, str], str]] = {
    "month_of_one": ("/v1/trends", {"by": "month", "substance": HEROIN}, _raw(_MONTH, f"AND l.substance = '{HEROIN}'")),
    "days": ("/v1/trends", {"by": "day", "group": GROUP, **IN_TWO}, _raw("r.at_day", f"{_GROUP_IS} {_TWO}", _GROUPED)),
    "top": ("/v1/trends", {"by": "substance", **IN_2024}, _raw("l.substance", _YEAR)),
    "flows": ("/v1/flows", {"group": GROUP, **IN_TWO},
              _raw("f.origin, f.transit, f.destination, f.certainty", f"{_GROUP_IS} {_TWO}", f"{_GROUPED} {_FACT}")),
    "cells": ("/v1/trends", {"by": "cell", "group": GROUP, **IN_2024},
              _raw("f.cell", f"{_GROUP_IS} {_YEAR}", f"{_GROUPED} {_FACT}")),
    "first": ("/v1/trends", {"by": "owner,substance", "measure": "seizures,kg,first"},
              _raw("r.country, l.substance", more=", min(r.at_month)")),
    "groups": ("/v1/trends", {"by": "group,month"}, _raw(f"s.policy_group, {_MONTH}", "", _GROUPED)),
    "purity": ("/v1/trends", {"by": "month", "measure": "purity", "substance": HEROIN, **IN_FIVE}, _PURITY),
    "units": ("/v1/trends", {"by": "admin1", "substance": HEROIN, **IN_TWO},
              _raw("r.admin1", f"AND l.substance = '{HEROIN}' {_TWO}")),
}  # fmt: skip


def measure(settings: Settings, region: Region, rows: int | None, seconds: float, **_: Any) -> dict[str, Any]:
    rows = rows or 1_000_000
    exchange = Exchange.start(settings, region)
    try:
        share(exchange, OWNERS, RULE)
        for name in LABORATORIES:
            _examine(exchange, name)
        cost = _cube_cost(settings, exchange, region)
        small = _at(settings, exchange, region, rows // 10, seconds)
        large = _at(settings, exchange, region, rows, seconds)
    finally:
        exchange.stop()
    growth = "growth_1m_to_10m" if rows == 10_000_000 else "growth_from_a_tenth"
    return {
        "rows": rows, **{f"{name}_p95_ms": spent for name, (spent, _) in large.items()},
        **{f"{name}_group_by_p95_ms": spent for name, (_, spent) in large.items()},
        "p95_ms": max(ours for ours, _ in large.values()),
        "speedup_over_group_by": round(min(theirs / ours for ours, theirs in large.values()), 2),
        growth: round(max(large[name][0] / small[name][0] for name in large), 2), "cube_cost": cost,
    }  # fmt: skip


def _examine(exchange: Exchange, name: str) -> None:
    """One analysis of each laboratory, countersigned."""
    reviewer = exchange.region.profiles[exchange.add_holder(f"{name}/reviewer")].load_record_key()
    laboratory = Laboratory(exchange, name, reviewer)
    reply = laboratory.file(laboratory.found(reference=f"BENCH-{name}"))
    if reply.status != 201:
        raise RuntimeError(reply.body)


def _at(
    settings: Settings, exchange: Exchange, region: Region, rows: int, seconds: float
) -> dict[str, tuple[float, float]]:
    """Per question the p95 over HTTP and of the GROUP BY, in milliseconds, taken in turns."""
    asyncio.run(_load(settings, rows))
    found = {}
    with psycopg.connect(_url(settings), autocommit=True) as connection:
        for name, (path, params, sql) in QUESTIONS.items():
            ours: list[float] = []
            theirs: list[float] = []
            turns = 0
            while turns < 8 or (turns < 200 and sum(ours) + sum(theirs) < seconds * 1000):
                for _ in range(5):
                    ours.append(_asked(exchange, region, path, params))
                started = time.perf_counter()
                connection.execute(sql).fetchall()
                theirs.append((time.perf_counter() - started) * 1000)
                turns += 1
            found[name] = _p95(ours[5:]), _p95(theirs[1:])
            print(f"{rows} {name}: {found[name][0]} ms, GROUP BY {found[name][1]} ms", flush=True)
    return found


def _asked(exchange: Exchange, region: Region, path: str, params: dict[str, str]) -> float:
    request = httpx.Request(
        "GET", exchange.settings.origin + path, params=params, headers={"sarhad-purpose": "analysis"}
    )
    sign_request(request, region.profiles[PARTNER].load_request_key())
    address = urlsplit(exchange.settings.origin)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=600)
    connection.connect()
    started = time.perf_counter()
    connection.request("GET", request.url.raw_path.decode(), None, dict(request.headers))
    response = connection.getresponse()
    body = response.read()
    elapsed = (time.perf_counter() - started) * 1000
    connection.close()
    if response.status != 200 or (b'"key"' not in body and b'"origin"' not in body) or b'"purity":[]' in body:
        raise RuntimeError(body[:1000])
    return elapsed


async def _load(settings: Settings, rows: int) -> None:
    """Up to `rows` synthetic reports beside the signed ones and a tenth as many analyses, the cube built from all,
    statistics fresh.
    """
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(43, 68, 5), 11))
    with psycopg.connect(_url(settings), autocommit=True) as connection:
        held = connection.execute("SELECT count(*) FROM core.report WHERE reference LIKE 'synthetic-%'").fetchone()
        values = {"first": (held or (0,))[0] + 1, "rows": rows, "cells": cells}
        print(f"loading synthetic reports up to {rows}", flush=True)
        with loading(connection):
            connection.execute(_REPORTS, values)
            connection.execute(_FACTS, values)
            connection.execute("ANALYZE core.report, core.report_line")  # or the join of the lines is a guess
            for statement in (_LINES, _ANALYSES, _FINDINGS, _CONTENTS):
                connection.execute(statement, values)
        database = Database(settings)
        await keep.rebuild(database)
        await database.dispose()
        connection.execute("VACUUM ANALYZE")


_REPORTS = """
INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest, status,
  reference, digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day,
  at_month, month_end, admin1, place_country, transport_mode, place_type)
WITH made AS MATERIALIZED (
  SELECT i, timestamptz '2011-01-01' + random() * interval '5470 days' AS t, random() AS u
  FROM generate_series(%(first)s::int, %(rows)s) i)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(made.i), 12, '0'))::uuid, 1, 'seizure',
  s.agency, s.country, s.key_id, s.handling, s.scope_id, true, 'reported',
  'synthetic-' || made.i, s.digest, s.content_hash, 'synthetic', array_fill(NULL::text, ARRAY[19]), '', '', '', '[]', t,
  date_trunc('day', t), date_trunc('month', t), (date_trunc('month', t) + interval '1 month - 1 day')::date,
  s.country || '-' || (10 + floor(power(random(), 2) * 16)::int), s.country,
  (ARRAY['2', '3', '3', '3', '4', '5'])[1 + floor(random() * 6)::int],
  (ARRAY['ROAD', 'BCPR', 'AIRP', 'POST'])[1 + floor(random() * 4)::int]
FROM made
JOIN (SELECT *, row_number() OVER (ORDER BY reference, agency) - 1 AS n, count(*) OVER () AS total FROM core.report
      WHERE reference ~ '^BENCH-1?[0-9]$' AND latest AND kind = 'seizure') s
  ON s.n = floor(power(made.u, 2) * s.total)::int
"""
_FACTS = """
INSERT INTO core.report_fact (record_id, version, scope_id, month_end, latest, kind, day, cell, place_country, admin1,
  transport_mode, place_type, origin, transit, destination, certainty)
SELECT record_id, version, scope_id, month_end, latest, kind, at_day::date,
  (%(cells)s::text[])[1 + floor(power(random(), 2) * 397)::int], place_country, admin1, transport_mode, place_type,
  (ARRAY['AF', 'AF', 'AF', 'TJ', 'IR'])[1 + floor(random() * 5)::int],
  (ARRAY['TJ', 'TM', 'TJ>UZ'])[1 + floor(random() * 3)::int],
  (ARRAY['RU', 'RU', 'KZ', 'UA'])[1 + floor(random() * 4)::int],
  (ARRAY['KNOWN', 'SUSPECTED'])[1 + floor(random() * 2)::int]
FROM core.report WHERE reference LIKE 'synthetic-%%' AND substr(reference, 11)::int >= %(first)s
"""
_LINES = """
INSERT INTO core.report_line (record_id, version, line, scope_id, month_end, substance, status, form, quantity, unit,
  kg, kg_low, kg_high, rule)
SELECT r.record_id, 1, l.line, r.scope_id, r.month_end, l.substance,
  (ARRAY['PRES', 'CONF'])[1 + floor(random() * 2)::int],
  l.form, l.quantity, l.unit, l.kg, l.kg_low, l.kg_high, l.rule
FROM core.report r
JOIN core.report s ON s.digest = r.digest AND s.reference ~ '^BENCH-1?[0-9]$'
JOIN core.report_line l ON (l.record_id, l.version) = (s.record_id, s.version)
WHERE r.reference LIKE 'synthetic-%%' AND substr(r.reference, 11)::int >= %(first)s
"""
_ANALYSES = """
INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest, status,
  reference, digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day,
  at_month, month_end, place_country)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(made.i), 12, '0'))::uuid, 1, 'analysis', s.agency, s.country,
  s.key_id, s.handling, s.scope_id, true, 'reported', 'synthetic analysis ' || made.i, s.digest, s.content_hash,
  'synthetic', array_fill(NULL::text, ARRAY[19]), '', '', '', '[]', t, date_trunc('day', t), date_trunc('month', t),
  (date_trunc('month', t) + interval '1 month - 1 day')::date, s.country
FROM (SELECT i, timestamptz '2011-01-01' + random() * interval '5470 days' AS t
      FROM generate_series(%(first)s::int, %(rows)s) i WHERE i %% 10 = 0) made
JOIN (SELECT *, row_number() OVER (ORDER BY agency) - 1 AS n, count(*) OVER () AS total FROM core.report
      WHERE reference LIKE 'BENCH-__-LAB' AND latest) s ON s.n = made.i / 10 %% s.total
"""
_FINDINGS = """
INSERT INTO core.finding (record_id, version, scope_id, month_end, line, substance, role, level)
SELECT r.record_id, 1, r.scope_id, r.month_end, 1,
  (ARRAY['SAR-000608', 'SAR-000384', 'SAR-000030'])[1 + floor(random() * 3)::int], 'MAIN', 'IDENTIFIED'
FROM core.report r
WHERE r.reference LIKE 'synthetic analysis %%' AND substr(r.reference, 20)::int >= %(first)s
"""
_CONTENTS = """
INSERT INTO core.content (record_id, version, scope_id, month_end, n, line, value, unit, basis)
SELECT r.record_id, 1, r.scope_id, r.month_end, 1, 1, round((5 + 90 * random() * random())::numeric, 1), '%%', 'AS_BASE'
FROM core.report r
WHERE r.reference LIKE 'synthetic analysis %%' AND substr(r.reference, 20)::int >= %(first)s
"""


def _cube_cost(settings: Settings, exchange: Exchange, region: Region, size: int = 7_000, turns: int = 4) -> float:
    """The share of throughput that is lost with the triggers on and everything folded, against triggers off."""
    spent: dict[bool, list[float]] = {True: [], False: []}
    agency, client = OWNERS[0], exchange.client(OWNERS[0])
    for turn in range(-1, 2 * turns):  # the first is not counted
        counting = turn % 4 in (0, 3)  # on, off, off, on, so that a drift falls on both alike
        batch = signed(region.profiles[agency], agency, 1_000_000 + (turn + 1) * size, size)
        with psycopg.connect(_url(settings), autocommit=True) as connection:
            for table in ("report", "report_line"):
                connection.execute(f"ALTER TABLE core.{table} {'ENABLE' if counting else 'DISABLE'} TRIGGER cube_filed")
        started = time.perf_counter()
        for verdict in client.submit_batch(batch, atomic=True):
            if not verdict.accepted:
                raise RuntimeError(verdict.problem)
        elapsed = time.perf_counter() - started
        folding = asyncio.run(_fold(settings)) if counting else 0.0
        if turn >= 0:
            spent[counting].append(elapsed + folding)
        print(
            f"{size} records {elapsed:.2f} s, folding {folding:.2f} s, cube {'on' if counting else 'off'}", flush=True
        )
    with psycopg.connect(_url(settings), autocommit=True) as connection:
        for table in ("report", "report_line"):
            connection.execute(f"ALTER TABLE core.{table} ENABLE TRIGGER cube_filed")
    return round(1 - sum(spent[False]) / sum(spent[True]), 3)


async def _fold(settings: Settings) -> float:
    """Seconds that folding takes, over a connection that stands."""
    database = Database(settings)
    await keep.fold(database, 1_000_000_000)
    started = time.perf_counter()
    await keep.fold(database)
    elapsed = time.perf_counter() - started
    await database.dispose()
    return elapsed


def _url(settings: Settings) -> str:
    return make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def _p95(times: list[float]) -> float:
    return round(statistics.quantiles(times, n=100, method="inclusive")[94], 2)
