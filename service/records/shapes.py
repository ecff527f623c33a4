"""The shape of every facet. Values become typed (Decimal, datetime, date); unknown members are refused.

Field names are the wire names. Vocabularies come from `schemas/codes/`; a substance, crossing or admin1 code
is checked here only for its form, because those registers live in the database.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.records.codes import code
from service.records.scalars import (
    Day,
    Latitude,
    Longitude,
    Maybe,
    Month,
    Narrative,
    Quantity,
    Text60,
    Text64,
    Text200,
    Timestamp,
)

Country = Annotated[str, code("countries")]
RegisterCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Za-z0-9._-]{0,39}$")]
Cell = Annotated[str, StringConstraints(pattern=r"^85[0-9a-f]{13}$")]
Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$")]
EXHIBIT_PATTERN = r"^[A-Z]{2}-[A-Z0-9]{2,12}/[A-Za-z0-9][A-Za-z0-9._/-]{0,43}$"
ExhibitNumber = Annotated[
    str,
    StringConstraints(pattern=EXHIBIT_PATTERN),
    Field(description="Code of the agency that gave the number, a slash, and the agency's own number."),
]
Count = Annotated[int, Field(ge=0, le=10**12)]
Line = Annotated[int, Field(ge=1, le=10_000)]


class Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Point(Shape):
    """Where it happened, as exactly as the reporter knows. `accuracy_m` is metres."""

    lat: Maybe[Latitude] = None
    lon: Maybe[Longitude] = None
    accuracy_m: Maybe[Annotated[int, Field(ge=0, le=1_000_000)]] = None
    method: Maybe[Annotated[str, code("point_methods")]] = None
    place: Maybe[Text200] = None
    crossing: Maybe[RegisterCode] = None


class Admin1(Shape):
    """The first-level administrative unit (ISO 3166-2), and the words it was found from."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$")]
    as_reported: Maybe[Text200] = None
    confidence: Maybe[Annotated[str, StringConstraints(pattern=r"^(0\.[0-9]{2}|1\.00)$")]] = None


class Reported(Shape):
    """The item in the reporter's own words and unit. Never changed by the service."""

    substance: Text200
    quantity: Quantity
    unit: Text60


class Price(Shape):
    value: Quantity
    currency: Annotated[str, code("currencies")]
    level: Annotated[str, code("price_levels")]


class Matter(Shape):
    """An amount of one substance. `unit_mass_mg` is milligrams of one tablet, capsule, …

    Without a catalogue code the substance is what the reported words resolve to.
    """

    line: Line
    substance: Maybe[RegisterCode] = None
    reported: Reported
    status: Annotated[str, code("identification_statuses")]
    basis: Maybe[Annotated[str, code("identification_bases")]] = None
    form: Maybe[Annotated[str, code("physical_forms")]] = None
    quantity_kind: Maybe[Annotated[str, code("quantity_kinds")]] = None
    unit_count: Maybe[Count] = None
    unit_mass_mg: Maybe[Quantity] = None


class Item(Matter):
    """One seized substance. `exhibit` is the number under which a laboratory examines it."""

    price: Maybe[Price] = None
    exhibit: Maybe[ExhibitNumber] = None


class Packaging(Shape):
    type: Annotated[str, code("packaging_types")]
    count: Count


class Transport(Shape):
    """How it was carried, hidden and found. `mode` is UNECE Recommendation 19."""

    mode: Annotated[str, code("transport_modes")]
    conveyance: Maybe[Annotated[str, code("conveyances")]] = None
    concealment: Maybe[Annotated[list[Annotated[str, code("concealments")]], Field(max_length=20)]] = None
    detection: Maybe[Annotated[list[Annotated[str, code("detection_methods")]], Field(max_length=20)]] = None
    place_type: Maybe[Annotated[str, code("place_types")]] = None
    border: Maybe[Annotated[str, code("border_contexts")]] = None
    direction: Maybe[Annotated[str, code("directions")]] = None
    packaging: Maybe[Packaging] = None
    as_reported: Maybe[Annotated[dict[Text60, Text200], Field(max_length=20)]] = None
    images: Maybe[Annotated[list[Sha256Hex], Field(max_length=50)]] = None


class Leg(Shape):
    """A point of the route. Country XX means not known."""

    role: Annotated[str, code("route_roles")]
    country: Annotated[str, code("countries", "XX")]
    place: Maybe[Text200] = None
    certainty: Annotated[str, code("route_certainties")]
    basis: Maybe[Annotated[list[Annotated[str, code("route_bases")]], Field(max_length=5)]] = None


class PersonGroup(Shape):
    """A count of persons alike in role, sex, age band and nationality. There is no field for a name."""

    n: Annotated[int, Field(ge=1, le=10_000)]
    role: Annotated[str, code("person_roles")]
    sex: Annotated[str, code("sexes")]
    age_band: Annotated[str, code("age_bands")]
    nationality: Annotated[str, code("countries", "UNK")]


class Persons(Shape):
    arrested: Annotated[int, Field(ge=0, le=10_000)]
    groups: Annotated[list[PersonGroup], Field(max_length=50)]


class Mark(Shape):
    kind: Annotated[str, code("mark_kinds")]
    text: Maybe[Text200] = None
    colour: Maybe[Text60] = None
    line: Maybe[Line] = None
    image_sha256: Maybe[Sha256Hex] = None


class Case(Shape):
    national_reference: Maybe[Text64] = None
    operation: Maybe[Text64] = None
    controlled_delivery: Maybe[bool] = None


class Document(Shape):
    """A laboratory's report (PDF), held by its hash. `size` is bytes."""

    media_type: Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9.+-]{1,60}$")]
    sha256: Sha256Hex
    size: Count


class Laboratory(Shape):
    """The laboratory that examined the items, under its own case number."""

    agency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$")]
    case: Text64
    exhibit: Maybe[Text64] = None
    received: Maybe[Day] = None
    issued: Maybe[Day] = None
    accredited: Maybe[Annotated[str, code("accreditations")]] = None
    techniques: Maybe[Annotated[list[Annotated[str, code("techniques")]], Field(max_length=20)]] = None
    reports: Maybe[Annotated[list[Document], Field(max_length=20)]] = None


class Purity(Shape):
    """A measured content. `uncertainty` is expanded, with coverage factor `k` (GUM)."""

    line: Line
    substance: RegisterCode
    value: Quantity
    unit: Annotated[str, code("purity_units")]
    basis: Annotated[str, code("purity_bases")]
    uncertainty: Maybe[Quantity] = None
    k: Maybe[Quantity] = None


class Spectrum(Shape):
    """A spectrum kept elsewhere, held by its hash. `size` is bytes."""

    line: Line
    technique: Annotated[str, code("techniques")]
    media_type: Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9.+-]{1,60}$")]
    sha256: Sha256Hex
    size: Count


class Account(Shape):
    """The narrative in the reporter's language (BCP 47)."""

    text: Narrative
    language: Language


class Common(Shape):
    """What records of every kind may say: name, time, place in words and codes, case, narrative.

    Attributes are None where a facet is absent or withheld; `month` is a first day.
    """

    reference: Maybe[Text64] = None
    reported: Maybe[Timestamp] = None
    instant: Maybe[Timestamp] = Field(default=None, alias="when.instant")
    day: Maybe[Day] = Field(default=None, alias="when.day")
    month: Maybe[Month] = Field(default=None, alias="when.month")
    admin1: Maybe[Admin1] = Field(default=None, alias="where.admin1")
    country: Maybe[Country] = Field(default=None, alias="where.country")
    case: Maybe[Case] = None
    narrative: Maybe[Account] = None


class Placed(Common):
    """What records of an event at a place may say besides: the position, transport, route, persons, marks."""

    point: Maybe[Point] = Field(default=None, alias="where.point")
    cell: Maybe[Cell] = Field(default=None, alias="where.cell")
    transport: Maybe[Transport] = None
    route: Maybe[Annotated[list[Leg], Field(min_length=1, max_length=50)]] = None
    persons: Maybe[Persons] = None
    marks: Maybe[Annotated[list[Mark], Field(min_length=1, max_length=100)]] = None


class Facets(Placed):
    """A report's content."""

    items: Maybe[Annotated[list[Item], Field(min_length=1, max_length=200)]] = None
    laboratory: Maybe[Laboratory] = None
    purity: Maybe[Annotated[list[Purity], Field(min_length=1, max_length=500)]] = None
    spectra: Maybe[Annotated[list[Spectrum], Field(min_length=1, max_length=200)]] = None
