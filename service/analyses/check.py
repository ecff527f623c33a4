"""What analyses would be answered with before anyone has signed them: for a laboratory still writing. Keeps nothing.

Every rule is asked but those of signatures: analyst, reviewer and review may be missing from the laboratory facet.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from service.analyses.cautions import cautions
from service.analyses.derive import derived
from service.analyses.kind import judged
from service.problems import Problem
from service.seizures.harmonise import Reference

# Of the right form, and of nobody: they stand where nobody has signed yet.
UNSIGNED: Final = {"analyst": "A" * 43, "reviewer": "A" * 43, "review": "A.A.A"}


class Unsigned(BaseModel):
    """Analyses as facets, each as its record would disclose them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    analyses: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=100)]


def check(asked: Unsigned, reference: Reference) -> Iterator[dict[str, Any]]:
    """For each analysis `derived` and `warnings` as its acceptance would say them, or the first `problem`."""
    now = datetime.now(UTC)
    for given in asked.analyses:
        try:
            typed, _ = judged(_filled(given), reference, now)
        except Problem as problem:
            yield {"problem": problem.as_document()}
        else:
            catalogue = reference.catalogue
            yield {"derived": derived(typed, catalogue), "warnings": cautions(typed, catalogue)}


def _filled(given: Mapping[str, Any]) -> dict[str, Any]:
    match given:
        case {"laboratory": dict(laboratory)}:
            return {**given, "laboratory": UNSIGNED | laboratory}
    return dict(given)
