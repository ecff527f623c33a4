"""The command line: a price is submitted, found, shown, corrected, and a table of prices imported."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.exchange import Exchange
from tests.observations.records import record

SHEET = """Month;Drug;Amount;Unit;Level;Typical;Number
2026-02;heroin;1;g;RETAIL;12000;P-{n}-1
2026-02;hashish;1;kg;WHOLESALE;900000;P-{n}-2
"""
MAPPING = """
name = "prices"
kind = "price_observation"
handling = "TLP:GREEN"
delimiter = ";"
[country]
constant = "KZ"
[reference]
column = "Number"
[facets]
"when.month" = { column = "Month" }
"where.country" = { constant = "KZ" }
[[facets.items]]
line = { constant = 1 }
substance = { column = "Drug", resolve = "substance" }
reported.substance = { column = "Drug" }
reported.quantity = { column = "Amount", decimal = true }
reported.unit = { column = "Unit" }
level = { column = "Level" }
currency = { constant = "KZT" }
typical = { column = "Typical", decimal = true }
source = { constant = "ENFORCEMENT" }
"""


@pytest.fixture
def home(exchange: Exchange, tmp_path: Path) -> Path:
    profile = exchange.region.profiles["KZ-CUS"]
    shutil.copytree(profile.directory, tmp_path / "KZ-CUS")
    replace(profile, directory=tmp_path / "KZ-CUS", service=exchange.settings.origin).save()
    return tmp_path


def sarhad(home: Path, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from sarhad.cli import main; main()", *map(str, arguments)],
        env={**os.environ, "SARHAD_HOME": str(home), "SARHAD_PROFILE": str(home / "KZ-CUS")},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_price_from_file_to_correction(home: Path) -> None:
    facets = dict(record("price_observation", reference="CLI-PRICE-1").facets)
    file = home / "price.json"
    file.write_text(json.dumps({"kind": "price_observation", "facets": facets}))
    id_ = json.loads(sarhad(home, "submit", file, "--json"))["id"]
    found = sarhad(home, "search", "--kind", "price_observation", "--aspect", "RETAIL", "--json")
    assert id_ in [item["id"] for item in json.loads(found)]
    changes = home / "changes.json"
    changes.write_text(json.dumps({"when.day": "2026-03-18"}))
    sarhad(home, "correct", id_, changes, "--kind", "price_observation")
    shown = json.loads(sarhad(home, "show", id_, "--kind", "price_observation", "--json"))
    assert (shown["version"], shown["facets"]["when.day"]) == (2, "2026-03-18")


def test_a_table_of_prices_is_imported(home: Path) -> None:
    (home / "prices.csv").write_text(SHEET.format(n=os.getpid()))
    (home / "prices.toml").write_text(MAPPING)
    sarhad(home, "import", home / "prices.csv", "--profile", home / "prices.toml", "--as", home / "KZ-CUS")
    found = json.loads(sarhad(home, "search", "--kind", "price_observation", "--aspect", "WHOLESALE", "--json"))
    assert f"P-{os.getpid()}-2" in [item["facets"]["reference"] for item in found]
