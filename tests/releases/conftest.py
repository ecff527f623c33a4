"""Parties of the tests of releases: Turkmenistan owns, Azerbaijan asks, Russia is a third."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine, text

from service.settings import Settings
from tests.exchange import Exchange
from tests.releases.parties import ASKER, OWNER, Parties


@pytest.fixture(scope="session")
def database(settings: Settings) -> Iterator[Callable[..., None]]:
    """Runs one statement as the superuser, for what only time would do."""
    engine: Engine = create_engine(settings.database_as())

    def run(statement: str, **values: object) -> None:
        with engine.begin() as connection:
            connection.execute(text(statement), values)

    yield run
    engine.dispose()


@pytest.fixture(scope="session")
def counted(settings: Settings) -> Iterator[Callable[..., int]]:
    """Answers one question with a number as the superuser."""
    engine: Engine = create_engine(settings.database_as())

    def run(question: str, **values: object) -> int:
        with engine.connect() as connection:
            return int(connection.execute(text(question), values).scalar_one())

    yield run
    engine.dispose()


@pytest.fixture(scope="session")
def governed(settings: Settings) -> Iterator[Callable[[str], list[str]]]:
    """The acts in the governance log that name something, oldest first; each has its leaf."""
    engine = create_engine(settings.database_as())

    def acts(name: str) -> list[str]:
        with engine.connect() as connection:
            found = connection.execute(
                text("""SELECT CAST(e.document AS json) ->> 'act' FROM core.governance_event e
                        WHERE strpos(e.document, :name) > 0
                          AND (EXISTS (SELECT FROM core.log_leaf l WHERE l.leaf_hash = e.leaf_hash)
                            OR EXISTS (SELECT FROM core.log_pending p WHERE p.log = 'governance'))
                        ORDER BY e.at"""),
                {"name": name},
            )
            return list(found.scalars())

    yield acts
    engine.dispose()


@pytest.fixture(scope="module")
def parties(exchange: Exchange) -> Parties:
    """The owner gives the asker's country the month and the substances, and no one else anything."""
    exchange.adopt(
        OWNER,
        {
            "id": "coarse",
            "effect": "permit",
            "audience": {"countries": [ASKER]},
            "handling_up_to": "TLP:AMBER",
            "time": "month",
            "place": "country",
            "facets": ["items"],
        },
    )
    return Parties(exchange)


@pytest.fixture
def record(parties: Parties) -> str:
    """A record that the asker sees redacted."""
    return parties.file()


@pytest.fixture
def hidden(parties: Parties) -> str:
    """A record that the asker does not see."""
    return parties.file(handling="TLP:RED")


@pytest.fixture
def absent() -> str:
    return str(uuid.uuid4())
