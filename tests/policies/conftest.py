"""Ways into the database that only a test has: as its superuser, and as each role, as any reader."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sarhad import Client
from sarhad.records import Record
from sqlalchemy import Connection, Engine, create_engine, text

from service.settings import Settings
from tests.exchange import Exchange, heroin
from tests.policies import reports
from tests.policies.compiled import Gate
from tests.policies.entrance import Entrance
from tests.policies.readers import OWNER, PARTNER, PLACE, STRANGER, World


@pytest.fixture(scope="session")
def superuser(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_as())
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def entrance(settings: Settings) -> Iterator[Entrance]:
    engines: dict[str, Engine] = {}

    @contextmanager
    def enter(role: str, token: str | None = None) -> Iterator[Connection]:
        engine = engines.setdefault(role, create_engine(settings.database_as(role)))
        with engine.connect() as connection:
            if token is not None:
                connection.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
            yield connection
            connection.rollback()

    yield enter
    for engine in engines.values():
        engine.dispose()


@pytest.fixture
def gate(superuser: Engine) -> Iterator[Gate]:
    """The gate with nothing in it, until the test is over."""
    with superuser.connect() as connection:
        made = Gate(connection)
        made.empty()
        yield made
        connection.rollback()


@pytest.fixture(scope="session")
def token(superuser: Engine) -> Callable[..., str]:
    def enter(country: str, *roles: str, purpose: str = "operational", agency: str = "CUS") -> str:
        with superuser.begin() as connection:
            return str(
                connection.execute(
                    text("SELECT gate.enter(:country, :agency, :roles, :purpose)"),
                    {
                        "country": country,
                        "agency": f"{country}-{agency}",
                        "roles": list(roles),
                        "purpose": purpose,
                    },
                ).scalar_one()
            )

    return enter


@pytest.fixture(scope="module")
def world(exchange: Exchange, token: Callable[..., str]) -> World:
    to_partner = {"effect": "permit", "audience": {"countries": [PARTNER]}}
    exchange.adopt(
        OWNER,
        {"id": "month", **to_partner, "handling_up_to": "TLP:AMBER", "time": "month", "place": "admin1"},
        {
            "id": "cell",
            **to_partner,
            "handling_up_to": "TLP:GREEN",
            "joins": True,
            "time": "day",
            "place": "cell",
            "facets": ["items"],
        },
        {
            "id": "point",
            **to_partner,
            "handling_up_to": "TLP:CLEAR",
            "joins": True,
            "time": "instant",
            "place": "point",
            "facets": ["items", "reference", "reported"],
        },
    )
    client = exchange.client(f"{OWNER}-CUS")
    marks = {"point": "TLP:CLEAR", "cell": "TLP:GREEN", "month": "TLP:AMBER", "hidden": "TLP:RED"}
    records = {}
    for name, handling in marks.items():
        record = heroin(f"{OWNER}-CUS", handling=handling, reference=f"gate-{name}-{uuid.uuid4()}", where_point=PLACE)
        records[name] = client.submit(exchange.sign(record)).id
    return World(
        records,
        {
            "owner": token(OWNER, "reporter"),
            "partner": token(PARTNER, "reporter"),
            "stranger": token(STRANGER, "analyst"),
            "auditor": token(OWNER, "auditor"),
            "key administrator": token(OWNER, "key_administrator"),
            "operator": token(OWNER, "operator"),
        },
    )


@pytest.fixture(scope="module")
def policy(exchange: Exchange) -> None:
    """Uzbekistan shares each label at another precision."""
    exchange.adopt(reports.OWNER, *({"id": str(number), **rule} for number, rule in enumerate(reports.RULES)))


@pytest.fixture(scope="module")
def owner(exchange: Exchange, policy: None) -> Client:
    return exchange.client(reports.AGENCY)


@pytest.fixture(scope="module")
def partner(exchange: Exchange, policy: None) -> Client:
    return exchange.client(reports.PARTNER)


@pytest.fixture(scope="module")
def file(exchange: Exchange, owner: Client) -> Callable[[Record], str]:
    return lambda record: owner.submit(exchange.sign(record)).id
