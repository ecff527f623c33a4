"""Who is calling, for what purpose: the value that every rule about access starts from."""

from dataclasses import dataclass
from typing import Literal, get_args

ROLES = frozenset(
    {
        "reporter",
        "laboratory",
        "analyst",
        "policy_officer",
        "auditor",
        "key_administrator",
        "coordinator",
        "operator",
    }
)
Purpose = Literal["analysis", "operational", "forensic", "health", "statistics"]
PURPOSES: frozenset[str] = frozenset(get_args(Purpose))


@dataclass(frozen=True, slots=True)
class Caller:
    """The proven signer of a request."""

    key_id: str  # RFC 7638 thumbprint of the request-signing key
    agency: str  # `KZ-CUS`
    country: str  # ISO 3166-1 alpha-2
    roles: frozenset[str]
    purpose: str | None = None  # as signed in `sarhad-purpose`
    case: str | None = None  # the case reference signed with it

    @property
    def standing(self) -> tuple[str, ...]:
        """All that decides what the caller is given: a cursor is sealed for it, and opens for nobody else."""
        return (self.country, self.agency, *sorted(self.roles), self.purpose or "")
