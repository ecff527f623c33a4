"""What is asked of a lake is answered as the trends answer the same key, by both engines, or not at all."""

from collections.abc import Iterator
from typing import Any

import pytest
from sarhad.records import item

from service.database import Database
from service.exports.asked import LakeBehind, Made, NotInTheLake, ask
from service.exports.lake import Lake, make
from service.settings import Settings
from service.trends.question import Trend
from tests.exchange import Exchange, heroin
from tests.exports.conftest import PARTNERS

pytestmark = pytest.mark.xdist_group("exports")
PERIOD = {"from": "1994-01", "to": "1996-01"}
SHARED = PARTNERS | {"id": "lake"}


@pytest.fixture(scope="module")
def two(exchange: Exchange) -> Iterator[None]:
    """Azerbaijan and Kazakhstan share with Kyrgyzstan, in years of their own."""
    lines = [
        item(None, "heroin", "1.23456789012345678", "mg", status="PRES", line=1),
        item(None, "cannabis", "500", "g", status="CONF", line=2),
        item(None, "heroin", "12", "tablet", status="SUSP", line=3),
    ]
    for agency, instant in (
        ("AZ-CUS", "1994-01-31T23:30:00+04:00"),
        ("AZ-CUS", "1994-02-01T01:30:00+04:00"),
        ("KZ-CUS", "1995-07-05T10:00:00+05:00"),
    ):
        record = heroin(agency, instant=instant, items=lines)
        exchange.client(agency).submit(exchange.sign(record))
    for country in ("AZ", "KZ"):
        exchange.adopt(country, SHARED)
    yield
    for country in ("AZ", "KZ"):
        exchange.adopt(country)


@pytest.fixture(scope="module")
async def made(two: None, exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Made:
    directory = tmp_path_factory.mktemp("asked") / "lake"
    key = exchange.region.profiles["KG-CUS"].load_request_key().kid
    database = Database(exchange.settings)
    await make(database, exchange.settings, Lake(key, "analysis", directory))
    await database.dispose()
    return Made.read(directory)


async def told(settings: Settings, made: Made, engine: str = "duckdb", **question: str) -> dict[str, Any]:
    database = Database(settings)
    settings = settings.model_copy(update={"lake_engine": engine})
    try:
        return await ask(database, settings, made, Trend(**PERIOD | question))
    finally:
        await database.dispose()


def trends(exchange: Exchange, **question: str) -> dict[str, Any]:
    names = ("question", "policy", "by", "cells", "total", "counting_unit", "caveats")
    answer = exchange.client("KG-CUS", "analysis").trends(**PERIOD | question)
    return {name: answer[name] for name in names}


async def test_each_question_is_answered_as_the_trends_answer_it(made: Made, exchange: Exchange) -> None:
    for by in ("month,owner", "quarter,group", "year,substance", "status,unit", "agency,rule", "country"):
        question = {"by": by, "measure": "seizures,items,kg,tablets"}
        assert await told(exchange.settings, made, **question) == trends(exchange, **question), by
    question = {"by": "unit", "measure": "quantity", "owner": "AZ"}
    answer = await told(exchange.settings, made, **question)
    assert answer == trends(exchange, **question)
    assert {cell["key"]["unit"]: cell["quantity"] for cell in answer["cells"]}["tablet"] == "24"
    with pytest.raises(NotInTheLake):
        await told(exchange.settings, made, by="transport")


async def test_spark_answers_the_same_as_duckdb(made: Made, exchange: Exchange) -> None:
    question = {"by": "month,substance", "measure": "seizures,items,kg,tablets"}
    answer = await told(exchange.settings, made, "spark", **question)
    assert answer == trends(exchange, **question)
    assert len({cell["key"]["month"] for cell in answer["cells"]}) == 3


async def test_what_is_stopped_or_shared_otherwise_is_not_opened(made: Made, exchange: Exchange) -> None:
    """Azerbaijan's files are no Parquet any more: whoever opened one would fail."""
    before = await told(exchange.settings, made, by="owner")
    assert {cell["key"]["owner"] for cell in before["cells"]} == {"AZ", "KZ"}
    files = {file: file.read_bytes() for file in made.directory.glob("owner=AZ/**/*.parquet")}
    officer = exchange.client("AZ-DCA/policy", None)
    for file in files:
        file.write_bytes(b"opened")
    stop = officer.suspend({"towards_country": "KG", "reason": "A key is lost"})
    stopped = await told(exchange.settings, made, by="owner")
    assert stopped == trends(exchange, by="owner")
    assert [cell["key"]["owner"] for cell in stopped["cells"]] == ["KZ"]
    assert stopped["policy"] != before["policy"]
    exchange.client("AZ-DCA/policy2", None).lift_suspension(stop["id"], "A new key is enrolled")

    exchange.adopt("AZ", SHARED | {"time": "month"})
    with pytest.raises(LakeBehind) as refused:
        await told(exchange.settings, made, by="owner")
    assert refused.value.members["owners"] == ["AZ"]
    exchange.adopt("AZ")
    assert await told(exchange.settings, made, by="owner") == trends(exchange, by="owner")
    exchange.adopt("AZ", SHARED)
    for file, held in files.items():
        file.write_bytes(held)
    assert (await told(exchange.settings, made, by="owner"))["cells"] == before["cells"]
