"""The fixed vocabulary of a record: its kinds, its facets in bit order, its handling labels.

The order of FACETS is part of every compiled policy and stored mask: add at the end, never reorder.
"""

from collections.abc import Iterable
from typing import Final, Literal, get_args

FACETS: Final = (
    "reference",
    "reported",
    "when.instant",
    "when.day",
    "when.month",
    "where.point",
    "where.cell",
    "where.admin1",
    "where.country",
    "items",
    "transport",
    "route",
    "persons",
    "marks",
    "case",
    "laboratory",
    "purity",
    "spectra",
    "narrative",
)
BITS: Final = {facet: bit for bit, facet in enumerate(FACETS)}
ALL: Final = (1 << len(FACETS)) - 1

OBSERVED: Final = ("precursor_incident", "clandestine_laboratory", "price_observation")
KINDS: Final = ("seizure", "zero", "analysis", *OBSERVED, "retraction")
REPORTS: Final = ("seizure", "zero", "retraction")  # what the routes of seizures show
REQUIRED: Final = {
    "seizure": frozenset({"reference", "reported", "when.month", "where.country", "items"}),
    "zero": frozenset({"reference", "reported", "when.month", "where.country"}),
    "analysis": frozenset({"reference", "reported", "when.month", "where.country", "laboratory", "items"}),
    "precursor_incident": frozenset({"reference", "reported", "when.month", "where.country", "items"}),
    "clandestine_laboratory": frozenset({"reference", "reported", "when.month", "where.country", "laboratory"}),
    "price_observation": frozenset({"reference", "reported", "when.month", "where.country", "items"}),
    "retraction": frozenset({"reported", "narrative"}),
}
_PLACED: Final = frozenset(FACETS) - {"laboratory", "purity", "spectra"}
ALLOWED: Final = {
    "seizure": frozenset(FACETS),
    "zero": REQUIRED["zero"] | {"where.admin1"},
    "analysis": REQUIRED["analysis"]
    | {"when.instant", "when.day", "where.admin1", "marks", "case", "purity", "spectra", "narrative"},
    "precursor_incident": _PLACED,
    "clandestine_laboratory": _PLACED | {"laboratory"},
    "price_observation": REQUIRED["price_observation"] | {"when.day", "where.admin1", "narrative"},
    "retraction": REQUIRED["retraction"],
}

# FIRST Traffic Light Protocol 2.0, from the widest audience to the narrowest; a policy's ceiling is a rank.
Handling = Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
HANDLING: Final[tuple[Handling, ...]] = get_args(Handling)

SCHEMA_VERSION: Final = 1
DIGESTS: Final = 24


def mask(facets: Iterable[str]) -> int:
    """The facets as bits: bit n is FACETS[n]. Raises KeyError for a name that is no facet."""
    bits = 0
    for facet in facets:
        bits |= 1 << BITS[facet]
    return bits


def named(bits: int) -> tuple[str, ...]:
    """The facets whose bits are set, in bit order: the inverse of `mask`."""
    return tuple(facet for bit, facet in enumerate(FACETS) if bits >> bit & 1)
