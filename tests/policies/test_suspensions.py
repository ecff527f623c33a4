"""The kill switch: one officer stops, the next request of anyone sees nothing, another officer lifts."""

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from sarhad import Client
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from service.previews.look import PREVIEWED
from tests.exchange import Exchange, heroin
from tests.policies.entrance import Entrance
from tests.policies.leaks.asking import Asker
from tests.policies.reports import refused

OWNER = "KG"
SHARE = {
    "id": "share",
    "effect": "permit",
    "audience": {},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items"],
    "time": "month",
    "place": "country",
}


@pytest.fixture
def first(exchange: Exchange) -> Iterator[Client]:
    """An officer; whatever a test suspends is lifted after it."""
    client = exchange.client(f"{OWNER}-DCA/policy", None)
    yield client
    for entry in client.suspensions()["items"]:
        if entry["lifted"] is None:
            exchange.client(f"{OWNER}-DCA/policy2", None).lift_suspension(entry["id"], "the test is over")


@pytest.fixture
def second(exchange: Exchange) -> Client:
    return exchange.client(f"{OWNER}-DCA/policy2", None)


@pytest.fixture(scope="module")
def records(exchange: Exchange) -> dict[str, str]:
    """One record of each of two agencies, shared with everyone."""
    exchange.adopt(OWNER, SHARE)
    agencies = (f"{OWNER}-CUS", f"{OWNER}-LAB")
    return {name: exchange.client(name).submit(exchange.sign(heroin(name))).id for name in agencies}


def seen(exchange: Exchange, name: str) -> set[str]:
    return {item["id"] for item in exchange.client(name).search_all(owner=OWNER, limit=500)}


@pytest.mark.parametrize("towards", ["country", "agency", "key", "everyone"])
def test_whoever_is_named_sees_nothing_from_the_next_request_on(
    exchange: Exchange, first: Client, second: Client, records: dict[str, str], towards: str
) -> None:
    key = exchange.region.profiles["UZ-CUS"].load_request_key().kid
    named = {
        "country": {"towards_country": "UZ"},
        "agency": {"towards_agency": "UZ-CUS"},
        "key": {"towards_key": key},
        "everyone": {},
    }[towards]
    theirs = set(records.values())
    assert theirs <= seen(exchange, "UZ-CUS") & seen(exchange, "UZ-DCA") & seen(exchange, "TM-CUS")
    made = first.suspend({**named, "reason": "trust is lost"})
    assert not theirs & seen(exchange, "UZ-CUS")
    for record in theirs:
        assert refused(lambda record=record: exchange.client("UZ-CUS").get(record)).status == 404
    assert bool(theirs & seen(exchange, "UZ-DCA")) == (towards in {"agency", "key"})
    assert bool(theirs & seen(exchange, "TM-CUS")) == (towards != "everyone")
    assert theirs <= seen(exchange, f"{OWNER}-CUS")
    lifted = second.lift_suspension(made["id"], "trust is back")
    assert lifted["lifted"]["by"] == exchange.region.profiles[f"{OWNER}-DCA/policy2"].load_request_key().kid
    assert theirs <= seen(exchange, "UZ-CUS")


def test_one_own_agency_can_be_withheld(exchange: Exchange, first: Client, records: dict[str, str]) -> None:
    first.suspend({"of_agency": f"{OWNER}-LAB", "reason": "samples were mixed up"})
    assert seen(exchange, "UZ-CUS") & set(records.values()) == {records[f"{OWNER}-CUS"]}
    refusal = refused(lambda: first.suspend({"of_agency": "UZ-LAB", "reason": "not ours"}))
    assert (refusal.status, refusal.kind) == (403, "not-your-agency")


def test_a_cursor_taken_before_is_refused(exchange: Exchange, first: Client, records: dict[str, str]) -> None:
    reader = exchange.client("UZ-CUS")
    page = reader.search(owner=OWNER, limit=1)
    assert page.next is not None
    first.suspend({"towards_country": "UZ", "reason": "trust is lost"})
    refusal = refused(lambda: reader.search(owner=OWNER, limit=1, cursor=page.next))
    assert (refusal.status, refusal.kind) == (400, "invalid-cursor")


def test_every_way_of_asking_stops(exchange: Exchange, first: Client, records: dict[str, str]) -> None:
    """Not only lists and items: whatever is previewed, is what a reader can ask for shared data at all."""
    record = records[f"{OWNER}-CUS"]
    params = {
        "/v1/aggregates": "?time=year&first_month=2026-01&last_month=2026-12",
        "/v1/hotspots": "?from=2026-01&to=2026-06",
    }

    def asked(id_: str) -> list[tuple[int, str]]:
        asker = Asker(exchange, "UZ-CUS")
        paths = [path.format(record_id=id_) + params.get(path, "") for path in PREVIEWED]
        paths += [f"/v1/{route}?owner={OWNER}" for route in ("seizures", "trends", "flows")]
        answers = [asker(path, headers={"accept": "application/json"}) for path in paths]
        answers.append(asker(f"/v1/seizures/{id_}", headers={"accept": "application/sd-jwt"}))
        answers.append(asker("/v1/standings", "POST", json={"held": [{"id": id_}]}))
        asker.http.close()
        return [(answer.status, answer.body.decode().replace(id_, "ID")) for answer in answers]

    before = asked(record)
    assert before != asked(str(uuid4()))
    first.suspend({"towards_country": "UZ", "reason": "trust is lost"})
    after = asked(record)
    assert after == asked(str(uuid4())), "of a record that is suspended as of one that is not there"
    assert not [body for _, body in after if f"{OWNER}-CUS" in body]
    of_owner = after[len(PREVIEWED) :]  # asked of this owner alone: what the reader's own country holds is not in them
    assert not [body for _, body in of_owner if "11.84" in body]


def test_the_officer_who_suspended_does_not_lift(
    exchange: Exchange, first: Client, second: Client, records: dict[str, str]
) -> None:
    made = first.suspend({"towards_country": "UZ", "reason": "trust is lost"})
    refusal = refused(lambda: first.lift_suspension(made["id"], "never mind"))
    assert (refusal.status, refusal.kind) == (403, "second-officer-required")
    second.lift_suspension(made["id"], "a mistake")
    again = refused(lambda: second.lift_suspension(made["id"], "again"))
    assert (again.status, again.kind) == (409, "suspension-lifted")
    stranger = exchange.client("UZ-DCA/policy", None)
    assert refused(lambda: stranger.lift_suspension(made["id"], "ours now")).status == 404
    assert refused(lambda: second.lift_suspension(str(uuid4()), "which?")).status == 404
    assert made["id"] not in {entry["id"] for entry in stranger.suspensions()["items"]}
    assert made["id"] in {entry["id"] for entry in first.suspensions()["items"]}
    assert refused(lambda: exchange.client("UZ-CUS").suspend({"reason": "no officer"})).kind == "role-required"


@pytest.mark.parametrize("meanwhile", ["asks", "asks not"])
@pytest.mark.parametrize("towards", [{}, {"towards_country": "UZ"}, {"towards_agency": "UZ-CUS"}])
def test_what_was_adopted_under_a_suspension_is_seen_when_it_is_lifted(
    exchange: Exchange,
    first: Client,
    second: Client,
    records: dict[str, str],
    towards: dict[str, str],
    meanwhile: str,
) -> None:
    """A policy that was weighed while nothing was shared; who asks meanwhile has the suspension compiled in."""
    assert set(records.values()) <= seen(exchange, "UZ-CUS")
    made = first.suspend({**towards, "reason": "trust is lost"})
    if meanwhile == "asks":
        assert seen(exchange, "UZ-CUS") == set()
    exchange.adopt(OWNER, SHARE)
    second.lift_suspension(made["id"], "trust is back")
    assert set(records.values()) <= seen(exchange, "UZ-CUS")


def test_every_worker_stops_within_a_second(exchange: Exchange, first: Client, records: dict[str, str]) -> None:
    """Connections are spread over the workers: none of them shows a record once the answer is there."""
    readers = [
        Client(
            service=exchange.settings.origin,
            key=exchange.region.profiles[name].load_request_key(),
            purpose="operational",
        )
        for name in ("UZ-CUS", "TM-CUS", "RU-CUS", "TJ-CUS")
    ]
    record = records[f"{OWNER}-CUS"]
    for reader in readers:
        reader.get(record)
    first.suspend({"reason": "everything stops"})
    answered = time.monotonic()
    for reader in readers:
        assert refused(lambda reader=reader: reader.get(record)).status == 404
        reader.close()
    print(f"refused on every connection {time.monotonic() - answered:.3f} s after the answer")


def test_a_suspension_touches_no_record(exchange: Exchange, first: Client, superuser: Engine) -> None:
    rows = text("SELECT record_id, version, xmin::text, cmax::text, xmax::text FROM core.report ORDER BY 1, 2")
    with superuser.connect() as connection:
        before = connection.execute(rows).all()
    first.suspend({"reason": "everything stops"})
    assert not seen(exchange, "UZ-CUS")
    with superuser.connect() as connection:
        assert connection.execute(rows).all() == before


def test_what_is_suspended_already_is_not_suspended_twice(first: Client, second: Client) -> None:
    made = first.suspend({"towards_agency": "UZ-CUS", "reason": "trust is lost"})
    again = second.suspend({"towards_agency": "UZ-CUS", "reason": "trust is lost here, too"})
    other = first.suspend({"towards_agency": "UZ-DCA", "reason": "trust is lost"})
    assert (again["id"], again["by"]) == (made["id"], made["by"])
    assert other["id"] != made["id"]


def test_many_keys_suspended_one_by_one_do_not_slow_the_exchange(entrance: Entrance, token: Callable[..., str]) -> None:
    """Every reading asks what is suspended; towards a country or everyone there is room however many there are."""
    suspend = text("SELECT gate.suspend(NULL, :country, NULL, :key, 'officer', 'trust is lost')")
    with entrance("sarhad_write", token("AZ", "policy_officer", purpose="", agency="DCA")) as connection:
        for number in range(256):
            connection.execute(suspend, {"country": None, "key": f"key-{number}"})
        with pytest.raises(DBAPIError, match="at most 256"), connection.begin_nested():
            connection.execute(suspend, {"country": None, "key": "one more"})
        assert connection.execute(suspend, {"country": "UZ", "key": None}).scalar_one()
