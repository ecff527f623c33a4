"""What the access log costs: reads a second with it and without it, by the same clients, in turns."""

import http.client
import os
import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
from sarhad.signing import sign_request

from service.settings import Settings
from tests.benchmarks.records import signed
from tests.exchange import Exchange, Region

READERS = 8
WITHOUT = "import runpy; runpy.run_module('tests.benchmarks.unaccounted', run_name='__main__')"
OWNER, READER = "KZ-CUS", "KG-CUS"
RULE = {
    "id": "neighbours",
    "effect": "permit",
    "audience": {"countries": ["KG"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items", "transport", "reference"],
    "time": "day",
    "place": "cell",
}


def measure(settings: Settings, region: Region, rows: int | None, seconds: float, **_: Any) -> dict[str, Any]:
    exchange = Exchange.start(settings, region)
    try:
        exchange.adopt(OWNER[:2], RULE)
        client = exchange.client(OWNER)
        records = [client.submit(record).id for record in signed(region.profiles[OWNER], OWNER, 0, rows or 200)]
    finally:
        exchange.stop()
    return cost(settings, region, records, seconds)


def cost(settings: Settings, region: Region, records: list[str], seconds: float) -> dict[str, Any]:
    """`access_log_cost`: the fraction of reads a second that the log takes, of items or pages whichever is more;
    `records` are ids that READER may see. Both services run on the same database, and only one is asked at a time.
    """
    workers = len(os.sched_getaffinity(0))
    logging = Exchange.start(settings, region, workers=workers)
    without = Exchange.start(settings, region, workers=workers, program=WITHOUT)
    figures: dict[str, Any] = {"readers": READERS}
    try:
        lost = []
        for name, path in (("item", "/v1/seizures/{}"), ("page", "/v1/seizures?limit=50")):
            rates = _in_turns({"on": logging, "off": without}, path, records, seconds)
            on, off = (statistics.median(rates[which]) for which in ("on", "off"))
            lost.append(1 - on / off)
            figures |= {
                f"{name}_on_per_s": round(on),
                f"{name}_off_per_s": round(off),
                f"{name}_cost": round(lost[-1], 3),
            }
    finally:
        logging.stop()
        without.stop()
    return figures | {"access_log_cost": round(max(lost), 3)}


def _in_turns(services: dict[str, Exchange], path: str, records: list[str], seconds: float) -> dict[str, list[float]]:
    """Requests a second of each turn; signed ahead, so that the clients do little but wait."""
    chance = random.Random(7)
    rates: dict[str, list[float]] = {name: [] for name in services}
    for turn in range(2 * max(3, round(seconds / 2))):
        order = list(services) if turn % 2 else list(services)[::-1]
        for name in order:
            number = 160 if turn == 0 else max(160, int(2 * rates[name][-1]))
            asked = [_request(services[name], path.format(chance.choice(records))) for _ in range(number)]
            rates[name].append(rate(services[name], asked))
    return {name: found[2:] for name, found in rates.items()}  # the first turns warm plans and caches


def _request(exchange: Exchange, path: str) -> httpx.Request:
    request = httpx.Request("GET", exchange.settings.origin + path, headers={"sarhad-purpose": "operational"})
    sign_request(request, exchange.region.profiles[READER].load_request_key())
    return request


def rate(exchange: Exchange, requests: list[httpx.Request]) -> float:
    """Requests a second of several readers at a time."""
    address = urlsplit(exchange.settings.origin)

    def reader(mine: list[httpx.Request]) -> None:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        for request in mine:
            connection.request("GET", request.url.raw_path.decode(), None, dict(request.headers))
            response = connection.getresponse()
            answer = response.read()
            if response.status != httpx.codes.OK:
                raise RuntimeError(answer[:2000])
        connection.close()

    with ThreadPoolExecutor(READERS) as pool:
        started = time.perf_counter()
        for _ in pool.map(reader, [requests[n::READERS] for n in range(READERS)]):
            pass
        return len(requests) / (time.perf_counter() - started)
