"""What a test of the access log needs: the log itself, as the database's superuser sees it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sarhad.records import Record
from sqlalchemy import Engine, create_engine, text

from service.settings import Settings
from tests.exchange import Exchange, heroin

OWNER, PARTNER, OUTSIDER = "RU", "KG", "AZ"
RULE = {
    "id": "partner",
    "effect": "permit",
    "audience": {"countries": [PARTNER]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items", "reference", "reported"],
    "time": "instant",
    "place": "point",
}
Entries = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def superuser(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_as())
    yield engine
    engine.dispose()


@pytest.fixture
def entries(superuser: Engine) -> Entries:
    """The rows of the access log with these values, oldest first."""

    def read(**values: Any) -> list[dict[str, Any]]:
        matching = " AND ".join(f"{name} = :{name}" for name in values) or "true"
        with superuser.connect() as connection:
            found = connection.execute(text(f"SELECT * FROM core.access WHERE {matching} ORDER BY at, owner"), values)
            return [dict(row) for row in found.mappings()]

    return read


@pytest.fixture(scope="module")
def shared(exchange: Exchange) -> Callable[..., str]:
    """Files a record of the owner that its partner may see; answers with the id."""
    exchange.adopt(OWNER, RULE)

    def file(agency: str = f"{OWNER}-CUS", **facets: Any) -> str:
        record: Record = heroin(agency, **facets)
        return exchange.client(agency).submit(exchange.sign(record)).id

    return file


@pytest.fixture
def quarter(superuser: Engine) -> str:
    """The quarter that is now, by the database's clock: `2026-Q3`."""
    with superuser.connect() as connection:
        found = connection.execute(text("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY\"-Q\"Q')"))
        return str(found.scalar_one())
