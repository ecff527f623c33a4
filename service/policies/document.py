"""A policy document: what a country shares, with whom, for what purpose, how precisely and how late.

A document is a list of rules. A permit says who (audience, purposes) may see which records (kinds, substance groups,
handling up to a ceiling), which facets of them, and the precision of time and place. A deny takes matching records away
whatever permits say. Of the permits that match one reader and one record, the first in the document that does not
`join` is the base; permits that `join` add their facets to it, if they do not make the reader wait longer. Without a
matching permit nothing is shared. The owner's own agencies always see their own records, and need no rule.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from service.records.registry import BITS, HANDLING

TIME_LADDER = ("when.month", "when.day", "when.instant")
PLACE_LADDER = ("where.country", "where.admin1", "where.cell", "where.point")
PURPOSES = ("analysis", "operational", "forensic", "health", "statistics")
READING_ROLES = ("reporter", "laboratory", "analyst", "policy_officer", "coordinator")

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Agency = Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$")]
Handling = Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
Facet = Literal[
    "reference", "reported", "items", "transport", "route", "persons", "marks", "case", "laboratory", "purity",
    "spectra", "narrative",
]  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Audience(_Strict):
    """Who: every given member must match; an absent member means any."""

    countries: Annotated[tuple[Country, ...], Field(min_length=1, strict=False)] | None = None
    agencies: Annotated[tuple[Agency, ...], Field(min_length=1, strict=False)] | None = None
    roles: (
        Annotated[
            tuple[Literal["reporter", "laboratory", "analyst", "policy_officer", "coordinator"], ...],
            Field(min_length=1, strict=False),
        ]
        | None
    ) = None


class Rule(_Strict):
    """One rule; its place in the document is its rank."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    effect: Literal["permit", "deny"]
    audience: Audience
    purposes: (
        Annotated[
            tuple[Literal["analysis", "operational", "forensic", "health", "statistics"], ...],
            Field(min_length=1, strict=False),
        ]
        | None
    ) = None
    kinds: Annotated[tuple[Literal["seizure", "zero"], ...], Field(min_length=1, strict=False)] | None = None
    substance_groups: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] | None = None
    handling_up_to: Handling | None = Field(None, description="Permit: records marked above this are not shared.")
    handling_from: Handling | None = Field(None, description="Deny: records marked from this upwards are taken away.")
    facets: Annotated[tuple[Facet, ...], Field(strict=False)] = ()
    time: Literal["instant", "day", "month", "none"] = "none"
    place: Literal["point", "cell", "admin1", "country", "none"] = "none"
    delay_days: Annotated[int, Field(ge=0, le=3650, description="Counted from the end of the event's month.")] = 0
    joins: bool = False

    @model_validator(mode="after")
    def _effect_has_its_members(self) -> "Rule":
        if self.effect == "permit" and (self.handling_up_to is None or self.handling_from is not None):
            raise ValueError("a permit names handling_up_to, and no handling_from")
        gives = self.facets or self.time != "none" or self.place != "none" or self.delay_days or self.joins
        if self.effect == "deny" and (gives or self.handling_up_to is not None):
            raise ValueError("a deny gives nothing: no facets, time, place, delay_days, joins or handling_up_to")
        return self

    def mask(self) -> int:
        """The facets this rule gives, as bits; a precision includes every coarser one (design: the ladders)."""
        time = {"none": 0, "month": 1, "day": 2, "instant": 3}[self.time]
        place = {"none": 0, "country": 1, "admin1": 2, "cell": 3, "point": 4}[self.place]
        given = (*self.facets, *TIME_LADDER[:time], *PLACE_LADDER[:place])
        return sum(1 << BITS[facet] for facet in set(given))


class PolicyDocument(_Strict):
    """The whole policy of one country; a new version replaces the one before."""

    policy: Literal["sarhad-policy/1"]
    country: Country
    version: Annotated[int, Field(ge=1)]
    rules: Annotated[tuple[Rule, ...], Field(max_length=500, strict=False)]

    @field_validator("rules")
    @classmethod
    def _ids_are_unique(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        ids = [rule.id for rule in rules]
        if len(set(ids)) != len(ids):
            raise ValueError("rule ids are not unique")
        return rules


def compiled_rows(document: PolicyDocument, group_bits: dict[str, int]) -> list[dict[str, Any]]:
    """The rows of gate.rule: one a rule, NULL for any. `group_bits` maps a substance group to its bit index.

    Raises KeyError with the group's name where a rule names one that the catalogue does not have.
    """
    return [
        {
            "position": position,
            "permit": rule.effect == "permit",
            "joins": rule.joins,
            "countries": rule.audience.countries,
            "agencies": rule.audience.agencies,
            "roles": rule.audience.roles,
            "purposes": rule.purposes,
            "kinds": rule.kinds,
            "groups": _bits(rule.substance_groups, group_bits),
            "handling": HANDLING.index(rule.handling_up_to or rule.handling_from or "TLP:CLEAR"),
            "facets": rule.mask(),
            "delay": rule.delay_days,
        }
        for position, rule in enumerate(document.rules)
    ]


def _bits(names: Iterable[str] | None, bits: dict[str, int]) -> int | None:
    return None if names is None else sum(1 << bits[name] for name in set(names))
