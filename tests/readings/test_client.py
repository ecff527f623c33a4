"""The client's side: an owner checks what it is told against the log, and the command lists it."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sarhad import accounts
from sarhad.transparency import LogKey, NotIncluded

from tests.awaiting import once_merged
from tests.clients.test_surface import command
from tests.exchange import Exchange
from tests.readings.conftest import OUTSIDER, OWNER, PARTNER

Share = Callable[..., str]
AUDITOR = f"{OWNER}-DCA/auditor"


def test_an_owner_proves_an_entry_of_its_statement(exchange: Exchange, shared: Share) -> None:
    record = shared()
    exchange.client(f"{PARTNER}-CUS").get(record)
    client = exchange.client(AUDITOR, None)
    (entry,) = client.statement_all(OWNER, record=record)
    proof = proven(exchange, entry)
    log_key = LogKey(client.service()["logs"]["access"], client.service_key.key)  # type: ignore[arg-type]
    assert accounts.verify_entry(entry, proof, log_key).size > proof["index"]
    forged: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (entry | {"purpose": "health"}, proof),
        (entry | {"records": 7}, proof),
        (entry, proof | {"document": proof["document"].replace("operational", "statistics")}),
        (entry, proof | {"salt": proof["leaf"][:22]}),
        (entry, proof | {"path": proof["path"][1:]}),
    ]
    for said, evidence in forged:
        with pytest.raises(NotIncluded):
            accounts.verify_entry(said, evidence, log_key)


def proven(exchange: Exchange, entry: dict[str, Any]) -> dict[str, Any]:
    """The proof, once the log has merged the leaf within its promised delay."""
    auditor = exchange.client(AUDITOR, None)
    return once_merged(lambda: auditor.entry_proof(OWNER, entry["id"]), exchange.settings.merge_delay_seconds)


def test_the_command_lists_counts_writes_and_says_when_there_is_nothing(
    exchange: Exchange, shared: Share, quarter: str, tmp_path: Path
) -> None:
    record = shared()
    exchange.client(f"{PARTNER}-CUS").get(record)
    (entry,) = exchange.client(AUDITOR, None).statement_all(OWNER, record=record)
    profile = replace(exchange.region.profiles[AUDITOR], service=exchange.settings.origin)
    profile.save()
    asked = ("statement", "--as", str(profile.directory), "--record", record)
    listed = command(*asked, "--verify", "--csv", str(tmp_path / "statement.csv"))
    assert listed.returncode == 0, listed.stderr
    assert entry["id"] in listed.stdout
    assert "All are in the access log, as told" in listed.stdout
    with (tmp_path / "statement.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["agency"], row["record_ids"]) == (f"{PARTNER}-CUS", record)
    counted = command(*asked, "--by", "agency")
    assert f"{PARTNER}-CUS\t1\t1" in counted.stdout
    assert f"{PARTNER}\t" in command("statement", "--as", str(profile.directory), "--quarter", quarter).stdout
    nobody = command(*asked, "--country", OUTSIDER)
    assert (nobody.returncode, nobody.stdout) == (
        0, "Nobody read a record of yours in this period and under these filters.\n"
    )  # fmt: skip
