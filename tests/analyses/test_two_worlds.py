"""Two worlds that differ in what a reader may not see of analyses answer that reader byte for byte the same.

World 1 holds the analyses of world 0 with other values in every facet that the reader is not given, and one more
analysis that it may not see at all. The countersignature in the facet `laboratory` and the laboratory's own signed form
differ as the digests do that they are made over, and in nothing else.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sarhad.analyses import finding
from sarhad.keys import b64url_decode
from sarhad.records import Record

from tests.analyses.laboratory import AMPHETAMINE_TYPE, CAFFEINE, HEROIN, examination
from tests.policies.questions import ANALYSES, ATTACHMENTS, NEIGHBOURS
from tests.policies.twins import new_id
from tests.policies.worlds import Answer, Question, Worlds
from tests.profiles.specimens import MARKERS, specimen

pytestmark = pytest.mark.xdist_group("two worlds")

SD_JWT = "application/sd-jwt"
READER = ("TJ-LAB", "forensic")
MORPHINE = "SAR-000553"
GIVEN = ("laboratory", "items", "purity", "marks", "spectra")
METHOD = "CANARY.1"
SIGNED = re.compile(r'"review":"([\w-]+)\.([\w-]+)\.([\w-]+)"')


@pytest.fixture(scope="module")
def method(worlds: Worlds) -> None:
    """A method of impurity profiling that both worlds know."""
    declared = {"code": METHOD, "substance": AMPHETAMINE_TYPE, "technique": "GC", "markers": MARKERS}
    for world in worlds.both:
        world.client("UZ-LAB").declare_profile_method({**declared, "description": "GC-MS"})


def found(id_: str, world: int, hidden: tuple[str, ...], *, handling: str = "TLP:GREEN") -> Record:
    """One analysis as it stands in a world: what is hidden differs between the worlds, also in how much there is."""
    exhibits = ("UZ-CUS/2026-1/1", "UZ-CUS/2026-2/1")
    caffeine = {"line": 2, **finding(CAFFEINE, "caffeine", role="ADULTERANT", techniques=[2, 3])}
    examined = [examination(number, case=f"canary-{n}") for n, number in enumerate(exhibits)]
    examined[1]["techniques"][2] = {"n": 3, "technique": "NMR", "category": "A", "edition": "8.1", "result": "POS"}
    del examined[1]["sampling"]
    values: dict[str, Any] = {
        "laboratory": examined,
        "items": [
            [{"line": 1, **finding(code, "canary", techniques=[2, 3])}, caffeine] for code in (HEROIN, MORPHINE)
        ],
        "purity": [
            [{"line": line, "value": value, "unit": "%", "basis": "AS_BASE"} for line, value in enumerate(of_lines, 1)]
            for of_lines in (("41.2",), ("17.9", "60"))
        ],
        "marks": [[_tablet("canary 0", "0f" * 8)], [_tablet("canary 1", "f0" * 8), _tablet("canary 2", "ff" * 8)]],
        "spectra": [[_measured(1, 0)], [_measured(2, 0), _measured(2, 1)]],
        "case": [{"operation": "canary-0"}, None],
        "narrative": [{"text": f"canary {n}", "language": "en"} for n in (0, 1)],
        "reference": ("canary-0", "canary-1"),
        "when.day": ("2026-03-20", "2026-03-21"),
    }  # fmt: skip
    facets = {name: choice[world if name in hidden else 0] for name, choice in values.items()}
    facets["reference"] += id_[:8]
    fixed = {"where.country": "UZ", "reported": "2026-03-22T08:00:00Z", "when.month": "2026-03"}
    present = {name: value for name, value in (fixed | facets).items() if value is not None}
    return Record("UZ-LAB", "analysis", present, handling, id_)


def _tablet(logo: str, hash_: str) -> dict[str, Any]:
    return {"exhibit": 1, "form": "TAB", "colour": "pink", "logo": logo, "logo_hash": hash_, "diameter_mm": "8.1"}


def _measured(batch: int, number: int) -> dict[str, Any]:
    """A chromatogram by a hash of its own, and the profile that was measured from it."""
    kept = {"line": 1, "technique": "GC", "media_type": "chemical/x-jcamp-dx", "sha256": f"{batch}{number}" * 32}
    return {**kept, "size": batch, "profile": {"method": METHOD, "areas": specimen(batch, number)}}


def unsigned(body: bytes) -> str:
    """An answer without what a countersignature says of the digests, and without its signature."""
    return SIGNED.sub(lambda review: f'"review":{_says(*review.groups())}', body.decode())


def _says(header: str, claims: str, signature: str) -> str:
    said = {**json.loads(b64url_decode(claims)), "content": None}
    return json.dumps([json.loads(b64url_decode(header)), said, len(claims), len(signature)])


def opened(body: bytes) -> list[Any]:
    """A signed form without digests, salts and signatures: header, claims, how many digests, and the facets."""
    token, *disclosures, end = body.decode().split("~")
    header, claims, signature = token.split(".")
    payload = json.loads(b64url_decode(claims))
    facets = [json.loads(b64url_decode(disclosure)) for disclosure in disclosures]
    told = [[len(salt), name, unsigned(json.dumps({name: value}, separators=(",", ":")).encode())]
            for salt, name, value in facets]  # fmt: skip
    digests = payload.pop("_sd")
    return [json.loads(b64url_decode(header)), payload, len(digests), len(signature), told, end]


def plain(answer: Answer) -> list[Any]:
    """All that two answers must have in common where they hold a signature that the digests enter."""
    headers = dict(answer.headers)
    headers.pop("content-digest", None)
    body = opened(answer.body) if headers["content-type"] == SD_JWT else unsigned(answer.body)
    return [answer.status, headers, len(answer.body), body]


def questions(ids: list[str]) -> Iterator[Question]:
    searches: list[dict[str, str]] = [
        {}, {"substance": HEROIN}, {"substance": MORPHINE}, {"substance": "SAR-000002"}, {"technique": "MS"},
        {"technique": "NMR"}, {"exhibit": "UZ-CUS/2026-1/1"}, {"exhibit": "UZ-CUS/2026-2/1"}, {"min_purity": "20"},
        {"max_purity": "20"}, {"substance": HEROIN, "min_purity": "1"}, {"role": "ADULTERANT"}, {"level": "IDENTIFIED"},
        {"agency": "UZ-LAB"}, {"owner": "UZ"}, {"country": "UZ"}, {"retracted": "true"}, {"limit": "1"},
        {"from": "2026-03-21T00:00:00Z"}, {"to": "2026-03-21T00:00:00Z"}, {"substance": "SAR-999999"}, {"cursor": "x"},
        {"limit": "0"}, {"hidden": "1"},
    ]  # fmt: skip
    for search in searches:
        yield Question(ANALYSES, search)
    for id_ in (*ids, new_id()):
        for path in ("", "/versions", "/proof"):
            yield Question(f"{ANALYSES}/{id_}{path}")
            yield Question(f"/v1/seizures/{id_}{path}")
        yield Question(f"{ANALYSES}/{id_}", accept=SD_JWT)
        yield Question(ATTACHMENTS.format(record_id=id_))
        for n in (1, 2):
            yield Question(NEIGHBOURS.format(record_id=id_, n=n))
    yield Question("/v1/seizures", {"retracted": "true"})


@pytest.mark.usefixtures("method")
@pytest.mark.parametrize(
    "given",
    [
        (), ("laboratory",), ("items",), ("purity",), ("marks",), ("spectra",), ("items", "purity"),
        ("laboratory", "items"), GIVEN,
    ],
)  # fmt: skip
def test_what_a_reader_is_not_given_of_an_analysis_changes_no_answer(worlds: Worlds, given: tuple[str, ...]) -> None:
    permit = {"effect": "permit", "audience": {"countries": ["TJ"]}, "time": "month", "place": "country"}
    worlds.adopt("UZ", [{**permit, "handling_up_to": "TLP:GREEN", "kinds": ["analysis"], "facets": list(given)}])
    worlds.empty()
    hidden = tuple(name for name in (*GIVEN, "case", "narrative", "reference", "when.day") if name not in given)
    shown, secret = new_id(), new_id()
    records = [[worlds.reviewed(found(shown, world, hidden))] for world in (0, 1)]
    records[1].append(worlds.reviewed(found(secret, 1, hidden, handling="TLP:RED")))
    worlds.file("UZ-LAB", (records[0], records[1]))
    answers: list[tuple[Question, tuple[Answer, Answer]]] = [
        (question, worlds.ask(*READER, question)) for question in questions([shown, secret])
    ]
    for question, (first, second) in answers:
        if question.accept == SD_JWT or SIGNED.search(first.body.decode()):
            assert plain(first) == plain(second), question
        else:
            assert first == second, question
    countersigned = [question for question, (first, _) in answers if SIGNED.search(first.body.decode())]
    assert bool(countersigned) is ("laboratory" in given)
    assert {first.status for _, (first, _) in answers} >= {200, 404}
    assert any(shown.encode() in first.body for _, (first, _) in answers)
    for path in ("", "/versions", "/proof"):
        first, _ = worlds.ask(*READER, Question(f"{ANALYSES}/{secret}{path}"))
        assert first.status == 404
