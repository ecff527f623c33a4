"""Analyses of two countries: alike by their impurities, or of one press; and what a laboratory may only be told of."""

import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import create_engine, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from service.profiles.neighbours import HITS_PER_KEY, nearest
from service.profiles.vector import as_cube, ordered, unit
from tests.analyses.conftest import bench  # noqa: F401
from tests.analyses.laboratory import AMPHETAMINE_TYPE, Laboratory
from tests.analyses.test_filing import id_of
from tests.attachments.files import picture, written
from tests.attachments.sender import Sender
from tests.exchange import Exchange
from tests.links.wiring import between, links, post, said, sharing
from tests.profiles.specimens import MARKERS, specimen, study
from tests.seizures.wiring import Agency, refusal

METHOD = f"AMP-{time.time_ns() % 10**9}.1"
GIVEN = {
    "id": "laboratories",
    "effect": "permit",
    "audience": {"countries": ["KZ", "KG"]},
    "handling_up_to": "TLP:GREEN",
    "kinds": ["analysis"],
    "facets": ["spectra", "marks"],
    "time": "month",
    "place": "country",
}
HITS = {**GIVEN, "id": "hits", "handling_up_to": "TLP:AMBER", "gives": "hits", "time": "none", "place": "none"}
TABLET = {
    "exhibit": 1, "form": "TAB", "colour": "pink", "logo": "Rolls-Royce", "shape": "round", "score": "SINGLE",
    "diameter_mm": "8.1", "thickness_mm": "4.2",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def shared(exchange: Exchange) -> Iterator[None]:
    with sharing(exchange, GIVEN, HITS):
        yield


@pytest.fixture(scope="module")
def labs(bench: dict[str, Laboratory]) -> tuple[Laboratory, Laboratory]:  # noqa: F811
    """KZ-LAB, which declared and calibrated the method, and KG-LAB, which uses it."""
    kz, kg = bench["KZ-LAB"], bench["KG-LAB"]
    declared = post(
        kz,
        "/v1/profile-methods",
        {"code": METHOD, "substance": AMPHETAMINE_TYPE, "technique": "GC", "markers": MARKERS, "description": "GC-MS."},
        None,
    )
    assert declared.status == 201, declared.body
    calibrated = post(kz, f"/v1/profile-methods/{METHOD}/calibrations", dict(study()), None)
    assert calibrated.status == 201, calibrated.body
    assert calibrated.json()["proposes_from"] is not None
    return kz, kg


def measured(areas: dict[str, str], method: str = METHOD) -> dict[str, Any]:
    """An entry of the facet spectra: the chromatogram by its hash, and the profile measured from it."""
    kept = {"line": 1, "technique": "GC", "media_type": "chemical/x-jcamp-dx", "sha256": "0" * 64, "size": 1}
    return {**kept, "profile": {"method": method, "areas": areas}}


def numbers(areas: dict[str, str]) -> dict[str, Decimal]:
    return {marker: Decimal(area) for marker, area in areas.items()}


def filed(lab: Laboratory, handling: str = "TLP:GREEN", **facets: Any) -> str:
    record = lab.found(handling=handling, **facets)
    reply = lab.file(record)
    assert reply.status == 201, reply.body
    return id_of(record)


def neighbours(agency: Agency, record: str) -> Any:
    reply = agency.get(f"/v1/profiles/{record}/1/neighbours", purpose="forensic")
    assert reply.status == 200, reply.body
    return reply.json()


def test_alike_profiles_are_found_weighed_and_confirmed(
    labs: tuple[Laboratory, Laboratory], sought: Callable[[], None]
) -> None:
    kz, kg = labs
    one, other = (filed(lab, spectra=[measured(specimen(1, n))]) for n, lab in enumerate(labs))
    unlike = filed(kg, spectra=[measured(specimen(2))])
    sought()
    found = neighbours(kz, one)["items"]
    assert [item["record"] for item in found][:1] == [other]
    assert float(found[0]["r"]) > 0.95
    assert found[0]["likelihood_ratio"]["words"].endswith("rather than that the profiles are of different sources")
    assert unlike in [item["record"] for item in found], "a neighbour, though not an alike one"
    link = between(kz, one, other, relation="chemical")
    assert link is not None
    assert float(link["likelihood_ratio"]["low"]) >= 100
    assert between(kz, one, unlike) is None
    for lab in labs:
        reply = post(lab, f"/v1/links/{link['id']}/confirmation", {}, "forensic")
        assert reply.status == 200, reply.body
    groups = kz.get("/v1/links/groups", relation="chemical", record=one).json()
    assert groups["type"] == "FeatureCollection"
    assert {feature["properties"]["record"] for feature in groups["features"]} == {one, other}
    assert {feature["properties"]["size"] for feature in groups["features"]} == {2}
    assert kz.get("/v1/links/groups", relation="physical", record=one).json()["features"] == []


def test_tablets_of_one_press_are_a_relation_of_their_own(
    labs: tuple[Laboratory, Laboratory], sought: Callable[[], None]
) -> None:
    kz, kg = labs
    one = filed(kz, marks=[TABLET], spectra=[measured(specimen(3))])
    other = filed(kg, marks=[{**TABLET, "logo": "rolls royce", "diameter_mm": "8.15"}], spectra=[measured(specimen(4))])
    wider = filed(kg, marks=[{**TABLET, "diameter_mm": "9.0"}])
    pictured = filed(kg, marks=[{**TABLET, "logo": "RR", "logo_hash": "00ff00ff00ff00ff"}])
    alike = filed(kz, marks=[{**TABLET, "logo": "crest", "logo_hash": "00ff00ff00ff00fe"}])
    sought()
    link = between(kz, one, other)
    assert link is not None
    assert link["relation"] == "physical"
    assert said(link) == {"logo": "same", "shape": "same", "score": "same", "diameter": "same"}
    assert between(kz, one, wider) is None
    by_picture = between(kz, pictured, alike)
    assert by_picture is not None
    assert said(by_picture)["image"] == "alike"


def photographed(lab: Laboratory, data: bytes) -> str:
    """The hash of a photograph that the laboratory has sent."""
    return str(Sender(lab.exchange, lab.name).kept(data)["sha256"])


def test_photographs_of_one_imprint_bring_tablets_together(
    labs: tuple[Laboratory, Laboratory], sought: Callable[[], None]
) -> None:
    kz, kg = labs
    shot = written(picture("Q"))
    again = written(picture("Q").resize((640, 480)), quality=60)
    one = filed(kz, marks=[{**TABLET, "logo": "a ring", "image_sha256": photographed(kz, shot)}])
    other = filed(kg, marks=[{**TABLET, "logo": "letter Q", "image_sha256": photographed(kg, again)}])
    hidden = filed(kg, "TLP:AMBER", marks=[{**TABLET, "logo": "tail", "image_sha256": photographed(kg, again)}])
    bare = filed(kg, marks=[{**TABLET, "logo": "an O", "image_sha256": photographed(kg, written(blank()))}])
    blank_too = filed(kz, marks=[{**TABLET, "logo": "nothing", "image_sha256": photographed(kz, written(blank(130)))}])
    sought()
    link = between(kz, one, other, relation="physical")
    assert link is not None
    assert link["state"] == "proposed"
    assert said(link)["photograph"] == "alike"
    assert said(link)["logo"] == "different"
    assert between(kg, one, hidden) is not None, "its own country sees it"
    assert between(kz, one, hidden) is None
    assert links(Agency(kz.exchange, "TJ-LAB"), record=one) == []
    assert between(kg, bare, blank_too) is None, "a picture without detail is like any other"


def test_what_a_border_post_photographs_is_found_on_what_a_laboratory_examined(
    labs: tuple[Laboratory, Laboratory], sought: Callable[[], None]
) -> None:
    """Kyrgyzstan is given the analyses of Kazakhstan, and none of its seizures."""
    kz, kg = labs
    customs = Agency(kz.exchange, "KZ-CUS")
    digest = Sender(kz.exchange, "KZ-CUS").kept(written(picture("V")))["sha256"]
    again = photographed(kg, written(picture("V").resize((640, 480)), quality=60))

    def seized(**mark: Any) -> str:
        record = customs.report(marks=[{"text": "Viking", **mark}])
        assert customs.post(record).status == 201
        return id_of(record)

    stamped, taped, bare = (
        seized(kind="STAMP", image_sha256=digest),
        seized(kind="TAPE", image_sha256=digest),
        seized(kind="LOGO"),
    )
    examined = filed(
        kg, marks=[{"exhibit": 1, "form": "TAB", "colour": "blue", "logo": "VIKING!", "image_sha256": again}]
    )
    sought()
    link = between(customs, stamped, examined, relation="physical")
    assert link is not None
    assert said(link) == {"logo": "same", "photograph": "alike"}
    assert between(kg, stamped, examined) is None, "it sees one of the two"
    assert between(customs, taped, examined) is None, "tape is of whoever sent it"
    assert between(customs, bare, examined) is None, "a word is not enough"


def test_a_photograph_speaks_when_it_comes_after_its_record_and_an_unlike_one_does_not_speak_against(
    labs: tuple[Laboratory, Laboratory], sought: Callable[[], None]
) -> None:
    kz, kg = labs
    late = Sender(kg.exchange, kg.name)
    seen = {**TABLET, "logo": "W", "shape": "oval", "score": "NONE"}
    shot = written(picture("W"), "PNG")
    # the hash of what will be kept is known before it is sent: a PNG drawn anew from its pixels is the same PNG
    digest = str(Sender(kz.exchange, kz.name).kept(shot)["sha256"])
    one = filed(kz, marks=[{**seen, "image_sha256": digest}])
    other = filed(kg, marks=[{**seen, "logo": "zigzag", "image_sha256": digest}])
    same_logo = filed(kg, marks=[{**seen, "image_sha256": photographed(kg, written(picture("B", (480, 320))))}])
    sought()
    assert between(kz, one, other) is None
    spoken = between(kz, one, same_logo)
    assert spoken is not None
    assert "image" not in said(spoken)
    assert "photograph" not in said(spoken)
    assert late.kept(shot)["sha256"] == digest
    sought()
    link = between(kz, one, other)
    assert link is not None
    assert said(link)["photograph"] == "alike"


def blank(side: int = 200) -> Image.Image:
    return Image.new("RGB", (side, side), (128, 128, 128))


def test_a_hidden_match_is_told_of_and_not_shown(
    labs: tuple[Laboratory, Laboratory], sought: Callable[[], None]
) -> None:
    kz, kg = labs
    probe = {"method": METHOD, "areas": specimen(6), "limit": 5}
    before = post(kz, "/v1/profiles/search", probe, "forensic").json()
    hidden = filed(kg, "TLP:AMBER", spectra=[measured(specimen(6, 1))])
    unlike = filed(kg, "TLP:RED", spectra=[measured(specimen(6, 2))])
    sought()
    after = post(kz, "/v1/profiles/search", probe, "forensic").json()
    assert before["hits"] == []
    assert [(hit["owner"], hit["contact"]) for hit in after["hits"]] == [("KG", "KG-LAB")]
    assert after["hits"][0].keys() == {"owner", "contact"}
    assert after["items"] == before["items"]
    for record in (hidden, unlike):
        assert record not in str(after)
        assert kz.get(f"/v1/profiles/{record}/1/neighbours", purpose="forensic").status == 404
    assert links(kz, record=hidden) == []
    outsider = Agency(kz.exchange, "TJ-LAB")
    assert post(outsider, "/v1/profiles/search", probe, "forensic").json() == {
        "method": METHOD, "items": [], "hits": [],
    }  # fmt: skip
    entries = kz.exchange.client("KG-DCA/auditor", None).statement("KG").items
    told = [(e["agency"], e["purpose"]) for e in entries if e["route"] == "/v1/profiles/search"]
    assert ("KZ-LAB", "forensic") in told, "who was told of a hit stands in its owner's statement"
    assert "TJ-LAB" not in {agency for agency, _ in told}


def test_comparisons_have_a_pace(labs: tuple[Laboratory, Laboratory]) -> None:
    """Each may tell of a hidden profile: a key that asks on and on is told to wait. Two workers count by themselves."""
    probe = {"method": METHOD, "areas": specimen(7)}
    hurried = Agency(labs[0].exchange, "TM-LAB")
    replies = [post(hurried, "/v1/profiles/search", probe, "forensic") for _ in range(2 * HITS_PER_KEY + 1)]
    refused = [reply for reply in replies if reply.status != 200]
    assert refused
    assert refusal(refused[0])[:2] == (429, "too-many-requests")
    assert "comparisons of profiles" in refused[0].json()["detail"]


def test_profiles_of_two_methods_are_never_compared(
    labs: tuple[Laboratory, Laboratory], sought: Callable[[], None]
) -> None:
    """However alike the numbers: the same areas under another method are other substances' areas."""
    kz, kg = labs
    other = f"X-{METHOD}"
    declared = {"code": other, "substance": AMPHETAMINE_TYPE, "technique": "GC", "markers": MARKERS, "description": "G"}
    assert post(kz, "/v1/profile-methods", declared, None).status == 201
    one = filed(kz, spectra=[measured(specimen(71))])
    same, foreign = (filed(kg, spectra=[measured(specimen(71), method)]) for method in (METHOD, other))
    sought()
    for method, expected in ((METHOD, {one, same}), (other, {foreign})):
        probe = {"method": method, "areas": specimen(71), "limit": 100}
        found = post(kz, "/v1/profiles/search", probe, "forensic").json()["items"]
        assert {item["record"] for item in found if float(item["r"]) > 0.9999} == expected
    near = kz.get(f"/v1/profiles/{one}/1/neighbours", purpose="forensic", limit=100).json()["items"]
    assert foreign not in {item["record"] for item in near}
    assert between(kz, one, same) is not None
    assert between(kz, one, foreign) is None


def test_the_most_alike_are_found_in_the_index(labs: tuple[Laboratory, Laboratory]) -> None:
    """Under row security, in order of distance: nothing is sorted, and no profile of another method is read."""
    settings = labs[0].exchange.settings
    kid = labs[1].request_key.kid
    point = as_cube(unit(ordered(numbers(specimen(1)), MARKERS, ""), ""))
    compiled = nearest(METHOD, point, 20).compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
    engine = create_engine(settings.database_as())
    with engine.connect() as connection:
        token = connection.scalar(text("SELECT gate.mint(:kid, 'forensic')"), {"kid": kid})
        connection.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
        connection.execute(text("SET LOCAL ROLE sarhad_read"))
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled}", dict(compiled.params)).scalars())
    engine.dispose()
    assert "Index Scan using profile_method_owner_unit_idx" in plan, plan
    assert "Order By: (unit" in plan, plan
    assert "Sort" not in plan, plan


@pytest.mark.parametrize("least", [0.05, 0.99999])
def test_no_calibration_moves_what_is_told_of_a_hidden_profile(
    labs: tuple[Laboratory, Laboratory], least: float
) -> None:
    """Whatever study its laboratory makes up: it is one key of another state."""
    kz, kg = labs
    filed(kg, "TLP:AMBER", spectra=[measured(specimen(61, 1))])
    calibrated = text("SELECT least FROM core.profile_calibration WHERE method = :method")
    moved = text("UPDATE core.profile_calibration SET least = :least WHERE method = :method")
    engine = create_engine(kz.exchange.settings.database_as())
    with engine.begin() as connection:
        before = connection.scalar(calibrated, {"method": METHOD})
        connection.execute(moved, {"method": METHOD, "least": least})
    try:
        for areas, told in ((specimen(61), True), (far_from(specimen(61, 1)), False)):
            probe = {"method": METHOD, "areas": areas}
            hits = post(kz, "/v1/profiles/search", probe, "forensic").json()["hits"]
            assert hits == ([{"owner": "KG", "contact": "KG-LAB"}] if told else [])
    finally:
        with engine.begin() as connection:
            connection.execute(moved, {"method": METHOD, "least": before})
        engine.dispose()


def far_from(areas: dict[str, str]) -> dict[str, str]:
    """The same with every other marker several times as large: rather like it, and no match."""
    return {name: str(float(value) * (6 if n % 2 else 1)) for n, (name, value) in enumerate(areas.items())}


@pytest.mark.parametrize(
    ("entry", "problem", "pointer"),
    [
        (measured(specimen(1), "NOT-DECLARED.1"), "unknown-profile-method", "/spectra/0/profile/method"),
        (measured({**specimen(1), "other": "1"}), "markers-disagree", "/spectra/0/profile/areas"),
        (measured(dict.fromkeys(MARKERS, "7")), "profile-flat", "/spectra/0/profile/areas"),
        (measured(dict.fromkeys(MARKERS, "0")), "measurement-impossible", "/spectra/0/profile/areas"),
        (measured({**specimen(1), MARKERS[0]: "-1"}), "invalid-quantity", f"/spectra/0/profile/areas/{MARKERS[0]}"),
        ({**measured(specimen(1)), "line": 9}, "lines-disagree", "/spectra/0/line"),
        (measured(specimen(1), "amp"), "invalid-facet", "/spectra/0/profile/method"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(
    labs: tuple[Laboratory, Laboratory], entry: dict[str, Any], problem: str, pointer: str
) -> None:
    lab = labs[0]
    held = len(lab.analyses(limit="500"))
    assert refusal(lab.file(lab.found(spectra=[entry])))[1:] == (problem, pointer)
    assert len(lab.analyses(limit="500")) == held


def test_one_bad_profile_refuses_its_own_line_of_a_batch(labs: tuple[Laboratory, Laboratory]) -> None:
    lab = labs[0]
    good, bad = lab.found(spectra=[measured(specimen(8))]), lab.found(spectra=[measured(specimen(8), "NOT-DECLARED.1")])
    reply = lab.batch(json.dumps({"record": record}) for record in (good, bad))
    verdicts = [json.loads(line) for line in reply.body.splitlines()][:2]
    assert [entry["status"] for entry in verdicts] == [201, 422]


def test_a_method_is_declared_once_by_a_laboratory(labs: tuple[Laboratory, Laboratory]) -> None:
    kz, kg = labs
    again = {"code": METHOD, "substance": AMPHETAMINE_TYPE, "technique": "GC", "markers": MARKERS, "description": "x"}
    assert refusal(post(kg, "/v1/profile-methods", again, None))[:2] == (409, "method-taken")
    assert refusal(post(kg, f"/v1/profile-methods/{METHOD}/calibrations", dict(study()), None))[1] == (
        "not-the-methods-laboratory"
    )
    following = {**again, "code": f"{METHOD.partition('.')[0]}.2"}
    assert refusal(post(kg, "/v1/profile-methods", following, None)) == (403, "not-the-methods-laboratory", "/code")
    assert post(kz, "/v1/profile-methods", following, None).status == 201
    assert refusal(post(kg, "/v1/profile-methods", following, None))[1] == "method-taken"
    other = {**again, "code": "NEW-GC.1", "substance": "SAR-999999"}
    assert refusal(post(kz, "/v1/profile-methods", other, None))[1:] == ("unknown-profiled-substance", "/substance")
    customs = Agency(kz.exchange, "KZ-CUS")
    assert refusal(post(customs, "/v1/profile-methods", other, None))[:2] == (403, "role-required")
    listed = customs.get("/v1/profile-methods", limit="500").json()["items"]
    assert METHOD in [entry["code"] for entry in listed]
    shown = customs.get(f"/v1/profile-methods/{METHOD}").json()
    assert shown["calibration"]["linked"] == 150
    short = {"specimens": list(study()["specimens"])[:20]}  # type: ignore[call-overload]
    assert refusal(post(kz, f"/v1/profile-methods/{METHOD}/calibrations", short, None))[1:] == (
        "calibration-too-small", "/specimens",
    )  # fmt: skip
