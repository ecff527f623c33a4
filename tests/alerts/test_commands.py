"""The same from the command line: structures, lists and alerts as a person types them."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sarhad.cli import app
from sarhad.records import item
from typer.testing import CliRunner

from tests.awaiting import eventually
from tests.exchange import Exchange, heroin
from tests.seizures.wiring import Agency

Type = Callable[..., str]
UNSEEN = "SAR-000846"


@pytest.fixture
def sarhad(warned: Exchange, tmp_path: Path) -> Type:
    """Run `sarhad …` as one of the region's holders; answers with what was printed."""

    def run(name: str, *arguments: str) -> str:
        kept = warned.region.profiles[name]
        place = tmp_path / name.replace("/", "-")
        if not place.exists():
            shutil.copytree(kept.directory, place)
            replace(kept, directory=place, service=warned.settings.origin).save()
        done = CliRunner().invoke(app, [*arguments, "--profile", str(place)])
        if done.exception:
            raise done.exception
        return done.stdout

    return run


def test_an_unknown_from_its_structure_to_its_name(sarhad: Type, tmp_path: Path) -> None:
    drawing = tmp_path / "drawing.svg"
    said = sarhad("RU-LAB", "substances", "examine", "--smiles", "CNC(C)C(=O)c1ccc(C)cc1", "--svg", str(drawing))
    assert "SAR-000383 Mephedrone (same)" in said
    assert "synthetic-cathinones" in said
    assert "<svg" in drawing.read_text()
    tail = "C" * (time.time_ns() % 97 + 3)
    said = sarhad("RU-LAB", "substances", "register", "white powder", "--smiles", f"CNC(C)C(=O)c1ccc({tail})cc1")
    code = said.split(",")[0]
    assert code.startswith("UNK-RU-LAB-")
    assert code in sarhad("RU-LAB", "substances", "list", "--open")
    assert sarhad("RU-DCA/policy", "substances", "publish", code) == f"{code} is published.\n"
    assert code in sarhad("AZ-LAB", "substances", "list")


def test_a_list_entered_and_compared(sarhad: Type, tmp_path: Path) -> None:
    file = tmp_path / "entry.json"
    document = {
        "listing": "sarhad-listing/1", "country": "TM", "entry": f"tm-{time.time_ns()}", "version": 1,
        "substance": "SAR-000389", "schedule": "Table I", "legal_basis": "Order 1", "valid_from": "2012-01-01",
    }  # fmt: skip
    file.write_text(json.dumps(document))
    assert sarhad("TM-DCA/policy", "listings", "enter", str(file)).startswith("Entered: TM tm-")
    assert document["entry"] in sarhad("AZ-CUS", "listings", "list", "--country", "TM")
    table = sarhad("AZ-CUS", "listings", "table", "--substance", "SAR-000389")
    assert table.splitlines()[0].startswith("code\tname\tUN\t")
    assert "list" in table.splitlines()[1].split("\t")
    assert "Order 1" in sarhad("AZ-CUS", "substances", "control", "SAR-000389")


def test_a_warning_heard_raised_and_issued(sarhad: Type, warned: Exchange) -> None:
    assert sarhad("KG-LAB", "alerts", "orders") == "Your agency has no standing order.\n"
    assert sarhad("KG-LAB", "alerts", "candidates").startswith("Nothing")
    order = json.loads(sarhad("KG-LAB", "alerts", "subscribe", "bench", "stream", "--json"))["id"]
    customs = Agency(warned, "KZ-CUS")
    record = heroin("KZ-CUS", handling="TLP:GREEN", items=[item(UNSEEN, "powder", "1", "kg", status="PRES")])
    assert customs.post(customs.sign(record)).status == 201
    line = eventually(
        lambda: next(
            (
                line
                for line in sarhad("KG-LAB", "alerts", "candidates").splitlines()
                if "FIRST_IN_REGION" in line and UNSEEN in line
            ),
            None,
        )
    )
    candidate = line.split("\t")[0]
    raised = sarhad("KG-LAB", "alerts", "review", candidate, "raise", "--title", "New", "--text", "Gloves.")
    alert = raised.split()[1].rstrip(":")
    issuing = ("alerts", "issue", alert, "URGENT", "--handling", "TLP:GREEN", "--to", "KZ")
    assert sarhad("KG-DCA/policy", *issuing) == "Issued.\n"
    assert alert in sarhad("KZ-CUS", "alerts", "list", "--state", "issued")
    assert sarhad("KZ-CUS", "alerts", "acknowledge", alert) == "Acknowledged.\n"
    assert "KZ" in sarhad("KG-LAB", "alerts", "show", alert)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    events = json.loads(sarhad("KG-LAB", "alerts", "digest", order, "--day", today))["events"]
    assert {event["kind"] for event in events} >= {"candidate"}
    assert sarhad("KG-LAB", "alerts", "unsubscribe", order) == "Ended.\n"
