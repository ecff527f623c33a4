"""What the service answers, as small frozen values. Unknown members stay reachable in `raw`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from sarhad.errors import ProblemError


@dataclass(frozen=True)
class Receipt:
    """The service's promise for one record: `receipt` is a JWS to keep; `created` is false for a
    repetition.
    """

    id: str
    version: int
    digest: str
    receipt: str
    created: bool
    warnings: list[dict[str, Any]] = field(default_factory=list)
    derived: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any], status: int) -> Self:
        return cls(
            id=str(document["id"]),
            version=int(document["version"]),
            digest=str(document["digest"]),
            receipt=str(document["receipt"]),
            created=status == 201,
            warnings=list(document.get("warnings") or ()),
            derived=dict(document.get("derived") or {}),
        )


@dataclass(frozen=True)
class Verdict:
    """What became of one line of a batch: either a receipt (absent in a dry run) or a problem.

    `derived` is what the service derives from an accepted record, `warnings` what to look at again.
    """

    line: int
    status: int
    receipt: Receipt | None = None
    problem: ProblemError | None = None
    derived: dict[str, Any] = field(default_factory=dict)
    warnings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return self.problem is None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        status = int(document["status"])
        problem = document.get("problem")
        complete = "receipt" in document and document["receipt"] is not None
        return cls(
            line=int(document["line"]),
            status=status,
            receipt=Receipt.of(document, status) if complete else None,
            problem=ProblemError(problem, status) if problem else None,
            derived=dict(document.get("derived") or {}),
            warnings=list(document.get("warnings") or ()),
        )


@dataclass(frozen=True)
class Page:
    """One page of records the reader may see; `next` is the cursor of the following one, or None."""

    items: list[dict[str, Any]]
    next: str | None
    raw: dict[str, Any]
