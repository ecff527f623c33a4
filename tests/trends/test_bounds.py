"""A question whose crossed dimensions give too many cells is refused from a part of the rows, and only rightly so."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import h3
import pytest
from sqlalchemy import Engine, create_engine, event, text

from service.database import Database
from service.policies.gate import reach
from service.settings import Settings
from service.substances.catalogue import Catalogue
from service.trends.ask import MAX_CELLS, Answer, TooManyCells, ask
from service.trends.question import Trend
from tests.exchange import Exchange
from tests.trends.conftest import Ask, seizure

YEAR = {"from": "1985-01", "to": "1986-01"}
WIDEST = sorted(h3.get_res0_cells())[:2]
CELLS = [cell for wide in WIDEST for cell in sorted(h3.cell_to_children(wide, 5))][: MAX_CELLS + 1]


@pytest.fixture(scope="module")
def scope(exchange: Exchange) -> int:
    """Of the customs of AZ, which has filed one report."""
    record = seizure("AZ-CUS", "1999-03-14", ("heroin", "1", "kg", "PRES"))
    exchange.client("AZ-CUS").submit(exchange.sign(record))
    with create_engine(exchange.settings.database_as()).connect() as connection:
        query = "SELECT scope_id FROM core.report WHERE record_id = CAST(:id AS uuid)"
        return int(connection.execute(text(query), {"id": record.id}).scalar_one())


@pytest.fixture
def crowded(settings: Settings, scope: int) -> Iterator[Engine]:
    """One cell too many in 1985, in the cube and in the rows, each by itself."""
    engine = create_engine(settings.database_as())
    values = {"scope": scope, "cells": CELLS}
    with engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO core.cube_cell (scope_id, month_end, cell, events)
                    SELECT :scope, '1985-05-31', cell, 1 FROM unnest(CAST(:cells AS text[])) cell"""),
            values,
        )
        connection.execute(
            text("""INSERT INTO core.report_fact (record_id, version, scope_id, month_end, latest, kind, cell)
                    SELECT gen_random_uuid(), 1, :scope, '1985-05-31', true, 'seizure', cell
                    FROM unnest(CAST(:cells AS text[])) cell"""),
            values,
        )
    yield engine
    with engine.begin() as connection:
        for table in ("cube_cell", "cube_fresh", "report_fact"):
            connection.execute(text(f"DELETE FROM core.{table} WHERE month_end = '1985-05-31'"))
    engine.dispose()


def asked(settings: Settings, **params: Any) -> tuple[Answer | None, list[str]]:
    """The answer as the customs of AZ get it (None: too many cells), and the statements that were sent for it."""
    sent: list[str] = []

    async def work() -> Answer | None:
        database = Database(settings)
        try:
            async with database.reading() as session:
                enter = "SELECT set_config('sarhad.context', :token, true)"
                await session.execute(text(enter), {"token": _token(settings)})
                connection = await session.connection()
                catalogue, limits = await Catalogue.from_database(session), await reach(session)
                event.listen(
                    connection.sync_connection, "before_cursor_execute", lambda *about: sent.append(str(about[2]))
                )
                try:
                    return await ask(session, Trend.model_validate(params), catalogue, limits)
                except TooManyCells:
                    return None
        finally:
            await database.dispose()

    return asyncio.run(work()), sent


def _token(settings: Settings) -> str:
    with create_engine(settings.database_as()).begin() as connection:
        return str(connection.scalar(text("SELECT gate.enter('AZ', 'AZ-CUS', ARRAY['analyst'], 'analysis')")))


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize("by", ["cell,month", "cell,concealment"])
def test_too_many_cells_are_refused_before_they_are_summed(settings: Settings, by: str) -> None:
    """From the cube, and from the rows."""
    answer, sent = asked(settings, by=by, **YEAR)
    assert answer is None
    assert not any("sum(" in statement for statement in sent)


@pytest.mark.usefixtures("crowded")
def test_one_dimension_is_bounded_too(settings: Settings) -> None:
    assert asked(settings, by="cell", **YEAR)[0] is None


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize("by", ["cell", "cell,month", "cell,concealment"])
def test_what_is_bounded_are_the_cells_that_were_asked_for(settings: Settings, by: str) -> None:
    answer, _ = asked(settings, by=by, resolution=0, **YEAR)
    assert answer is not None
    assert {cell.key[0]: cell.number for cell in answer.cells} == Counter(h3.cell_to_parent(cell, 0) for cell in CELLS)


def test_what_was_just_taken_away_does_not_count(settings: Settings, crowded: Engine, scope: int) -> None:
    with crowded.begin() as connection:
        connection.execute(
            text("""INSERT INTO core.cube_fresh (entry, kind, scope_id, month_end, cell, events)
                    VALUES ('e', 'seizure', :scope, '1985-05-31', :cell, -1)"""),
            {"scope": scope, "cell": CELLS[0]},
        )
    answer, _ = asked(settings, by="cell,month", **YEAR)
    assert answer is not None
    assert len(answer.cells) == MAX_CELLS


@pytest.mark.usefixtures("crowded")
def test_the_refusal_says_what_to_do(ask: Ask) -> None:
    refused = ask("AZ-CUS", by="cell,month", from_="1985-01", to="1986-01")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/too-many-cells")
    assert (refused.json()["parameter"], refused.json()["expected"]) == ("by", f"<= {MAX_CELLS}")
    assert "a shorter period" in refused.json()["detail"]
    assert ask("KG-CUS", by="cell,month", from_="1985-01", to="1986-01").json()["cells"] == [], "not for who sees none"
    hot = ask("AZ-CUS", "/v1/hotspots", from_="1985-01", to="1986-01", resolution="5").json()
    assert (hot["type"], hot["parameter"]) == ("/problems/too-many-cells", "resolution")
