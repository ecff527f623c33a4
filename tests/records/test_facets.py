"""What a facet may say, and what facets may say together."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import h3
import pytest

from service.problems import Problem
from service.records.cautions import cautions
from service.records.facets import BITS, FACETS, mask, named, read, validate

NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


def changed(facets: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at a JSON pointer replaced; ... removes it."""
    copy = deepcopy(facets)
    *parents, last = [int(part) if part.isdigit() else part for part in path.strip("/").split("/")]
    target: Any = copy
    for part in parents:
        target = target[part]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return copy


def refusal(facets: dict[str, Any], kind: str = "seizure") -> tuple[str, Any]:
    with pytest.raises(Problem) as caught:
        validate(kind, facets, NOW)
    document = caught.value.as_document()
    assert document["status"] == 422
    return str(document["type"]).removeprefix("/problems/"), document["pointer"]


def test_a_whole_report_becomes_typed_values(seizure_facets: dict[str, Any]) -> None:
    facets = validate("seizure", seizure_facets, NOW)
    assert facets.instant == datetime(2025, 5, 13, 22, 20, tzinfo=UTC)
    assert facets.items is not None
    assert facets.items[0].reported.quantity == Decimal(11840)
    assert facets.month is not None
    assert facets.month.isoformat() == "2025-05-01"
    assert cautions(facets) == []


QUANTITY = "/items/0/reported/quantity"


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        (QUANTITY, "-1", "invalid-quantity"),
        (QUANTITY, "+1", "invalid-quantity"),
        (QUANTITY, "1e308", "invalid-quantity"),
        (QUANTITY, "1,5", "invalid-quantity"),
        (QUANTITY, ".5", "invalid-quantity"),
        (QUANTITY, "05", "invalid-quantity"),
        (QUANTITY, "NaN", "invalid-quantity"),
        (QUANTITY, "Infinity", "invalid-quantity"),
        (QUANTITY, "١٢", "invalid-quantity"),
        (QUANTITY, "1\n", "invalid-quantity"),
        (QUANTITY, "1" * 19, "invalid-quantity"),
        (QUANTITY, "1.2345678901234567890", "invalid-quantity"),
        (QUANTITY, 11840, "invalid-quantity"),
        (QUANTITY, None, "invalid-quantity"),
        ("/where.point/lat", "90.1", "invalid-coordinate"),
        ("/where.point/lat", "-91", "invalid-coordinate"),
        ("/where.point/lat", "NaN", "invalid-coordinate"),
        ("/where.point/lat", "37,2", "invalid-coordinate"),
        ("/where.point/lat", 37.2, "invalid-coordinate"),
        ("/where.point/lon", "180.00001", "invalid-coordinate"),
        ("/where.point/lon", "1e2", "invalid-coordinate"),
        ("/where.point/srid", "4326", "unknown-member"),
        ("/where.point/lat", [["37", "38"]] * 1000, "invalid-coordinate"),
        ("/reported", "2025-05-14T09:05:00", "invalid-time"),
        ("/reported", "2025-05-14 09:05:00+05:00", "invalid-time"),
        ("/reported", "2025-05-14T09:05:00-00:00", "invalid-time"),
        ("/reported", "2025-05-14T09:05:00+15:00", "invalid-time"),
        ("/reported", "2016-12-31T23:59:60Z", "invalid-time"),
        ("/reported", "2025-02-30T09:05:00Z", "invalid-time"),
        ("/reported", "0000-01-01T00:00:00Z", "invalid-time"),
        ("/reported", "1989-12-31T23:59:59Z", "invalid-time"),
        ("/reported", 1_747_180_000, "invalid-time"),
        ("/when.day", "2025-5-14", "invalid-time"),
        ("/when.month", "2025-13", "invalid-time"),
        ("/where.country", "tj", "unknown-code"),
        ("/where.country", "XX", "unknown-code"),
        ("/transport/mode", "10", "unknown-code"),
        ("/transport/mode", 3, "unknown-code"),
        ("/transport/concealment/0", "BOOT", "unknown-code"),
        ("/items/0/status", "SURE", "unknown-code"),
        ("/items/0/basis", None, "unknown-code"),
        ("/items/0/purity", "80", "unknown-member"),
        ("/items/0/substance", "'; DROP TABLE seizure; --", "invalid-facet"),
        ("/items/0/unit_count", -1, "invalid-facet"),
        ("/items/0/unit_count", True, "invalid-facet"),
        ("/items", [], "invalid-facet"),
        ("/persons/groups/0/name", "Иванов", "unknown-member"),
        ("/persons/groups/0/n", 0, "invalid-facet"),
        ("/reference", "", "invalid-facet"),
        ("/reference", "x" * 65, "invalid-facet"),
        ("/reference", "KPP\u202e371", "unhygienic-text"),
        ("/reference", "KPP\u200b-1", "unhygienic-text"),
        ("/reference", "KPP\x00", "unhygienic-text"),
        ("/reference", "KPP\n1", "unhygienic-text"),
        ("/reference", "\ufeffKPP", "unhygienic-text"),
        ("/items/0/reported/substance", "кокаи\u0306н", "unhygienic-text"),
        ("/narrative/text", "a\u2066b", "unhygienic-text"),
        ("/narrative/language", "russian", "invalid-facet"),
        ("/suspect", "x", "facet-not-allowed"),
        ("/items", ..., "facet-missing"),
        ("/where.country", ..., "facet-missing"),
    ],
)
def test_a_faulty_value_is_refused_by_name_and_place(
    seizure_facets: dict[str, Any], path: str, value: Any, kind: str
) -> None:
    assert refusal(changed(seizure_facets, path, value)) == (kind, path)


@pytest.mark.parametrize(
    ("path", "value", "expected", "pointer"),
    [
        ("/when.day", ..., "ladder-incomplete", "/when.day"),
        ("/when.day", "2025-05-13", "ladder-inconsistent", "/when.day"),
        ("/when.month", "2025-04", "ladder-inconsistent", "/when.month"),
        ("/where.cell", ..., "ladder-incomplete", "/where.cell"),
        ("/where.cell", "852086c3fffffff", "ladder-inconsistent", "/where.cell"),
        ("/where.point", {"place": "Нижний Пяндж"}, "ladder-incomplete", "/where.point"),
        ("/where.point/lon", ..., "ladder-incomplete", "/where.point/lon"),
        ("/where.country", "UZ", "ladder-inconsistent", "/where.admin1/code"),
        ("/persons/arrested", 0, "persons-disagree", "/persons/groups"),
        ("/route/0/role", "SEIZURE_POINT", "route-disagrees", "/route/1/role"),
        ("/route/1/country", "UZ", "route-disagrees", "/route/1/country"),
        ("/route/1/role", "TRANSIT", "route-disagrees", "/route"),
        ("/reported", "2025-07-01T12:10:01Z", "date-in-future", "/reported"),
        ("/purity", [{"line": 2, "substance": "SAR-000384", "value": "81", "unit": "%", "basis": "AS_BASE"}],
         "lines-disagree", "/purity/0/line"),
    ],
)  # fmt: skip
def test_facets_that_contradict_each_other_are_refused(
    seizure_facets: dict[str, Any], path: str, value: Any, expected: str, pointer: str
) -> None:
    assert refusal(changed(seizure_facets, path, value)) == (expected, pointer)


def test_two_lines_of_one_number_are_refused(seizure_facets: dict[str, Any]) -> None:
    items = seizure_facets["items"] * 2
    assert refusal(changed(seizure_facets, "/items", items)) == ("lines-disagree", "/items/1/line")


def test_day_and_month_are_those_of_the_local_calendar(seizure_facets: dict[str, Any]) -> None:
    """03:20 at +05:00 is the day before in UTC; the ladder speaks the calendar of the seizure."""
    facets = {**seizure_facets, "when.instant": "2025-06-01T03:20:00+05:00", "when.day": "2025-06-01"}
    assert validate("seizure", {**facets, "when.month": "2025-06"}, NOW).month is not None
    assert refusal({**facets, "when.month": "2025-05"}) == ("ladder-inconsistent", "/when.month")


def test_the_future_begins_ten_minutes_from_now(seizure_facets: dict[str, Any]) -> None:
    soon = (NOW + timedelta(minutes=10)).isoformat()
    assert validate("seizure", changed(seizure_facets, "/reported", soon), NOW).reported is not None
    coarse = {n: v for n, v in seizure_facets.items() if n not in ("when.instant", "when.day")}
    assert validate("seizure", {**coarse, "when.month": "2025-07"}, NOW).month is not None
    assert refusal({**coarse, "when.month": "2025-08"}) == ("date-in-future", "/when.month")


@pytest.mark.parametrize(("lat", "lon"), [("90", "0"), ("-90", "180"), ("0.5", "-180"), ("37.2", "180.0")])
def test_poles_and_date_line_are_places(seizure_facets: dict[str, Any], lat: str, lon: str) -> None:
    cell = h3.latlng_to_cell(float(lat), float(lon), 5)
    moved = {**seizure_facets, "where.point": {"lat": lat, "lon": lon}, "where.cell": cell}
    assert validate("seizure", moved, NOW).cell == cell


@pytest.mark.parametrize("quantity", ["0", "0.000059999999999999995", "0.013999999999999999", "123456789012345678"])
def test_a_quantity_keeps_every_digit_reported(seizure_facets: dict[str, Any], quantity: str) -> None:
    facets = validate("seizure", changed(seizure_facets, QUANTITY, quantity), NOW)
    assert facets.items is not None
    assert format(facets.items[0].reported.quantity, "f") == quantity


def test_every_fault_of_a_record_is_named(seizure_facets: dict[str, Any]) -> None:
    faulty = changed(changed(seizure_facets, QUANTITY, "-1"), "/transport/mode", "x")
    with pytest.raises(Problem) as caught:
        validate("seizure", faulty, NOW)
    errors: Any = caught.value.members["errors"]
    named = {error["pointer"]: error["type"] for error in errors}
    assert named.keys() == {QUANTITY, "/transport/mode"}
    assert named["/transport/mode"] == "/problems/unknown-code"


def test_a_pointer_escapes_what_the_sender_wrote(seizure_facets: dict[str, Any]) -> None:
    transport = {**seizure_facets["transport"], "a/b~c": 1}
    assert refusal({**seizure_facets, "transport": transport}) == ("unknown-member", "/transport/a~1b~0c")


@pytest.mark.parametrize(
    ("kind", "facets", "expected"),
    [
        ("zero", {"items": []}, ("facet-not-allowed", "/items")),
        ("zero", {"reference": "Z"}, ("facet-missing", "/reported")),
        ("retraction", {"reported": "2025-06-02T10:00:00Z"}, ("facet-missing", "/narrative")),
        ("retraction", {"reference": "R"}, ("facet-not-allowed", "/reference")),
    ],
)
def test_each_kind_has_its_facets(kind: str, facets: dict[str, Any], expected: tuple[str, str]) -> None:
    assert refusal(facets, kind) == expected


def test_a_redacted_copy_reads_without_the_rest(seizure_facets: dict[str, Any]) -> None:
    part = read({"when.month": seizure_facets["when.month"]})
    assert (part.items, part.country) == (None, None)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("/items/0/reported/substance", "гepoин", ("mixed-script", "/items/0/reported/substance")),
        ("/reference", "КPР-1", ("mixed-script", "/reference")),
        ("/items/0/status", "CONF", ("confirmed-without-laboratory", "/items/0/status")),
        (QUANTITY, "0", ("zero-quantity", QUANTITY)),
        ("/reported", "2025-05-14T03:00:00+05:00", ("reported-before-seizure", "/reported")),
    ],
)
def test_what_looks_odd_is_accepted_with_a_caution(
    seizure_facets: dict[str, Any], path: str, value: Any, expected: tuple[str, str]
) -> None:
    facets = validate("seizure", changed(seizure_facets, path, value), NOW)
    assert [(c.type.removeprefix("/warnings/"), c.pointer) for c in cautions(facets)] == [expected]


@pytest.mark.parametrize(("mass", "odd"), [("49.9", True), ("50", False), ("300", False), ("501", True)])
def test_the_mass_of_a_tablet_is_plausible(seizure_facets: dict[str, Any], mass: str, odd: bool) -> None:
    item = {**seizure_facets["items"][0], "form": "TAB", "unit_mass_mg": mass}
    found = cautions(validate("seizure", {**seizure_facets, "items": [item]}, NOW))
    assert [c.pointer for c in found] == ["/items/0/unit_mass_mg"] * odd


def test_facet_bits_are_fixed() -> None:
    """Stored masks and compiled policies hold these numbers."""
    assert [BITS[name] for name in ("reference", "when.month", "items", "narrative")] == [0, 4, 9, 18]
    assert mask(["when.month", "items"]) == 0b1000010000
    assert named(mask(FACETS)) == FACETS
