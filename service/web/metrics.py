"""Prometheus metrics that are right with several workers: each worker writes its counts to files of a folder
that all share, and whichever worker is asked sums them.

`PROMETHEUS_MULTIPROC_DIR` names the folder and must be set before this module is imported (`sarhad serve`
does). Labels are route templates, methods and status codes: no agency, no id, no path.
"""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

REQUESTS = Counter("sarhad_requests", "Requests answered.", ("method", "route", "status"))
SECONDS = Histogram("sarhad_request_seconds", "Time to an answer.", ("route",), buckets=_BUCKETS)
REPLICA = Counter("sarhad_replica", "Questions that the replica might answer, by what it did.", ("outcome",))


def observe(method: str, route: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method if method in _METHODS else "other", route, str(status)).inc()
    SECONDS.labels(route).observe(seconds)


def exposition() -> tuple[bytes, str]:
    """(text, content type) of the metrics of all workers."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
