"""What an unknown turned out to be is followed by whatever names it: analyses, spectra, lists, packs, files."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sarhad import attachments
from sarhad.analyses import finding
from sarhad.records import item

from service.exports.rows import Flat
from service.substances.catalogue import Catalogue
from service.substances.load import SCHEMAS
from service.substances.tables import Substance
from tests.analyses.laboratory import Laboratory, exhibit_number
from tests.exchange import Exchange, heroin
from tests.library.conftest import Searcher, msp
from tests.provisional.conftest import Post
from tests.seizures.wiring import Agency

Get = Callable[..., Any]
FEATURES = "/ogc/collections/seizures/items"
METHYLONE, CATHINONES, NAME = "SAR-000389", "SAR-000036", "unknown of exhibit 9"
HERE = {"lat": "38.01", "lon": "58.07", "accuracy_m": 10, "method": "GPS"}
MONTH = {"first_month": "2019-02", "last_month": "2019-02"}


@pytest.fixture(scope="module")
def code(exchange: Exchange, post: Post) -> str:
    """Registered by a laboratory of TM without a structure, published: nobody knows yet what it is."""
    made = post("TM-LAB", "/v1/provisional", {"name": NAME, "formula": "C11H13NO3"})
    assert made.status == 201, made.body
    found = str(made.json()["code"])
    assert post("TM-DCA/policy", f"/v1/provisional/{found}/publication", {}).status == 200
    return found


@pytest.fixture(scope="module")
def filed(exchange: Exchange, code: str, second_key: str) -> dict[str, str]:
    """The ids of an analysis that found it, and of a report with its spectrum."""
    laboratory = Laboratory(exchange, "TM-LAB", exchange.region.profiles[second_key].load_record_key())
    found = [finding(code, "unknown", level="CONSISTENT_WITH", techniques=[2, 3])]
    analysis = laboratory.file(laboratory.found(exhibit_number("TM-CUS"), items=found, purity=None))
    assert analysis.status == 201, analysis.body
    kept = attachments.send(exchange.client("TM-CUS"), SPECTRUM)
    spectrum = {"line": 1, "technique": "MS", **{name: kept[name] for name in ("media_type", "sha256", "size")}}
    report = heroin("TM-CUS", instant="2019-02-03T10:00:00+05:00", where_point=HERE, spectra=[spectrum],
                    items=[item(code, "powder", "1.5", "kg", status="PRES")])  # fmt: skip
    assert Agency(exchange, "TM-CUS").post(exchange.sign(report)).status == 201
    return {"analysis": analysis.json()["id"], "report": report.id}


SPECTRUM = msp((58.06, 300.0), (132.08, 640.0), (160.0757, 999.0), (190.0863, 410.0), precursor=208.0968)


@pytest.fixture(scope="module")
def resolved(code: str, filed: dict[str, str], post: Post, second_key: str, before: dict[str, Any]) -> str:
    resolution = {"substance": METHYLONE, "reason": "NMR"}
    assert post(second_key, f"/v1/provisional/{code}/resolution", resolution).status == 200
    return code


@pytest.fixture(scope="module")
def before(exchange: Exchange, code: str, filed: dict[str, str], get: Get, post: Post) -> dict[str, Any]:
    return seen(exchange, code, filed, get, post)


def seen(exchange: Exchange, code: str, filed: dict[str, str], get: Get, post: Post) -> dict[str, Any]:
    """What each answer says of it."""
    analyses = get("TM-LAB", "/v1/analyses", substance=METHYLONE, limit=500).json()["items"]
    (finding_,) = get("TM-LAB", f"/v1/analyses/{filed['analysis']}").json()["derived"]["findings"]
    candidates = Searcher(exchange, "TM-CUS").found(SPECTRUM)["candidates"]
    (candidate,) = [one for one in candidates if one.get("record", {}).get("id") == filed["report"]]
    (row,) = [
        row
        for row in get("TM-CUS", "/v1/listings/table", after="TZZ", limit=500).json()["items"]
        if row["substance"] == code
    ] or [None]
    methylone = {"filter": f"substances LIKE '%{METHYLONE}%'", "limit": 1000}
    pack = post("TM-DCA", "/v1/packs", {"form": "unodc-ids", **MONTH}).json()["id"]
    sheet = get("TM-DCA", f"/v1/packs/{pack}").json()["content"]["sheets"][0]
    return {
        "analysis found": filed["analysis"] in {one["id"] for one in analyses},
        "finding": finding_,
        "candidate": candidate,
        "control": get("TM-CUS", f"/v1/substances/{code}/control").json(),
        "listed": row,
        "pack": json.dumps(sheet["rows"]),
        "feature": get("TM-CUS", f"{FEATURES}/{filed['report']}").json()["properties"]["substances"],
        "features": {one["id"] for one in get("TM-CUS", FEATURES, **methylone).json()["features"]},
    }


def test_every_answer_follows(
    exchange: Exchange, before: dict[str, Any], resolved: str, filed: dict[str, str], get: Get, post: Post
) -> None:
    after = seen(exchange, resolved, filed, get, post)
    assert (before["analysis found"], after["analysis found"]) == (False, True)
    assert [one["finding"]["substance"] for one in (before, after)] == [resolved, resolved], "what was signed stays"
    assert ("resolved" in before["finding"], after["finding"]["resolved"]) == (False, METHYLONE)
    assert (before["candidate"]["substance"], before["candidate"]["name"]) == (resolved, NAME)
    assert "resolved" not in before["candidate"]
    assert (after["candidate"]["resolved"], after["candidate"]["ion"]) == (METHYLONE, "[M+H]+")
    target = get("TM-CUS", f"/v1/substances/{METHYLONE}/control").json()
    assert before["control"]["conventions"] == []
    assert (after["control"]["conventions"], after["listed"]["conventions"]) == (target["conventions"],) * 2
    statuses = [{c: cell["status"] for c, cell in one["countries"].items()} for one in (after["control"], target)]
    assert statuses[0] == {c: {"listed": "class"}.get(status, status) for c, status in statuses[1].items()}
    assert (after["control"]["definitions_asked"], after["control"]["definitions_not_asked"]) == (True, [])
    assert (before["feature"], after["feature"]) == (resolved, METHYLONE)
    assert [filed["report"] in one["features"] for one in (before, after)] == [False, True]
    assert (NAME in before["pack"], "Methylone" in before["pack"]) == (True, False)
    assert (NAME in after["pack"], "Methylone" in after["pack"]) == (False, True)


def test_a_row_of_a_file_says_both() -> None:
    known = Catalogue.from_files(SCHEMAS)
    unknown = Substance("UNK-TM-LAB-2026-1", "provisional", METHYLONE, NAME, None, known.group(METHYLONE), *(None,) * 7)
    flat = Flat(known.with_entries([unknown], {unknown.code: METHYLONE}), "copy")
    line = dict.fromkeys(("status", "form", "quantity", "unit", "kg", "kg_low", "kg_high", "rule"))
    for code, said in ((unknown.code, METHYLONE), (METHYLONE, None)):
        assert flat._line(line | {"substance": code}, {})[0:3:2] == (code, said)
