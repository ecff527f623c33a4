"""Confirmed links as groups on a map: each record of a group, and where the seizures were that it examined."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import h3
import pytest
from sarhad.records import item

from service.geometry import cell_centre
from tests.analyses.conftest import bench  # noqa: F401
from tests.analyses.laboratory import Laboratory, examination, exhibit_number
from tests.analyses.test_filing import id_of
from tests.exchange import Exchange
from tests.links.wiring import between, post, sharing
from tests.seizures.wiring import Agency

LABORATORIES = {
    "id": "laboratories", "effect": "permit", "audience": {"countries": ["KZ", "KG"]}, "handling_up_to": "TLP:AMBER",
    "kinds": ["analysis"], "facets": ["marks", "laboratory"], "time": "month", "place": "country",
}  # fmt: skip
LATITUDE, LONGITUDE = 42.8746, 74.5698
PLACE = {"lat": f"{LATITUDE}", "lon": f"{LONGITUDE}", "accuracy_m": 50, "method": "GPS"}
CELL = h3.latlng_to_cell(LATITUDE, LONGITUDE, 5)


def seizures(place: str, facets: tuple[str, ...] = ("items",)) -> dict[str, Any]:
    return {**LABORATORIES, "id": "seizures", "kinds": ["seizure"], "facets": list(facets), "place": place,
            "time": "day"}  # fmt: skip


@pytest.fixture(scope="module")
def group(exchange: Exchange, bench: dict[str, Laboratory], sought: Callable[[], None]) -> Iterator[dict[str, str]]:  # noqa: F811
    """Tablets of one press: those of a seizure in Bishkek, and others that were examined in Kazakhstan."""
    logo = f"group {time.time_ns()}"
    tablet = {"exhibit": 1, "form": "TAB", "colour": "pink", "logo": logo, "shape": "round", "diameter_mm": "8.1"}
    number = exhibit_number("KG-CUS")
    customs = Agency(exchange, "KG-CUS")
    seizure = customs.report(where_point=PLACE, items=[item(None, "heroin", "3", "kg", status="PRES", exhibit=number)])
    assert customs.post(seizure).status == 201
    with sharing(exchange, LABORATORIES, seizures("point")):
        records = [
            bench["KG-LAB"].found(laboratory=examination(number), marks=[tablet]),
            bench["KZ-LAB"].found(marks=[tablet]),
        ]
        for lab, record in zip(("KG-LAB", "KZ-LAB"), records, strict=True):
            assert bench[lab].file(record).status == 201
        sought()
        examined, other = map(id_of, records)
        link = between(bench["KZ-LAB"], examined, other)
        assert link is not None
        for lab in ("KG-LAB", "KZ-LAB"):
            assert post(bench[lab], f"/v1/links/{link['id']}/confirmation", {}, "forensic").status == 200
        yield {"examined": examined, "other": other, "seizure": id_of(seizure)}


def features(reader: Agency, record: str, relation: str = "physical") -> dict[tuple[str, str | None], dict[str, Any]]:
    """By record, and seizure that it examined."""
    reply = reader.get("/v1/links/groups", relation=relation, record=record)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/geo+json")
    found = reply.json()
    assert (found["type"], found["relation"]) == ("FeatureCollection", relation)
    return {(one["properties"]["record"], one["properties"]["seizure"]): one for one in found["features"]}


def test_a_group_shows_its_records_and_where_what_they_examined_was_seized(
    exchange: Exchange, group: dict[str, str]
) -> None:
    found = features(Agency(exchange, "KZ-CUS"), group["other"])
    assert found.keys() == {
        (group["examined"], None), (group["other"], None), (group["examined"], group["seizure"]),
    }  # fmt: skip
    assert {one["type"] for one in found.values()} == {"Feature"}
    assert {one["properties"]["size"] for one in found.values()} == {2}
    assert {one["properties"]["group"] for one in found.values()} == {min(group["examined"], group["other"])}
    assert found[group["other"], None]["geometry"] is None, "an analysis has no place of its own"
    placed = found[group["examined"], group["seizure"]]
    assert placed["geometry"] == {"type": "Point", "coordinates": [LONGITUDE, LATITUDE]}
    said = placed["properties"]
    assert (said["owner"], said["agency"], said["country"]) == ("KG", "KG-CUS", "KG")
    assert said["at"].startswith("2026-03-1")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (seizures("cell"), cell_centre(CELL)),
        (seizures("country"), None),
        (seizures("none"), None),
    ],
)
def test_a_seizure_is_placed_as_precisely_as_it_is_disclosed(
    exchange: Exchange, group: dict[str, str], rule: dict[str, Any], expected: tuple[float, float] | None
) -> None:
    exchange.adopt("KG", LABORATORIES, rule)
    geometry = features(Agency(exchange, "KZ-CUS"), group["other"])[group["examined"], group["seizure"]]["geometry"]
    if expected is None:
        assert geometry is None
    else:
        assert geometry["coordinates"] == pytest.approx(expected, abs=1e-6)
        assert geometry["coordinates"] != [LONGITUDE, LATITUDE]
    exchange.adopt("KG", LABORATORIES, seizures("point"))


@pytest.mark.parametrize(
    "rules",
    [
        (LABORATORIES,),
        (LABORATORIES, seizures("point", ())),
        ({**LABORATORIES, "facets": ["marks"]}, seizures("point")),
    ],
    ids=["no seizures", "seizures without items", "analyses without their exhibits"],
)
def test_which_seizure_an_analysis_examined_is_told_to_who_is_given_both_ends(
    exchange: Exchange, group: dict[str, str], rules: tuple[dict[str, Any], ...]
) -> None:
    exchange.adopt("KG", *rules)
    found = features(Agency(exchange, "KZ-CUS"), group["other"])
    assert found.keys() == {(group["examined"], None), (group["other"], None)}
    exchange.adopt("KG", LABORATORIES, seizures("point"))


def test_who_sees_one_record_of_a_group_is_told_of_none(exchange: Exchange, group: dict[str, str]) -> None:
    assert features(Agency(exchange, "TJ-CUS"), group["other"]) == {}
    assert features(Agency(exchange, "KZ-CUS"), group["other"], "chemical") == {}
    exchange.adopt("KG", seizures("point"))
    assert features(Agency(exchange, "KZ-CUS"), group["other"]) == {}
    exchange.adopt("KG", LABORATORIES, seizures("point"))
