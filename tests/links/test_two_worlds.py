"""Two worlds that differ in what a reader may not see of linked records answer it byte for byte the same.

In both, customs and the laboratory of UZ have reported one event, and share day and items with the reader; all else
differs between the worlds. World 1 holds a third report, hidden from the reader, that would be the better
counterpart, and what a party says of that.
"""

import time
from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sarhad.errors import ProblemError
from sarhad.records import Record, item
from sqlalchemy import create_engine, text

from tests.exchange import heroin
from tests.links.wiring import passes
from tests.policies.questions import LINKS
from tests.policies.twins import new_id
from tests.policies.worlds import Question, Worlds

pytestmark = pytest.mark.xdist_group("two worlds")

READER = ("TJ-CUS", "analysis")
RULE = {
    "effect": "permit", "audience": {"countries": ["TJ"]}, "handling_up_to": "TLP:GREEN",
    "facets": ["items", "persons"], "time": "day", "place": "country",
}  # fmt: skip
PLACES = [{"lat": "41.3000", "lon": "69.2500", "accuracy_m": 50, "method": "GPS"},
          {"lat": "39.6500", "lon": "66.9600", "accuracy_m": 50, "method": "GPS"}]  # fmt: skip


def report(
    agency: str, id_: str, amount: str, place: dict[str, Any] | None = None, handling: str = "TLP:GREEN", **more: Any
) -> Record:
    given: dict[str, Any] = {
        "reference": f"{agency}-{id_[:8]}", "country": "UZ", "instant": "2025-06-10T04:20:00+05:00",
        "where_point": place or PLACES[0],
        "items": [item(None, "heroin", amount, "kg", status="PRES")], "reported": "2025-06-11T00:00:00Z",
        "persons": {"groups": [{"n": 2, "role": "CUR", "sex": "1", "age_band": "25-34", "nationality": "UZ"}],
                    "arrested": 2},
    }  # fmt: skip
    made = heroin(agency, **{name: value for name, value in (given | more).items() if value is not None})
    return Record(agency, "seizure", made.facets, handling, id_)


def test_what_is_hidden_of_records_changes_no_answer_about_links(worlds: Worlds) -> None:
    """D11. A likeness to a hidden record, and what is said of it, are told to nobody who does not see both."""
    worlds.adopt("UZ", [RULE])
    worlds.empty()
    one, other, hidden = new_id(), new_id(), new_id()
    transports = ({"mode": "3"}, {"mode": "2"})
    for agency, id_ in (("UZ-CUS", one), ("UZ-LAB", other)):
        # world 0: the same place; world 1: another place and another mode of transport
        records = [
            [worlds.sign(report(agency, id_, "9.884", PLACES[world if agency == "UZ-LAB" else 0],
                                transport=transports[world if agency == "UZ-LAB" else 0]))]
            for world in (0, 1)
        ]  # fmt: skip
        worlds.file(agency, (records[0], records[1]))
    # in world 1 alone: a nearer counterpart of the first
    secret = worlds.sign(report("UZ-LAB", hidden, "9.884", PLACES[0], "TLP:RED", transport=transports[0]))
    worlds.file("UZ-LAB", ([], [secret]))
    for world in worlds.both:
        passes(world.settings)
    partner = worlds.both[1].client("UZ-LAB", "analysis")
    better = partner.links(record=hidden)["items"]
    assert {entry["id"] for entry in better[0]["records"]} == {one, hidden}, "in world 1 there is a stronger link"
    partner.confirm_link(better[0]["id"])
    questions = [
        *(Question(LINKS, params) for params in (
            {}, {"relation": "event"}, {"state": "confirmed"}, {"record": one}, {"record": other}, {"record": hidden},
            {"min_weight": "12"}, {"agency": "UZ-LAB"}, {"limit": "1"}, {"limit": "0"}, {"cursor": "AAAA"},
            {"state": "hidden"},
        )),
        *(Question(f"{LINKS}/groups", {"relation": name}) for name in ("event", "chemical", "physical", "none")),
        Question(f"{LINKS}/{better[0]['id']}"), Question(f"{LINKS}/{new_id()}"), Question(f"{LINKS}/-"),
        Question(f"/v1/profiles/{one}/1/neighbours"), Question("/v1/inbox"),
        *(Question("/v1/trends", {"by": "owner", "measure": measure}) for measure in ("seizures,kg", "persons")),
    ]  # fmt: skip
    link = worlds.both[0].client(*READER).links()["items"][0]
    assert {entry["id"] for entry in link["records"]} == {one, other}
    assert [reason["level"] for reason in link["reasons"]] == ["amount:same-rare", "time:same", "substance:same"]
    for question in (*questions, Question(f"{LINKS}/{link['id']}")):
        first, second = worlds.ask(*READER, question)
        assert first == second, question
        assert first.status < 500
    # who sees all of both can tell the worlds apart: in world 1 too much speaks against it
    assert len(worlds.both[0].client("UZ-CUS", "analysis").link(link["id"])["reasons"]) > 3
    with pytest.raises(ProblemError):
        worlds.both[1].client("UZ-CUS", "analysis").link(link["id"])


FAR, NEAR = {**PLACES[0], "lat": "43.2500", "lon": "76.9500"}, {**PLACES[0], "lat": "41.4600", "lon": "69.1700"}
ONWARD, NORTH = ([{"role": "DESTINATION", "country": code, "certainty": "KNOWN"}] for code in ("KZ", "RU"))


def ground(name: str, world: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where the reports of UZ and KZ are of and lead to: in world 0 they can be of one event by this alone."""
    one: dict[str, Any] = {"where_point": PLACES[0], "route": NORTH}
    other: dict[str, Any] = {"country": "KZ", "where_point": None if name == "route" else FAR}
    if world == 0:
        one |= {"route": {"route": ONWARD}, "country": {"country": "KZ", "where_point": FAR}}.get(name, {})
        other |= {"point": {"where_point": NEAR}}.get(name, {})
    return one, other


def filed_by_grounds(worlds: Worlds, place: str, differing: Collection[str]) -> dict[str, tuple[str, str]]:
    """A report of UZ and one of KZ by the name of the ground on which they are compared; in world 1 there is no such
    ground where it is `differing`. The reader is told the `place`.
    """
    days = {"country": "2025-03-01", "route": "2025-05-01", "point": "2025-07-01"}
    told = {**RULE, "place": place}
    partners = {**RULE, "audience": {"countries": ["UZ", "KZ"]}, "place": "point", "facets": ["items", "route"]}
    for owner in ("UZ", "KZ"):
        worlds.adopt(owner, [told, partners])
    worlds.empty()
    ids = {name: (new_id(), new_id()) for name in days}
    for name, pair in ids.items():
        for side, agency in enumerate(("UZ-CUS", "KZ-CUS")):
            records = [
                [worlds.sign(report(agency, pair[side], "9.884", instant=f"{days[name]}T09:00:00+05:00",
                                    **ground(name, world if name in differing else 0)[side]))]
                for world in (0, 1)
            ]  # fmt: skip
            worlds.file(agency, (records[0], records[1]))
    for world in worlds.both:
        passes(world.settings)
    return ids


@pytest.mark.parametrize(
    ("place", "differing"),
    [("none", ("country", "route", "point")), ("country", ("route", "point")), ("point", ("route",))],
)
def test_why_two_reports_were_compared_is_not_told_where_it_is_hidden(
    worlds: Worlds, place: str, differing: tuple[str, ...]
) -> None:
    """Reports are compared where they are of one country, near each other, or one is on the way to the other."""
    ids = filed_by_grounds(worlds, place, differing)
    compared = [
        {entry["id"] for link in world.client("UZ-CUS", "analysis").links()["items"] for entry in link["records"]}
        for world in worlds.both
    ]
    assert compared[0] == {id_ for pair in ids.values() for id_ in pair}
    assert compared[1] == {id_ for name, pair in ids.items() if name not in differing for id_ in pair}
    questions = [
        Question(LINKS), Question(LINKS, {"relation": "event"}), Question(f"{LINKS}/groups", {"relation": "event"}),
        *(Question(LINKS, {"record": id_}) for pair in ids.values() for id_ in pair),
        *(Question(f"{LINKS}/{link['id']}") for link in worlds.both[0].client("UZ-CUS", "analysis").links()["items"]),
    ]  # fmt: skip
    shown = set()
    for question in questions:
        first, second = worlds.ask(*READER, question)
        assert first == second, question
        shown |= {name for name, pair in ids.items() if pair[0].encode() in first.body}
    assert shown == set(ids) - set(differing)


def test_a_filing_waits_for_no_pass(worlds: Worlds) -> None:
    """While a pass is at work, reports are filed."""
    world = worlds.both[0]
    engine = create_engine(world.settings.database_as())
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(7276827)"))
        started = time.monotonic()
        world.file([world.sign(report("UZ-CUS", new_id(), "3.2", PLACES[0]))], "UZ-CUS")
        assert time.monotonic() - started < 10
    engine.dispose()


def test_what_is_told_later_takes_no_place_of_what_is_told_now(worlds: Worlds) -> None:
    """World 1 holds more reports of the next month than a record is proposed with, and nearer: their delay runs."""
    delay = (datetime.now(UTC).date() - date(2025, 7, 31)).days + 10
    worlds.adopt("UZ", [{**RULE, "delay_days": delay}])
    worlds.empty()
    one, other = new_id(), new_id()
    june, july = (
        {"instant": f"{day}T12:00:00+05:00", "reported": "2025-07-02T00:00:00Z"} for day in ("2025-06-30", "2025-07-01")
    )
    for agency, id_, place, later in (("UZ-CUS", one, PLACES[0], 0), ("UZ-LAB", other, PLACES[1], 51)):
        told = worlds.sign(report(agency, id_, "9.884", place, **june))
        nearer = [worlds.sign(report(agency, new_id(), "9.884", **july)) for _ in range(later)]
        worlds.file(agency, ([told], [told, *nearer]))
    for world in worlds.both:
        passes(world.settings)
    (nearest,) = worlds.both[1].client("UZ-CUS", "analysis").links(record=one)["items"]
    assert other not in {entry["id"] for entry in nearest["records"]}, "who may see all is shown the nearest"
    for question in (Question(LINKS), *(Question(LINKS, {"record": id_}) for id_ in (one, other))):
        first, second = worlds.ask(*READER, question)
        assert first == second, question
        assert other.encode() in first.body
