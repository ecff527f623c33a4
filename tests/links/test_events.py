"""Two reports of one event: proposed with reasons, confirmed by both parties, undone by one; nothing is merged."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from sarhad.records import correction, item
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import async_sessionmaker

from service.database import administration
from service.identity import enrol
from tests.analyses.test_filing import id_of
from tests.exchange import Exchange
from tests.links.conftest import GIVEN
from tests.links.wiring import between, links, post, said
from tests.seizures.wiring import Agency, refusal

pytestmark = pytest.mark.usefixtures("shared")
POINT = {"lat": "42.8710", "lon": "74.3650", "accuracy_m": 50, "method": "GPS"}
NEARBY = {"lat": "42.8725", "lon": "74.3661", "accuracy_m": 50, "method": "GPS"}


def reported(agency: Agency, amount: str, day: str, point: dict[str, Any], **facets: Any) -> str:
    """A seizure at the crossing between the two countries, filed; its id."""
    given = {
        "instant": f"{day}T04:20:00+06:00",
        "country": "KG",
        "where_point": point,
        "items": [item(None, "heroin", amount, "kg", status="PRES")],
    }
    record = agency.report(**(given | facets))
    reply = agency.post(record)
    assert reply.status == 201, reply.body
    return id_of(record)


@pytest.fixture
def pair(kz: Agency, kg: Agency, sought: Callable[[], None]) -> tuple[str, str]:
    """One event, as both neighbours report it: 9.884 kg, a day apart."""
    day = f"2026-02-{1 + next(_DAYS)}"
    records = reported(kz, "9.884", day, POINT), reported(kg, "9.884", day, NEARBY)
    sought()
    return records


_DAYS = iter(range(9, 28))


def test_a_second_report_is_proposed_with_its_reasons(pair: tuple[str, str], kz: Agency, kg: Agency) -> None:
    for agency in (kz, kg):
        link = between(agency, *pair)
        assert link is not None
        assert (link["relation"], link["state"], link["band"]) == ("event", "proposed", "probable")
        assert said(link)["amount"] == "same-rare"
        assert said(link)["place"] == "same"
        assert all(reason["words"] for reason in link["reasons"])
        assert float(link["weight"]) == pytest.approx(sum(float(r["weight"]) for r in link["reasons"]), abs=0.5)
    assert between(kz, *pair) == between(kg, *pair)


def test_each_party_learns_of_proposals_in_its_inbox(pair: tuple[str, str], kz: Agency, kg: Agency) -> None:
    for agency in (kz, kg):
        notices = agency.get("/v1/inbox", kind="links-proposed").json()["items"]
        assert notices[0]["subject"] == "/v1/links?relation=event"
        assert notices[0]["from"] is None


@pytest.fixture
def silent(exchange: Exchange) -> Agency:
    """A customs post of Kyrgyzstan that has enrolled just now: it files, and has never read anything."""
    code = f"KG-P{time.time_ns() % 10**9}"

    async def enrolled() -> None:
        engine = administration(exchange.settings)
        directory = exchange.region.profiles["KG-CUS"].directory.parent
        async with async_sessionmaker(engine).begin() as session:
            await enrol.enrol_agency(session, code, "CU", "A post")
            await exchange.region.add(session, directory, code, ("reporter",), name=code)
        await engine.dispose()

    asyncio.run(enrolled())
    return Agency(exchange, code)


def test_an_agency_that_has_never_read_learns_of_proposals_too(
    exchange: Exchange, kz: Agency, silent: Agency, sought: Callable[[], None]
) -> None:
    day = f"2026-02-{1 + next(_DAYS)}"
    pair = reported(kz, "6.117", day, POINT), reported(silent, "6.117", day, NEARBY)
    sought()
    (notice,) = silent.get("/v1/inbox", kind="links-proposed").json()["items"]
    assert notice["facts"] == {"relation": "event", "links": 1}
    assert between(silent, *pair) is not None


def test_an_agency_learns_of_proposals_through_eyes_that_somebody_still_has(
    exchange: Exchange, kz: Agency, silent: Agency, sought: Callable[[], None]
) -> None:
    """Who has read once, and whose key is revoked, is told of nothing; what it would be given is not compiled again. A
    next holder, in another role, is given eyes of its own.
    """
    assert silent.get("/v1/links").status == 200
    day = f"2026-02-{1 + next(_DAYS)}"
    reported(silent, "77.21", day, NEARBY)
    with create_engine(exchange.settings.database_as(), isolation_level="AUTOCOMMIT").connect() as connection:
        code = {"agency": silent.name}
        connection.execute(REVOKED, code)
        connection.execute(LAPSED, code)
        reported(kz, "77.21", day, POINT)
        sought()
        assert (connection.scalar(TOLD, code), connection.scalar(COMPILED, code)) == (0, 0)
        exchange.add_holder(f"{silent.name}/analyst", "analyst")
        reported(kz, "77.21", day, NEARBY)
        sought()
        assert connection.scalar(TOLD, code) == 1


REVOKED = text("""UPDATE core.agency_key SET revoked_at = now(), revocation_reason = 'lost'
    WHERE agency = :agency AND use = 'request-signing'""")
LAPSED = text("DELETE FROM gate.compiled WHERE context_id IN (SELECT id FROM gate.context WHERE agency = :agency)")
COMPILED = text("""SELECT count(*) FROM gate.compiled k JOIN gate.context c ON c.id = k.context_id
    WHERE c.agency = :agency AND c.purpose <> ''""")
TOLD = text("SELECT count(*) FROM core.notice WHERE to_agency = :agency AND kind = 'links-proposed'")


def test_an_agency_that_may_not_see_a_link_learns_of_none(
    exchange: Exchange, kz: Agency, silent: Agency, sought: Callable[[], None]
) -> None:
    exchange.adopt("KZ")
    try:
        day = f"2026-02-{1 + next(_DAYS)}"  # far from every other amount: posts of one country see each other's reports
        pair = reported(kz, "41.73", day, POINT), reported(silent, "41.73", day, NEARBY)
        sought()
        assert silent.get("/v1/inbox", kind="links-proposed").json()["items"] == []
        assert between(silent, *pair) is None
        assert between(kz, *pair) is not None, "Kyrgyzstan still gives what it files"
    finally:
        exchange.adopt("KZ", GIVEN)


def test_two_keys_of_both_parties_confirm_and_one_undoes(pair: tuple[str, str], kz: Agency, kg: Agency) -> None:
    path = f"/v1/links/{between(kz, *pair)['id']}"  # type: ignore[index]
    assert post(kz, f"{path}/confirmation", {}).json()["state"] == "proposed"
    assert refusal(post(kz, f"{path}/confirmation", {})) == (409, "second-key-needed", None)
    notices = kg.get("/v1/inbox", kind="link-confirmed").json()["items"]
    assert notices[0]["subject"] == path
    assert refusal(post(kg, f"{path}/undoing", {"reason": "Not yet."}))[:2] == (409, "link-out-of-turn")
    assert post(kg, f"{path}/confirmation", {"reason": "Same lorry."}).json()["state"] == "confirmed"
    shown = kg.get(path).json()
    assert shown["state"] == "confirmed"
    assert [(act["agency"], act["act"], act["counts"]) for act in shown["acts"]] == [
        ("KZ-CUS", "confirm", True), ("KG-CUS", "confirm", True),
    ]  # fmt: skip
    assert between(kz, *pair) is None
    assert between(kz, *pair, state="confirmed") is not None
    for record in pair:
        assert kz.get(f"/v1/seizures/{record}").status == 200, "both records stay"
    assert post(kz, f"{path}/undoing", {"reason": "Another lorry."}).json()["state"] == "undone"
    assert [act["counts"] for act in kg.get(path).json()["acts"]] == [False, False, False]
    assert post(kz, f"{path}/confirmation", {}).json()["state"] == "proposed", "begun anew: one is not enough"


def test_one_party_rejects_with_a_reason(pair: tuple[str, str], kz: Agency, kg: Agency) -> None:
    path = f"/v1/links/{between(kz, *pair)['id']}"  # type: ignore[index]
    assert refusal(post(kg, f"{path}/rejection", {}))[0] == 422
    assert post(kg, f"{path}/rejection", {"reason": "Two lorries."}).json()["state"] == "rejected"
    assert between(kz, *pair) is None
    assert kz.get(path).json()["acts"][0]["reason"] == "Two lorries."


def test_who_says_and_unsays_stands_once_in_the_other_partys_inbox(
    pair: tuple[str, str], kz: Agency, kg: Agency
) -> None:
    link = between(kz, *pair)
    assert link is not None
    path = f"/v1/links/{link['id']}"

    def told() -> list[tuple[str, str]]:
        found = kg.get("/v1/inbox", state="open", limit="500").json()["items"]
        return [(one["kind"], one["id"]) for one in found if one["subject"] == path]

    for _ in range(3):
        assert post(kz, f"{path}/rejection", {"reason": "Another day."}).status == 200
        first = told()[0]
        assert post(kz, f"{path}/confirmation", {}).status == 200
        assert sorted(kind for kind, _ in told()) == ["link-confirmed", "link-rejected"]
        assert told()[1] == first, "the newest comes first"
    for _, id_ in told():
        kg.exchange.client(kg.name).acknowledge_notice(id_)
    assert told() == []
    assert post(kz, f"{path}/rejection", {"reason": "Another day."}).status == 200
    ((kind, id_),) = told()
    assert (kind, id_ == first[1]) == ("link-rejected", False), "what was taken note of is told anew"


def test_a_party_is_one_of_the_two_agencies(pair: tuple[str, str], kz: Agency) -> None:
    colleague = Agency(kz.exchange, "KZ-DCA")
    link = between(colleague, *pair)
    assert link is not None, "their own country's, and shared with it"
    assert refusal(post(colleague, f"/v1/links/{link['id']}/confirmation", {}))[:2] == (403, "no-party-to-link")


def test_who_does_not_see_both_sees_no_link(pair: tuple[str, str], kz: Agency) -> None:
    link = between(kz, *pair)
    assert link is not None
    stranger = Agency(kz.exchange, "TJ-CUS")
    assert links(stranger) == []
    assert stranger.get(f"/v1/links/{link['id']}").problem == "not-found"
    assert refusal(post(stranger, f"/v1/links/{link['id']}/confirmation", {}))[:2] == (404, "not-found")
    assert refusal(post(kz, f"/v1/links/{link['id']}/confirmation", {}, purpose=None))[0] == 403


@pytest.mark.parametrize(
    ("amount", "facets"),
    [("3.1", {}), ("9.884", {"instant": "2026-01-20T04:20:00+06:00"}),
     ("9.884", {"items": [item(None, "cannabis resin", "9.884", "kg", status="PRES")]})],
    ids=["amount", "time", "substance"],
)  # fmt: skip
def test_what_differs_is_not_proposed(
    kz: Agency, kg: Agency, sought: Callable[[], None], amount: str, facets: dict[str, Any]
) -> None:
    one = reported(kz, "9.884", "2026-01-05", POINT)
    other = reported(kg, amount, "2026-01-05", NEARBY, **facets)
    sought()
    assert between(kz, one, other) is None


def test_one_agency_reports_every_parcel_of_an_event(kz: Agency, sought: Callable[[], None]) -> None:
    one, other = (reported(kz, "7.113", "2026-01-06", POINT) for _ in range(2))
    sought()
    assert between(kz, one, other) is None


def test_a_corrected_report_is_looked_at_anew(pair: tuple[str, str], kz: Agency, sought: Callable[[], None]) -> None:
    record = kz.get(f"/v1/seizures/{pair[0]}", accept="application/sd-jwt").body.decode()
    changed = correction(record, items=[{**item(None, "heroin", "2.5", "kg", status="PRES"), "line": 1}])
    assert kz.post(kz.sign(changed)).status == 201
    sought()
    assert between(kz, *pair) is None


def test_pages_go_through_all_links(pair: tuple[str, str], kz: Agency) -> None:
    whole = kz.get("/v1/links", limit=500).json()["items"]
    found, cursor = [], {}
    while True:
        page = kz.get("/v1/links", limit=1, **cursor).json()
        found += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == whole
    assert refusal(kz.get("/v1/links", cursor="AAAA"))[:2] == (400, "invalid-cursor")
