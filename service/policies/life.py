"""The life of a policy: proposed, then approved by a second officer, in force from its instant, superseded. Pure.

The newest approved version whose instant has come is in force. A proposal that nobody decides upon lapses.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

LAPSE = timedelta(days=30)
NATIONAL = "national"

State = Literal["proposed", "lapsed", "rejected", "withdrawn", "scheduled", "in-force", "superseded"]


class Version(Protocol):
    """One version with what became of it."""

    version: int
    proposed_at: datetime
    decision: str | None
    effective_at: datetime | None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose policy: a country's own (`KZ`), or the ceiling of one of its agencies (`KZ-CUS`)."""

    country: str
    layer: str

    @classmethod
    def of(cls, text: str) -> "Owner":
        return cls(text[:2], NATIONAL if len(text) == 2 else f"agency:{text}")

    @property
    def agency(self) -> str | None:
        return None if self.layer == NATIONAL else self.layer.removeprefix("agency:")

    def __str__(self) -> str:
        return self.agency or self.country


def states(versions: Iterable[Version], now: datetime) -> dict[int, State]:
    """The state of each version at `now`."""
    listed = list(versions)
    current = max(
        (v.version for v in listed if v.effective_at is not None and v.effective_at <= now),
        default=0,
    )
    return {v.version: _state(v, listed, current, now) for v in listed}


def _state(version: Version, among: list[Version], current: int, now: datetime) -> State:
    match version.decision:
        case None:
            return "lapsed" if now >= version.proposed_at + LAPSE else "proposed"
        case "rejected":
            return "rejected"
        case "withdrawn":
            return "withdrawn"
    assert version.effective_at is not None
    if version.version == current:
        return "in-force"
    overtaken = any(
        v.version > version.version and v.effective_at is not None and v.effective_at <= version.effective_at
        for v in among
    )
    return "superseded" if version.version < current or overtaken else "scheduled"
