"""The place tables as rows, from the committed files; schemas/places/README.md says where each fact is
from."""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

COMMITTED = Path(__file__).parents[2] / "schemas" / "places"
FILES = (
    "admin1.csv",
    "boundaries.geojson",
    "countries.csv",
    "crossings.csv",
    "districts.csv",
    "place_names.csv",
)


@dataclass(frozen=True, slots=True)
class CountryRow:
    """A country of ISO 3166-1."""

    code: str
    alpha3: str
    numeric: str
    name_en: str
    name_ru: str
    aliases: list[str]


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit of ISO 3166-2, current or former.

    `also_under`: units under whose name it was, or still is, reported. `successors`: the units of today of a
    former one.
    """

    code: str
    country: str
    kind: str
    status: str
    name_en: str
    name_ru: str
    name_local: str
    parent: str
    also_under: list[str]
    successors: list[str]
    lon: float | None
    lat: float | None
    aliases: list[str]


@dataclass(frozen=True, slots=True)
class AreaRow:
    """A multipolygon of a country, and the units that share it (none where only the outline is known)."""

    country: str
    units: list[str]
    boundary: BaseGeometry


@dataclass(frozen=True, slots=True)
class NameRow:
    """A district or a town; its unit is empty outside the region."""

    country: str
    admin1: str
    kind: str
    name: str
    lon: float | None
    lat: float | None
    population: int
    aliases: list[str]


@dataclass(frozen=True, slots=True)
class CrossingRow:
    """A border crossing point: a name, unit and spellings per side; the second side may be the sea."""

    code: str
    country_a: str
    country_b: str
    name_a: str
    name_b: str
    aliases_a: list[str]
    aliases_b: list[str]
    admin1_a: str
    admin1_b: str
    mode: str
    lon: float | None
    lat: float | None
    method: str
    status: str


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything the atlas is made of."""

    countries: list[CountryRow]
    units: list[UnitRow]
    areas: list[AreaRow]
    names: list[NameRow]
    crossings: list[CrossingRow]


def read(folder: Path = COMMITTED) -> Tables:
    """The tables in a folder laid out like schemas/places."""
    return Tables(
        countries=[
            CountryRow(r["code"], r["alpha3"], r["numeric"], r["name_en"], r["name_ru"], split(r["aliases"]))
            for r in rows(folder / "countries.csv")
        ],
        units=[_unit(r) for r in rows(folder / "admin1.csv")],
        areas=[
            AreaRow(f["properties"]["country"], f["properties"]["units"], shape(f["geometry"]))
            for f in json.loads((folder / "boundaries.geojson").read_text(encoding="utf-8"))["features"]
        ],
        names=[*_districts(folder), *_towns(folder)],
        crossings=[crossing(r) for r in rows(folder / "crossings.csv")],
    )


def digest(folder: Path = COMMITTED) -> str:
    """SHA-256 over the files, in hex; changes when any of them does."""
    total = hashlib.sha256()
    for name in FILES:
        total.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return total.hexdigest()


def _unit(r: dict[str, str]) -> UnitRow:
    return UnitRow(
        code=r["code"],
        country=r["country"],
        kind=r["kind"],
        status=r["status"],
        name_en=r["name_en"],
        name_ru=r["name_ru"],
        name_local=r["name_local"],
        parent=r["parent"],
        also_under=split(r["also_under"]),
        successors=split(r["successors"]),
        lon=number(r["lon"]),
        lat=number(r["lat"]),
        aliases=split(r["aliases"]),
    )


def _districts(folder: Path) -> Iterator[NameRow]:
    for r in rows(folder / "districts.csv"):
        yield NameRow(r["admin1"][:2], r["admin1"], "district", r["name"], None, None, 0, split(r["aliases"]))


def _towns(folder: Path) -> Iterator[NameRow]:
    for r in rows(folder / "place_names.csv"):
        position = number(r["lon"]), number(r["lat"])
        yield NameRow(
            r["country"], r["admin1"], "town", r["name"], *position, int(r["population"]), split(r["aliases"])
        )


def crossing(r: dict[str, str]) -> CrossingRow:
    """A row of crossings.csv, or of a member's file with the same columns."""
    return CrossingRow(
        code=r["code"],
        country_a=r["country_a"],
        country_b=r["country_b"],
        name_a=r["name_a"],
        name_b=r["name_b"],
        aliases_a=split(r["aliases_a"]),
        aliases_b=split(r["aliases_b"]),
        admin1_a=r["admin1_a"],
        admin1_b=r["admin1_b"],
        mode=r["mode"],
        lon=number(r["lon"]),
        lat=number(r["lat"]),
        method=r["method"],
        status=r["status"],
    )


def split(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def number(text: str) -> float | None:
    return float(text) if text else None


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)
