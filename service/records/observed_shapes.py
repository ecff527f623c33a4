"""The shape of the facets of observed kinds, where it differs from a report's.

A precursor incident says in `items` what happened to which chemical, and in `case` which trade it hid in (companies by
pseudonym, documents by number). A clandestine laboratory says in `laboratory` what was found standing, in `items` what
was found in it. A price observation says in `items` what an amount of a substance cost. Nothing here names a person.
"""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from service.records.codes import code
from service.records.scalars import Maybe, Quantity, Text64, Text200
from service.records.shapes import (
    Case,
    Common,
    Count,
    Line,
    Matter,
    Placed,
    RegisterCode,
    Reported,
    Sha256Hex,
    Shape,
)


class Chemical(Matter):
    """One chemical of an incident (after INCB PICS and Form D): what happened to it, and how it was to be diverted.

    `declared_as` are the words of a false declaration, `claimed_use` those of the order.
    """

    incident: Annotated[str, code("incident_types")]
    diversion: Maybe[Annotated[str, code("diversion_methods")]] = None
    claimed_use: Maybe[Text200] = None
    declared_as: Maybe[Text200] = None
    product: Maybe[Text200] = None
    batch: Maybe[Text64] = None


class Company(Shape):
    """A party of the trade. `pseudonym` is SHA-256 of the country code, a colon and the registration number.

    Upper case, without spaces. It finds the same company again, and is no secret to whoever can try numbers.
    """

    role: Annotated[str, code("company_roles")]
    country: Annotated[str, code("countries", "XX")]
    pseudonym: Maybe[Sha256Hex] = None


class Paper(Shape):
    kind: Annotated[str, code("document_kinds")]
    number: Text64


class Trade(Case):
    """A case, and the trade that an incident hid in."""

    companies: Maybe[Annotated[list[Company], Field(min_length=1, max_length=20)]] = None
    documents: Maybe[Annotated[list[Paper], Field(min_length=1, max_length=20)]] = None


class IncidentFacets(Placed):
    """A precursor incident's content. Attributes are None where a facet is absent or withheld."""

    items: Maybe[Annotated[list[Chemical], Field(min_length=1, max_length=200)]] = None
    case: Maybe[Trade] = None


class SiteMatter(Matter):
    """A substance found in a clandestine laboratory, and what it was there for."""

    role: Annotated[str, code("site_item_roles")]


class Equipment(Shape):
    type: Annotated[str, code("equipment_types")]
    count: Count
    as_reported: Maybe[Text200] = None


class Site(Shape):
    """What was found standing. `makes` are catalogue codes of the end products; `waste_kg` is kilograms."""

    types: Annotated[list[Annotated[str, code("site_types")]], Field(min_length=1, max_length=8)]
    stage: Annotated[str, code("site_stages")]
    scale: Maybe[Annotated[str, code("site_scales")]] = None
    makes: Maybe[Annotated[list[RegisterCode], Field(min_length=1, max_length=20)]] = None
    equipment: Maybe[Annotated[list[Equipment], Field(min_length=1, max_length=50)]] = None
    waste_kg: Maybe[Quantity] = None


class SiteFacets(Placed):
    """A clandestine laboratory's content."""

    items: Maybe[Annotated[list[SiteMatter], Field(min_length=1, max_length=200)]] = None
    laboratory: Maybe[Site] = None


class Priced(Shape):
    """What the reported amount of a substance cost: the typical price (mode or median), the range, and over how many.

    After the price tables of the EUDA: one level of the market, one currency, money as paid, purity only as measured
    (per cent by mass). `n` is how many single prices the figures rest on.
    """

    line: Line
    substance: Maybe[RegisterCode] = None
    reported: Reported
    form: Maybe[Annotated[str, code("physical_forms")]] = None
    level: Annotated[str, code("price_levels")]
    currency: Annotated[str, code("currencies")]
    low: Maybe[Quantity] = None
    typical: Quantity
    high: Maybe[Quantity] = None
    n: Maybe[Annotated[int, Field(ge=1, le=1_000_000)]] = None
    source: Annotated[str, code("price_sources")]
    purity: Maybe[Quantity] = None

    @property
    def unit_mass_mg(self) -> Decimal | None:
        return None

    @property
    def status(self) -> str:
        """A price is of what was offered under a name."""
        return "SUSP"


class PriceFacets(Common):
    """A price observation's content."""

    items: Maybe[Annotated[list[Priced], Field(min_length=1, max_length=200)]] = None
