"""Ways into the database that only a test has: as its superuser, and as each role with a token of any reader."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from service.settings import Settings
from tests.policies.compiled import Gate


class Entrance(Protocol):
    """A transaction as `role`, in the context of the `token` given, that is rolled back."""

    def __call__(self, role: str, token: str | None = None) -> AbstractContextManager[Connection]: ...


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
                connection.execute(
                    text("SELECT set_config('sarhad.context', :token, true)"), {"token": token}
                )
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
