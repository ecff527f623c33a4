"""What a replica takes off the leader: an analyst's questions a second, and the leader's processor time for a thousand.

Both databases, the service and its callers share this machine, so that the rate says what the way by the replica costs;
what it saves is the time of the leader's own processes. With it and without it in turns, on the same rows.
"""

import asyncio
import os
import statistics
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
from sarhad.signing import sign_request

from deploy.cluster import Cluster
from deploy.ha.processes import family
from service.settings import Settings
from tests.benchmarks.access import rate
from tests.benchmarks.records import share
from tests.benchmarks.trends import OWNERS, QUESTIONS, RULE, _load
from tests.exchange import Exchange, Region
from tests.faults.standby import followed

ANALYST = "KG-DCA"
ASKED = [(path, params) for name, (path, params, _) in QUESTIONS.items() if name != "purity"]
TURNS = 5


def measure(settings: Settings, region: Region, rows: int | None, seconds: float, **_: Any) -> dict[str, Any]:
    rows = rows or 200_000
    exchange = Exchange.start(settings, region)
    try:
        share(exchange, OWNERS, RULE)
    finally:
        exchange.stop()
    asyncio.run(_load(settings, rows))
    leader = Cluster(settings.state_dir.parent / "cluster")
    workers = len(os.sched_getaffinity(0))
    with followed(leader, {}) as standby:
        alone = Exchange.start(settings, region, workers=workers)
        beside = Exchange.start(settings, region, workers=workers, SARHAD_REPLICA_URL=standby.url())
        try:
            figures = _in_turns({"alone": alone, "beside": beside}, leader, seconds)
            answered = beside.anyone.get("/metrics").text
        finally:
            alone.stop()
            beside.stop()
    by = {line.split('"')[1]: float(line.split()[-1]) for line in answered.splitlines()
          if line.startswith("sarhad_replica_total{")}  # fmt: skip
    return {"rows": rows, **figures, "by_replica": round(by.get("answers", 0) / sum(by.values()), 3)}


def _in_turns(services: dict[str, Exchange], leader: Cluster, seconds: float) -> dict[str, float]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in services}
    for turn in range(TURNS + 1):
        for name, exchange in services.items():
            number = 160 if turn == 0 else max(160, int(found[name][-1][0] * seconds / TURNS))
            asked = [_request(exchange, *each) for each in islice(cycle(ASKED), number)]
            before = _spent(leader)
            per_second = rate(exchange, asked)
            found[name].append((per_second, 1000 * (_spent(leader) - before) / number))
    kept = {name: turns[1:] for name, turns in found.items()}  # the first turns warm plans and caches
    return {f"{name}_per_s": round(statistics.median(r for r, _ in turns), 1) for name, turns in kept.items()} | {
        f"{name}_leader_s_per_1000": round(statistics.median(s for _, s in turns), 2) for name, turns in kept.items()
    }


def _request(exchange: Exchange, path: str, params: dict[str, str]) -> httpx.Request:
    request = httpx.Request("GET", exchange.settings.origin + path, params=params,
                            headers={"sarhad-purpose": "analysis"})  # fmt: skip
    sign_request(request, exchange.region.profiles[ANALYST].load_request_key())
    return request


def _spent(cluster: Cluster) -> float:
    """Seconds of processor time of all its processes that run."""
    ticks = 0
    for pid in family(cluster.pid or 0):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
