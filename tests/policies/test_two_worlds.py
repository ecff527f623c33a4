"""Two worlds that differ only in what a reader may not see answer that reader byte for byte the same.

World 1 holds the records of world 0, some with other values in the facets that the reader is not given and with
another history, and records that the reader may not see at all. Whatever the reader asks, both give the same
status, headers and body.

Stated exceptions: the log's routes, which tell how much is going on (a proof goes only to who is given the time
of reporting); the signed copy of a record whose withheld values differ, because the owner signed other digests;
and /metrics, which counts requests.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sarhad.records import read, retraction

from service.app import create_app
from service.policies.document import PURPOSES, PolicyDocument
from tests.policies.documents import PERMITS, RULES, document
from tests.policies.evaluator import Labels, Reader, sight
from tests.policies.questions import (
    EXCEPTED,
    GEOJSON,
    ITEM,
    MALFORMED,
    PROOF,
    READS,
    SD_JWT,
    SEARCH,
    STANDING,
    about,
    searches,
    standing,
)
from tests.policies.twins import DRAFTS, WORDS, Draft, new_id, record, twin
from tests.policies.worlds import Answer, Question, Worlds, begin, drop

pytestmark = pytest.mark.xdist_group("two worlds")  # two services for all of them

OWNER = "UZ"
MARKS = ("canary-zero", "canary-one")
NEVER = 3650  # a delay that is not over for years
ROLES = {
    "TJ-CUS": frozenset({"reporter", "analyst"}),
    "TJ-LAB": frozenset({"laboratory"}),
    "KZ-CUS": frozenset({"reporter", "analyst"}),
    "RU-CUS": frozenset({"reporter", "analyst"}),
    "TJ-DCA/policy": frozenset({"policy_officer"}),
    "TJ-DCA/auditor": frozenset({"auditor"}),
}
READERS = [
    *(("TJ-CUS", purpose) for purpose in PURPOSES),
    ("TJ-LAB", "forensic"),
    ("TJ-LAB", "health"),
    ("KZ-CUS", "operational"),
    ("TJ-DCA/policy", "analysis"),
    ("RU-CUS", "analysis"),
    ("TJ-DCA/auditor", "analysis"),
]
Name = tuple[str, str]


@dataclass(frozen=True)
class Pair:
    """One record, and what differs between the worlds: nothing, or all that the reader is not given."""

    draft: Draft
    other: Draft
    same: bool
    fate: str


PAIRS = st.builds(Pair, DRAFTS, DRAFTS, st.booleans(), st.sampled_from(("filed", "filed", "corrected", "retracted")))


def reader(name: Name) -> Reader:
    agency = name[0].split("/")[0]
    return Reader(agency[:2], agency, ROLES[name[0]], name[1])


def given_to(name: Name, labels: Labels, policy: PolicyDocument) -> frozenset[str] | None:
    """The facets that a reader is given of records under these labels now; None where it sees no record."""
    seen = sight(reader(name), labels, {OWNER: policy})
    return None if seen is None or seen.delay >= NEVER else seen.facets


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    made, databases = begin(tmp_path_factory.mktemp("worlds"))
    yield made
    made.stop()
    drop(databases)


@pytest.fixture(scope="module")
def filed() -> set[str]:
    """The ids of all records that these tests filed."""
    return set()


@dataclass
class Filled:
    """Both worlds as filled for one reader, and what a test may want to ask about."""

    shown: dict[str, tuple[Labels, frozenset[str] | None]]
    same: set[str]
    added: dict[str, Labels]
    facets: list[dict[str, Any]]


def fill(worlds: Worlds, rules: list[dict[str, Any]], focus: Name, pairs: list[Pair], more: list[Draft]) -> Filled:
    """Records in both worlds, alike to `focus`, and in world 1 those of `more` that it does not see."""
    policy = document(OWNER, rules)
    worlds.adopt(OWNER, rules)
    worlds.empty()
    filled = Filled({}, set(), {}, [])
    signed: dict[str, tuple[list[str], list[str]]] = {"UZ-CUS": ([], []), "UZ-LAB": ([], [])}
    for number, pair in enumerate(pairs):
        labels, id_ = pair.draft.labels, new_id()
        shown = given_to(focus, labels, policy)
        marks = (f"{MARKS[0]}-{number}", f"{MARKS[1]}-{number}")
        facets = twin(pair.draft, pair.other, shown or (), marks)
        versions = _versions(worlds, pair, id_, facets, shown or ())
        filled.shown[id_] = labels, shown
        filled.facets += facets
        if pair.same:
            versions = versions[0], versions[0]
            filled.same.add(id_)
        for world in (0, 1):
            signed[pair.draft.agency][world].extend(versions[world])
    for number, draft in enumerate(more, start=len(pairs)):
        if given_to(focus, draft.labels, policy) is None:
            id_, facets_ = new_id(), draft.facets(f"{MARKS[1]}-{number}")
            signed[draft.agency][1].append(worlds.sign(record(draft, id_, facets_)))
            filled.added[id_] = draft.labels
            filled.facets.append(facets_)
    for agency, records in signed.items():
        worlds.file(agency, records)
    return filled


def _versions(
    worlds: Worlds, pair: Pair, id_: str, facets: tuple[dict[str, Any], dict[str, Any]], shown: Iterable[str]
) -> tuple[list[str], list[str]]:
    """All versions of a record in each world, the last of which looks the same to the reader."""
    if pair.fate == "filed":
        return tuple([worlds.sign(record(pair.draft, id_, given))] for given in facets)  # type: ignore[return-value]
    made: tuple[list[str], list[str]] = ([], [])
    for world, values in enumerate(facets):
        if pair.fate == "corrected":
            before = replace(pair.draft, choices=pair.other.choices).facets(MARKS[world])
            first = worlds.sign(record(pair.draft, id_, before | {"reference": values["reference"]}))
            second = replace(record(pair.draft, id_, values), version=2, previous=read(first).digest)
        else:
            first = worlds.sign(record(pair.draft, id_, values))
            reason = "withdrawn" if "narrative" in shown else f"{MARKS[world]} withdrawn"
            second = retraction(first, reason=reason, language="en", reported=values["reported"])
        made[world].extend((first, worlds.sign(second)))
    return made


def alike(name: Name, filled: Filled, policy: PolicyDocument) -> bool:
    """Whether the worlds differ in nothing that this reader may see either."""
    if any(given_to(name, labels, policy) is not None for labels in filled.added.values()):
        return False
    return all(
        id_ in filled.same or (given_to(name, labels, policy) or frozenset()) <= (shown or frozenset())
        for id_, (labels, shown) in filled.shown.items()
    )


def questions(filled: Filled, name: Name, policy: PolicyDocument) -> Iterator[Question]:
    for filters in searches(filled.facets):
        yield Question(SEARCH, filters)
    for filters in ({}, {"bbox": "-180,-90,180,90"}, {"kind": "zero"}, {"retracted": "true"}):
        yield Question(SEARCH, filters, accept=GEOJSON)
    for id_ in (*filled.shown, *list(filled.added)[:2], new_id()):
        yield from about(id_)
        labels, _ = filled.shown.get(id_, (None, None))
        seen = given_to(name, labels, policy) if labels else None
        if id_ in filled.same or seen is None:
            yield Question(ITEM.format(record_id=id_), accept=SD_JWT)
        if "reported" not in (seen or ()):
            yield Question(PROOF.format(record_id=id_))


def pages(worlds: Worlds, name: Name, filters: dict[str, str]) -> Iterator[tuple[Question, tuple[Answer, Answer]]]:
    """A walk by ones; the cursor of world 0 is used in both, and it must be that of world 1 too."""
    cursor: dict[str, str] = {}
    while True:
        question = Question(SEARCH, {"limit": "1", **filters, **cursor})
        answers = worlds.ask(*name, question)
        yield question, answers
        following = json.loads(answers[0].body).get("next")
        if following is None:
            return
        cursor = {"cursor": following}


def answered(
    worlds: Worlds, name: Name, filled: Filled, policy: PolicyDocument
) -> Iterator[tuple[Question, tuple[Answer, Answer]]]:
    for question in questions(filled, name, policy):
        yield question, worlds.ask(*name, question)
    for filters in ({}, {"country": "UZ"}):
        yield from pages(worlds, name, filters)


# A permit for everybody stands first, so that most examples show something, under rules drawn at random.
WIDE = PERMITS.map(
    lambda rule: (
        rule
        | {"audience": {}, "purposes": None, "kinds": None, "substance_groups": None, "delay_days": 0, "joins": False}
    )
)


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=(
        Phase.explicit,
        Phase.generate,
    ),  # an example takes seconds: none is tried again for a smaller one
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(
    rules=RULES,
    wide=WIDE,
    focus=st.sampled_from(READERS),
    second=st.sampled_from(READERS),
    pairs=st.lists(PAIRS, min_size=2, max_size=6),
    more=st.lists(DRAFTS, min_size=2, max_size=5),
)
def test_what_a_reader_may_not_see_changes_no_answer(
    worlds: Worlds,
    filed: set[str],
    rules: list[dict[str, Any]],
    wide: dict[str, Any],
    focus: Name,
    second: Name,
    pairs: list[Pair],
    more: list[Draft],
) -> None:
    rules = [wide, *rules]
    filled = fill(worlds, rules, focus, pairs, more)
    filed |= filled.shown.keys() | filled.added.keys()
    policy = document(OWNER, rules)
    assert alike(focus, filled, policy)
    for name in dict.fromkeys((focus, second)):
        if alike(name, filled, policy):
            for question, (first, other) in answered(worlds, name, filled, policy):
                assert first == other, (name, question)
                if question.path.endswith("/proof"):
                    assert first.status in (403, 404), "a proof tells when, and goes to who is given that"


def test_what_a_reader_may_see_changes_answers(worlds: Worlds, filed: set[str]) -> None:
    """The worlds of the first test told apart, to show that they can be."""
    everything = {
        "effect": "permit",
        "audience": {},
        "handling_up_to": "TLP:AMBER",
        "time": "instant",
        "place": "point",
    }
    draft, other = (Draft("seizure", "cannabis", "TLP:GREEN", "UZ-CUS", (n,) * 21 + (0,)) for n in (1, 2))
    pair = Pair(draft, other, same=False, fate="filed")
    filled = fill(worlds, [{**everything, "purposes": ["analysis"]}], ("TJ-CUS", "health"), [pair], [other])
    filed |= filled.shown.keys() | filled.added.keys()
    policy = document(OWNER, [{**everything, "purposes": ["analysis"]}])
    for name, different in ((("TJ-CUS", "analysis"), True), (("TJ-CUS", "health"), False)):
        assert alike(name, filled, policy) is not different
        differing = {q.path for q, (a, b) in answered(worlds, name, filled, policy) if a != b}
        assert bool(differing) is different
        assert differing >= ({SEARCH} if different else set())


@pytest.mark.parametrize("name", [("TJ-CUS", "analysis"), ("RU-CUS", "health"), ("TJ-DCA/auditor", "analysis")])
def test_registers_and_malformed_questions_are_answered_alike(worlds: Worlds, filed: set[str], name: Name) -> None:
    hidden = Draft("seizure", "precursors", "TLP:RED", "UZ-CUS", (*range(21), 0))
    filled = fill(worlds, [], name, [], [hidden, hidden])
    assert len(filled.added) == 2
    filed |= filled.added.keys()
    malformed = [Question(SEARCH, filters) for filters in MALFORMED]
    malformed += [Question(SEARCH + path) for path in ("/x", "/", "/%00", f"/{new_id()}/x", "/-/versions", "/-/proof")]
    answers = [(question, *worlds.ask(*name, question)) for question in (*standing(), *malformed)]
    for question, first, other in answers:
        assert first == other, question
        assert first.status < 500, question
    assert {first.status for _, first, _ in answers} >= {200, 404}


def routes(app: FastAPI) -> set[str]:
    """The paths of all GET routes, of included routers too."""
    found: set[str] = set()
    waiting: list[Any] = list(app.routes)
    while waiting:
        route = waiting.pop()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            waiting.extend(inner.routes)
        elif "GET" in (getattr(route, "methods", None) or ()):
            found.add(route.path)
    return found


def test_every_read_route_is_compared_or_excepted() -> None:
    """A new route stands here before it is served."""
    assert routes(create_app()) == READS | STANDING.keys() | EXCEPTED.keys()


def test_output_and_metrics_hold_nothing_of_any_record(worlds: Worlds, filed: set[str]) -> None:
    name = ("TJ-CUS", "analysis")
    draft, other = (Draft("seizure", "cannabis", "TLP:GREEN", "UZ-CUS", (n,) * 21 + (0,)) for n in (1, 2))
    filled = fill(worlds, [], name, [Pair(draft, other, same=False, fate="filed")], [other, other])
    assert list(answered(worlds, name, filled, document(OWNER, [])))
    filed |= filled.shown.keys() | filled.added.keys()
    assert len(filed) >= 3
    canaries = {*MARKS, *filed, "SAR-0", "narrative", "where."} | {
        word for words in WORDS.values() for word, _ in words
    }
    for world in worlds.both:
        output = world.output.read_text()
        metrics = httpx.get(f"{world.settings.origin}/metrics").text
        assert output.count('"event": "request"') > 20
        assert "/v1/seizures/{record_id}" in metrics
        assert not {canary for canary in canaries if canary in output}
        assert not {canary for canary in canaries if canary in metrics}
