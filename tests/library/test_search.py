"""A spectrum is searched in the library and in what the caller is shown; below the threshold nothing is certain."""

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.exchange import Exchange
from tests.library.conftest import HEROIN, METHAMPHETAMINE, Searcher, like_heroin, msp
from tests.seizures.wiring import refusal
from tests.spectra.test_formats import JCAMP, MASSBANK, run_of

TO_KG = {"effect": "permit", "audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER", "time": "month"}
KEY = "MYWUZJCMWCOHBA-VIFPVBQESA-N"  # of methamphetamine
METH = msp((91.0542, 999.0), (119.0855, 812.0), (150.1277, 40.5), precursor=150.1278)


@pytest.fixture(scope="module", autouse=True)
def library(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The operator loads a folder: one open record, one that may not be passed on, and something else."""
    folder = tmp_path_factory.mktemp("massbank")
    (folder / "a.txt").write_text(MASSBANK)
    (folder / "b.txt").write_text(MASSBANK.replace("CC0", "CC BY-NC-SA").replace("812.0", "813.0"))
    (folder / "README").write_text("no spectrum")
    return load(exchange, folder) + load(exchange, folder)


def load(exchange: Exchange, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from service.cli.library import app; app()", "load", str(folder)],
        env={"SARHAD_DATABASE_URL": exchange.settings.database_url, "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout


def test_the_operator_loads_what_may_be_passed_on_once(library: str, neighbour: Searcher) -> None:
    assert "1 spectra added from 3 files" in library
    assert "2 files hold none" in library
    assert "0 spectra added from 3 files" in library
    (one,) = neighbour.get("/v1/spectra/library", substance=METHAMPHETAMINE).json()["items"]
    assert (one["licence"], one["attribution"]["authors"], one["agency"]) == ("CC0", "A. Chemist", None)
    whole = neighbour.get(f"/v1/spectra/library/{one['id']}").json()
    assert whole["peaks"][0] == [91.0542, 999.0]


def test_a_known_substance_is_named_with_its_attribution_and_drawn(neighbour: Searcher) -> None:
    found = neighbour.found(METH, mirrors=1)
    first = found["candidates"][0]
    assert (found["answer"], first["confident"], first["matched"]) == ("candidate", True, 3)
    assert found["reservation"] is None
    assert (first["source"], first["substance"], first["name"]) == ("library", METHAMPHETAMINE, "Methamphetamine")
    assert first["attribution"]["accession"] == "TEST-Lab-000001"
    drawn = ElementTree.fromstring(first["mirror"])
    assert {e.get("class") for e in drawn.iter()} >= {"common", "axis"}


def test_below_the_threshold_there_is_no_confident_candidate(neighbour: Searcher) -> None:
    found = neighbour.found(msp((60.0, 999.0), (91.0542, 300.0), (133.1, 500.0), precursor=150.1277))
    assert found["answer"] == "no confident candidate"
    assert not any(one["confident"] for one in found["candidates"])
    nothing = neighbour.found(msp((60.0, 999.0), precursor=1_000.0))
    assert (nothing["answer"], nothing["candidates"]) == ("no confident candidate", [])


def test_the_open_search_compares_fragments_alone(neighbour: Searcher) -> None:
    analogue = msp((91.0542, 999.0), (119.0855, 800.0), precursor=200.0)
    assert neighbour.found(analogue)["candidates"] == []
    found = neighbour.found(analogue, how="open")
    assert (found["candidates"][0]["substance"], found["candidates"][0]["confident"]) == (METHAMPHETAMINE, False)
    assert (found["answer"], found["reservation"]) == ("no confident candidate", "open-search")


def test_electron_ionisation_is_searched_with_its_like(customs: Searcher) -> None:
    peaks = ((43.0, 500.0), (268.0, 450.0), (327.0, 999.0), (369.0, 800.0))
    id_ = customs.filed(msp(*peaks, precursor=None))
    query = msp(*((mz + 0.1, height * 1.02) for mz, height in peaks), precursor=None)
    found = customs.found(query)
    (first,) = [one for one in found["candidates"] if one.get("record", {}).get("id") == id_]
    assert (float(first["score"]) > 0.99, first["matched"], first["confident"]) == (True, 4, False)
    assert (found["answer"], found["reservation"]) == ("no confident candidate", "not-calibrated")


def test_a_scan_of_a_gas_chromatogram_is_searched_by_its_place_in_the_run(customs: Searcher) -> None:
    peaks = ((44.0, 500.0), (91.0, 450.0), (176.0, 999.0))
    run = run_of((), ((50.0, 1.0),), peaks)
    id_ = customs.filed(run)
    asked = msp(*((mz + 0.1, height) for mz, height in peaks), precursor=None)
    (first,) = [one for one in customs.found(asked)["candidates"] if one.get("record", {}).get("id") == id_][:1]
    assert (first["record"]["n"], first["matched"]) == (3, 3)
    unnamed = run_of((), ((50.0, 1.0),), peaks, source=None)
    found = customs.found(unnamed, n=3, full_scans="EI")
    assert found["file"] == {"read": 2, "empty": 1, "more": False}
    assert id_ in [one["record"]["id"] for one in found["candidates"] if one["source"] == "record"]
    assert "full_scans" in customs.ask(unnamed, n=3).json()["detail"]
    assert customs.ask(unnamed, n=1).json()["detail"] == "scan 1 holds no peak"
    assert customs.ask(unnamed, n=4).json()["detail"] == "the file has 3 spectra"


def test_one_fragment_of_a_record_is_a_hint_however_alike(customs: Searcher) -> None:
    id_ = customs.filed(msp((58.065, 999.0), (441.3, 30.0), precursor=441.3))
    query = msp((58.065, 980.0), (441.3, 33.0), precursor=441.3)
    (first,) = [one for one in customs.found(query)["candidates"] if one.get("record", {}).get("id") == id_]
    assert (float(first["score"]) > 0.99, first["confident"]) == (True, False)


def test_spectra_of_records_are_found_by_those_who_are_given_them(
    customs: Searcher, neighbour: Searcher, exchange: Exchange
) -> None:
    id_ = customs.filed(like_heroin())
    query = like_heroin(3.0)
    first = next(one for one in customs.found(query)["candidates"] if one["record"]["id"] == id_)
    assert (first["confident"], first["matched"], first["substance"]) == (True, 4, HEROIN)
    exchange.adopt("KZ")
    assert id_ not in neighbour.records(query)
    exchange.adopt("KZ", {"id": "1", **TO_KG, "facets": ["items"]})
    assert id_ not in neighbour.records(query)
    assert id_ not in neighbour.records(query, how="open")
    exchange.adopt("KZ", {"id": "1", **TO_KG, "facets": ["spectra"]})
    candidate = next(one for one in neighbour.found(query, mirrors=5)["candidates"] if one["record"]["id"] == id_)
    assert candidate["substance"] is None, "what it is stands in the items"
    assert candidate["record"]["owner"] == "KZ"
    exchange.adopt("KZ", {"id": "1", **TO_KG, "facets": ["spectra", "items"]})
    candidate = next(one for one in neighbour.found(query, how="open")["candidates"] if one["record"]["id"] == id_)
    assert candidate["substance"] == HEROIN
    exchange.client("KZ-CUS").recall({"records": [id_], "reason": "the wrong case"})
    assert id_ not in neighbour.records(query)
    entries = exchange.client("KZ-DCA/auditor", None).statement("KZ", record=id_).items
    assert "/v1/spectra/search" in {entry["route"] for entry in entries}
    exchange.adopt("KZ")


def test_a_candidate_says_which_ion_of_it_was_asked_with(neighbour: Searcher) -> None:
    fragments = (91.0542, 999.0), (119.0855, 812.0)
    for precursor, ion in ((150.1277, "[M+H]+"), (299.2482, "[2M+H]+"), (200.0, None)):
        found = neighbour.found(msp(*fragments, precursor=precursor), how="open")
        assert {one["ion"] for one in found["candidates"] if one["substance"] == METHAMPHETAMINE} == {ion}


@pytest.mark.parametrize(
    ("said", "substance", "expected"),
    [
        ({"precursor": 240.1383}, METHAMPHETAMINE, "[M+H]+ 150.1277"),
        ({"precursor": 240.1383, "InChIKey": KEY}, None, "[M+H]+ 150.1277"),
        ({"precursor": 150.1277, "InChIKey": KEY}, HEROIN, METHAMPHETAMINE),
        ({"precursor": None, "InChIKey": KEY}, HEROIN, METHAMPHETAMINE),
        ({"precursor": 150.1277, "mode": "N"}, METHAMPHETAMINE, "[M-H]- 148.1132"),
    ],
    ids=["substance and precursor", "key and precursor", "key and substance", "the same of EI", "ion mode"],
)
def test_a_reference_that_contradicts_itself_is_refused(
    laboratory: Searcher, said: dict[str, Any], substance: str | None, expected: str
) -> None:
    before = laboratory.get("/v1/spectra/library", substance=METHAMPHETAMINE).body
    data = msp((91.0542, 999.0), (119.0855, 812.0), **said)
    path = "/v1/spectra/library" + (f"?substance={substance}" if substance else "")
    refused = laboratory.post(data, path, "application/octet-stream")
    assert (refused.status, refused.problem) == (422, "spectrum-disagrees")
    assert refused.json()["expected"] == expected
    assert laboratory.get("/v1/spectra/library", substance=METHAMPHETAMINE).body == before


def test_a_spectrum_of_something_else_than_it_says_is_neither_searched_nor_kept(laboratory: Searcher) -> None:
    wrong = msp((91.0542, 999.0), (119.0855, 812.0), precursor=240.1383, InChIKey=KEY)
    assert (laboratory.ask(wrong).status, laboratory.ask(wrong).problem) == (422, "spectrum-disagrees")
    refused = laboratory.send(wrong)
    assert (refused.status, refused.problem) == (422, "spectrum-disagrees")
    assert laboratory.kept(msp((91.0542, 999.0), (119.0855, 812.0), precursor=150.1277, InChIKey=KEY))


@pytest.mark.parametrize("key", ["MYWUZJCMWCOHBA", "MYWUZJCMWCOHBA-VIFPVBQESA-N-N", "mywuzjcmwcohba-vifpvbqesa-n"])
def test_what_is_no_inchikey_is_refused(laboratory: Searcher, key: str) -> None:
    data = msp((91.0542, 999.0), precursor=150.1277, InChIKey=key)
    refused = laboratory.post(data, f"/v1/spectra/library?substance={METHAMPHETAMINE}", "application/octet-stream")
    assert (refused.status, refused.problem) == (422, "file-not-understood")
    assert "InChIKey" in refused.json()["detail"]


def test_laboratories_give_reference_spectra_to_all_and_take_them_back(
    laboratory: Searcher, customs: Searcher, neighbour: Searcher
) -> None:
    data = msp((77.04, 100.0), (105.03, 999.0), precursor=370.1649)
    path = "/v1/spectra/library"
    octets = "application/octet-stream"
    assert refusal(customs.call("POST", path, data))[1] == "role-required"
    assert refusal(laboratory.call("POST", path, data))[1:] == ("unfit-reference", "substance")
    assert refusal(laboratory.call("POST", f"{path}?licence=CC-BY-NC", data))[1:] == ("unfit-reference", "licence")
    added = laboratory.post(data, f"{path}?substance={HEROIN}", octets)
    assert (added.status, added.json()["known"]) == (201, 0), added.body
    (id_,) = added.json()["added"]
    again = laboratory.post(data, f"{path}?substance={HEROIN}", octets).json()
    assert again == {"added": [], "known": 1, "empty": 0}
    first = neighbour.found(data)["candidates"][0]
    assert (first["spectrum"], first["agency"], first["licence"]) == (id_, "KZ-LAB", "members")
    assert neighbour.call("DELETE", f"{path}/{id_}").status == 404
    assert laboratory.call("DELETE", f"{path}/{id_}").status == 204
    assert neighbour.found(data)["candidates"] == []


@pytest.mark.parametrize(
    ("data", "problem", "says"),
    [
        (b"PK\x03\x04 not a spectrum", "file-not-understood", "expected a MassBank record"),
        (b"Name: x\nPrecursorMZ: 100\nIon_mode: P\nNum Peaks: 0\n\n", "file-not-understood", "no peaks"),
        (msp((50.0, -1.0), (60.0, 5.0)), "file-not-understood", "negative intensity"),
        (msp((300.0, 9.0), precursor=60.0), "file-not-understood", "heavier than the precursor"),
        (msp((50.0, 9.0), mode="?"), "not-searchable", "ion mode"),
        (JCAMP.encode(), "not-searchable", "IR"),
        (b"Name: x\nPrecursorMZ: 300\nNum Peaks: 1\n1 1; " + b"1 1; " * 1_600_000, "file-", ""),
    ],
    ids=["binary", "no peaks", "negative", "precursor", "ion mode", "infrared", "too many peaks"],
)
def test_what_cannot_be_searched_is_refused_with_the_reason(
    neighbour: Searcher, data: bytes, problem: str, says: str
) -> None:
    reply = neighbour.ask(data)
    assert reply.status == 422
    assert reply.problem.startswith(problem)
    assert says in reply.json()["detail"]


def test_a_search_states_its_purpose_and_names_a_spectrum_of_the_file(neighbour: Searcher) -> None:
    assert refusal(neighbour.ask(METH, purpose=None))[1] == "purpose-required"
    assert refusal(neighbour.ask(METH, n=2))[1:] == ("not-searchable", "n")
    assert refusal(neighbour.ask(METH, how="both"))[1] == "invalid-request"
