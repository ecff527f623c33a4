"""Two worlds that differ only in what a reader may not see answer that reader byte for byte the same.

World 1 holds the records of world 0, some with other values in the facets that the reader is not given and with
another history, and records that the reader may not see at all. Whatever the reader asks, both give the same
status, headers and body.

Stated exceptions: the log's routes, which tell how much is going on (a proof goes only to who is given the time
of reporting); the signed copy of a record whose withheld values differ, because the owner signed other digests;
and /metrics, which counts requests.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sarhad.records import read, retraction

from service.app import create_app
from service.disclosure import MEMBERS
from service.policies.document import PURPOSES
from service.policies.obligations import OBLIGATIONS
from tests.exchange import COUNTRIES
from tests.policies.dealings import PARTNER, deal
from tests.policies.documents import DENIES, FREE_FACETS, PERMITS, RULES, named
from tests.policies.oracle import Reader, Rules
from tests.policies.questions import (
    AGGREGATES,
    EXCEPTED,
    GEOJSON,
    ITEM,
    MALFORMED,
    PROOF,
    READS,
    SD_JWT,
    SEARCH,
    STANDING,
    WELL_FORMED,
    about,
    attempts,
    maps,
    operations,
    searches,
    standing,
    trends,
)
from tests.policies.sightlines import decided, facets, of_record, sight
from tests.policies.twins import AGENCIES, DRAFTS, WORDS, Draft, new_id, record, twin
from tests.policies.worlds import OBSERVER, Answer, Question, Worlds, begin, drop

pytestmark = pytest.mark.xdist_group("two worlds of policies")  # two services for all of them

OWNER = "UZ"
MARKS = ("canary-zero", "canary-one")
ROLES = {
    "TJ-CUS": frozenset({"reporter", "analyst"}),
    "TJ-LAB": frozenset({"laboratory"}),
    "KZ-CUS": frozenset({"reporter", "analyst"}),
    "RU-CUS": frozenset({"reporter", "analyst"}),
    "TJ-DCA/policy": frozenset({"policy_officer"}),
    "TJ-DCA/auditor": frozenset({"auditor"}),
    OBSERVER: frozenset({"analyst"}),
}
READERS = [
    *(("TJ-CUS", purpose) for purpose in PURPOSES),
    ("TJ-LAB", "forensic"),
    ("TJ-LAB", "health"),
    ("KZ-CUS", "operational"),
    ("TJ-DCA/policy", "analysis"),
    ("RU-CUS", "analysis"),
    ("TJ-DCA/auditor", "analysis"),
    (OBSERVER, "analysis"),
]
Name = tuple[str, str]


@dataclass(frozen=True)
class Pair:
    """One record, and what differs between the worlds: nothing, or all that the reader is not given. `sharing`: the
    grants, blocks and embargoes of this one record, the same in both worlds.
    """

    draft: Draft
    other: Draft
    same: bool
    fate: str
    sharing: tuple[dict[str, Any], ...] = ()


UNTIL = (datetime.now(UTC) + timedelta(days=200)).isoformat(timespec="seconds")
GRANTS = st.fixed_dictionaries(
    {
        "kind": st.just("grant"),
        "facets": named(*FREE_FACETS, "when.day", "where.cell"),
        "until": st.just(UNTIL),
        "reason": st.just("a joint case"),
    },
    optional={
        "purposes": named("analysis", "operational"),
        "obligations": st.lists(st.sampled_from(OBLIGATIONS), max_size=2, unique=True),
    },
)
HEARD = st.fixed_dictionaries({"countries": named("TJ", "KZ", "AF")}) | st.fixed_dictionaries(
    {"agencies": named("TJ-CUS", "KZ-CUS", "RU-CUS")}
)
BLOCKS = st.just({"kind": "block", "reason": "sealed by the court"})
SHARINGS = (
    st.builds(lambda grant, audience: grant | audience, GRANTS, HEARD)
    | st.builds(lambda block, audience: block | audience, BLOCKS, HEARD | st.just({}))
    | st.just({"kind": "embargo", "until": UNTIL, "reason": "until the trial"})
)
PAIRS = st.builds(
    Pair,
    DRAFTS,
    DRAFTS,
    st.booleans(),
    st.sampled_from(("filed", "filed", "corrected", "retracted")),
    st.just(()) | st.just(()) | st.lists(SHARINGS, min_size=1, max_size=2).map(tuple),
)


@dataclass(frozen=True)
class Decisions:
    """What the owner has decided besides its policy: ceilings by agency, and what it has suspended."""

    ceilings: Mapping[str, list[dict[str, Any]]]
    stop: Mapping[str, str] | None = None


# A ceiling that takes nothing away: there is one in every world, because one that there was never ends.
OPEN = [
    {
        "effect": "permit", "audience": {}, "handling_up_to": "TLP:RED", "facets": list(FREE_FACETS),
        "time": "instant", "place": "point",
    },
    {
        "effect": "permit", "audience": {"countries": ["AF"]}, "handling_up_to": "TLP:RED", "facets": list(FREE_FACETS),
        "time": "instant", "place": "point", "joins": False,
        "valid_from": (datetime.now(UTC) - timedelta(days=100)).isoformat(timespec="seconds"), "valid_until": UNTIL,
    },
]  # fmt: skip
NOTHING_MORE = Decisions({})


def reader(name: Name) -> Reader:
    agency = name[0].split("/")[0]
    return Reader(agency[:2], agency, ROLES[name[0]], name[1])


def given_to(name: Name, draft: Draft, id_: str, rules: Rules, month: str | None = None) -> frozenset[str] | None:
    """The facets that a reader is given of a record now; None where it is shown no row."""
    return facets(sight(rules, reader(name), draft.labels, id_, month or draft.month))


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    made, databases = begin(tmp_path_factory.mktemp("worlds"))
    yield made
    made.end()
    drop(databases)


@pytest.fixture(scope="module")
def filed() -> set[str]:
    """The ids of all records that these tests filed."""
    return set()


@dataclass
class Filled:
    """Both worlds as filled for one reader, and what a test may want to ask about."""

    rules: Rules
    shown: dict[str, tuple[Draft, Draft, frozenset[str] | None]] = field(default_factory=dict)
    same: set[str] = field(default_factory=set)
    added: dict[str, Draft] = field(default_factory=dict)
    facets: list[dict[str, Any]] = field(default_factory=list)

    def countable(self, name: Name) -> bool:
        """Whether there are enough records, which this reader may count and not see, for a figure to be told."""
        drafts = [*((id_, draft) for id_, (draft, *_) in self.shown.items()), *self.added.items()]
        found = [sight(self.rules, reader(name), draft.labels, id_, draft.month) for id_, draft in drafts]
        return sum(one is not None and one.gives == "aggregates" for one in found) >= MEMBERS.least


def fill(
    worlds: Worlds,
    rules: list[dict[str, Any]],
    focus: Name,
    pairs: list[Pair],
    more: list[Draft],
    decisions: Decisions = NOTHING_MORE,
) -> Filled:
    """Records in both worlds, alike to `focus`, and in world 1 those of `more` that it does not see."""
    ceilings = {agency: decisions.ceilings.get(agency, OPEN) for agency in AGENCIES}
    filled = Filled(decided(OWNER, rules, ceilings, decisions.stop, COUNTRIES))
    worlds.adopt(OWNER, rules)
    for agency, listed in ceilings.items():
        worlds.adopt(agency, listed)
    worlds.empty()
    signed: dict[str, tuple[list[str], list[str]]] = {"UZ-CUS": ([], []), "UZ-LAB": ([], [])}
    for number, pair in enumerate(pairs):
        draft, id_ = pair.draft, new_id()
        if pair.sharing:
            filled.rules.records[id_] = of_record(pair.sharing)
        shown = given_to(focus, draft, id_, filled.rules)
        other = _within(pair, given_to(focus, draft, id_, filled.rules, pair.other.month) == shown)
        marks = (f"{MARKS[0]}-{number}", f"{MARKS[1]}-{number}")
        facets_ = twin(draft, other, shown or (), marks)
        versions = _versions(worlds, replace(pair, other=other), id_, facets_, shown or ())
        filled.shown[id_] = draft, other, shown
        filled.facets += facets_
        if pair.same:
            versions = versions[0], versions[0]
            filled.same.add(id_)
        for world in (0, 1):
            signed[draft.agency][world].extend(versions[world])
    for number, draft in enumerate(more, start=len(pairs)):
        id_ = new_id()
        if given_to(focus, draft, id_, filled.rules) is None:
            given = draft.facets(f"{MARKS[1]}-{number}")
            signed[draft.agency][1].append(worlds.sign(record(draft, id_, given)))
            filled.added[id_] = draft
            filled.facets.append(given)
    for agency, records in signed.items():
        worlds.file(agency, records)
    for id_, pair in zip(filled.shown, pairs, strict=True):
        if pair.sharing:
            worlds.share(id_, list(pair.sharing))
    if decisions.stop is not None:
        worlds.stop(OWNER, decisions.stop)
    return filled


def _within(pair: Pair, alike_in_both: bool) -> Draft:
    """The other draft; of the same month where the month decides whether the record is shown at all."""
    if alike_in_both:
        return pair.other
    choices = list(pair.other.choices)
    choices[3] = pair.draft.choices[3]
    return replace(pair.other, choices=tuple(choices))


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


def alike(name: Name, filled: Filled) -> bool:
    """Whether the worlds differ in nothing that this reader may see either."""
    if any(given_to(name, draft, id_, filled.rules) is not None for id_, draft in filled.added.items()):
        return False
    for id_, (draft, other, shown) in filled.shown.items():
        if id_ not in filled.same:
            first, second = (given_to(name, draft, id_, filled.rules, month) for month in (draft.month, other.month))
            if first != second or (first is not None and not first <= (shown or frozenset())):
                return False
    return True


def questions(filled: Filled, name: Name) -> Iterator[Question]:
    for filters in searches(filled.facets):
        yield Question(SEARCH, filters)
    for filters in ({}, {"bbox": "-180,-90,180,90"}, {"kind": "zero"}, {"retracted": "true"}):
        yield Question(SEARCH, filters, accept=GEOJSON)
    yield from trends()
    yield from maps()
    if not filled.countable(name):
        yield from (Question(AGGREGATES, filters) for filters in STANDING[AGGREGATES])
    for id_ in (*filled.shown, *list(filled.added)[:2], new_id()):
        yield from about(id_)
        found = filled.shown.get(id_)
        seen = given_to(name, found[0], id_, filled.rules) if found else None
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


def answered(worlds: Worlds, name: Name, filled: Filled) -> Iterator[tuple[Question, tuple[Answer, Answer]]]:
    for question in questions(filled, name):
        yield question, worlds.ask(*name, question)
    for filters in ({}, {"country": "UZ"}):
        yield from pages(worlds, name, filters)


# A permit for everybody stands first, so that most examples show something, under rules drawn at random.
OF_EVERYTHING = {"audience": {}, "purposes": None, "kinds": None, "substance_groups": None, "joins": False}
AT_ANY_TIME = {"delay_days": 0, "gives": "rows", "valid_from": None, "valid_until": None}
WIDE = PERMITS.map(
    lambda rule: {
        name: value
        for name, value in (rule | OF_EVERYTHING | AT_ANY_TIME).items()
        if name not in {"events_from", "events_until"}
    }
)
CEILINGS = st.builds(lambda wide, rules: [wide, *rules], WIDE, st.lists(PERMITS | DENIES, max_size=2))
# An observer is named, in a permit that ends.
FOR_OBSERVERS = PERMITS.map(
    lambda rule: (
        rule
        | {"audience": {"countries": ["AF"]}, "valid_until": UNTIL}
        | {"valid_from": (datetime.now(UTC) - timedelta(days=100)).isoformat(timespec="seconds")}
    )
)
STOPS = st.sampled_from(
    (
        {},
        {"towards_country": "TJ"},
        {"towards_agency": "KZ-CUS"},
        {"of_agency": "UZ-LAB"},
        {"towards_country": "TJ", "of_agency": "UZ-CUS"},
    )
)


@settings(
    max_examples=100 if os.environ.get("SARHAD_THOROUGH") else 10,
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
    observers=st.lists(FOR_OBSERVERS, max_size=1),
    ceilings=st.dictionaries(st.sampled_from(AGENCIES), CEILINGS, max_size=1),
    stop=st.none() | st.none() | st.none() | STOPS,
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
    observers: list[dict[str, Any]],
    ceilings: dict[str, list[dict[str, Any]]],
    stop: dict[str, str] | None,
) -> None:
    rules = [wide, *rules, *observers]
    filled = fill(worlds, rules, focus, pairs, more, Decisions(ceilings, stop))
    filed |= filled.shown.keys() | filled.added.keys()
    assert alike(focus, filled)
    for name in dict.fromkeys((focus, second)):
        if alike(name, filled):
            for question, (first, other) in answered(worlds, name, filled):
                assert first == other, (name, question, first, other)
                assert first.status < 500, (name, question, first)
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
    for name, different in ((("TJ-CUS", "analysis"), True), (("TJ-CUS", "health"), False)):
        assert alike(name, filled) is not different
        differing = {q.path for q, (a, b) in answered(worlds, name, filled) if a != b}
        assert bool(differing) is different
        assert differing >= ({SEARCH} if different else set())


@pytest.mark.parametrize("name", [("TJ-CUS", "operational"), ("TJ-DCA/policy", "analysis"), ("RU-CUS", "health")])
def test_what_others_settle_between_them_changes_no_answer(worlds: Worlds, filed: set[str], name: Name) -> None:
    """Requests, grants, blocks and recalls that concern the reader in nothing, about records that it is shown too."""
    rules: list[dict[str, Any]] = [
        {"effect": "permit", "audience": {}, "handling_up_to": "TLP:GREEN", "time": "day", "facets": ["items"]}
    ]
    shown, *others = (
        Draft("seizure", "cannabis", label, "UZ-CUS", (n,) * 21 + (0,))
        for n, label in enumerate(("TLP:GREEN", "TLP:RED", "TLP:RED"))
    )
    filled = fill(worlds, rules, name, [Pair(shown, shown, same=True, fate="filed")], others)
    filed |= filled.shown.keys() | filled.added.keys()
    assert alike(name, filled)
    more = deal(worlds.both[1], *filled.shown, *filled.added)
    asked = [(question, worlds.ask(*name, question)) for question in (*standing(), *more)]
    for question, (first, other) in (*asked, *answered(worlds, name, filled)):
        assert first == other, (name, question, first, other)
    assert all(first != other for first, other in (worlds.ask(PARTNER, "operational", question) for question in more))


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
        assert first == other, (name, question, first, other)
        assert first.status < 500, question
    assert {first.status for _, first, _ in answers} >= {200, 404}


def test_every_read_route_is_compared_or_excepted() -> None:
    """A new route stands here before it is served."""
    reads = {path for method, path in operations(create_app()) if method == "GET"}
    assert reads == READS | STANDING.keys() | EXCEPTED.keys()


@pytest.mark.parametrize("name", [("TJ-CUS", "operational"), ("TJ-DCA/policy", "analysis"), (OBSERVER, "analysis")])
def test_what_is_tried_with_a_hidden_record_is_refused_as_with_none(
    worlds: Worlds, filed: set[str], name: Name
) -> None:
    """Every route that writes, discovered: about a record that is hidden in one world and in the other not there."""
    hidden = Draft("seizure", "precursors", "TLP:RED", "UZ-CUS", (*range(21), 0))
    filled = fill(worlds, [], name, [], [hidden])
    (id_,) = filled.added
    filed |= filled.added.keys()
    writes = sorted((method, path) for method, path in operations(create_app()) if method != "GET")
    assert len(writes) > 30
    assert WELL_FORMED.keys() <= set(writes)
    for question in attempts(writes, id_):
        first, other = worlds.ask(*name, question)
        assert first == other, (name, question, first, other)
        assert first.status < 500, question


def test_output_and_metrics_hold_nothing_of_any_record(worlds: Worlds, filed: set[str]) -> None:
    name = ("TJ-CUS", "analysis")
    draft, other = (Draft("seizure", "cannabis", "TLP:GREEN", "UZ-CUS", (n,) * 21 + (0,)) for n in (1, 2))
    filled = fill(worlds, [], name, [Pair(draft, other, same=False, fate="filed")], [other, other])
    assert list(answered(worlds, name, filled))
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
