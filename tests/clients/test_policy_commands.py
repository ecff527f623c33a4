"""`sarhad policy` as two officers use it, from a draft to a lifted suspension."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sarhad import Profile
from sarhad.cli import app
from typer.testing import CliRunner

from tests.exchange import Exchange

OWNER = "TJ"
SHARE = {"id": "share", "effect": "permit", "audience": {}, "handling_up_to": "TLP:GREEN", "facets": ["items"]}


@pytest.fixture
def run(exchange: Exchange, tmp_path: Path) -> Callable[..., str]:
    """Runs `sarhad policy …` as `policy` or `policy2`; answers with what it prints."""

    def command(officer: str, *arguments: str) -> str:
        kept = exchange.region.profiles[f"{OWNER}-DCA/{officer}"]
        directory = tmp_path / officer
        if not directory.exists():
            shutil.copytree(kept.directory, directory)
            Profile(directory=directory, agency=kept.agency, service=exchange.settings.origin).save()
        result = CliRunner().invoke(app, ["policy", *arguments, "--profile", str(directory)])
        assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
        return result.output

    return command


def test_two_officers_take_a_policy_from_draft_to_force(run: Callable[..., str], tmp_path: Path) -> None:
    version = json.loads(run("policy", "show", "--json"))["latest"] + 1
    document: dict[str, Any] = {"policy": "sarhad-policy/1", "country": OWNER, "version": version, "rules": [SHARE]}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(document))
    assert f"Sharing policy of Tajikistan, version {version}" in run("policy", "check", str(file))
    period = ("--from", "2026-01-01", "--to", "2027-01-01")
    assert "kinds of readers" in run("policy", "simulate", "--draft", str(file), *period)
    assert f"sarhad policy approve {version}" in run("policy", "propose", str(file))
    preview = json.loads(run("policy", "preview", "KG-CUS", "--version", str(version), "--where", f"owner={OWNER}"))
    assert (preview["status"], preview["under"]) == (200, version)
    assert "is added" in run("policy2", "diff", str(version)) or version > 1
    assert "in-force" in run("policy2", "approve", str(version), "--yes")
    assert "in-force" in run("policy", "show")
    assert "Политика обмена" in run("policy", "words", str(version), "--language", "ru")
    assert json.loads(run("policy", "export-odrl", str(version)))["conflict"] == "prohibit"
    file.write_text(json.dumps({**document, "version": version + 1}))
    run("policy", "propose", str(file))
    assert "rejected" in run("policy2", "reject", str(version + 1), "--reason", "not yet")


def test_one_officer_suspends_and_another_lifts(run: Callable[..., str]) -> None:
    assert "Nothing is suspended." in run("policy", "suspensions")
    made = json.loads(run("policy", "suspend", "--towards", "KG-CUS", "--reason", "key lost", "--json"))
    assert made["towards_agency"] == "KG-CUS"
    assert made["id"] in run("policy2", "suspensions")
    assert "Lifted" in run("policy2", "lift", made["id"], "--reason", "new key enrolled")
