"""The same from the command line: what a person types, and what is said when there is nothing."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sarhad import SarhadError
from sarhad.cli import app
from typer.testing import CliRunner

from tests.releases.parties import ASKER, OWNER, THIRD, Parties, later

Type = Callable[..., str]
CUSTOMS, OFFICER, PARTNER = f"{OWNER}-CUS", f"{OWNER}-DCA/policy", f"{ASKER}-CUS"


@pytest.fixture
def sarhad(parties: Parties, tmp_path: Path) -> Type:
    """Run `sarhad …` as one of the region's holders; answers with what was printed."""

    def run(name: str, *arguments: str) -> str:
        kept = parties.exchange.region.profiles[name]
        place = tmp_path / name.replace("/", "-")
        if not place.exists():
            shutil.copytree(kept.directory, place)
            replace(kept, directory=place, service=parties.exchange.settings.origin).save()
        done = CliRunner().invoke(app, [*arguments, "--profile", str(place)])
        if done.exception:
            raise done.exception
        return done.stdout

    return run


def test_a_request_from_question_to_answer(sarhad: Type, record: str) -> None:
    asking = ("request", "ask", record, "--facet", "narrative", "--reason", "Same stamp", "--case", "AZ-9")
    assert f"Asked {OWNER}: request " in sarhad(PARTNER, *asking)
    (made,) = [
        item for item in json.loads(sarhad(OFFICER, "request", "list", "--json"))["items"] if item["record"] == record
    ]
    assert (made["case"], made["purpose"]) == ("AZ-9", "operational")
    assert made["id"] in sarhad(PARTNER, "request", "list", "--mine", "--state", "open")
    said = sarhad(OFFICER, "request", "answer", made["id"], "full", "--days", "30", "--oblige", "no_onward")
    assert said.startswith(f"{PARTNER} is given narrative until ")
    assert "Found behind the seats." in sarhad(PARTNER, "show", record, "--purpose", "operational")
    again = json.loads(
        sarhad(PARTNER, "request", "ask", record, "--facet", "marks", "--reason", "Same stamp", "--json")
    )
    refusing = ("request", "answer", again["id"], "refused", "--refusal", "not-held", "--text", "No marks.")
    assert sarhad(CUSTOMS, *refusing) == f"Refused to {PARTNER}: not-held.\n"


def test_the_rules_of_a_record(sarhad: Type, record: str) -> None:
    assert sarhad(CUSTOMS, "record", "show", record).startswith("No rules of its own")
    blocked = sarhad(CUSTOMS, "record", "block", record, "--to", THIRD, "--to", PARTNER, "--reason", "Joint case")
    assert f"{THIRD}, {PARTNER}" in blocked
    day = later(30)[:10]
    sarhad(CUSTOMS, "record", "embargo", record, "--until", day, "--reason", "Controlled delivery")
    shown = sarhad(OFFICER, "record", "grant", record, "--to", "KZ", "--facet", "items", "--until", day,
                   "--reason", "Joint case", "--for", "forensic")  # fmt: skip
    assert [line.split("\t")[1] for line in shown.splitlines()[1:]] == ["block", "embargo", "grant"]
    for rule in json.loads(sarhad(OFFICER, "record", "show", record, "--json"))["rules"]:
        left = sarhad(OFFICER, "record", "lift", record, rule["id"])
    assert left.startswith("No rules of its own")
    with pytest.raises(SarhadError, match="has no rule"):
        sarhad(OFFICER, "record", "lift", record, record)
    with pytest.raises(SarhadError, match="is no day"):
        sarhad(CUSTOMS, "record", "embargo", record, "--until", "soon", "--reason", "x")


def test_a_recall_and_its_acknowledgement(sarhad: Type, parties: Parties, record: str) -> None:
    parties.asker.get(record)
    told = sarhad(CUSTOMS, "recall", "start", record, "--reason", "Wrong case")
    assert told.endswith(f"1 records. Told: {PARTNER}.\n")
    id_ = told.split()[1].rstrip(":")
    assert id_ in sarhad(PARTNER, "recall", "list", "--state", "open")
    assert f"/v1/recalls/{id_}" in sarhad(PARTNER, "inbox", "--state", "open")
    assert sarhad(PARTNER, "recall", "acknowledge", id_, "kept", "--law", "art. 124") == "Acknowledged.\n"
    assert f"{PARTNER} acknowledged" in sarhad(CUSTOMS, "recall", "list", "--own")
    assert f"/v1/recalls/{id_}" not in sarhad(PARTNER, "inbox", "--state", "open")
    with pytest.raises(SarhadError, match="not both"):
        sarhad(CUSTOMS, "recall", "start", record, "--from", "2026-01-01T00:00:00Z", "--reason", "x")


def test_what_is_empty_says_so(sarhad: Type) -> None:
    nobody = "UZ-LAB"
    assert sarhad(nobody, "inbox", "--kind", "request-received") == "Nothing new.\n"
    assert sarhad(nobody, "request", "list", "--mine") == "You have asked for nothing.\n"
    assert sarhad(nobody, "recall", "list") == "Nothing that your agency read was recalled.\n"


def test_a_notice_is_taken_note_of(sarhad: Type, parties: Parties, record: str) -> None:
    id_ = parties.asker.ask_originator(record, ["narrative"], "same stamp")["id"]
    notes = json.loads(sarhad(OFFICER, "inbox", "--state", "open", "--json"))["items"]
    (note,) = [note for note in notes if note["subject"].endswith(id_)]
    assert id_ not in sarhad(OFFICER, "inbox", "--done", note["id"], "--state", "open")
