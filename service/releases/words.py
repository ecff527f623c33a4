"""The vocabulary of releases: reasons for a refusal, and the terms."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, Literal

from service.records.registry import ALL, BITS

Refusal = Literal[
    "not-held",  # the record has no such facet
    "ongoing-investigation",
    "legal-bar",
    "purpose-not-sufficient",
    "belongs-to-another",  # the originator is someone else
    "other",
]
ANSWER_WITHIN: Final = timedelta(days=10)
GRANT_FOR: Final = timedelta(days=90)
LONGEST_GRANT: Final = timedelta(days=366)
ACKNOWLEDGE_WITHIN: Final = timedelta(days=14)
MOST_RECALLED: Final = 500  # records of one recall

_LADDERS = (
    ("when.instant", "when.day", "when.month"),
    ("where.point", "where.cell", "where.admin1", "where.country"),
)


def with_coarser(facets: int) -> int:
    """Facet bits with every coarser time and place, which a finer one implies anyway."""
    for ladder in _LADDERS:
        for finer, coarser in pairwise(ladder):
            if facets >> BITS[finer] & 1:
                facets |= 1 << BITS[coarser]
    return facets & ALL


def whole_hour(moment: datetime) -> datetime:
    """The last full hour (UTC) at or before."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
