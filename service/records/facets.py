"""What a record says: its facets, validated into typed values, with every fault named by JSON pointer.

Pointers start at the facet: `/items/0/reported/quantity`. Rules that need the database (catalogue codes, the
country of a point, duplicates) are the business of those who hold it.
"""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.problems import Problem
from service.records.analysis_shapes import AnalysisFacets
from service.records.registry import ALLOWED, BITS, FACETS, REQUIRED, mask, named
from service.records.rules import check, check_common, check_placed
from service.records.shapes import Common, Facets, Placed

__all__ = ["BITS", "FACETS", "Facets", "mask", "named", "read", "validate", "validate_analysis", "validate_as"]

_Shape = TypeVar("_Shape", bound=Common)

MAX_FAULTS = 20


class InvalidFacet(Problem):
    """A facet does not have its form."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownMember(InvalidFacet):
    """A member that no facet has."""


class UnknownCode(InvalidFacet):
    """A code that its list does not hold."""


class UnhygienicText(InvalidFacet):
    """Text with characters that hide or reorder it, or that is not in normal form."""


class InvalidQuantity(InvalidFacet):
    """A quantity is not a plain decimal string."""


class InvalidCoordinate(InvalidFacet):
    """A coordinate is not a decimal string in range."""


class InvalidTime(InvalidFacet):
    """A time is not in its one form, or there is no such day."""


class FacetMissing(InvalidFacet):
    """A record of this kind needs a facet that is absent."""


class FacetNotAllowed(InvalidFacet):
    """A record of this kind does not carry this facet."""


REFUSALS: dict[str, type[InvalidFacet]] = {
    "extra_forbidden": UnknownMember,
    "literal_error": UnknownCode,
    "unhygienic_text": UnhygienicText,
    "invalid_quantity": InvalidQuantity,
    "invalid_coordinate": InvalidCoordinate,
    "invalid_time": InvalidTime,
}


def validate(kind: str, facets: Mapping[str, Any], now: datetime) -> Facets:
    """The facets of a whole record of `kind` as submitted; `now` (aware) is what "future" means.

    Raises InvalidFacet and its kinds for one facet by itself (several faults: in `errors`), and those of
    `rules` for facets that contradict each other.
    """
    _check_presence(kind, facets)
    typed = read(facets)
    check(typed, now)
    return typed


def validate_analysis(facets: Mapping[str, Any], now: datetime) -> AnalysisFacets:
    """Like `validate`, for an analysis; what its facets say together is judged by those who know laboratories."""
    return validate_as("analysis", AnalysisFacets, facets, now)


def validate_as(kind: str, shape: type[_Shape], facets: Mapping[str, Any], now: datetime) -> _Shape:
    """Like `validate`, for a kind with a shape of its own; what only its own facets say is judged by its feature."""
    _check_presence(kind, facets)
    typed = _read(shape, facets)
    if isinstance(typed, Placed):
        check_placed(typed, now)
    else:
        check_common(typed, now)
    return typed


def _check_presence(kind: str, facets: Mapping[str, Any]) -> None:
    for facet in facets:
        if facet not in ALLOWED[kind]:
            raise FacetNotAllowed(f"A {kind} record does not carry {facet}.", pointer=f"/{facet}")
    for facet in FACETS:
        if facet in REQUIRED[kind] and facet not in facets:
            raise FacetMissing(f"A {kind} record needs {facet}.", pointer=f"/{facet}")


def read(facets: Mapping[str, Any]) -> Facets:
    """The typed values of any subset of a report's facets, such as a redacted copy. Raises InvalidFacet."""
    return _read(Facets, facets)


def _read(shape: type[_Shape], facets: Mapping[str, Any]) -> _Shape:
    try:
        return shape.model_validate(facets)
    except ValidationError as error:
        faults = [_fault(detail) for detail in error.errors(include_url=False)[:MAX_FAULTS]]
    first, *others = faults
    if others:
        first.members["errors"] = [{"type": f.type_uri(), "detail": f.detail, **f.members} for f in faults]
    raise first


def _fault(error: ErrorDetails) -> InvalidFacet:
    path = [str(part).replace("~", "~0").replace("/", "~1")[:80] for part in error["loc"] if part != "[key]"]
    refusal = REFUSALS.get(error["type"], InvalidFacet)
    return refusal(_sentence(error), pointer="".join(f"/{part}" for part in path))


def _sentence(error: ErrorDetails) -> str:
    if error["type"] == "literal_error":
        expected = error["ctx"]["expected"]
        return f"Expected one of {expected}." if len(expected) < 400 else "Expected a code of its list."
    if error["type"] == "extra_forbidden":
        return "There is no such member; what is not described has no place in a record."
    return error["msg"].rstrip(".") + "."
