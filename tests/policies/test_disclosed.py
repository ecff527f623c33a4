"""Over HTTP, questions act on what the reader sees: filters, boxes, order, cursors, history, signed copies."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import h3
import pytest
from sarhad import Client
from sarhad.records import Record, read, verify

from tests.exchange import Exchange
from tests.policies.documents import document
from tests.policies.evaluator import Labels, Reader, sight
from tests.policies.reports import (
    AGENCY,
    CELLED,
    EXACT,
    GATE,
    HIDDEN,
    MONTHLY,
    OWNER,
    PARTNER,
    RULES,
    UNDATED,
    everything,
    ids,
    refused,
    report,
)


def test_bisection_by_box_finds_the_centre_of_the_cell_and_nothing_finer(
    file: Callable[[Record], str], partner: Client, owner: Client
) -> None:
    """Thirty-eight questions halve a box; on hidden coordinates they would find the house."""
    position = (67.0421, 39.7093)  # longitude, latitude
    hidden = file(report(CELLED, where_point={"lat": str(position[1]), "lon": str(position[0])}))
    assert _bisected(owner, hidden) == pytest.approx(position, abs=2e-4)
    latitude, longitude = h3.cell_to_latlng(h3.latlng_to_cell(position[1], position[0], 5))
    assert abs(longitude - position[0]) + abs(latitude - position[1]) > 0.01
    assert _bisected(partner, hidden) == pytest.approx((longitude, latitude), abs=2e-4)


def _bisected(client: Client, record: str) -> tuple[float, float]:
    west, south, east, north = 55.0, 37.0, 74.0, 46.0
    for _ in range(19):
        middle = (west + east) / 2
        west, east = (
            (west, middle) if record in ids(client, bbox=f"{west},{south},{middle},{north}") else (middle, east)
        )
        middle = (south + north) / 2
        south, north = (
            (south, middle) if record in ids(client, bbox=f"{west},{south},{east},{middle}") else (middle, north)
        )
    assert record in ids(client, bbox=f"{west},{south},{east},{north}")
    return (west + east) / 2, (south + north) / 2


def test_a_box_finds_no_record_whose_place_is_withheld(file: Callable[[Record], str], partner: Client) -> None:
    hidden = {file(report(handling)) for handling in (MONTHLY, UNDATED, HIDDEN)}
    assert not hidden & set(ids(partner, bbox="-180,-90,180,90"))


@pytest.mark.parametrize(
    ("handling", "start"),
    [(MONTHLY, "2026-02-01T00:00"), (CELLED, "2026-02-11T00:00"), (EXACT, "2026-02-11T18:47:13")],
)
def test_bisection_by_time_finds_what_is_disclosed(
    file: Callable[[Record], str], partner: Client, handling: str, start: str
) -> None:
    """In UTC; the seizure was at 18:47:13."""
    record = file(report(handling))
    low, high = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        found = record in ids(partner, from_=low.isoformat(), to=middle.isoformat())
        low, high = (low, middle) if found else (middle, high)
    assert abs(low - datetime.fromisoformat(start).replace(tzinfo=UTC)) <= timedelta(seconds=1)


def test_a_record_without_disclosed_time_is_in_no_period(file: Callable[[Record], str], partner: Client) -> None:
    record = file(report(UNDATED))
    assert record in ids(partner)
    assert record not in ids(partner, from_="1900-01-01T00:00:00Z")
    assert record in ids(partner, to="1900-01-01T00:00:00Z"), "it counts as before every time, whenever it was"


TRUE_AND_ABSENT: dict[str, tuple[str, str]] = {
    "reference": ("UZ-filter", "UZ-nothing"),
    "admin1": ("UZ-SA", "UZ-NG"),
    "country": ("UZ", "UA"),
    "transport": ("3", "7"),
    "concealment": ("LUG", "XYZ"),
    "place_type": ("ROAD", "ABCD"),
    "substance": ("SAR-000608", "SAR-000384"),
    "status": ("PRES", "NEGA"),
    "min_kg": ("1", "99999"),
    "max_kg": ("99999", "0.000001"),
}
GIVEN_TO = {
    MONTHLY: {"admin1", "country"},
    CELLED: {"admin1", "country", "substance", "status", "min_kg", "max_kg"},
    EXACT: set(TRUE_AND_ABSENT),
    UNDATED: {"country"},
    HIDDEN: set[str](),
}


@pytest.mark.parametrize("handling", GIVEN_TO)
def test_a_filter_on_a_withheld_facet_answers_as_for_a_value_that_is_nowhere(
    file: Callable[[Record], str], partner: Client, owner: Client, handling: str
) -> None:
    """Each alone in its year, so that nothing else answers."""
    year = 1994 + list(GIVEN_TO).index(handling)
    reference = f"UZ-filter-{uuid.uuid4()}"
    record = file(report(handling, f"{year}-05-06T07:08:09+05:00", reference=reference))
    period = {"owner": OWNER, "from_": f"{year}-01-01T00:00:00Z", "to": f"{year}-12-31T00:00:00Z"}
    if handling == UNDATED:
        period = {"owner": OWNER, "to": "1900-01-01T00:00:00Z"}
    for name, (true, absent) in TRUE_AND_ABSENT.items():
        asked = reference if name == "reference" else true
        assert record in ids(owner, **{name: asked}), "the owner finds it"
        found = partner.search(**period, **{name: asked}).raw
        nothing = partner.search(**period, **{name: absent}).raw
        assert nothing["items"] == []
        if name in GIVEN_TO[handling]:
            assert record in [entry["id"] for entry in found["items"]]
        else:
            assert found == nothing


def test_order_follows_disclosed_times_only(file: Callable[[Record], str], partner: Client) -> None:
    """Seizures of one month, dated in turn: the reader of months gets them in the order of their ids."""
    made = [file(report(MONTHLY, f"2009-04-{day:02}T10:00:00+05:00")) for day in range(1, 13)]
    listed = ids(partner, from_="2009-04-01T00:00:00Z", to="2009-05-01T00:00:00Z")
    assert listed == sorted(made)
    assert listed not in (made, made[::-1])


@pytest.fixture(scope="module")
def walked(file: Callable[[Record], str]) -> dict[str, list[str]]:
    """Four of each precision, and some that nobody else sees, in a year of their own."""
    marks = (MONTHLY, CELLED, EXACT, UNDATED, HIDDEN)
    return {
        handling: [
            file(report(handling, f"2008-0{n % 2 + 6}-1{n}T1{n}:00:00.123456+05:00", reference=f"W-{uuid.uuid4()}"))
            for n in range(4)
        ]
        for handling in marks
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize("filters", [{}, {"country": "UZ"}, {"substance": "SAR-000608"}, {"bbox": "60,38,70,42"}])
def test_pages_hold_every_visible_record_once(
    walked: dict[str, list[str]], partner: Client, limit: int, filters: dict[str, str]
) -> None:
    period = {"from_": "2008-01-01T00:00:00Z", "to": "2009-01-01T00:00:00Z"}
    dated = ids(partner, limit=limit, **period, **filters)
    expected = {id_ for handling in (MONTHLY, CELLED, EXACT) for id_ in walked[handling]}
    if "substance" in filters or "bbox" in filters:
        expected -= set(walked[MONTHLY])
    assert sorted(dated) == sorted(expected)


def test_pages_reach_records_without_time(walked: dict[str, list[str]], partner: Client) -> None:
    listed = ids(partner, to="1900-01-01T00:00:00Z", limit=2)
    assert len(listed) == len(set(listed))
    assert set(walked[UNDATED]) <= set(listed)
    assert listed == sorted(listed)
    whole = ids(partner, limit=3)
    assert len(whole) == len(set(whole))
    assert set(listed) == set(whole[-len(listed) :])


@pytest.fixture
def cursor(walked: dict[str, list[str]], partner: Client) -> str:
    following = partner.search(owner=OWNER, limit=2).next
    assert following is not None
    return following


def test_a_cursor_is_of_one_reader_one_question_and_one_policy(exchange: Exchange, cursor: str) -> None:
    question = {"owner": OWNER, "cursor": cursor}
    assert exchange.client(PARTNER).search(**question, limit=3).items, "the limit may change"
    for name, client, other in (
        ("another agency", exchange.client("KG-LAB"), {}),
        ("another country", exchange.client("TM-CUS"), {}),
        ("the owner", exchange.client(AGENCY), {}),
        ("another purpose", exchange.client(PARTNER, "analysis"), {}),
        ("another filter", exchange.client(PARTNER), {"country": "UZ"}),
        ("another kind", exchange.client(PARTNER), {"kind": "zero"}),
        ("other owner", exchange.client(PARTNER), {"owner": "KZ"}),
    ):
        assert refused(lambda c=client, o=other: c.search(**question | o)).kind == "invalid-cursor", name


def test_a_cursor_ends_with_its_policy(exchange: Exchange, cursor: str) -> None:
    numbered = [{"id": str(number), **rule} for number, rule in enumerate(RULES)]
    more = {"id": "more", **GATE, "handling_up_to": "TLP:CLEAR", "facets": ["route"], "joins": True}
    exchange.adopt(OWNER, *numbered, more)
    try:
        problem = refused(lambda: exchange.client(PARTNER).search(owner=OWNER, cursor=cursor))
        assert problem.kind == "invalid-cursor"
    finally:
        exchange.adopt(OWNER, *numbered)
    assert exchange.client(PARTNER).search(owner=OWNER, cursor=cursor).items, "the same rules, the same version"


def test_a_cursor_that_was_touched_is_refused(partner: Client, cursor: str) -> None:
    flipped = [cursor[:n] + ("A" if cursor[n] != "A" else "B") + cursor[n + 1 :] for n in range(0, len(cursor), 5)]
    for touched in (*flipped, cursor[:-4], cursor + "AAAA", "A" * 80, "%", "ж", " "):
        problem = refused(lambda t=touched: partner.search(owner=OWNER, cursor=t))
        assert problem.kind == "invalid-cursor", touched


@pytest.mark.parametrize("handling", GIVEN_TO)
def test_gives_is_what_the_policy_gives(file: Callable[[Record], str], partner: Client, handling: str) -> None:
    record = file(report(handling))
    reader = Reader("KG", PARTNER, frozenset({"reporter", "analyst"}), "operational")
    labels = Labels(OWNER, "seizure", frozenset({"heroin-opiates"}), handling, AGENCY)
    rules = sight(reader, labels, {OWNER: document(OWNER, RULES)})
    if rules is None:
        assert refused(lambda: partner.get(record)).status == 404
        return
    shown = partner.get(record)
    assert set(shown["gives"]) == rules.facets
    assert set(shown["facets"]) <= rules.facets
    assert ("derived" in shown) == ("items" in rules.facets)


@pytest.mark.parametrize("handling", [MONTHLY, CELLED, EXACT, UNDATED])
def test_the_signed_copy_holds_permitted_disclosures_only(
    exchange: Exchange, owner: Client, partner: Client, handling: str
) -> None:
    filed = exchange.sign(report(handling))
    record = owner.submit(filed).id
    copy = partner.get_record(record)
    key = exchange.region.profiles[AGENCY].load_record_key().public
    verified, whole = verify(copy, key), read(filed)
    gives = set(partner.get(record)["gives"])
    assert verified.facets == {name: value for name, value in whole.facets.items() if name in gives}
    assert verified.jwt == whole.jwt
    assert owner.get_record(record).split("~")[0] == whole.jwt
    assert set(verify(owner.get_record(record), key).disclosures.values()) == set(whole.disclosures.values())


def test_a_hidden_record_is_refused_as_one_that_is_not_there(exchange: Exchange, file: Callable[[Record], str]) -> None:
    hidden = file(report(HIDDEN))
    for reader, purpose in (
        (PARTNER, "operational"),
        (PARTNER, "health"),
        ("TM-CUS", "operational"),
        ("TM-DCA", "analysis"),
    ):
        answers = everything(exchange, hidden, reader, purpose)
        assert answers == everything(exchange, str(uuid.uuid4()), reader, purpose)
        assert {status for status, _ in answers} == {404}


@pytest.mark.parametrize("officer", ["KG-DCA/auditor", "UZ-DCA/auditor", "UZ-DCA/admin1"])
def test_overseers_read_no_content(exchange: Exchange, file: Callable[[Record], str], officer: str) -> None:
    record = file(report(EXACT))
    assert {status for status, _ in everything(exchange, record, officer)} == {403}
    assert refused(lambda: exchange.client(officer).search()).kind == "role-required"


def test_shared_data_is_read_for_a_stated_purpose(exchange: Exchange, file: Callable[[Record], str]) -> None:
    record = file(report(EXACT))
    assert refused(lambda: exchange.client(PARTNER, None).get(record)).kind == "purpose-required"
    assert refused(lambda: exchange.client(PARTNER, "health").get(record)).status == 404
