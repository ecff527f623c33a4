"""The observed kinds, each as small as what is its own."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from service.observations.kind import ObservedKind
from service.problems import Problem
from service.records.observed_shapes import IncidentFacets, PriceFacets, SiteFacets
from service.records.shapes import Matter
from service.seizures.harmonise import Amount, Reference, UnknownSubstance

PRECURSORS = "precursors"  # the group of the catalogue


class PriceImpossible(Problem):
    """A price is of more than nothing, and the typical one lies between the lowest and the highest."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PrecursorIncident(ObservedKind[IncidentFacets]):
    """What happened to chemicals on their way to illicit manufacture (after INCB PICS)."""

    name, path, title = "precursor_incident", "precursor-incidents", "precursor incident"
    shape = IncidentFacets

    def amounts(self, typed: IncidentFacets) -> Sequence[Amount]:
        return typed.items or ()

    def aspects(self, typed: IncidentFacets) -> Sequence[dict[str, Any]]:
        return [{"aspect": item.incident, "detail": item.diversion} for item in typed.items or ()]

    def check(self, typed: IncidentFacets, reference: Reference) -> list[dict[str, str]]:
        return [
            {
                "type": "/warnings/not-a-precursor",
                "pointer": f"/items/{index}",
                "detail": f"{code} is in the group {group}, not among precursors and chemicals.",
            }
            for index, item in enumerate(typed.items or ())
            if (code := _code(item, reference)) and (group := reference.catalogue.group(code)) != PRECURSORS
        ]


class ClandestineLaboratory(ObservedKind[SiteFacets]):
    """A place of illicit manufacture, and what was found in it (after module A07 of the questionnaire of UNODC)."""

    name, path, title = "clandestine_laboratory", "clandestine-laboratories", "clandestine laboratory"
    shape = SiteFacets

    def amounts(self, typed: SiteFacets) -> Sequence[Amount]:
        return typed.items or ()

    def aspects(self, typed: SiteFacets) -> Sequence[dict[str, Any]]:
        return [{"aspect": item.role} for item in typed.items or ()]

    def check(self, typed: SiteFacets, reference: Reference) -> list[dict[str, str]]:
        for index, code in enumerate((typed.laboratory and typed.laboratory.makes) or ()):
            if reference.catalogue.get(code) is None:
                raise UnknownSubstance(f"no entry has the code {code}", pointer=f"/laboratory/makes/{index}")
        return []

    def beside(self, typed: SiteFacets) -> dict[str, list[dict[str, Any]]]:
        site = typed.laboratory
        if site is None:  # a required facet; for the type checker
            return {}
        return {
            "clandestine_site": [
                {"types": site.types, "stage": site.stage, "scale": site.scale, "makes": site.makes or []}
            ]
        }


class PriceObservation(ObservedKind[PriceFacets]):
    """What an amount of a substance cost (after the price tables of the EUDA)."""

    name, path, title = "price_observation", "price-observations", "price observation"
    shape = PriceFacets

    def amounts(self, typed: PriceFacets) -> Sequence[Amount]:
        return typed.items or ()

    def aspects(self, typed: PriceFacets) -> Sequence[dict[str, Any]]:
        return [
            {
                "aspect": item.level,
                "detail": item.source,
                "currency": item.currency,
                "price": str(item.typical),
                "price_low": None if item.low is None else str(item.low),
                "price_high": None if item.high is None else str(item.high),
                "prices": item.n,
            }
            for item in typed.items or ()
        ]

    def check(self, typed: PriceFacets, reference: Reference) -> list[dict[str, str]]:
        for index, item in enumerate(typed.items or ()):
            if not item.reported.quantity:
                raise PriceImpossible("A price is of an amount.", pointer=f"/items/{index}/reported/quantity")
            known = [value for value in (item.low, item.typical, item.high) if value is not None]
            if not item.typical or known != sorted(known):
                raise PriceImpossible("Expected 0 < low ≤ typical ≤ high.", pointer=f"/items/{index}/typical")
            if item.purity is not None and item.purity > 100:  # per cent
                raise PriceImpossible("A purity is at most 100 %.", pointer=f"/items/{index}/purity")
        return []


def _code(item: Matter, reference: Reference) -> str | None:
    if item.substance is not None:
        return item.substance
    match = reference.catalogue.resolve(item.reported.substance)
    return match.code if match else None


KINDS: tuple[ObservedKind[Any], ...] = (PrecursorIncident(), ClandestineLaboratory(), PriceObservation())
