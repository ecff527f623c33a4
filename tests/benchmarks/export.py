"""Exports of many lines over HTTP, as a partner under policy: the memory of the process that builds them.

`export_peak_mb` is the largest resident size (VmHWM) of a whole building process, libraries included, over all formats.
The rows are made by SQL from a few signed records of two lines each, with their owner-signed disclosures.
"""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from sarhad.records import issue, item, seizure
from sqlalchemy.engine import make_url

from service.settings import Settings
from tests.benchmarks.bulk import loading
from tests.exchange import Exchange, Region

OWNER, PARTNER = "KZ-CUS", "KG-CUS"
FORMATS = ("csv", "xlsx", "geojson", "gpkg", "parquet", "geoparquet", "stix", "sdmx")
RULE = {
    "id": "partners", "effect": "permit", "audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER",
    "facets": ["reference", "items", "transport"], "time": "day", "place": "point",
}  # fmt: skip


def measure(settings: Settings, region: Region, rows: int | None, **_: Any) -> dict[str, Any]:
    rows = rows or 1_000_000
    exchange = Exchange.start(settings, region, SARHAD_JOBS="true")
    try:
        exchange.adopt(OWNER[:2], RULE)
        for number in range(20):
            exchange.client(OWNER).submit(_signed(region, number))
        _load(settings, rows // 2)
        return {"rows": rows, **_exported(exchange, rows)}
    finally:
        exchange.stop()


def _exported(exchange: Exchange, rows: int) -> dict[str, Any]:
    client, process = exchange.client(PARTNER, "analysis"), _jobs_process(exchange.process.pid)
    figures: dict[str, Any] = {}
    for name in FORMATS:
        started, peak = time.perf_counter(), 0.0
        export = client.ask_export(name)["id"]
        while (document := client.export(export))["state"] in ("queued", "running"):
            peak = max(peak, _peak_mb(process))
            time.sleep(0.1)
        spent = time.perf_counter() - started
        if document["state"] != "ready" or document["rows"] < rows:
            raise RuntimeError(document)
        if not peak:
            raise RuntimeError("no process was seen to build it")
        started = time.perf_counter()
        first = client.export_part(export, 0, 2**20)
        figures |= {
            f"{name}_peak_mb": peak, f"{name}_seconds": round(spent, 1), f"{name}_mb": round(document["size"] / 1e6, 1),
            f"{name}_first_byte_seconds": round(time.perf_counter() - started, 1) if first else None,
        }  # fmt: skip
        print({key: figures[key] for key in figures if key.startswith(f"{name}_")}, flush=True)
        client.delete_export(export)
    return {"export_peak_mb": max(figures[f"{name}_peak_mb"] for name in FORMATS), **figures}


def _jobs_process(parent: int) -> Path:
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in children.read_text().split():
            if b"service.cli.jobs" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return Path(f"/proc/{pid}")
    raise RuntimeError("no process does the jobs")


def _peak_mb(jobs: Path) -> float:
    """Of the process that builds, so far; 0 where none does."""
    found = [0.0]
    for children in jobs.glob("task/*/children"):
        for pid in children.read_text().split():
            with suppress(OSError, ValueError):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                (line,) = [line for line in lines if line.startswith("VmHWM")]
                found.append(round(int(line.split()[1]) / 1024, 1))
    return max(found)


def _signed(region: Region, number: int) -> str:
    record = seizure(
        OWNER, reference=f"BENCH-{number}", country="KZ", instant=f"2024-{1 + number % 12:02}-05T10:00:00+05:00",
        items=[item(None, "Heroin", f"{number + 1}.250", "kg", status="PRES", line=1),
               item(None, "Opium", f"{number + 1}00", "g", status="PRES", line=2)],
        where_point={"lat": f"43.{number:02}", "lon": f"68.{number:02}", "accuracy_m": 500, "method": "GPS"},
        transport={"mode": "3", "conveyance": "TRK", "concealment": ["VSC", "CGA"], "place_type": "ROAD"},
    )  # fmt: skip
    return issue(region.profiles[OWNER].load_record_key(), record)


def _load(settings: Settings, records: int) -> None:
    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    print(f"loading {records} records of two lines", flush=True)
    with psycopg.connect(url, autocommit=True) as connection:
        with loading(connection):
            connection.execute(_REPORTS, {"records": records})
            connection.execute(_LINES)
        connection.execute("VACUUM ANALYZE")


_REPORTS = """
INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest, status,
  reference, digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day,
  at_month, month_end, point, cell, admin1, place_country, transport_mode, conveyance, place_type, concealment)
SELECT gen_random_uuid(), 1, s.kind, s.agency, s.country, s.key_id, s.handling, s.scope_id, true, 'reported',
  'synthetic-' || i, s.digest, s.content_hash, 'synthetic', s.disclosures, '', '', '', '[]', s.at_instant, s.at_day,
  s.at_month, s.month_end, s.point, s.cell, s.admin1, s.place_country, s.transport_mode, s.conveyance, s.place_type,
  s.concealment
FROM generate_series(1, %(records)s) i
JOIN (SELECT *, row_number() OVER (ORDER BY reference) - 1 AS n FROM core.report WHERE reference LIKE 'BENCH-%%') s
  ON s.n = i %% 20
"""
_LINES = """
INSERT INTO core.report_line (record_id, version, line, scope_id, month_end, substance, status, form, quantity, unit,
  kg, kg_low, kg_high, rule)
SELECT r.record_id, 1, l.line, r.scope_id, r.month_end, l.substance, l.status, l.form, l.quantity, l.unit, l.kg,
  l.kg_low, l.kg_high, l.rule
FROM core.report r JOIN core.report s ON s.digest = r.digest AND s.reference LIKE 'BENCH-%%'
JOIN core.report_line l ON (l.record_id, l.version) = (s.record_id, s.version)
WHERE r.reference LIKE 'synthetic-%%'
"""
