"""The command line: an analysis is checked, drafted at one desk, reviewed at another, and submitted."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sarhad.analyses import finding
from sarhad.records import Record

from tests.analyses.laboratory import HEROIN, Laboratory, heroin_found

Command = Callable[..., str]


@pytest.fixture
def sarhad(lab: Laboratory, tmp_path: Path) -> Command:
    """Runs the command as the analyst, or as the reviewer, and gives what it printed."""
    for name in ("KZ-LAB", "KZ-LAB/reviewer"):
        profile = lab.exchange.region.profiles[name]
        place = tmp_path / name.replace("/", "-")
        shutil.copytree(profile.directory, place)
        replace(profile, directory=place, service=lab.exchange.settings.origin).save()

    def run(*arguments: object, holder: str = "KZ-LAB", code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from sarhad.cli import main; main()", *map(str, arguments)],
            env={**os.environ, "SARHAD_HOME": str(tmp_path), "SARHAD_PROFILE": str(tmp_path / holder)},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + (done.stderr if code else "")

    return run


def described(record: Record, file: Path) -> Path:
    facets: dict[str, Any] = dict(record.facets)
    file.write_text(json.dumps({"kind": "analysis", "facets": facets}, ensure_ascii=False), encoding="utf-8")
    return file


def test_analyses_are_found_and_shown(sarhad: Command, lab: Laboratory) -> None:
    record = lab.found()
    id_ = lab.file(record).json()["id"]
    (found,) = [line for line in sarhad("analysis", "search", "--substance", HEROIN).splitlines() if id_ in line]
    assert "41.2 %" in found
    assert "SWGDRUG" not in sarhad("analysis", "search", "--exhibit", "KZ-CUS/none")
    more = lab.file(lab.found()).json()["id"]
    first = json.loads(sarhad("analysis", "search", "--limit", "1", "--json"))
    assert len(first) == 1
    assert {id_, more} <= {one["id"] for one in json.loads(sarhad("analysis", "search", "--limit", "5000", "--json"))}
    assert '"met":true' in sarhad("analysis", "show", id_)
    assert sarhad("analysis", "show", id_, "--sd-jwt").strip().startswith(record.split("~")[0])


def test_what_the_evidence_amounts_to_is_told_beforehand(sarhad: Command, tmp_path: Path, nothing_stored: None) -> None:
    whole = described(heroin_found(), tmp_path / "whole.json")
    said = sarhad("analysis", "check", whole)
    assert "SWGDRUG III B 3.1 met" in said
    assert "confidence 0.9545 (claimed 0.95)" in said
    alone = heroin_found(items=[finding(HEROIN, "heroin", techniques=[3])], purity=None)
    assert "not met: a second technique" in sarhad("analysis", "check", described(alone, tmp_path / "alone.json"))
    colour = heroin_found(items=[finding(HEROIN, "heroin", techniques=[1])], purity=None)
    said = sarhad("analysis", "check", described(colour, tmp_path / "colour.json"), code=1)
    assert "only COL is positive" in said


def test_two_desks_make_one_analysis(sarhad: Command, lab: Laboratory, tmp_path: Path) -> None:
    file = described(heroin_found(), tmp_path / "analysis.json")
    draft, review = tmp_path / "draft.json", tmp_path / "review.jws"
    draft.write_text(sarhad("analysis", "draft", file, "--reviewer", lab.reviewer_key.kid))
    review.write_text(sarhad("analysis", "review", draft, holder="KZ-LAB-reviewer"))
    receipt = json.loads(sarhad("analysis", "submit", draft, review, "--json"))
    assert lab.get(f"/v1/analyses/{receipt['id']}").status == 200


def test_submit_takes_an_analysis_where_both_keys_are_at_hand(sarhad: Command, tmp_path: Path) -> None:
    file = described(heroin_found(), tmp_path / "analysis.json")
    key = tmp_path / "KZ-LAB-reviewer" / "record.pem"
    assert json.loads(sarhad("submit", file, "--reviewer-key", key, "--json"))["version"] == 1
    assert "--reviewer-key" in sarhad("submit", file, code=2)
