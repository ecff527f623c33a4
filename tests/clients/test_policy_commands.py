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

from tests.exchange import Exchange, heroin

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


def test_two_officers_take_a_policy_from_draft_to_force(
    exchange: Exchange, run: Callable[..., str], tmp_path: Path
) -> None:
    version = json.loads(run("policy", "show", "--json"))["latest"] + 1
    document: dict[str, Any] = {"policy": "sarhad-policy/1", "country": OWNER, "version": version, "rules": [SHARE]}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(document))
    assert f"Sharing policy of Tajikistan, version {version}" in run("policy", "check", str(file))
    period = ("--from", "2026-01-01", "--to", "2027-01-01")
    assert "kinds of readers" in run("policy", "simulate", "--draft", str(file), *period)
    assert f"sarhad policy approve {version}" in run("policy", "propose", str(file))
    under = ("--version", str(version))
    preview = json.loads(run("policy", "preview", "KG-CUS", *under, "--where", f"owner={OWNER}"))
    assert (preview["status"], preview["under"]) == (200, version)
    record = exchange.client(f"{OWNER}-CUS").submit(exchange.sign(heroin(f"{OWNER}-CUS", handling="TLP:GREEN"))).id
    shown = json.loads(run("policy", "preview", "KG-CUS", *under, "--record", record))
    assert (shown["status"], shown["body"]["facets"].keys()) == (200, {"items"})
    assert run("policy", "preview", "KG-CUS", *under, "--record", record, "--sd-jwt").count("~") > 1
    assert "in-force" in run("policy2", "approve", str(version), "--yes")
    assert "in-force" in run("policy", "show")
    assert "Политика обмена" in run("policy", "words", str(version), "--language", "ru")
    assert json.loads(run("policy", "export-odrl", str(version)))["conflict"] == "prohibit"
    wider = {**SHARE, "facets": ["items", "transport"]}
    file.write_text(json.dumps({**document, "version": version + 1, "rules": [wider]}))
    run("policy", "propose", str(file))
    said = run("policy2", "diff", str(version + 1), "--from", str(version))
    assert "share" in said
    assert "transport" in said
    assert "rejected" in run("policy2", "reject", str(version + 1), "--reason", "not yet")


def test_a_ceiling_of_an_agency_is_proposed_looked_through_and_withdrawn(
    exchange: Exchange, run: Callable[..., str], tmp_path: Path
) -> None:
    agency = f"{OWNER}-CUS"
    exchange.adopt(OWNER, SHARE)
    record = exchange.client(agency).submit(exchange.sign(heroin(agency, handling="TLP:GREEN"))).id
    of = ("--of", agency)
    version = json.loads(run("policy", "show", *of, "--json"))["latest"] + 1
    ceiling = {"policy": "sarhad-policy/1", "country": OWNER, "agency": agency, "version": version}
    file = tmp_path / "ceiling.json"
    file.write_text(json.dumps({**ceiling, "rules": [{**SHARE, "facets": ["transport"]}]}))
    assert agency in run("policy", "check", str(file))
    assert f"sarhad policy approve {version} --of {agency}" in run("policy", "propose", str(file)).replace("\n", " ")

    def facets(*under: str) -> set[str]:
        shown = json.loads(run("policy", "preview", "KG-CUS", *of, "--record", record, *under))
        return set(shown["body"]["facets"])

    assert (facets(), facets("--version", str(version))) == ({"items"}, set())
    assert "withdrawn" in run("policy", "reject", str(version), *of, "--reason", "too narrow")


def test_one_officer_suspends_and_another_lifts(run: Callable[..., str]) -> None:
    assert "Nothing is suspended." in run("policy", "suspensions", "--in-force")
    made = json.loads(run("policy", "suspend", "--towards", "KG-CUS", "--reason", "key lost", "--json"))
    assert made["towards_agency"] == "KG-CUS"
    assert made["id"] in run("policy2", "suspensions")
    assert "Lifted" in run("policy2", "lift", made["id"], "--reason", "new key enrolled")


def test_whatever_can_be_suspended_is_suspended_by_command(exchange: Exchange, run: Callable[..., str]) -> None:
    key = exchange.region.profiles["KG-CUS"].load_request_key().kid
    orders: dict[str, dict[str, str]] = {
        "country": {"towards_country": "KG"},
        "agency": {"towards_agency": "KG-CUS"},
        "key": {"towards_key": key},
        "everyone": {},
    }
    for named in orders.values():
        towards = [part for value in named.values() for part in ("--towards", value)]
        of = ["--of", f"{OWNER}-CUS"] if "towards_country" in named else []
        made = json.loads(run("policy", "suspend", *towards, *of, "--reason", "trust is lost", "--json"))
        told = {name: made[name] for name in made if name.startswith("towards_") and made[name]}
        assert (told, made["of_agency"]) == (named, f"{OWNER}-CUS" if of else None)
        run("policy2", "lift", made["id"], "--reason", "trust is back")
    assert "Nothing is suspended." in run("policy", "suspensions", "--in-force")
