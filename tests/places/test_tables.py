"""The committed tables: whole, consistent with each other, and what they claim to be."""

import pytest
import shapely
from iso3166_2 import Subdivisions

from service.places.tables import Tables, read

REGION = (
    "AF",
    "AM",
    "AZ",
    "BY",
    "CN",
    "GE",
    "IR",
    "KG",
    "KZ",
    "MN",
    "PK",
    "RU",
    "TJ",
    "TM",
    "TR",
    "UA",
    "UZ",
)
SEPARATE_IN_ISO_3166_1 = {"CN-HK", "CN-MO", "CN-TW"}


@pytest.fixture(scope="module")
def tables() -> Tables:
    return read()


def test_every_boundary_is_a_valid_multipolygon_of_degrees(tables: Tables) -> None:
    for area in tables.areas:
        assert area.boundary.geom_type == "MultiPolygon", area.country
        assert area.boundary.is_valid, (area.country, area.units)
        assert not area.boundary.is_empty, (area.country, area.units)
        west, south, east, north = area.boundary.bounds
        assert -180 <= west < east <= 180
        assert -90 <= south < north <= 90


def test_current_units_are_exactly_those_of_iso_3166_2(tables: Tables) -> None:
    iso = Subdivisions()
    expected = {code for country in REGION for code in iso[country]} - SEPARATE_IN_ISO_3166_1
    assert {unit.code for unit in tables.units if unit.status == "current"} == expected


def test_former_units_name_the_units_of_today(tables: Tables) -> None:
    current = {unit.code for unit in tables.units if unit.status == "current"}
    former = [unit for unit in tables.units if unit.status == "former"]
    assert {unit.code for unit in former} >= {"KZ-YUZ", "PK-TA"}
    for unit in former:
        assert unit.successors
        assert current.issuperset(unit.successors)


def test_every_reference_between_the_tables_holds(tables: Tables) -> None:
    countries = {row.code for row in tables.countries}
    units = {row.code: row.country for row in tables.units}
    assert {area.country for area in tables.areas} <= countries
    for area in tables.areas:
        assert all(units[code] == area.country for code in area.units)
    for unit in tables.units:
        assert unit.country in countries
        assert all(code in units for code in (*unit.also_under, *unit.successors))
        assert not unit.parent or unit.parent in units
    for name in tables.names:
        assert name.country in countries
        assert not name.admin1 or units[name.admin1] == name.country, name.name
    for post in tables.crossings:
        assert not post.admin1_a or units[post.admin1_a] == post.country_a
        assert not post.admin1_b or units[post.admin1_b] == post.country_b


def test_a_unit_of_the_area_lies_where_iso_lists_it(tables: Tables) -> None:
    """Catches exchanged codes: the point the list gives for a unit is in its area, or within 0.5 degree of
    it."""
    points = {unit.code: shapely.Point(unit.lon, unit.lat) for unit in tables.units if unit.lon is not None}
    far = {
        code
        for area in tables.areas
        for code in area.units
        if code in points and area.boundary.distance(points[code]) > 0.5
    }
    assert far == {"MN-064"}  # the list's point is wrong there: it lies in the next province


def test_areas_of_one_country_do_not_overlap(tables: Tables) -> None:
    for country in ("KZ", "KG", "TJ", "TM", "UZ"):
        areas = [area.boundary for area in tables.areas if area.country == country]
        overlap = sum(a.area for a in areas) - shapely.union_all(areas).area
        assert overlap < 0.01 * sum(a.area for a in areas)


def test_crossing_points_claim_no_position_without_a_method(tables: Tables) -> None:
    codes = [post.code for post in tables.crossings]
    assert len(codes) == len(set(codes)) >= 43
    for post in tables.crossings:
        assert (post.lon is None) == (post.lat is None) == (post.method == "")
        assert post.method in ("", "PLACE_CENTROID")
        assert post.status == "unconfirmed"
