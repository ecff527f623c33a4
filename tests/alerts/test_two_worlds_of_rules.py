"""Two worlds that differ in what a reader may not see warn it alike by every rule, and show it the same alerts.

Hidden are whole records, marked RED, and facets of records that the reader is shown. Webhooks get the same bodies. Only
times and the random ids of candidates, alerts and orders differ, and are left out.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sarhad.analyses import finding
from sarhad.records import Record, item

from tests.alerts.conftest import Receiver
from tests.alerts.test_sweep import RISEN, history, last_monday, swept
from tests.alerts.test_sweep import seized as weekly
from tests.analyses.laboratory import AMPHETAMINE_TYPE, HEROIN, heroin_found
from tests.awaiting import eventually
from tests.exchange import heroin
from tests.policies.worlds import Question, World, Worlds
from tests.profiles.specimens import MARKERS, specimen, study

pytestmark = pytest.mark.xdist_group("two worlds of alerts")

READER, PURPOSE = "TJ-LAB", "operational"
METHOD = "WARNED.1"
PERMIT = {"effect": "permit", "audience": {"countries": ["TJ"]}, "handling_up_to": "TLP:GREEN", "time": "day",
          "place": "country"}  # fmt: skip
# Each is filed for the first time in the two worlds by one test.
RARE = iter(["SAR-000353", "SAR-000354", "SAR-000358", "SAR-000359", "SAR-000365", "SAR-000366", "SAR-000374",
             "SAR-000376", "SAR-000379", "SAR-000380", "SAR-000387"])  # fmt: skip
UNTIMED = "SAR-000395"
_numbers = count(1)
Pair = tuple[Record | None, Record | None]


@pytest.fixture(scope="module", autouse=True)
def method(worlds: Worlds) -> None:
    declared = {"code": METHOD, "substance": AMPHETAMINE_TYPE, "technique": "GC", "markers": MARKERS}
    for world in worlds.both:
        world.client("UZ-LAB").declare_profile_method({**declared, "description": "GC-MS"})
        world.client("UZ-LAB").calibrate_profile_method(METHOD, study())


@pytest.fixture(scope="module", autouse=True)
def hooks(worlds: Worlds) -> Iterator[tuple[Receiver, Receiver]]:
    """A webhook of the reader in each world, told of all that it orders."""
    receivers = Receiver(), Receiver()
    for world, receiver in zip(worlds.both, receivers, strict=True):
        order = {"name": "hook", "delivery": "webhook", "url": receiver.url}
        call(world, READER, "POST", "/v1/subscriptions", order)
    yield receivers
    for receiver in receivers:
        receiver.stop()


def call(world: World, name: str, method: str, path: str, document: object = None, **params: str) -> dict[str, Any]:
    body = None if document is None else json.dumps(document).encode()
    answer = world.ask(name, PURPOSE, Question(path, params, method=method, body=body))
    assert answer.status in (200, 201), answer
    return dict(json.loads(answer.body))


def analysis(handling: str = "TLP:GREEN", purity: str = "41.2", **facets: Any) -> Record:
    number = next(_numbers)
    return heroin_found(
        "UZ-LAB", f"UZ-CUS/2026-{number}/1", reference=f"LAB-{number}", reported="2026-03-22T08:00:00Z",
        handling=handling, items=[finding(HEROIN, "heroin", techniques=[2, 3])],
        purity=[{"line": 1, "value": purity, "unit": "%", "basis": "AS_BASE"}], **facets,
    )  # fmt: skip


def tablet(logo: str) -> list[dict[str, Any]]:
    return [{"exhibit": 1, "form": "TAB", "colour": "pink", "logo": logo, "shape": "round"}]


def profile(batch: int, number: int) -> list[dict[str, Any]]:
    kept = {"line": 1, "technique": "GC", "media_type": "chemical/x-jcamp-dx", "sha256": "0" * 64, "size": 1}
    return [{**kept, "profile": {"method": METHOD, "areas": specimen(batch, number)}}]


def seized(substance: str, handling: str = "TLP:GREEN", **facets: Any) -> Record:
    return heroin("UZ-CUS", handling=handling, items=[item(substance, "powder", "1", "kg", status="PRES")], **facets)


def file(worlds: Worlds, *pairs: Pair) -> None:
    """Of each pair the first in world 0, the second in world 1; what is the same in both has the same signature."""
    signed: dict[str, tuple[list[str], list[str]]] = {"UZ-LAB": ([], []), "UZ-CUS": ([], [])}
    for pair in pairs:
        forms = {id(one): worlds.reviewed(one) if one.kind == "analysis" else worlds.sign(one) for one in pair if one}
        for world, one in enumerate(pair):
            if one:
                signed[one.agency][world].append(forms[id(one)])
    for agency, records in signed.items():
        worlds.file(agency, records)


def both(record: Record) -> Pair:
    return record, record


def hidden(record: Record) -> Pair:
    return None, record


def twins(first: Record, second: Record) -> Pair:
    """One record, as it stands in either world."""
    return first, replace(second, id=first.id)


def judged(worlds: Worlds) -> None:
    """All that was filed so far, something that warns last."""
    substance = next(RARE)
    file(worlds, both(seized(substance)))
    for world in worlds.both:
        eventually(world.judged, 600)  # what failed once is judged again a minute later
        assert [candidate for candidate in told(world) if candidate["substance"] == substance]


def told(world: World, name: str = READER) -> list[dict[str, Any]]:
    return list(call(world, name, "GET", "/v1/alerts/candidates", limit="200")["items"])


def plain(documents: Iterable[dict[str, Any]], *besides: str) -> list[str]:
    """Without what is random or says when, in an order of its own."""
    left_out = {"id", "at", "issued", *besides}
    return sorted(json.dumps({k: v for k, v in one.items() if k not in left_out}, sort_keys=True) for one in documents)


def delivered(world: World) -> None:
    """All that the reader is told now has gone to its webhook: what it may not see any more would not be sent."""
    (hook,) = (one["id"] for one in call(world, READER, "GET", "/v1/subscriptions")["items"])

    def done() -> bool:
        deliveries = call(world, READER, "GET", f"/v1/subscriptions/{hook}/deliveries", state="sent")["items"]
        sent = {one["subject"] for one in deliveries}
        alerts = call(world, READER, "GET", "/v1/alerts", state="issued")["items"]
        return sent >= {one["id"] for one in (*told(world), *alerts)}

    assert eventually(done)


def warned_alike(worlds: Worlds) -> list[dict[str, Any]]:
    """The candidates of the reader, once they are found to be the same in both worlds."""
    for world in worlds.both:
        delivered(world)
    first, second = (told(world) for world in worlds.both)
    assert plain(first) == plain(second)
    return first


def of(rule: str, found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [candidate for candidate in found if candidate["rule"] == rule]


def test_hidden_contents_make_no_content_unusual(worlds: Worlds) -> None:
    """World 1 holds contents, marked RED, beside which the one that is unusual among the visible would not be."""
    worlds.adopt("UZ", [{**PERMIT, "facets": ["items", "purity"]}])
    worlds.empty()
    file(worlds, *(hidden(analysis("TLP:RED", f"{60 + n % 30}")) for n in range(40)))
    file(worlds, *(both(analysis(purity=f"{30 + n % 10}")) for n in range(20)))
    judged(worlds)
    file(worlds, both(analysis(purity="84")))
    judged(worlds)
    (outlier,) = of("PURITY_OUTLIER", warned_alike(worlds))
    assert (outlier["facts"]["earlier"], outlier["facts"]["median"]) == (20, "34.5")


def test_hidden_imprints_and_profiles_neither_warn_nor_keep_from_warning(worlds: Worlds) -> None:
    """World 1 has seen the logo before, and a third specimen of the batch, both marked RED."""
    worlds.adopt("UZ", [{**PERMIT, "facets": ["marks", "spectra", "items"]}])
    worlds.empty()
    file(worlds, hidden(analysis("TLP:RED", marks=tablet("griffin"), spectra=profile(21, 0))))
    judged(worlds)
    file(worlds, *(both(analysis(marks=tablet("griffin"), spectra=profile(21, n))) for n in (1, 2)))
    for world in worlds.both:
        eventually(lambda world=world: of("PROFILE_MATCH", told(world)))
    judged(worlds)
    found = warned_alike(worlds)
    assert [candidate["facts"]["logo"] for candidate in of("NEW_LOGO", found)] == ["griffin"]
    assert len(of("PROFILE_MATCH", found)) == 1


def test_hidden_facets_change_no_warning(worlds: Worlds) -> None:
    """World 1 has other imprints, profiles, contents and countries where the reader is given the items alone."""
    worlds.adopt("UZ", [{**PERMIT, "place": "none", "facets": ["items"]}])
    worlds.empty()
    watch = {"name": "own", "delivery": "digest", "rules": ["NEW_LOGO", "PROFILE_MATCH", "PURITY_OUTLIER"]}
    call(worlds.both[1], "UZ-LAB", "POST", "/v1/subscriptions", watch)
    file(worlds, *(both(analysis(purity=f"{30 + n % 10}")) for n in range(20)))
    pairs = [
        twins(analysis(), analysis(purity="84", marks=tablet("phoenix"), spectra=profile(22, n))) for n in range(2)
    ]
    substance = next(RARE)
    pairs.append(twins(*(seized(substance, country=country) for country in ("UZ", "KZ"))))
    file(worlds, *pairs)
    rules = {"NEW_LOGO", "PROFILE_MATCH", "PURITY_OUTLIER"}
    eventually(lambda: {candidate["rule"] for candidate in told(worlds.both[1], "UZ-LAB")} >= rules)
    judged(worlds)
    ids = [first.id for first, _ in pairs if first]
    found = [candidate for candidate in warned_alike(worlds) if candidate["record"] in ids]
    assert [(candidate["rule"], candidate["record"]) for candidate in found] == [("FIRST_IN_REGION", ids[-1])]


def test_hidden_reports_make_no_rate_rise_and_hide_no_rise(worlds: Worlds) -> None:
    """World 1 has more heroin in the last week, marked RED; where the day is hidden there is no rate at all."""
    worlds.empty()
    day = last_monday() - timedelta(days=5)
    more = [replace(heroin("TM-CUS", **weekly(day, "heroin", 100 + n)), handling="TLP:RED") for n in range(2 * RISEN)]
    usual = [worlds.sign(record) for record in history()]
    worlds.adopt("TM", [{**PERMIT, "facets": ["items"]}])
    worlds.file("TM-CUS", (usual, [*usual, *map(worlds.sign, more)]))
    for world in worlds.both:
        eventually(world.judged, 600)  # a sweep that came first would name another record as the first of its kind
    for time, rises in (("day", 1), ("month", 0)):
        worlds.adopt("TM", [{**PERMIT, "facets": ["items"], "time": time}])
        for world in worlds.both:
            swept(world)
        assert len(of("SPIKE", warned_alike(worlds))) == rises
    worlds.adopt("TM", [])


def test_hidden_reports_with_a_time_keep_no_first_without_any_from_being_told(worlds: Worlds) -> None:
    """World 1 has the substance in a report marked RED, which has a day; the reader is given another, and no time."""
    worlds.adopt("UZ", [])
    worlds.empty()
    shown = seized(UNTIMED)
    file(worlds, both(shown), hidden(seized(UNTIMED, "TLP:RED")))
    for world in worlds.both:
        eventually(world.judged, 600)
    worlds.adopt("UZ", [{**PERMIT, "time": "none", "facets": ["items"]}])
    for world in worlds.both:
        swept(world)
    told_of = [c for c in warned_alike(worlds) if c["substance"] == UNTIMED]
    assert {(c["rule"], c["record"]) for c in told_of} == {
        ("FIRST_IN_REGION", shown.id), ("FIRST_IN_COUNTRY", shown.id)
    }  # fmt: skip


def test_an_alert_that_does_not_reach_a_reader_changes_no_answer(worlds: Worlds) -> None:
    """In world 1 an alert rests on a RED record, another is for Kazakhstan alone, and others answer the common one."""
    worlds.adopt("UZ", [{**PERMIT, "audience": {"countries": ["TJ", "KZ"]}, "facets": ["items"]}])
    worlds.empty()
    shown, secret = seized(next(RARE)), seized(next(RARE), "TLP:RED")
    file(worlds, both(shown), hidden(secret))
    judged(worlds)
    common = [issued(world, str(shown.id), "TLP:GREEN") for world in worlds.both][1]
    other = worlds.both[1]
    hidden_alerts = [
        issued(other, str(secret.id), "TLP:RED", ["TJ", "KZ"]), issued(other, str(shown.id), "TLP:RED", ["KZ"]),
        drafted(other, str(shown.id)),
    ]  # fmt: skip
    call(other, "KZ-CUS", "POST", f"/v1/alerts/{common}/acknowledgement", {})
    call(other, "KZ-CUS", "POST", f"/v1/alerts/{common}/feedback", {"action": "None.", "useful": False})
    for world in worlds.both:
        delivered(world)
    for params in ({}, {"state": "issued"}, {"state": "reviewed"}, {"limit": "1"}, {"rule": "OTHER"}):
        first, second = (call(world, READER, "GET", "/v1/alerts", **params) for world in worlds.both)
        assert plain(first["items"]) == plain(second["items"])
        assert first["next"] is second["next"] is None
    assert call(other, READER, "GET", f"/v1/alerts/{common}")["answers"] == []
    for id_ in hidden_alerts:
        for path, method in ((f"/v1/alerts/{id_}", "GET"), (f"/v1/alerts/{id_}/acknowledgement", "POST")):
            body = b"{}" if method == "POST" else None
            answers = worlds.ask(READER, PURPOSE, Question(path, method=method, body=body))
            assert (answers[0], answers[0].status) == (answers[1], 404)
    inboxes = [call(world, READER, "GET", "/v1/inbox")["items"] for world in worlds.both]
    assert [notice["kind"] for notice in inboxes[0]] == [notice["kind"] for notice in inboxes[1]]


def drafted(world: World, record: str) -> str:
    words = {"title": "A new powder", "text": "Handle with gloves.", "records": [record]}
    return str(call(world, "UZ-CUS", "POST", "/v1/alerts", words)["id"])


def issued(world: World, record: str, handling: str, countries: list[str] | None = None) -> str:
    id_ = drafted(world, record)
    order = {"level": "URGENT", "handling": handling} | ({"countries": countries} if countries else {})
    call(world, "UZ-DCA/policy", "POST", f"/v1/alerts/{id_}/issue", order)
    return id_


def test_webhooks_were_told_the_same(worlds: Worlds, hooks: tuple[Receiver, Receiver]) -> None:
    """What came before, if anything did, and one record more, which comes last."""
    worlds.adopt("UZ", [{**PERMIT, "facets": ["items"]}])
    last = next(RARE)
    file(worlds, hidden(seized(next(RARE), "TLP:RED")), both(seized(last)))
    bodies = [list(until(receiver, last)) for receiver in hooks]
    assert plain_events(bodies[0]) == plain_events(bodies[1])
    rules = {event["candidate"]["rule"] for event in bodies[0] if "candidate" in event}
    assert rules >= {"FIRST_IN_REGION", "FIRST_IN_COUNTRY"}


def until(receiver: Receiver, substance: str) -> Iterator[dict[str, Any]]:
    """Events as they came, up to both firsts of a substance."""
    firsts = 0
    while firsts < 2:
        event = json.loads(receiver.requests.get(timeout=120)[2])
        firsts += event.get("candidate", {}).get("substance") == substance
        yield event


def plain_events(events: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(
        json.dumps([event["kind"], *plain([event.get("candidate") or event["alert"]])], sort_keys=True)
        for event in events
    )
