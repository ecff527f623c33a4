"""Two worlds that differ in files a reader is not given answer that reader byte for byte the same.

World 1 holds other files behind the facets that are withheld, and further files that the reader asks for by their hash;
the reader sends one of those itself.
"""

import hashlib
from typing import Any

import pytest
from sarhad import attachments
from sarhad.records import Record

from tests.attachments.files import MSP, pdf, picture, written
from tests.exchange import heroin
from tests.policies.questions import ATTACHMENTS
from tests.policies.twins import new_id
from tests.policies.worlds import Question, World, Worlds

pytestmark = pytest.mark.xdist_group("two worlds")

READER = ("TJ-CUS", "operational")
FACETS = ("marks", "spectra", "laboratory", "transport")


def sent(world: World, data: bytes) -> dict[str, Any]:
    return attachments.send(world.client("UZ-CUS"), data)


def report(id_: str, files: dict[str, dict[str, Any]]) -> Record:
    """A seizure that names one file in each facet; all else is the same in both worlds."""
    spectrum, paper = files["spectra"], files["laboratory"]
    base = heroin(
        "UZ-CUS",
        reference=f"R-{id_[:8]}",
        reported="2026-03-15T00:00:00Z",
        narrative={"text": "Found.", "language": "en"},
        marks=[{"kind": "LOGO", "line": 1, "image_sha256": files["marks"]["sha256"]}],
        spectra=[{"line": 1, "technique": "MS", "media_type": "chemical/x-msp", **_held(spectrum)}],
        laboratory={"agency": "UZ-LAB", "case": "1", "reports": [{"media_type": "application/pdf", **_held(paper)}]},
        transport={"mode": "3", "images": [files["transport"]["sha256"]]},
    )
    return Record("UZ-CUS", "seizure", base.facets, "TLP:GREEN", id_)


def _held(file: dict[str, Any]) -> dict[str, Any]:
    return {"sha256": file["sha256"], "size": file["size"]}


def test_files_that_are_withheld_change_no_answer(worlds: Worlds) -> None:
    choice = {
        "marks": [written(picture(logo)) for logo in "AB"],
        "spectra": [MSP, MSP.replace(b"999", b"998")],
        "laboratory": [pdf(), pdf(b"/Lang(uz)")],
        "transport": [written(picture(logo), "PNG") for logo in "CD"],
    }
    held = {facet: [sent(worlds.both[1], data) for data in choice[facet]] for facet in FACETS}
    for facet in FACETS:  # world 0 holds the first of each only
        sent(worlds.both[0], choice[facet][0])
    permit = {"effect": "permit", "audience": {"countries": ["TJ"]}, "time": "month", "place": "country"}
    for given in ((), ("marks",), ("spectra", "laboratory"), ("transport",), FACETS):
        worlds.adopt("UZ", [{**permit, "handling_up_to": "TLP:GREEN", "facets": list(given)}])
        worlds.empty()
        id_, secret = new_id(), new_id()
        records = [
            [worlds.sign(report(id_, {f: held[f][0 if f in given else world] for f in FACETS}))] for world in (0, 1)
        ]
        hidden = Record("UZ-CUS", "seizure", report(secret, {f: held[f][1] for f in FACETS}).facets, "TLP:RED", secret)
        records[1].append(worlds.sign(hidden))
        worlds.file("UZ-CUS", (records[0], records[1]))
        asked = [Question(ATTACHMENTS.format(record_id=one)) for one in (id_, secret, new_id())]
        asked += [
            Question(ATTACHMENTS.format(record_id=one), {"version": version})
            for one in (id_, secret)
            for version in ("0", "1", "2")
        ]
        for digest in [file["sha256"] for facet in FACETS for file in held[facet]] + ["0" * 64]:
            asked += [Question(f"{ATTACHMENTS.format(record_id=one)}/{digest}") for one in (id_, secret)]
            asked.append(Question(f"/v1/attachments/{digest}"))
        answers = [(question, worlds.ask(*READER, question)) for question in asked]
        for question, (first, other) in answers:
            assert first == other, (given, question)
        statuses = [first.status for _, (first, _) in answers]
        assert statuses.count(200) == 2 + len(given), "the list, also by its version, and each file that is given"


def test_sending_what_another_holds_tells_nothing(worlds: Worlds) -> None:
    data = written(picture("S"))
    sent(worlds.both[1], data)
    kept = [attachments.send(world.client("TJ-CUS"), data) for world in worlds.both]
    known = [{name: value for name, value in one.items() if name not in ("stored", "kept_until")} for one in kept]
    assert known[0] == known[1]
    question = Question(f"/v1/attachments/{kept[0]['sha256']}")
    first, other = worlds.ask(*READER, question)
    assert first == other
    assert hashlib.sha256(first.body).hexdigest() == kept[0]["sha256"]
