"""Two worlds that differ in hidden profiles and imprints answer a laboratory byte for byte the same.

UZ and KZ have analysed what is of one batch and of one press. World 1 has other values in the facets that the reader is
not given, and analyses that would be better neighbours and counterparts, marked so that the reader sees none of them.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from sarhad.records import Record

from tests.analyses.laboratory import AMPHETAMINE_TYPE, heroin_found
from tests.links.wiring import passes
from tests.policies.questions import ANALYSES, LINKS, NEIGHBOURS
from tests.policies.twins import new_id
from tests.policies.worlds import Answer, Question, Worlds
from tests.profiles.specimens import MARKERS, specimen, study

pytestmark = pytest.mark.xdist_group("two worlds")

READER = ("TJ-LAB", "forensic")
METHOD = "LINKED.1"
PERMIT = {
    "effect": "permit", "audience": {"countries": ["TJ"]}, "handling_up_to": "TLP:GREEN", "kinds": ["analysis"],
    "time": "month", "place": "country",
}  # fmt: skip
HITS = {**PERMIT, "handling_up_to": "TLP:AMBER", "gives": "hits", "time": "none", "place": "none"}
PARTNERS = {**PERMIT, "audience": {"countries": ["UZ", "KZ"]}, "handling_up_to": "TLP:RED",
            "facets": ["spectra", "marks"]}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def method(worlds: Worlds) -> None:
    """A calibrated method of profiling, known in both worlds."""
    declared = {"code": METHOD, "substance": AMPHETAMINE_TYPE, "technique": "GC", "markers": MARKERS}
    for world in worlds.both:
        laboratory = world.client("UZ-LAB")
        laboratory.declare_profile_method({**declared, "description": "GC-MS"})
        laboratory.calibrate_profile_method(METHOD, study())


def tablet(logo: str, **seen: str) -> dict[str, Any]:
    return {
        "exhibit": 1, "form": "TAB", "colour": "pink", "logo": logo, "shape": "round", "score": "SINGLE",
        "diameter_mm": "8.1", **seen,
    }  # fmt: skip


def measured(batch: int, number: int) -> dict[str, Any]:
    kept = {"line": 1, "technique": "GC", "media_type": "chemical/x-jcamp-dx", "sha256": "0" * 64, "size": 1}
    return {**kept, "profile": {"method": METHOD, "areas": specimen(batch, number)}}


def analysis(agency: str, id_: str, handling: str = "TLP:GREEN", world: int = 0, **facets: Any) -> Record:
    """What is neither an imprint nor a profile is of its world, and hidden."""
    words = {"narrative": {"text": f"canary {world}", "language": "en"}, "reference": f"{agency}-{world}-{id_[:8]}"}
    made = heroin_found(agency, f"{agency[:2]}-CUS/2026-{world}/1", **words, reported="2026-03-22T08:00:00Z", **facets)
    return Record(agency, "analysis", made.facets, handling, id_)


def file(worlds: Worlds, agency: str, *pairs: tuple[Record | None, Record | None]) -> None:
    """Of each pair the first in world 0, the second in world 1."""
    first, second = ([worlds.reviewed(pair[n]) for pair in pairs if pair[n] is not None] for n in (0, 1))
    worlds.file(agency, (first, second))


def search(areas: dict[str, str]) -> Question:
    body = json.dumps({"method": METHOD, "areas": areas, "limit": 5}).encode()
    return Question("/v1/profiles/search", method="POST", body=body)


def told(worlds: Worlds, links: Iterable[str], records: Iterable[str]) -> Iterator[Question]:
    for params in ({}, {"state": "confirmed"}, {"relation": "chemical"}, {"relation": "physical"}, {"limit": "1"}):
        yield Question(LINKS, params)
    for relation in ("chemical", "physical"):
        yield Question(f"{LINKS}/groups", {"relation": relation})
    for id_ in records:
        yield Question(f"{LINKS}/groups", {"relation": "chemical", "record": id_})
        yield Question(LINKS, {"record": id_})
        yield Question(f"{ANALYSES}/{id_}")
        for n in (1, 2):
            yield Question(NEIGHBOURS.format(record_id=id_, n=n))
    yield from (Question(f"{LINKS}/{id_}") for id_ in links)
    yield from (search(specimen(batch, 9)) for batch in (1, 2))


@pytest.mark.parametrize("given", [(), ("spectra",), ("marks",)])
def test_hidden_profiles_and_imprints_change_no_answer(worlds: Worlds, given: tuple[str, ...]) -> None:
    """World 1 has other profiles where `spectra` is hidden, other imprints where `marks` is, and a third analysis."""
    for owner in ("UZ", "KZ"):
        worlds.adopt(owner, [{**PERMIT, "facets": list(given)}, PARTNERS])
    worlds.empty()
    one, other, secret = new_id(), new_id(), new_id()
    for id_, agency, number in ((one, "UZ-LAB", 0), (other, "KZ-LAB", 1)):
        profiles = [[measured(1, number)], [measured(2, number), measured(1, number)]]
        imprints = [[tablet("crown")], [tablet("anchor", score="NONE"), tablet("crown", diameter_mm="9.5")]]
        made = [
            analysis(agency, id_, world=world, spectra=profiles[0 if "spectra" in given else world],
                     marks=imprints[0 if "marks" in given else world])
            for world in (0, 1)
        ]  # fmt: skip
        file(worlds, agency, (made[0], made[1]))
    better = analysis("KZ-LAB", secret, "TLP:RED", 1, spectra=[measured(1, 0), measured(1, 9)], marks=[tablet("crown")])
    file(worlds, "KZ-LAB", (None, better))
    links: dict[str, Any] = {}
    for world in worlds.both:
        passes(world.settings)
        links |= {link["id"]: link for link in world.client("UZ-LAB", "forensic").links(record=one)["items"]}
    assert len(links) > 2, "world 1 has links of its own"
    compared = [alike(worlds, question) for question in told(worlds, links, (one, other, secret))]
    for world in worlds.both:
        for link in world.client("UZ-LAB", "forensic").links(record=one)["items"]:
            for party in ("UZ-LAB", "KZ-LAB"):
                world.client(party, "forensic").confirm_link(link["id"])
    compared += [alike(worlds, question) for question in told(worlds, links, (one, other, secret))]
    shown = {kind(question) for question, answer in compared if one.encode() in answer.body} - {"analysis"}
    expected = {"spectra": {"links", "groups", "neighbours", "search"}, "marks": {"links", "groups"}}
    assert shown == expected.get("".join(given), set())


def alike(worlds: Worlds, question: Question) -> tuple[Question, Answer]:
    first, second = worlds.ask(*READER, question)
    assert first == second, question
    assert first.status in (200, 404), question
    return question, first


def kind(question: Question) -> str:
    if question.path.startswith(ANALYSES):
        return "analysis"
    last = question.path.rpartition("/")[2]
    return last if last in ("groups", "neighbours", "search") else "links"


def test_of_a_hit_nothing_is_told_but_whose_it_is(worlds: Worlds) -> None:
    """World 1 has other specimens of the batch, less alike, more of them, and one that no hit may tell of."""
    for owner in ("UZ", "KZ"):
        worlds.adopt(owner, [{**PERMIT, "facets": ["spectra"]}, {**HITS, "facets": ["spectra"]}])
    worlds.empty()
    one, hidden = new_id(), new_id()
    file(worlds, "UZ-LAB", (analysis("UZ-LAB", one, spectra=[measured(1, 9)]),) * 2)
    file(
        worlds, "KZ-LAB",
        (analysis("KZ-LAB", hidden, "TLP:AMBER", 0, spectra=[measured(1, 1)]),
         analysis("KZ-LAB", hidden, "TLP:AMBER", 1, spectra=[measured(1, 5), measured(1, 4)], marks=[tablet("crown")])),
        (None, analysis("KZ-LAB", new_id(), "TLP:AMBER", 1, spectra=[measured(1, 4)])),
        (None, analysis("KZ-LAB", new_id(), "TLP:RED", 1, spectra=[measured(1, 3)])),
    )  # fmt: skip
    for world in worlds.both:
        passes(world.settings)
    answers = [answer for _, answer in (alike(worlds, question) for question in told(worlds, (), (one, hidden)))]
    (hit,) = json.loads(answers[-2].body)["hits"]
    assert hit == {"owner": "KZ", "contact": "KZ-LAB"}
    assert sum(b'"contact"' in answer.body for answer in answers) == 2, "the search and the neighbours of the shown one"
    file(worlds, "KZ-LAB", (None, analysis("KZ-LAB", new_id(), "TLP:AMBER", 1, spectra=[measured(1, 2)])))
    first, second = worlds.ask(*READER, search(specimen(1, 9)))
    assert first == second, "nor that another is more alike"
