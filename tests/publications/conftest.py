"""An exchange with the public tier turned on, and seizures of three countries in one year."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from sarhad.records import Record, item
from sqlalchemy import Engine, create_engine, text

from service.settings import Settings
from tests.exchange import Exchange, Region, heroin

YEAR = 2021
TABLES = [
    {"time": "quarter", "place": "country", "substance": "group"},
    {"time": "year", "place": "region", "substance": "all"},
    {"time": "month", "place": "admin1", "substance": "substance"},
]


@dataclass(frozen=True)
class Filed:
    """What a test knows of one seizure."""

    id: uuid.UUID
    agency: str
    month: str
    handling: str
    kg: Decimal


@pytest.fixture(scope="module")
def open_exchange(settings: Settings, region: Region) -> Iterator[Exchange]:
    """Ended with its module: two services of different addresses on one database sign the logs in turns."""
    running = Exchange.start(settings, region, workers=1, SARHAD_PUBLIC_RELEASES="true")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def superuser(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_as())
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def secret(superuser: Engine) -> bytes:
    with superuser.connect() as connection:
        return bytes(connection.execute(text("SELECT key FROM gate.cell_secret")).scalar_one())


def seizure_of(agency: str, month: int, day: int, kg: str, handling: str = "TLP:GREEN", year: int = YEAR) -> Record:
    return heroin(
        agency,
        handling=handling,
        reference=f"P-{uuid.uuid4()}",
        instant=f"{year}-{month:02}-{day:02}T10:00:00+05:00",
        items=[item(None, "heroin", kg, "kg", status="PRES")],
    )


def file(exchange: Exchange, records: list[Record]) -> list[Filed]:
    client = exchange.client(records[0].agency)
    verdicts = list(client.submit_batch(exchange.sign(record) for record in records))
    assert all(verdict.accepted for verdict in verdicts), [str(v.problem) for v in verdicts if v.problem]
    return [
        Filed(
            uuid.UUID(verdict.receipt.id),
            record.agency,
            str(record.facets["when.month"]),
            record.handling,
            Decimal(record.facets["items"][0]["reported"]["quantity"]),
        )
        for record, verdict in zip(records, verdicts, strict=True)
        if verdict.receipt
    ]


@pytest.fixture(scope="session")
def filed(exchange: Exchange) -> list[Filed]:
    """KZ, UZ and TJ: each with two full months and one that has few; UZ with some that are marked RED."""
    made = []
    for country, heavy in (("KZ", 3), ("UZ", 5), ("TJ", 7)):
        records = [
            seizure_of(f"{country}-CUS", month, 1 + n % 27, f"{heavy + n % 5}.{n % 10}")
            for month, count in ((1, 24), (2, 30), (5, 4))
            for n in range(count)
        ]
        records += [seizure_of("UZ-CUS", 3, n + 1, "90", "TLP:RED") for n in range(20)] if country == "UZ" else []
        made += file(exchange, records)
    return made


def definition(name: str, /, **changes: Any) -> dict[str, Any]:
    given = {
        "name": name,
        "title": "Seizures by quarter",
        "first_month": f"{YEAR}-01",
        "last_month": f"{YEAR}-12",
        "tables": TABLES,
    }
    return given | changes


def approve(exchange: Exchange, publication: dict[str, Any], *countries: str, up_to: str = "TLP:GREEN") -> None:
    for country in countries:
        officer = exchange.client(f"{country}-DCA/policy", None)
        officer.approve_publication(publication["id"], publication["digest"], up_to)
