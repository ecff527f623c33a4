"""What the tests of links say to the service."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine, text

from service.database import Database
from service.links.seek import seek
from service.settings import Settings
from tests.exchange import Exchange
from tests.seizures.wiring import Agency
from tests.signing.wire import Reply, send, sign


@contextmanager
def sharing(exchange: Exchange, *rules: dict[str, Any]) -> Iterator[None]:
    """KZ and KG share by these rules, and by none afterwards."""
    for country in ("KZ", "KG"):
        exchange.adopt(country, *rules)
    yield
    for country in ("KZ", "KG"):
        exchange.adopt(country)


def passes(settings: Settings) -> None:
    """Passes until nothing waits: what the service does by itself every other second."""

    async def all_() -> None:
        database = Database(settings)
        waiting = create_engine(settings.database_as())
        with waiting.connect() as connection:
            while connection.scalar(text("SELECT count(*) FROM core.link_queue")):
                await seek(database)
                connection.rollback()
        # who is at it now holds the lock of passes until it is done
        with waiting.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(7276827)"))
        waiting.dispose()
        await database.dispose()

    asyncio.run(all_())


def post(agency: Agency, path: str, document: dict[str, Any], purpose: str | None = "operational") -> Reply:
    """A signed JSON request that states a purpose, and its whole answer."""
    origin = agency.exchange.settings.origin
    body = json.dumps(document).encode()
    return send(origin, sign(agency.request_key, origin, "POST", path, body, purpose=purpose))


def links(agency: Agency, **query: Any) -> list[dict[str, Any]]:
    reply = agency.get("/v1/links", **query)
    assert reply.status == 200, reply.body
    return list(reply.json()["items"])


def between(agency: Agency, *records: str, **query: Any) -> dict[str, Any] | None:
    """The link of two records as the agency sees it."""
    for link in links(agency, record=records[0], **query):
        if {entry["id"] for entry in link["records"]} == set(records):
            return link
    return None


def said(link: dict[str, Any]) -> dict[str, str]:
    """The level of each feature: `{"amount": "same-distinctive", …}`."""
    return dict(reason["level"].split(":") for reason in link["reasons"])


def confirmed(settings: Settings, one: str, other: str) -> None:
    """The two reports are of one event, as if both agencies had said so."""
    engine = create_engine(settings.database_as())
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO core.link (id, relation, a, b, a_agency, b_agency, a_scope, b_scope, a_month, b_month, base,
              facets, weights, levels, least, state)
            SELECT gen_random_uuid(), 'event', x.record_id, y.record_id, x.agency, y.agency, x.scope_id, y.scope_id,
              x.month_end, y.month_end, 0, '{0}', '{1}', '{amount:close}', 0, 'confirmed'
            FROM core.report x, core.report y
            WHERE x.latest AND y.latest AND (x.agency, x.record_id) < (y.agency, y.record_id)
              AND x.record_id IN (CAST(:one AS uuid), CAST(:other AS uuid))
              AND y.record_id IN (CAST(:one AS uuid), CAST(:other AS uuid))"""),
            {"one": one, "other": other},
        )
    engine.dispose()
