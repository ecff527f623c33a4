"""Issued alerts in the inboxes of those who may see them, none of whom has ordered anything."""

import json
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import enrol
from tests.alerts.conftest import PERMIT, Call
from tests.alerts.test_warning import filed
from tests.awaiting import eventually
from tests.exchange import Exchange, operator
from tests.seizures.wiring import Agency

MORPHINE = "SAR-000553"
ISSUER = "KG-DCA/policy"


def issued(call: Call, *records: str, **order: Any) -> str:
    """The path of an alert that rests on these records: of a Kyrgyz analyst, issued by an officer."""
    said = {"title": "Purple powder", "text": "Handle with gloves.", "records": list(records)}
    drafted = call("KG-CUS", "POST", "/v1/alerts", said)
    assert drafted.status == 201, drafted.body
    path = f"/v1/alerts/{drafted.json()['id']}"
    order = {"level": "URGENT", "handling": "TLP:GREEN"} | order
    assert call(ISSUER, "POST", f"{path}/issue", order).status == 200
    return path


def told(call: Call, name: str, path: str, **query: str) -> list[dict[str, Any]]:
    found = call(name, "GET", "/v1/inbox", kind="alert-issued", limit="500", **query).json()["items"]
    return [notice for notice in found if notice["subject"] == path]


def settled(warned: Exchange, **args: str) -> None:
    """The job that tells of this alert, or of all, has ended well."""
    statement = text("""SELECT status::text FROM jobs.procrastinate_jobs
        WHERE task_name = 'alerts:inboxes' AND args = CAST(:args AS jsonb) ORDER BY id DESC LIMIT 1""")

    def status() -> str | None:
        with create_engine(warned.settings.database_as()).connect() as connection:
            found = connection.scalar(statement, {"args": json.dumps(args)})
        return None if found in ("todo", "doing") else found or "forgotten"

    assert eventually(status) in ("succeeded", "forgotten")


@pytest.fixture
def path(warned: Exchange, customs: Agency, call: Call) -> str:
    """An alert to every member, about a record of Kazakhstan that it shares with Kyrgyzstan alone."""
    made = issued(call, filed(customs, MORPHINE))
    settled(warned, alert=made.rpartition("/")[2])
    return made


def test_who_may_see_it_is_told_and_nobody_else(call: Call, path: str) -> None:
    for name in ("KZ-CUS", "KZ-LAB", "KG-CUS", ISSUER):
        (notice,) = told(call, name, path)
        assert notice["facts"] == {"issuer": "KG", "level": "URGENT"}
        assert notice["from"] is None
    assert call("UZ-CUS", "GET", path).status == 404
    assert told(call, "UZ-CUS", path) == []


def test_an_alert_for_named_countries_is_told_to_them_and_to_its_own(warned: Exchange, call: Call) -> None:
    path = issued(call, handling="TLP:RED", countries=["TJ"])
    settled(warned, alert=path.rpartition("/")[2])
    assert told(call, "TJ-LAB", path)
    assert told(call, "KG-CUS", path)
    assert told(call, "KZ-CUS", path) == []


def test_who_comes_to_see_it_later_is_told_then_and_nobody_twice(warned: Exchange, call: Call, path: str) -> None:
    assert told(call, "UZ-CUS", path) == []
    warned.adopt("KZ", {**PERMIT, "audience": {"countries": ["KG", "UZ"]}})
    try:
        with create_engine(warned.settings.database_as()).begin() as connection:
            connection.execute(text("SELECT jobs.defer('alerts:inboxes', 'quick', '{}', NULL, NULL)"))
        settled(warned)
        for name in ("UZ-CUS", "KZ-CUS", "KG-CUS"):
            assert len(told(call, name, path)) == 1
    finally:
        warned.adopt("KZ", PERMIT)


def test_an_agency_is_told_through_eyes_that_somebody_still_has(warned: Exchange, call: Call) -> None:
    """A key in force, or an officer who signs in: who has read once, and reads no more, is told of nothing."""
    former = "TJ-FORMER"

    async def enrol_former(session: AsyncSession) -> None:
        await enrol.enrol_agency(session, former, "CU", "Former customs")
        directory = warned.region.profiles["TJ-CUS"].directory.parent
        await warned.region.add(session, directory, former, ("analyst",), name=former)

    async def revoke(session: AsyncSession) -> None:
        await session.execute(REVOKED, {"agency": former})

    async def sign_in(session: AsyncSession) -> None:
        await session.execute(PERSON, {"agency": former})

    operator(warned, enrol_former)
    assert call(former, "GET", "/v1/alerts").status == 200
    for change, is_told in ((None, True), (revoke, False), (sign_in, True)):
        if change is not None:
            operator(warned, change)
        path = issued(call)
        settled(warned, alert=path.rpartition("/")[2])
        with create_engine(warned.settings.database_as()).connect() as connection:
            found = connection.scalar(TOLD, {"agency": former, "path": path})
        assert (found == 1) is is_told


REVOKED = text("""UPDATE core.agency_key SET revoked_at = now(), revocation_reason = 'lost'
    WHERE agency = :agency AND use = 'request-signing'""")
PERSON = text("""INSERT INTO core.person (id, agency, handle, roles)
    VALUES (gen_random_uuid(), :agency, 'analyst-1', ARRAY['analyst'])""")
TOLD = text("SELECT count(*) FROM core.notice WHERE to_agency = :agency AND subject = :path")


def test_acknowledging_it_is_done_with_the_notice(call: Call, path: str) -> None:
    assert call("KZ-CUS", "POST", f"{path}/acknowledgement", {}).status == 200
    assert told(call, "KZ-CUS", path, state="open") == []
    assert told(call, "KZ-LAB", path, state="open")


def test_its_issuer_alone_sees_who_has_not_acknowledged(call: Call, path: str) -> None:
    """Uzbekistan is addressed, and is not given what the alert rests on: its silence is like any other."""
    everyone = ["AZ", "KZ", "RU", "TJ", "TM", "UZ"]
    assert call("KG-CUS", "GET", path).json()["awaiting"] == everyone
    assert call("KZ-CUS", "POST", f"{path}/acknowledgement", {}).status == 200
    assert call("KG-CUS", "GET", path).json()["awaiting"] == [code for code in everyone if code != "KZ"]
    assert call("KZ-CUS", "GET", path).json()["awaiting"] is None
