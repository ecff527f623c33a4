"""Positions to countries and units."""

import h3
import pytest

from service.geometry import cell_ring
from service.places.atlas import Atlas

CITIES = [
    ("Almaty", 76.93, 43.25, "KZ", ["KZ-75"]),
    ("Bishkek", 74.59, 42.87, "KG", ["KG-GB"]),
    ("Dushanbe", 68.78, 38.56, "TJ", ["TJ-DU"]),
    ("Khorog", 71.55, 37.49, "TJ", ["TJ-GB"]),
    ("Garm", 70.38, 39.03, "TJ", ["TJ-RA"]),
    ("Tashkent", 69.28, 41.31, "UZ", ["UZ-TK"]),
    ("Termez", 67.28, 37.24, "UZ", ["UZ-SU"]),
    ("Mary", 61.83, 37.60, "TM", ["TM-M"]),
    ("Baku", 49.87, 40.41, "AZ", ["AZ-BA"]),
    ("Moscow", 37.62, 55.75, "RU", ["RU-MOW"]),
    ("Kolomna", 38.75, 55.10, "RU", ["RU-MOS"]),
    ("Novosibirsk", 82.92, 55.03, "RU", ["RU-NVS"]),
    ("Tehran", 51.39, 35.69, "IR", ["IR-23"]),
    ("Shiraz", 52.53, 29.61, "IR", ["IR-07"]),
    ("Karaj", 50.99, 35.83, "IR", ["IR-30"]),
    ("Gardez", 69.22, 33.60, "AF", ["AF-PIA"]),
    ("Bazarak", 69.52, 35.31, "AF", ["AF-PAN"]),
    ("Urumqi", 87.60, 43.80, "CN", ["CN-XJ"]),
    ("Lachin district", 46.20, 39.70, "AZ", ["AZ-LAC"]),
    ("Simferopol", 34.10, 44.95, "UA", ["UA-43"]),
]


@pytest.mark.parametrize(("name", "lon", "lat", "country", "units"), CITIES, ids=[c[0] for c in CITIES])
def test_a_city_is_in_its_country_and_unit(
    atlas: Atlas, name: str, lon: float, lat: float, country: str, units: list[str]
) -> None:
    assert atlas.country_of(lon, lat) == country
    assert atlas.admin1_of(lon, lat) == units
    assert atlas.contains(country, lon, lat)


def test_units_that_share_an_area_are_all_named(atlas: Atlas) -> None:
    """The public boundaries of Kazakhstan are of 2018: Semey cannot be told from Ust-Kamenogorsk by
    position."""
    assert set(atlas.admin1_of(80.25, 50.41)) == {"KZ-63", "KZ-10"}
    assert set(atlas.admin1_of(69.59, 42.32)) == {"KZ-61", "KZ-79"}
    assert set(atlas.admin1_of(58.38, 37.95)) == {"TM-A", "TM-S"}


def test_a_part_is_followed_by_the_unit_it_is_in(atlas: Atlas) -> None:
    assert atlas.admin1_of(45.63, 38.99) == ["AZ-CUL", "AZ-NX"]


def test_the_tolerance_is_in_metres_on_either_side_of_a_border(atlas: Atlas) -> None:
    """Korday and Ak-Zhol face each other across the Chu."""
    lon, lat = 74.713, 43.039
    assert atlas.country_of(lon, lat) == "KZ"
    assert not atlas.contains("KG", lon, lat, tolerance_m=0)
    assert atlas.contains("KG", lon, lat, tolerance_m=5_000)
    assert atlas.countries_of(lon, lat, tolerance_m=5_000) == ["KZ", "KG"]
    assert atlas.admin1_of(lon, lat, tolerance_m=5_000) == ["KZ-31", "KG-C"]
    assert not atlas.contains("UZ", lon, lat, tolerance_m=5_000)


def test_a_larger_tolerance_never_loses_a_country(atlas: Atlas) -> None:
    for step in range(60):
        lon, lat = 66.0 + step * 0.15, 39.5
        near = set(atlas.countries_of(lon, lat, tolerance_m=0))
        nearer = set(atlas.countries_of(lon, lat, tolerance_m=2_000))
        assert near <= nearer <= set(atlas.countries_of(lon, lat, tolerance_m=20_000))


def test_open_water_and_impossible_positions_are_nowhere(atlas: Atlas) -> None:
    for lon, lat in ((50.5, 42.0), (-40.0, 0.0), (200.0, 50.0), (70.0, 95.0), (float("nan"), 40.0)):
        assert atlas.country_of(lon, lat) is None
        assert atlas.admin1_of(lon, lat, tolerance_m=1_000) == []


def test_countries_outside_the_region_are_known_by_outline(atlas: Atlas) -> None:
    assert atlas.country_of(55.3, 25.2) == "AE"
    assert atlas.country_of(121.5, 25.03) == "TW"
    assert atlas.country_of(44.8, 41.7) == "GE"
    assert atlas.knows("DE")
    assert not atlas.knows("XX")


def test_units_are_found_by_name_in_any_alphabet(atlas: Atlas) -> None:
    assert [u.code for u in atlas.find("Сурхандар")[1]] == ["UZ-SU"]
    assert [u.code for u in atlas.find("surkhandar", "UZ")[1]] == ["UZ-SU"]
    assert [c.code for c in atlas.find("Кыргызстан")[0]] == ["KG"]
    assert atlas.find("'") == ([], [])


def test_a_cell_is_inland_only_where_it_lies_wholly_in_one_unit(atlas: Atlas) -> None:
    near_turkistan, across_the_border = (h3.latlng_to_cell(*at, 5) for at in ((43.4, 68.6), (41.35, 69.1)))
    assert atlas.covers("KZ", cell_ring(near_turkistan))
    assert not atlas.covers("UZ", cell_ring(near_turkistan))
    assert not atlas.covers("KZ", cell_ring(across_the_border))
    assert not atlas.covers("UZ", cell_ring(across_the_border))
