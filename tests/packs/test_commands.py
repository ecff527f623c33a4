"""The command line: a pack from its draft over the approval by another officer to the frozen workbook."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tests.exchange import Exchange
from tests.seizures.wiring import Agency


def sarhad(exchange: Exchange, home: Path, name: str, *arguments: object) -> str:
    profile = exchange.region.profiles[name]
    directory = home / name.replace("/", "-")
    if not directory.exists():
        shutil.copytree(profile.directory, directory)
        replace(profile, directory=directory, service=exchange.settings.origin).save()
    done = subprocess.run(
        [sys.executable, "-c", "from sarhad.cli import main; main()", "packs", *map(str, arguments)],
        env={**os.environ, "SARHAD_HOME": str(home), "SARHAD_PROFILE": str(directory), "COLUMNS": "200"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_drafted_approved_frozen_and_fetched(exchange: Exchange, tmp_path: Path) -> None:
    customs, analyst, officer = Agency(exchange, "RU-CUS"), "RU-DCA", "RU-DCA/policy"
    assert customs.post(customs.report(instant="2021-03-04T10:00:00+03:00")).status == 201
    assert "unodc-ids" in sarhad(exchange, tmp_path, analyst, "forms")
    pack = json.loads(
        sarhad(exchange, tmp_path, analyst, "draft", "unodc-ids", "--from", "2021-01", "--to", "2021-12", "--json")
    )
    draft, frozen, again = (tmp_path / f"{name}.xlsx" for name in ("draft", "frozen", "again"))
    sarhad(exchange, tmp_path, analyst, "workbook", pack["id"], draft)
    assert pack["id"] in sarhad(exchange, tmp_path, officer, "list", "--state", "drafted")
    approved = json.loads(sarhad(exchange, tmp_path, officer, "approve", pack["id"], "--digest", pack["digest"]))
    assert (approved["state"], approved["digest"]) == ("approved", pack["digest"])
    assert pack["id"] not in sarhad(exchange, tmp_path, officer, "list", "--state", "drafted")
    said = sarhad(exchange, tmp_path, officer, "workbook", pack["id"], frozen)
    assert hashlib.sha256(frozen.read_bytes()).hexdigest() in said.replace("\n", "")
    sarhad(exchange, tmp_path, analyst, "workbook", pack["id"], again)
    assert frozen.read_bytes() == again.read_bytes() != draft.read_bytes()
    shown = json.loads(sarhad(exchange, tmp_path, analyst, "show", pack["id"], "--json"))
    assert shown["content"]["provenance"]["records"] == 1
