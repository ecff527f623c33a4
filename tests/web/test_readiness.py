"""What the service says while it should not be asked."""

import httpx
from sqlalchemy import create_engine, text

from tests.exchange import Exchange


def test_a_database_at_another_migration_is_not_ready(exchange: Exchange) -> None:
    """A load balancer then sends nobody here; the process lives, and is ready again when the database is."""
    engine = create_engine(exchange.settings.database_as())
    change = text("UPDATE core.alembic_version SET version_num = :to WHERE version_num = :from_ RETURNING version_num")
    with engine.connect() as connection:
        applied = connection.scalar(text("SELECT version_num FROM core.alembic_version"))
    try:
        with engine.begin() as connection:
            connection.execute(change, {"from_": applied, "to": "0000"})
        refused = httpx.get(f"{exchange.settings.origin}/readyz")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/not-ready")
        assert refused.headers["content-type"] == "application/problem+json"
        assert httpx.head(f"{exchange.settings.origin}/readyz").status_code == 503
        assert httpx.get(f"{exchange.settings.origin}/healthz").status_code == 200
    finally:
        with engine.begin() as connection:
            connection.execute(change, {"from_": "0000", "to": applied})
        engine.dispose()
    assert httpx.get(f"{exchange.settings.origin}/readyz").status_code == 200
