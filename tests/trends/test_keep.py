"""The cube is looked through: a cell that differs from the reports is found, written down, and the cube built anew."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from service.settings import Settings
from service.trends import keep
from service.trends.grains import GRAINS
from tests.awaiting import eventually
from tests.exchange import Exchange
from tests.trends.conftest import run, seizure

NAMES = (*(grain.name for grain in GRAINS), "map")
LOOKED = text("INSERT INTO core.cube_check VALUES (clock_timestamp(), 0, 0)")
NEVER_LOOKED = text("DELETE FROM core.cube_check")


def spoilt(name: str) -> Any:
    """One cell of a grain counts one more than the reports."""
    counted = "persons" if name == "person" else "events"
    return text(
        f"UPDATE core.cube_{name} SET {counted} = {counted} + 1 WHERE id = (SELECT min(id) FROM core.cube_{name})"
    )


@pytest.fixture(scope="module", autouse=True)
def filed(exchange: Exchange, settings: Settings) -> None:
    """A record that stands in every grain, and the cube built from all."""
    point = {"lat": "38.01", "lon": "58.07", "accuracy_m": 500, "method": "MAP"}
    men = {"n": 2, "role": "CUR", "sex": "1", "age_band": "25-34", "nationality": "TM"}
    people = {"groups": [men], "arrested": 2}
    record = seizure("TM-CUS", "1990-03-14", ("heroin", "1", "kg", "CONF"), where_point=point, persons=people)
    exchange.client("TM-CUS").submit(exchange.sign(record))
    run(settings, keep.rebuild)


@pytest.fixture
def superuser(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_as())
    yield engine
    engine.dispose()


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_that_counts_wrong_is_found_in_its_grain(settings: Settings, superuser: Engine, name: str) -> None:
    with superuser.begin() as connection:
        connection.execute(LOOKED)  # so that no worker repairs it meanwhile
        assert connection.execute(spoilt(name)).rowcount == 1
    found = run(settings, keep.differences)
    assert {grain: differing for grain, (_, differing) in found.items() if differing} == {name: 1}
    run(settings, keep.rebuild)
    assert not any(differing for _, differing in run(settings, keep.differences).values())


def test_what_differs_is_written_down_and_counted_anew_once_a_day(settings: Settings, superuser: Engine) -> None:
    """By this test, or by a worker of the exchange that was faster."""

    def written() -> list[int]:
        with superuser.connect() as connection:
            return list(connection.execute(text("SELECT differing FROM core.cube_check")).scalars())

    with superuser.begin() as connection:
        assert connection.execute(spoilt("group")).rowcount == 1
        connection.execute(NEVER_LOOKED)
    run(settings, keep.check)
    assert eventually(written) == [1]
    eventually(lambda: not any(differing for _, differing in run(settings, keep.differences).values()))
    run(settings, keep.check)
    assert written() == [1], "it is not looked through again on the same day"
