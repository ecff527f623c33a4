"""The commands: methods declared and calibrated, what is alike, links confirmed and undone, weights learned anew."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from service.cli import db
from service.links.learn import FEWEST_PAIRS
from tests.analyses.conftest import bench  # noqa: F401
from tests.analyses.laboratory import AMPHETAMINE_TYPE, Laboratory
from tests.exchange import Exchange
from tests.links.test_events import NEARBY, POINT, reported
from tests.links.test_sources import filed, measured
from tests.links.wiring import between, sharing
from tests.profiles.specimens import MARKERS, specimen, study
from tests.seizures.wiring import Agency

GIVEN = {
    "id": "partners",
    "effect": "permit",
    "audience": {"countries": ["KZ", "KG"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items", "transport", "route", "spectra", "marks"],
    "time": "day",
    "place": "point",
}
Command = Callable[..., str]


@pytest.fixture(scope="module", autouse=True)
def partners(exchange: Exchange) -> Any:
    with sharing(exchange, GIVEN):
        yield


@pytest.fixture
def sarhad(exchange: Exchange, tmp_path: Path) -> Command:
    """Runs `sarhad …` as a holder of keys; answers with what it printed."""

    def run(holder: str, *arguments: object, code: int = 0) -> str:
        place = tmp_path / holder.replace("/", "-")
        if not place.exists():
            profile = exchange.region.profiles[holder]
            shutil.copytree(profile.directory, place)
            replace(profile, directory=place, service=exchange.settings.origin).save()
        done = subprocess.run(
            [sys.executable, "-c", "from sarhad.cli import main; main()", *map(str, arguments)],
            env={**os.environ, "SARHAD_HOME": str(tmp_path), "SARHAD_PROFILE": str(place), "COLUMNS": "240"},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + (done.stderr if code else "")

    return run


def test_a_method_from_its_declaration_to_what_is_alike_by_it(
    sarhad: Command,
    bench: dict[str, Laboratory],  # noqa: F811
    sought: Callable[[], None],
    tmp_path: Path,
) -> None:
    code = f"CLI-{time.time_ns() % 10**9}.1"
    method, specimens = tmp_path / "method.json", tmp_path / "specimens.json"
    described = {"code": code, "substance": AMPHETAMINE_TYPE, "technique": "GC", "markers": MARKERS, "description": "x"}
    method.write_text(json.dumps(described), encoding="utf-8")
    specimens.write_text(json.dumps(dict(study())), encoding="utf-8")
    assert sarhad("KZ-LAB", "profiles", "declare", method) == f"Declared {code} with {len(MARKERS)} markers.\n"
    assert "holds no JSON object" in sarhad("KZ-LAB", "profiles", "declare", _list(tmp_path), code=2)
    one = filed(bench["KZ-LAB"], spectra=[measured(specimen(31), code)])
    assert "You see no other profile" in sarhad("KZ-LAB", "profiles", "neighbours", one)
    said = sarhad("KZ-LAB", "profiles", "calibrate", code, specimens)
    assert "links are proposed from r" in said
    assert "150 linked" in said
    (listed,) = [line for line in sarhad("KG-LAB", "profiles", "methods").splitlines() if code in line]
    assert "150/" in listed
    other = filed(bench["KG-LAB"], spectra=[measured(specimen(31, 1), code)])
    sought()
    (found,) = [line for line in sarhad("KZ-LAB", "profiles", "neighbours", one).splitlines() if other in line]
    assert "KG-LAB" in found
    assert json.loads(sarhad("KZ-LAB", "profiles", "neighbours", one, "--json"))["items"][0]["record"] == other
    link = between(bench["KZ-LAB"], one, other)
    assert link is not None
    shown = sarhad("KG-LAB", "links", "show", link["id"])
    assert "the impurity profiles of one method are alike" in shown


def _list(folder: Path) -> Path:
    file = folder / "list.json"
    file.write_text("[]", encoding="utf-8")
    return file


def test_a_link_is_listed_confirmed_mapped_and_undone(
    sarhad: Command, exchange: Exchange, sought: Callable[[], None], tmp_path: Path
) -> None:
    kz, kg = Agency(exchange, "KZ-CUS"), Agency(exchange, "KG-CUS")
    one, other = reported(kz, "5.439", "2026-04-02", POINT), reported(kg, "5.439", "2026-04-03", NEARBY)
    sought()
    (link,) = json.loads(sarhad("KZ-CUS", "links", "list", "--record", one, "--json"))["items"]
    id_ = link["id"]
    assert id_[:8] in sarhad("KG-CUS", "links", "list", "--relation", "event", "--record", other)
    shown = sarhad("KZ-CUS", "links", "show", id_)
    assert shown.startswith("Possibly one event, reported twice (proposed")
    assert "both report the same amount, to four digits or more" in shown
    assert "a second key has to confirm" in sarhad("KZ-CUS", "links", "confirm", id_)
    assert "No confirmed event links" in sarhad("KZ-CUS", "links", "groups", "--relation", "event", "--record", one)
    assert sarhad("KG-CUS", "links", "confirm", id_, "--reason", "Same lorry") == "Confirmed by both.\n"
    file = tmp_path / "groups.geojson"
    said = sarhad("KZ-CUS", "links", "groups", "--relation", "event", "--record", one, "--out", file)
    assert said.startswith("1 groups, 2 places")
    assert len(json.loads(file.read_text())["features"]) == 2
    assert one in sarhad("KZ-CUS", "links", "groups", "--relation", "event", "--record", one)
    assert sarhad("KZ-CUS", "links", "undo", id_, "--reason", "Another lorry") == "Undone.\n"
    assert "KG-CUS confirm: Same lorry" in sarhad("KZ-CUS", "links", "show", id_)
    assert sarhad("KG-CUS", "links", "confirm", id_).startswith("Your word is noted")
    assert sarhad("KZ-CUS", "links", "reject", id_, "--reason", "An hour apart") == "Rejected.\n"
    assert "No proposed links" in sarhad("KZ-CUS", "links", "list", "--record", one)


def test_weights_are_learned_from_enough_confirmed_pairs_and_kept_when_told_to(
    exchange: Exchange, sought: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SARHAD_DATABASE_URL", exchange.settings.database_url)
    monkeypatch.setenv("SARHAD_STATE_DIR", str(exchange.settings.state_dir))
    engine = create_engine(exchange.settings.database_as())

    def newest() -> Any:
        query = text("SELECT version, source, pairs, weights FROM core.link_model ORDER BY version DESC LIMIT 1")
        with engine.connect() as connection:
            return connection.execute(query).one()

    before = newest()
    few = CliRunner().invoke(db.app, ["learn-links", "--keep"])
    assert few.exit_code == 1
    assert f"{FEWEST_PAIRS} are needed" in few.output
    assert newest() == before
    kz, kg = Agency(exchange, "KZ-CUS"), Agency(exchange, "KG-CUS")
    pairs = [
        (reported(kz, amount, "2024-05-06", POINT), reported(kg, amount, "2024-05-06", NEARBY))
        for amount in (f"{n}.{1001 + 2 * n}" for n in range(1, FEWEST_PAIRS + 1))
    ]
    sought()
    found = text(
        "UPDATE core.link SET state = 'confirmed' WHERE relation = 'event' AND levels[1] = 'amount:same-rare'"
        " AND a = ANY (:ids) AND b = ANY (:ids)"
    )
    with engine.begin() as connection:
        assert connection.execute(found, {"ids": [id_ for pair in pairs for id_ in pair]}).rowcount >= FEWEST_PAIRS
    try:
        shown = CliRunner().invoke(db.app, ["learn-links"])
        assert shown.exit_code == 0, shown.output
        assert "same-rare +" in shown.output
        assert "not kept" in shown.output
        assert newest() == before
        kept = CliRunner().invoke(db.app, ["learn-links", "--keep"])
        assert f"kept as version {before.version + 1}" in kept.output
        after = newest()
        assert (after.version, after.source) == (before.version + 1, "confirmed")
        assert after.pairs >= FEWEST_PAIRS
        assert after.weights["possible"] == before.weights["possible"]
        assert after.weights["amount"]["same-rare"] > 0 > after.weights["amount"]["different"]
    finally:
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM core.link_model WHERE version > :before"), {"before": before.version})
            connection.execute(text("UPDATE core.link SET state = 'rejected' WHERE a = ANY (:ids)"),
                               {"ids": [id_ for pair in pairs for id_ in pair]})  # fmt: skip
        engine.dispose()
