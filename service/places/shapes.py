"""What places look like from outside: the shapes of the routes' answers and bodies."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.places.resolve import PlaceMatch
from service.places.tables import CountryRow, CrossingRow, UnitRow

Text = Annotated[str | None, Field(max_length=1000)]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Place(Shape):
    """A country (`admin1` null) or a first-level division, current or former."""

    country: str
    admin1: str | None
    kind: str
    status: str
    name: str
    name_ru: str
    name_local: str | None
    successors: list[str]


class Places(Shape):
    items: list[Place]


class Query(Shape):
    """A place as reported: `country` is the reporting side's alpha-2 code."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    division: Text = None
    place: Text = None


class Queries(Shape):
    queries: Annotated[list[Query], Field(min_length=1, max_length=1000)]


class Match(Shape):
    """What was read in the text and how it was found; `candidates` where the text allows several units."""

    text: str
    method: str
    candidates: list[str]


class Resolution(Shape):
    country: str
    admin1: str | None
    confidence: float
    names_other_country: bool
    match: Match


class Resolutions(Shape):
    results: list[Resolution]


class Side(Shape):
    country: str
    name: str
    admin1: str | None


class Crossing(Shape):
    """A crossing point; `lon` and `lat` say by `method` what they are of, usually the nearest settlement."""

    code: str
    sides: list[Side]
    mode: str
    lon: float | None
    lat: float | None
    method: str | None
    status: str


class Crossings(Shape):
    items: list[Crossing]


def country(row: CountryRow) -> Place:
    return Place(
        country=row.code,
        admin1=None,
        kind="country",
        status="current",
        name=row.name_en,
        name_ru=row.name_ru,
        name_local=None,
        successors=[],
    )


def unit(row: UnitRow) -> Place:
    return Place(
        country=row.country,
        admin1=row.code,
        kind=row.kind,
        status=row.status,
        name=row.name_en,
        name_ru=row.name_ru,
        name_local=row.name_local,
        successors=row.successors,
    )


def resolution(found: PlaceMatch) -> Resolution:
    return Resolution(
        country=found.country,
        admin1=found.admin1,
        confidence=found.confidence,
        names_other_country=found.names_other_country,
        match=Match(text=found.matched_text, method=found.method, candidates=list(found.candidates)),
    )


def crossing(row: CrossingRow) -> Crossing:
    sides = [(row.country_a, row.name_a, row.admin1_a), (row.country_b, row.name_b, row.admin1_b)]
    return Crossing(
        code=row.code,
        sides=[Side(country=c, name=n, admin1=u or None) for c, n, u in sides if c],
        mode=row.mode,
        lon=row.lon,
        lat=row.lat,
        method=row.method or None,
        status=row.status,
    )
