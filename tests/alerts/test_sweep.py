"""The daily sweep, as its job runs: a rise of weekly reports, and records that came into sight after filing."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sarhad.records import item
from sqlalchemy import create_engine, text

from service.alerts import newly, sweep
from service.alerts.eyes import eyes_of, watchers
from service.alerts.rates import WEEKS_NEEDED
from service.database import Database
from service.identity.enrol import withdraw_role
from service.substances.catalogue import Catalogue
from tests.alerts.conftest import PERMIT, Call
from tests.awaiting import eventually
from tests.exchange import Exchange, heroin, operator
from tests.links.wiring import confirmed
from tests.seizures.wiring import Agency, line, statuses, verdicts

RARE, RARER = "SAR-000387", "SAR-000390"  # no other test of the suite files them
RAREST = "rarest"
OF = {RAREST: "SAR-000397", "heroin": "SAR-000608"}
TIMELESS = "SAR-000398"
USUAL, RISEN = 2, 14  # reports of a week
OTHERS = 3


@pytest.fixture(scope="module")
def turkmen(warned: Exchange) -> Iterator[Agency]:
    """TM-CUS, whose country gives Kyrgyzstan what is green, and which has reported for more than a year."""
    warned.adopt("TM", PERMIT)
    agency = Agency(warned, "TM-CUS")
    made = [agency.sign(record) for record in history()]
    lines, _ = verdicts(agency.batch(map(line, made)))
    assert set(statuses(lines)) == {201}
    yield agency
    warned.adopt("TM")


def history() -> Iterator[Any]:
    """Each week some cannabis and some heroin; in the last whole week cannabis has risen and heroin has not."""
    monday = last_monday()
    for week in range(WEEKS_NEEDED):
        day = monday - timedelta(weeks=WEEKS_NEEDED - week) + timedelta(days=2)
        cannabis = RISEN if week == WEEKS_NEEDED - 1 else USUAL - week % 2
        for substance, number in (("cannabis herb", cannabis), ("heroin", OTHERS)):
            for n in range(number):
                yield heroin("TM-CUS", **seized(day, substance, n))


def seized(day: date, substance: str, n: int, code: str | None = None) -> dict[str, Any]:
    return {
        "reference": f"W-{day}-{substance}-{n}",
        "instant": f"{day}T04:20:00+05:00",
        "reported": f"{day}T12:00:00Z",
        "items": [item(code, substance, "1.2", "kg", status="PRES")],
        "handling": "TLP:GREEN",
    }


def last_monday() -> date:
    today = datetime.now(UTC).date()
    return today - timedelta(days=today.weekday())


def swept(warned: Exchange) -> None:
    """The job of the daily sweep, now, and its end."""
    with create_engine(warned.settings.database_as()).begin() as connection:
        job = connection.scalar(text("SELECT jobs.defer('alerts:sweep', 'heavy', '{}', NULL, NULL)"))
    with create_engine(warned.settings.database_as()).connect() as connection:
        done = text("SELECT status::text FROM jobs.procrastinate_jobs WHERE id = :job")

        def status() -> str | None:
            found = connection.scalar(done, {"job": job})
            connection.rollback()
            return None if found in ("todo", "doing") else found or "forgotten"

        assert eventually(status) == "succeeded"


def candidates(call: Call, name: str, rule: str) -> list[dict[str, Any]]:
    found = call(name, "GET", "/v1/alerts/candidates", limit="200").json()["items"]
    return [candidate for candidate in found if candidate["rule"] == rule]


def test_a_rise_is_told_to_whom_the_reports_are_shared(warned: Exchange, turkmen: Agency, call: Call) -> None:
    order = {"name": "rates", "delivery": "digest", "rules": ["SPIKE"]}
    for name in ("KG-LAB", "TJ-LAB"):
        assert call(name, "POST", "/v1/subscriptions", order).status == 201
    swept(warned)
    (spike,) = [c for c in candidates(call, "KG-LAB", "SPIKE") if c["facts"]["country"] == "TM"]
    week = (last_monday() - timedelta(weeks=1)).isoformat()
    facts = spike["facts"]
    assert (facts["group"], facts["week"], facts["count"]) == ("cannabis", week, RISEN)
    assert 1 <= float(facts["expected"]) <= USUAL
    assert float(facts["p"]) < 0.001
    assert spike["record"] is None
    entries = warned.client("TM-DCA/auditor", None).statement("TM", agency="KG-LAB").items
    reports = (WEEKS_NEEDED - 1) * OTHERS + RISEN  # at least: the year's heroin, and the week in question
    assert reports <= next(one["records"] for one in entries if one["route"] == "/v1/alerts/candidates")
    assert candidates(call, "TJ-LAB", "SPIKE") == [], "Tajikistan is given none of these reports"
    swept(warned)
    assert len([c for c in candidates(call, "KG-LAB", "SPIKE") if c["facts"]["country"] == "TM"]) == 1, "told once"
    warned.adopt("TM")
    assert candidates(call, "KG-LAB", "SPIKE") == [], "counted under another policy"


def test_an_event_that_was_reported_twice_counts_once(warned: Exchange, turkmen: Agency, call: Call) -> None:
    # another policy than that of the rise above, which is told once under each
    warned.adopt("TM", {**PERMIT, "facets": ["items", "transport"]})
    order = {"name": "rates", "delivery": "digest", "rules": ["SPIKE"]}
    assert call("KG-LAB", "POST", "/v1/subscriptions", order).status == 201
    engine = create_engine(warned.settings.database_as())
    week = {"reference": f"W-{last_monday() - timedelta(weeks=1) + timedelta(days=2)}-cannabis%"}
    with engine.connect() as connection:
        ids = connection.scalars(text("SELECT record_id::text FROM core.report WHERE reference LIKE :reference"), week)
        one, other, *_ = ids
    confirmed(warned.settings, one, other)
    try:
        swept(warned)
        (spike,) = [c for c in candidates(call, "KG-LAB", "SPIKE") if c["facts"]["country"] == "TM"]
        assert spike["facts"]["count"] == RISEN - 1
    finally:
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM core.link WHERE CAST(:one AS uuid) IN (a, b)"), {"one": one})
        engine.dispose()
        warned.adopt("TM")


async def test_what_comes_into_sight_in_two_portions_is_news_once(
    warned: Exchange, turkmen: Agency, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many records a policy brings into sight at once, the oldest of them is the first."""
    monkeypatch.setattr(newly, "AT_ONCE", 1)
    warned.adopt("TM")
    day, filed = datetime.now(UTC).date() - timedelta(days=3), []
    for n, substance in enumerate((RAREST, "heroin", RAREST)):
        record = heroin("TM-CUS", **seized(day + timedelta(days=n), "порошок", n, OF[substance]))
        assert turkmen.post(turkmen.sign(record)).status == 201
        filed.append(str(record.id))
    warned.adopt("TM", PERMIT)
    order = {"name": "portions", "delivery": "digest", "rules": ["FIRST_IN_REGION", "FIRST_IN_COUNTRY"]}
    made = call("KG-LAB", "POST", "/v1/subscriptions", order).json()["id"]
    database = Database(warned.settings)
    try:
        await sweep_of(database, made)
        await sweep_of(database, made)
        for rule in order["rules"]:
            firsts = [c["record"] for c in candidates(call, "KG-LAB", rule) if c["substance"] == OF[RAREST]]
            assert firsts == [filed[0]]
            firsts = [c["record"] for c in candidates(call, "KG-LAB", rule) if c["substance"] == OF["heroin"]]
            assert firsts == [], "known for a year"
    finally:
        await database.dispose()
        assert call("KG-LAB", "DELETE", f"/v1/subscriptions/{made}").status == 204
        warned.adopt("TM")


async def test_a_substance_that_comes_into_sight_without_any_time_is_told_once(
    warned: Exchange, turkmen: Agency, call: Call
) -> None:
    """By records that were filed before, and that say no time at all, however old they are."""
    warned.adopt("TM")
    filed = []
    for n, code in enumerate((TIMELESS, OF["heroin"], TIMELESS)):
        record = heroin("TM-CUS", **seized(date(2024, 5, 1 + n), "порошок", n, code))
        assert turkmen.post(turkmen.sign(record)).status == 201
        filed.append(str(record.id))
    order = {"name": "timeless", "delivery": "digest", "rules": ["FIRST_IN_REGION", "FIRST_IN_COUNTRY"]}
    made = call("KG-LAB", "POST", "/v1/subscriptions", order).json()["id"]
    database = Database(warned.settings)
    try:
        await sweep_of(database, made)
        assert [c for c in candidates(call, "KG-LAB", "FIRST_IN_REGION") if c["substance"] == TIMELESS] == []
        warned.adopt("TM", {**PERMIT, "time": "none"})
        await sweep_of(database, made)
        await sweep_of(database, made)
        for rule in order["rules"]:
            (first,) = [c for c in candidates(call, "KG-LAB", rule) if c["substance"] == TIMELESS]
            assert first["record"] in {filed[0], filed[2]}
        withdrawal = {"records": [first["record"]], "reason": "A wrong sample."}
        assert call("TM-CUS", "POST", "/v1/recalls", withdrawal).status == 201
        await sweep_of(database, made)
        for rule in order["rules"]:
            (second,) = [c for c in candidates(call, "KG-LAB", rule) if c["substance"] == TIMELESS]
            assert second["record"] in {filed[0], filed[2]} - {first["record"]}
    finally:
        await database.dispose()
        assert call("KG-LAB", "DELETE", f"/v1/subscriptions/{made}").status == 204
        warned.adopt("TM")


async def sweep_of(database: Database, order: str) -> None:
    async with database.reading() as session:
        catalogue = await Catalogue.from_database(session)
    (watcher,) = [one for one in await watchers(database) if str(one.id) == order]
    eyes = await eyes_of(database, watcher.key_id, watcher.purpose)
    assert eyes is not None
    await sweep.swept(database, watcher, eyes, catalogue)


def test_a_key_whose_roles_were_taken_away_sees_through_nothing(warned: Exchange) -> None:
    former = warned.region.profiles[warned.add_holder("KG-CUS/former", "analyst")].load_request_key().public.kid

    async def sees() -> bool:
        database = Database(warned.settings)
        try:
            return await eyes_of(database, former, "analysis") is not None
        finally:
            await database.dispose()

    assert asyncio.run(sees())
    operator(warned, lambda session: withdraw_role(session, former, "analyst"))
    assert not asyncio.run(sees())


async def test_a_portion_that_fails_keeps_the_others_from_nothing(
    warned: Exchange, turkmen: Agency, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newly, "AT_ONCE", 1)
    warned.adopt("TM", PERMIT)
    order = {"name": "portions", "delivery": "digest", "rules": ["FIRST_IN_REGION"]}
    made = call("KG-LAB", "POST", "/v1/subscriptions", order).json()["id"]
    looked: list[uuid.UUID] = []

    async def failing(_d: Database, _e: object, _i: object, records: list[uuid.UUID], *_: Any, **_m: Any) -> int:
        looked.extend(records)
        raise ZeroDivisionError

    monkeypatch.setattr(sweep, "look", failing)
    database = Database(warned.settings)
    try:
        with pytest.raises(ZeroDivisionError):
            await sweep_of(database, made)
    finally:
        await database.dispose()
        assert call("KG-LAB", "DELETE", f"/v1/subscriptions/{made}").status == 204
        warned.adopt("TM")
    assert len(looked) > RISEN
    assert len(set(looked)) == len(looked)


def test_a_record_that_comes_into_sight_warns_in_the_next_sweep(warned: Exchange, turkmen: Agency, call: Call) -> None:
    warned.adopt("TM")
    order = {"name": "firsts", "delivery": "digest", "rules": ["FIRST_IN_REGION"]}
    assert call("KG-LAB", "POST", "/v1/subscriptions", order).status == 201
    day = datetime.now(UTC).date() - timedelta(days=2)
    record = heroin("TM-CUS", **seized(day, "порошок", 0, RARE))
    assert turkmen.post(turkmen.sign(record)).status == 201
    swept(warned)
    assert [c for c in candidates(call, "KG-LAB", "FIRST_IN_REGION") if c["substance"] == RARE] == []
    warned.adopt("TM", PERMIT)
    swept(warned)
    (first,) = [c for c in candidates(call, "KG-LAB", "FIRST_IN_REGION") if c["substance"] == RARE]
    assert first["record"] == str(record.id)


def test_a_record_whose_delay_ends_warns_in_the_next_sweep(warned: Exchange, turkmen: Agency, call: Call) -> None:
    """By its month, and long after its event: a delay counts from the end of the month, whose first day is all that
    its reader is told.
    """
    today = datetime.now(UTC).date()
    month_end = today.replace(day=1) - timedelta(days=1)
    for _ in range(2):
        month_end = month_end.replace(day=1) - timedelta(days=1)
    delay = (today - month_end).days
    held = {**PERMIT, "time": "month", "delay_days": delay + 5}
    warned.adopt("TM", held)
    order = {"name": "firsts", "delivery": "digest", "rules": ["FIRST_IN_REGION"]}
    assert call("KG-LAB", "POST", "/v1/subscriptions", order).status == 201
    record = heroin("TM-CUS", **seized(month_end.replace(day=3), "порошок", 0, RARER))
    assert turkmen.post(turkmen.sign(record)).status == 201
    swept(warned)
    assert [c for c in candidates(call, "KG-LAB", "FIRST_IN_REGION") if c["substance"] == RARER] == []
    warned.adopt("TM", {**held, "delay_days": delay})
    swept(warned)
    (first,) = [c for c in candidates(call, "KG-LAB", "FIRST_IN_REGION") if c["substance"] == RARER]
    assert first["record"] == str(record.id)
