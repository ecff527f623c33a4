"""A laboratory with an analyst's and a reviewer's key, a border agency beside it, and a neighbour."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from service.database import administration
from tests.analyses.laboratory import Laboratory
from tests.exchange import Exchange
from tests.seizures.wiring import Agency, stored


@pytest.fixture(scope="session")
def bench(exchange: Exchange) -> dict[str, Laboratory]:
    """KZ-LAB and KG-LAB, each with a second record-signing key for review."""
    return asyncio.run(enrol(exchange))


async def enrol(exchange: Exchange) -> dict[str, Laboratory]:
    engine = administration(exchange.settings)
    directory = exchange.region.profiles["KZ-LAB"].directory.parent
    async with async_sessionmaker(engine).begin() as session:
        for name in ("KZ-LAB/reviewer", "KG-LAB/reviewer"):
            if name not in exchange.region.profiles:  # other folders share this fixture
                await exchange.region.add(session, directory, name.partition("/")[0], (), name=name)
    await engine.dispose()
    return {
        code: Laboratory(exchange, code, exchange.region.profiles[f"{code}/reviewer"].load_record_key())
        for code in ("KZ-LAB", "KG-LAB")
    }


@pytest.fixture
def lab(bench: dict[str, Laboratory]) -> Laboratory:
    return bench["KZ-LAB"]


@pytest.fixture
def customs(exchange: Exchange) -> Agency:
    """KZ-CUS: seizes, and sends exhibits to KZ-LAB."""
    return Agency(exchange, "KZ-CUS")


@pytest.fixture
def neighbour(exchange: Exchange) -> Agency:
    """KG-CUS: another country's customs."""
    return Agency(exchange, "KG-CUS")


@pytest.fixture
def nothing_stored(exchange: Exchange) -> Iterator[None]:
    """The test must leave reports, lines and leaves as they were."""
    before = stored(exchange.settings)
    yield
    assert stored(exchange.settings) == before
