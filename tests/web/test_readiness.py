"""What the service says while it should not be asked."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from sqlalchemy import create_engine, text

from tests.exchange import Exchange


@contextmanager
def at_migration(exchange: Exchange, revision: str) -> Iterator[None]:
    engine = create_engine(exchange.settings.database_as())
    change = text("UPDATE core.alembic_version SET version_num = :to")
    with engine.connect() as connection:
        applied = connection.scalar(text("SELECT version_num FROM core.alembic_version"))
    try:
        with engine.begin() as connection:
            connection.execute(change, {"to": revision})
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(change, {"to": applied})
        engine.dispose()


def test_a_database_at_an_earlier_migration_is_not_ready(exchange: Exchange) -> None:
    """A load balancer then sends nobody here; the process lives, and is ready again when the database is."""
    with at_migration(exchange, "0001"):
        refused = httpx.get(f"{exchange.settings.origin}/readyz")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/not-ready")
        assert refused.headers["content-type"] == "application/problem+json"
        assert httpx.head(f"{exchange.settings.origin}/readyz").status_code == 503
        assert httpx.get(f"{exchange.settings.origin}/healthz").status_code == 200
    assert httpx.get(f"{exchange.settings.origin}/readyz").status_code == 200


def test_a_database_at_a_later_migration_is_ready(exchange: Exchange) -> None:
    """The next release's migrations are applied while this one serves: nobody is sent away meanwhile."""
    with at_migration(exchange, "9999"):
        assert httpx.get(f"{exchange.settings.origin}/readyz").status_code == 200
