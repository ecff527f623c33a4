"""The commands: files are sent into a description, the record is filed, a partner fetches and searches."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attachments.files import MSP, photograph
from tests.attachments.sender import Sender
from tests.exchange import Exchange, heroin
from tests.library.conftest import METHAMPHETAMINE, msp


def sarhad(exchange: Exchange, holder: str, home: Path, *arguments: object, code: int = 0, errors: bool = False) -> str:
    place = home / holder
    if not place.exists():
        shutil.copytree(exchange.region.profiles[holder].directory, place)
        replace(exchange.region.profiles[holder], directory=place, service=exchange.settings.origin).save()
    done = subprocess.run(
        [sys.executable, "-c", "from sarhad.cli import main; main()", *map(str, arguments)],
        env={**os.environ, "SARHAD_HOME": str(home), "SARHAD_PROFILE": str(place)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + (done.stderr if code or errors else "")


@pytest.fixture
def described(tmp_path: Path) -> Path:
    file = tmp_path / "seizure.json"
    facets = {**heroin("KZ-CUS").facets, "transport": {"mode": "3"}}
    file.write_text(json.dumps({"facets": facets}), encoding="utf-8")
    return file


def test_files_go_into_a_record_and_come_out_of_it(
    exchange: Exchange, customs: Sender, described: Path, tmp_path: Path
) -> None:
    photo, spectrum = tmp_path / "tablet.jpg", tmp_path / "peaks.msp"
    photo.write_bytes(photograph("K"))
    spectrum.write_bytes(MSP)
    sarhad(exchange, "KZ-CUS", tmp_path, "attach", "send", photo, "--into", described)
    sarhad(exchange, "KZ-CUS", tmp_path, "attach", "send", spectrum, "--into", described, "--facet", "spectra")
    facets = json.loads(described.read_text())["facets"]
    assert facets["spectra"][0]["media_type"] == "chemical/x-msp"
    submitted = json.loads(sarhad(exchange, "KZ-CUS", tmp_path, "submit", described, "--json"))
    id_ = submitted.get("id") or submitted["record_id"]
    listed = sarhad(exchange, "KZ-CUS", tmp_path, "attach", "list", id_)
    assert facets["marks"][0]["image_sha256"] in listed
    sarhad(exchange, "KZ-CUS", tmp_path, "attach", "fetch", id_, "--to", tmp_path / "out")
    assert MSP in {file.read_bytes() for file in (tmp_path / "out").iterdir()}
    plot = tmp_path / "mirror.svg"
    found = sarhad(exchange, "KZ-CUS", tmp_path, "spectra", "search", spectrum, "--plot", plot, "--hits")
    assert found.startswith("Candidate (threshold 0.8).")
    assert id_ in found
    assert plot.read_text().startswith("<svg")
    assert "No attachment" in sarhad(
        exchange, "KZ-CUS", tmp_path, "attach", "fetch", id_, "0" * 64, "--to", tmp_path / "out"
    )
    refused = sarhad(exchange, "KZ-CUS", tmp_path, "attach", "send", described, code=1)
    assert "expected a JPEG" in refused


def test_an_upload_that_was_interrupted_is_given_up(exchange: Exchange, customs: Sender, tmp_path: Path) -> None:
    file = tmp_path / "peaks.msp"
    file.write_bytes(msp((43.0, 999.0), precursor=None))
    begun = customs.begin(file.read_bytes()).json()["id"]
    assert "no upload" in sarhad(exchange, "KZ-CUS", tmp_path, "attach", "give-up", file)
    note = tmp_path / "KZ-CUS" / f"upload-{hashlib.sha256(file.read_bytes()).hexdigest()[:16]}"
    note.write_text(begun)
    assert "given up" in sarhad(exchange, "KZ-CUS", tmp_path, "attach", "give-up", file)
    assert customs.get(f"/v1/uploads/{begun}").status == 404
    assert not note.exists()
    note.write_text(begun)  # forgotten by the service meanwhile
    assert "given up" in sarhad(exchange, "KZ-CUS", tmp_path, "attach", "give-up", file)
    assert not note.exists()


def test_a_search_without_a_candidate_draws_nothing_and_says_so(exchange: Exchange, tmp_path: Path) -> None:
    file, plot = tmp_path / "unknown.msp", tmp_path / "mirror.svg"
    file.write_bytes(msp((60.0, 999.0), precursor=1_777.7))
    said = sarhad(exchange, "TJ-LAB", tmp_path, "spectra", "search", file, "--plot", plot, errors=True)
    assert "There is no candidate to draw" in said
    assert not plot.exists()


def test_a_laboratory_takes_its_reference_spectra_back(exchange: Exchange, tmp_path: Path) -> None:
    file = tmp_path / "reference.msp"
    file.write_bytes(msp((91.05, 999.0), (119.08, 77.0), precursor=150.1277))
    given = sarhad(exchange, "TJ-LAB", tmp_path, "spectra", "submit", file, "--substance", METHAMPHETAMINE, "--json")
    (id_,) = json.loads(given)["added"]
    assert "[M+H]+" in sarhad(exchange, "TJ-LAB", tmp_path, "spectra", "search", file)
    assert "taken back" in sarhad(exchange, "TJ-LAB", tmp_path, "spectra", "withdraw", id_)
    assert "no such spectrum" in sarhad(exchange, "TJ-LAB", tmp_path, "spectra", "withdraw", id_, code=1)
