"""Two worlds that differ in spectra a reader is not given answer its searches byte for byte the same."""

import json
from typing import Any

import pytest
from sarhad import attachments
from sarhad.records import Record, item

from tests.exchange import heroin
from tests.library.conftest import like_heroin, msp
from tests.policies.questions import ATTACHMENTS, ITEM
from tests.policies.twins import new_id
from tests.policies.worlds import Question, Worlds

pytestmark = pytest.mark.xdist_group("two worlds")

READER, OTHER = ("TJ-LAB", "forensic"), ("TJ-CUS", "forensic")  # each key may ask for a few hits a minute
Spectra = tuple[dict[str, Any], ...]


def report(id_: str, files: Spectra, handling: str = "TLP:GREEN", **facets: Any) -> Record:
    spectra = [
        {"line": 1, "technique": "MS", **{n: file[n] for n in ("media_type", "sha256", "size")}} for file in files
    ]
    base = heroin("UZ-CUS", reference=f"R-{id_[:8]}", reported="2026-03-15T00:00:00Z", spectra=spectra, **facets)
    return Record("UZ-CUS", "seizure", base.facets, handling, id_)


def sent(worlds: Worlds, world: int, *spectra: bytes) -> Spectra:
    return tuple(attachments.send(worlds.both[world].client("UZ-CUS"), data) for data in spectra)


def mixed(foreign: float, precursor: float) -> bytes:
    """Fragments of diacetylmorphine, and one of something else, so high."""
    peaks = ((165.07, 120.0), (211.075, 210.0), (268.133, 400.0), (300.1, foreign), (328.154, 999.0))
    return msp(*peaks, precursor=precursor)


def search(data: bytes, **asked: str) -> Question:
    return Question("/v1/spectra/search", asked, method="POST", body=data, media_type="application/octet-stream")


PERMIT = {"effect": "permit", "audience": {"countries": ["TJ"]}, "handling_up_to": "TLP:GREEN"}
HITS = {**PERMIT, "handling_up_to": "TLP:AMBER", "gives": "hits"}
TWO_LINES = [item(None, "heroin", "3", "kg", status="CONF"), item(None, "hashish", "9", "kg", status="PRES")]
RULES: list[tuple[str, list[dict[str, Any]]]] = [
    ("nothing", []),
    ("no spectra", [{**PERMIT, "facets": ["items"], "time": "month"}]),
    ("hits without the facet", [{**HITS, "facets": ["items"]}]),
    ("figures", [{**PERMIT, "gives": "aggregates", "facets": ["items", "spectra"], "time": "month"}]),
]


@pytest.mark.parametrize("rules", [rules for _, rules in RULES], ids=[name for name, _ in RULES])
def test_spectra_that_are_withheld_change_no_search(worlds: Worlds, rules: list[dict[str, Any]]) -> None:
    """World 1 has the spectrum that is asked for where world 0 has another, and one more, marked RED."""
    worlds.adopt("UZ", rules)
    worlds.empty()
    query, id_, secret = like_heroin(2.0), new_id(), new_id()
    files = [sent(worlds, 0, msp((50.0, 1.0), (60.0, 2.0))), sent(worlds, 1, like_heroin())]
    # the spectrum's own facet differs; all else that a reader could be given is the same
    records = [[worlds.sign(report(id_, file))] for file in files]
    records[1].append(worlds.sign(report(secret, files[1], "TLP:RED")))
    worlds.file("UZ-CUS", (records[0], records[1]))
    for asked in ({}, {"how": "open"}, {"hits": "true"}, {"how": "open", "hits": "true", "mirrors": "5"}):
        first, second = worlds.ask(*READER, search(query, **asked))
        assert first == second, asked
        assert first.status == 200


@pytest.mark.parametrize(
    ("facets", "band", "foreign"),
    [(["spectra"], "0.9-1.0", (200.0, 100.0)), (["spectra", "items"], "0.8-0.9", (400.0, 700.0))],
)
def test_of_a_hit_nothing_is_told_but_whose_it_is_its_class_and_its_band(
    worlds: Worlds, facets: list[str], band: str, foreign: tuple[float, float]
) -> None:
    """World 1 has another spectrum that falls into the same band, more peaks, another amount, and further records: one
    of the same class, and the very spectrum that is asked for, marked so that no hit may tell of it.
    """
    worlds.adopt("UZ", [{**HITS, "facets": facets}])
    worlds.empty()
    id_, also, secret, precursor = new_id(), new_id(), new_id(), 371.5
    query = like_heroin(precursor=precursor)
    one = sent(worlds, 0, mixed(foreign[0], precursor))
    others = sent(worlds, 1, mixed(foreign[1], precursor + 0.004), msp((77.0, 9.0), (91.0, 5.0), precursor=precursor))
    worlds.file(
        "UZ-CUS",
        (
            [worlds.sign(report(id_, one, "TLP:AMBER", narrative={"text": "canary 0", "language": "en"}))],
            [
                worlds.sign(report(id_, others, "TLP:AMBER", instant="2026-02-01T01:00:00+05:00", items=TWO_LINES)),
                worlds.sign(report(also, sent(worlds, 1, mixed(foreign[1], precursor)), "TLP:AMBER")),
                worlds.sign(report(secret, sent(worlds, 1, query), "TLP:RED")),
            ],
        ),
    )
    for asked in ({"hits": "true"}, {"how": "open", "hits": "true", "mirrors": "5"}, {"hits": "true", "limit": "1"}):
        first, second = worlds.ask(*OTHER, search(query, **asked))
        assert first == second, asked
        found = json.loads(first.body)
        assert (found["candidates"], len(found["hits"]), found["hits"][0]["band"]) == ([], 1, band)
        assert (found["hits"][0]["class"] is not None) is ("items" in facets)
    for id_asked in (id_, also, secret):
        for path in (ITEM.format(record_id=id_asked), ATTACHMENTS.format(record_id=id_asked)):
            first, second = worlds.ask(*OTHER, Question(path))
            assert (first, first.status) == (second, 404)


def test_where_hits_are_given_the_worlds_can_be_told_apart(worlds: Worlds) -> None:
    worlds.adopt("UZ", [{**HITS, "facets": ["spectra"]}])
    worlds.empty()
    query, id_ = like_heroin(2.0), new_id()
    files = [sent(worlds, 0, msp((50.0, 1.0), (60.0, 2.0))), sent(worlds, 1, like_heroin())]
    worlds.file("UZ-CUS", ([worlds.sign(report(id_, files[0]))], [worlds.sign(report(id_, files[1]))]))
    first, second = worlds.ask(*READER, search(query, hits="true"))
    assert first != second
    assert id_.encode() not in second.body
