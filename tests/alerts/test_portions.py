"""However many records are judged together: some at a time, the first of its kind first, and no list too long.

Nobody does the jobs of this exchange: what was filed waits until a test judges it.
"""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sarhad.records import item
from sqlalchemy import create_engine, text

from service.alerts import watch
from service.alerts.eyes import Eyes, eyes_of
from service.alerts.facts import matches_of
from service.alerts.past import known_logos
from service.alerts.rules import ENOUGH, Seen
from service.database import Database
from service.settings import Settings
from service.substances.catalogue import Catalogue
from tests.alerts.conftest import PERMIT, Call, calling
from tests.analyses.conftest import enrol
from tests.analyses.laboratory import Laboratory, heroin_found
from tests.exchange import Exchange, Region, heroin
from tests.seizures.wiring import Agency
from tests.signing.wire import Reply

RARE, OTHER, WAITING = "SAR-000348", "SAR-000350", "SAR-000351"
PRECURSOR, TABLETS, DRUG = "SAR-000168", "SAR-000098", "SAR-000606"  # the second is a preparation of the third
MANY = ("SAR-000352", "SAR-000353", "SAR-000354")
KEPT = text("SELECT count(*), count(DISTINCT xmin::text) FROM core.alert_candidate WHERE record_id = :record")
MORE_THAN_PARAMETERS = 70_000


@pytest.fixture(scope="module")
def quiet(apart: tuple[Settings, Region]) -> Iterator[Exchange]:
    """Nobody judges here but this test."""
    running = Exchange.start(*apart, workers=1)
    running.adopt("KZ", PERMIT)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def lab(quiet: Exchange) -> Laboratory:
    return asyncio.run(enrol(quiet))["KZ-LAB"]


@pytest.fixture
def call(quiet: Exchange) -> Call:
    return calling(quiet)


async def looking(database: Database, quiet: Exchange) -> Eyes:
    kid = quiet.region.profiles["KG-CUS"].load_request_key().public.kid
    eyes = await eyes_of(database, kid, "operational")
    assert eyes is not None
    return eyes


async def test_what_is_first_is_first_in_any_portion_and_told_once(
    quiet: Exchange, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "AT_ONCE", 2)
    made = call("KG-CUS", "POST", "/v1/subscriptions", {"name": "first", "delivery": "digest"})
    filed = [seized(quiet, substance) for substance in (RARE, OTHER, RARE, RARE, OTHER)]
    await judged(quiet, made, filed)
    firsts = [(one["substance"], one["record"]) for one in told(call, "FIRST_IN_REGION", RARE, OTHER)]
    assert sorted(firsts) == [(RARE, str(filed[0])), (OTHER, str(filed[1]))]


def seized(quiet: Exchange, *substances: str) -> uuid.UUID:
    customs = Agency(quiet, "KZ-CUS")
    items = [item(code, "powder", "1", "kg", status="PRES", line=n) for n, code in enumerate(substances, start=1)]
    record = heroin("KZ-CUS", handling="TLP:GREEN", items=items)
    assert customs.post(customs.sign(record)).status == 201
    return uuid.UUID(str(record.id))


async def judged(quiet: Exchange, made: Reply, records: list[uuid.UUID]) -> None:
    """In the eyes of this order."""
    database = Database(quiet.settings)
    try:
        async with database.reading() as session:
            catalogue = await Catalogue.from_database(session)
        await watch.look(database, await looking(database, quiet), uuid.UUID(made.json()["id"]), records, catalogue)
    finally:
        await database.dispose()


def told(call: Call, rule: str, *substances: str) -> list[dict[str, Any]]:
    found = call("KG-CUS", "GET", "/v1/alerts/candidates", limit="200").json()["items"]
    return [one for one in found if one["rule"] == rule and (not substances or one["substance"] in substances)]


async def test_what_waits_to_be_judged_is_nobodys_past(quiet: Exchange, lab: Laboratory, call: Call) -> None:
    """Of two entries that bring the same news each waited for the other: whichever is judged first brings it."""
    made = call("KG-CUS", "POST", "/v1/subscriptions", {"name": "waiting", "delivery": "digest"})
    contents = [analysed(lab, purity=f"{30 + n % 10}") for n in range(ENOUGH)]
    empty_the_queue(quiet)
    earlier, later = ([seized(quiet, WAITING), analysed(lab, logo="gryphon", purity=p)] for p in ("84", "85"))
    await judged(quiet, made, later)
    await judged(quiet, made, earlier)
    first = str(later[0])
    assert [one["record"] for one in told(call, "FIRST_IN_REGION", WAITING)] == [first]
    assert [one["record"] for one in told(call, "FIRST_IN_COUNTRY", WAITING)] == [first]
    assert [one["record"] for one in told(call, "NEW_LOGO")] == [str(later[1])]
    outliers = {one["record"]: one["facts"]["earlier"] for one in told(call, "PURITY_OUTLIER")}
    assert outliers == {str(record): len(contents) for record in (earlier[1], later[1])}


async def test_a_first_precursor_warns_and_a_preparation_as_what_it_is_made_of(quiet: Exchange, call: Call) -> None:
    made = call("KG-CUS", "POST", "/v1/subscriptions", {"name": "precursors", "delivery": "digest"})
    empty_the_queue(quiet)
    precursor, tablets = seized(quiet, PRECURSOR), seized(quiet, TABLETS)
    await judged(quiet, made, [precursor, tablets])
    firsts = [(one["substance"], one["record"]) for one in told(call, "FIRST_IN_REGION", PRECURSOR, TABLETS, DRUG)]
    assert sorted(firsts) == sorted([(PRECURSOR, str(precursor)), (DRUG, str(tablets))])
    empty_the_queue(quiet)
    await judged(quiet, made, [seized(quiet, DRUG)])
    assert len(told(call, "FIRST_IN_REGION", DRUG)) == 1


def analysed(lab: Laboratory, purity: str, **marks: str) -> uuid.UUID:
    facets: dict[str, Any] = {"purity": [{"line": 1, "value": purity, "unit": "%", "basis": "AS_BASE"}]}
    if marks:
        facets["marks"] = [{"exhibit": 1, "form": "TAB", "colour": "pink", "shape": "round", **marks}]
    record = heroin_found(lab.name, handling="TLP:GREEN", **facets)
    assert lab.file(lab.reviewed(record)).status == 201
    return uuid.UUID(str(record.id))


def empty_the_queue(quiet: Exchange) -> None:
    """As if all had been judged that was filed so far."""
    engine = create_engine(quiet.settings.database_as())
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM core.alert_queue"))
    engine.dispose()


async def test_everybody_who_writes_candidates_has_a_turn_before_all_of_them_are_kept(
    quiet: Exchange, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "KEPT_AT_ONCE", 2, raising=False)
    made = call("KG-CUS", "POST", "/v1/subscriptions", {"name": "many", "delivery": "digest"})
    record = seized(quiet, *MANY)
    await judged(quiet, made, [record])
    engine = create_engine(quiet.settings.database_as())
    with engine.connect() as connection:
        kept, turns = connection.execute(KEPT, {"record": record}).one()
        assert kept >= len(MANY)
        assert turns == (kept + 1) // 2
        connection.execute(text("SELECT gate.alert_turn()"))  # somebody else's
        await judged(quiet, made, [record])  # what is kept already needs none
        assert connection.execute(KEPT, {"record": record}).one() == (kept, turns)
    engine.dispose()


async def test_no_list_of_ids_or_logos_is_too_long(quiet: Exchange) -> None:
    ids = [uuid.uuid4() for _ in range(MORE_THAN_PARAMETERS)]
    database = Database(quiet.settings)
    try:
        eyes = await looking(database, quiet)
        async with eyes.reading(database) as (session, _):
            assert list(await session.scalars(known_logos([str(id_) for id_ in ids], ids))) == []
            assert await matches_of(session, [Seen(str(id_), "KZ", None, ()) for id_ in ids]) == []
    finally:
        await database.dispose()
