"""Two worlds that differ in what a reader may not see of observed records answer that reader byte for byte the same."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sarhad.records import Record

from tests.observations.records import OWN, PATHS, chemical, priced, record
from tests.policies.twins import new_id
from tests.policies.worlds import Answer, Question, Worlds

pytestmark = pytest.mark.xdist_group("two worlds")

SD_JWT = "application/sd-jwt"
READER = ("TJ-CUS", "analysis")
HIDDEN: dict[str, dict[str, Any]] = {
    "precursor_incident": {
        "items": [chemical(incident="THEFT", reported={"substance": "canary", "quantity": "7", "unit": "kg"})],
        "case": {"operation": "canary"},
        "transport": {"mode": "2"},
        "route": [{"role": "DEPARTURE", "country": "IR", "certainty": "KNOWN"}],
    },
    "clandestine_laboratory": {
        "laboratory": {"types": ["DUMP"], "stage": "IDLE"},
        "items": [{**OWN["clandestine_laboratory"]["items"][0], "role": "WASTE"}],
    },
    "price_observation": {"items": [priced(level="WHOLESALE", currency="USD", typical="9500")]},
}


def told(kind: str, id_: str, world: int, given: tuple[str, ...], handling: str = "TLP:GREEN") -> Record:
    """One record as it stands in a world: what is not given differs between the worlds."""
    other = {name: value for name, value in HIDDEN[kind].items() if world and name not in given}
    hidden = {"reference": f"canary-{world}-{id_[:8]}", "narrative": {"text": f"canary {world}", "language": "en"}}
    made = record(kind, "UZ-CUS", handling, **hidden, **other)
    return replace(made, id=id_)


def questions(kind: str, ids: list[str]) -> Iterator[Question]:
    searches: list[dict[str, str]] = [
        {}, {"aspect": "STOPPED"}, {"aspect": "THEFT"}, {"aspect": "PRODUCT"}, {"aspect": "WASTE"},
        {"aspect": "RETAIL"}, {"aspect": "WHOLESALE"}, {"site": "SYNTHESIS"}, {"site": "DUMP"}, {"min_kg": "100"},
        {"max_kg": "100"}, {"substance": "SAR-000291"}, {"substance": "SAR-999999"}, {"owner": "UZ"}, {"country": "UZ"},
        {"agency": "UZ-CUS"}, {"retracted": "true"},
        {"limit": "1"}, {"limit": "0"}, {"cursor": "x"}, {"hidden": "1"}, {"from": "2026-03-20T00:00:00Z"},
    ]  # fmt: skip
    for path in PATHS.values():
        yield Question(path)
    for params in ({}, {"by": "year"}, {"level": "RETAIL"}, {"substance": "SAR-000608"}, {"currency": "KZT"}):
        yield Question("/v1/prices", params)
    for params in ({"by": "year,substance"}, {"by": "month", "substance": "SAR-000608"}, {"by": "owner,group"}):
        yield Question("/v1/trends", {"measure": "price", **params})
    period = {"from": "2026-01", "to": "2026-07"}
    for params in (period, {**period, "owner": "UZ"}, {"from": "2026-07", "to": "2026-01"}):
        for product in ("SAR-000002", "SAR-000384", "SAR-999999"):
            yield Question("/v1/timeline", {"product": product, **params})
    for search in searches:
        yield Question(PATHS[kind], search)
    for id_ in (*ids, new_id()):
        for path in ("", "/versions"):
            yield Question(f"{PATHS[kind]}/{id_}{path}")
            yield Question(f"/v1/seizures/{id_}{path}")


@pytest.mark.parametrize("kind", sorted(PATHS))
@pytest.mark.parametrize("given", [(), ("items",), ("laboratory", "transport")])
def test_what_a_reader_is_not_given_changes_no_answer(worlds: Worlds, kind: str, given: tuple[str, ...]) -> None:
    permit = {"effect": "permit", "audience": {"countries": ["TJ"]}, "time": "day", "place": "country"}
    worlds.adopt("UZ", [{**permit, "handling_up_to": "TLP:GREEN", "kinds": [kind], "facets": list(given)}])
    worlds.empty()
    shown, secret = new_id(), new_id()
    filed = tuple([worlds.sign(told(kind, shown, world, given))] for world in (0, 1))
    filed[1].append(worlds.sign(told(kind, secret, 1, given, "TLP:RED")))
    filed[1].extend(worlds.sign(told(other, new_id(), 1, ())) for other in PATHS if other != kind)
    worlds.file("UZ-CUS", (filed[0], filed[1]))
    answers: list[tuple[Question, tuple[Answer, Answer]]] = [
        (question, worlds.ask(*READER, question)) for question in questions(kind, [shown, secret])
    ]
    for question, (first, second) in answers:
        assert first == second, question
    assert {first.status for _, (first, _) in answers} >= {200, 404}
    assert any(shown.encode() in first.body for _, (first, _) in answers)
    for question in (Question(f"{PATHS[kind]}/{secret}", accept=SD_JWT), Question(f"{PATHS[kind]}/{secret}/proof")):
        first, second = worlds.ask(*READER, question)
        assert (first, first.status) == (second, 404)
