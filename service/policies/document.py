"""A policy document: what a country shares, with whom, for what purpose, how precisely, how late and until when.

A document is a list of rules. A permit says who (audience, purposes) may see which records (kinds, substance groups,
handling up to a ceiling, months of the event), which facets of them, and the precision of time and place. A deny takes
matching records away. A rule counts only between `valid_from` and `valid_until`. The one rule of combination:

1. The owner's own agencies always see all its own records, and need no rule. Nobody else sees anything without a rule,
   or without a stated purpose.
2. Any deny that matches, of whatever document, ends it: nothing is shown.
3. Rows give more than aggregates, and aggregates more than hits. The reader is given the most that any matching permit
   that does not `join` gives. Of those that give at least that, one is the base: that which reaches the strictest
   handling label; of equals, the first in the document. The others that do not join have no effect. Without a base
   nothing is shown.
4. A matching permit that `joins` adds its facets and obligations to the base, where it gives at least the same, does
   not make the reader wait longer than the base and covers all months that the base covers. It never stands alone.
5. A grant, the permit of a single record, gives rows and adds its facets at once, whether there is a base or not and
   whether its delay is over or not.
6. Where the filing agency has a ceiling, the ceiling's own rules are read in the same way, and the reader gets what
   both give: the most of rows, aggregates and hits that both give, the facets in both, the longer delay, the months in
   both, the obligations of both. A ceiling of which no permit matches lets nothing through.
7. While the owner has suspended the reader, nothing is shown.

Who wants to give more of records with a laxer label writes a permit with a lower ceiling that joins. So a stricter
label never shows more; a deny never adds; and a permit never takes away, if it joins or ranks behind those there.

An audience without members means every member state. An observer or third country, or an agency of one, must be named,
in a permit that ends within 366 days of its beginning.
"""

import calendar
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from service.identity.caller import Purpose
from service.policies.obligations import Obligation, bits
from service.records.registry import BITS, HANDLING, Handling

TIME_LADDER = ("when.month", "when.day", "when.instant")
PLACE_LADDER = ("where.country", "where.admin1", "where.cell", "where.point")
PURPOSES = get_args(Purpose)
ReadingRole = Literal["reporter", "laboratory", "analyst", "policy_officer", "coordinator"]
READING_ROLES = get_args(ReadingRole)
LONGEST_FOR_OUTSIDERS = timedelta(days=366)
MOST_RULES_OF_A_CEILING = 100
MOST_MOMENTS = 48  # at which rules of one document begin or end

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")


def _written_out(value: object) -> object:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("expected a date and time with its offset, such as 2026-03-01T00:00:00Z")
    return value


Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Agency = Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$")]
Group = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), Field(strict=False)]
Kind = Literal["seizure", "zero", "analysis", "precursor_incident", "clandestine_laboratory", "price_observation"]
Facet = Literal[
    "reference", "reported", "items", "transport", "route", "persons", "marks", "case", "laboratory", "purity",
    "spectra", "narrative",
]  # fmt: skip
_listed = Field(min_length=1, max_length=200, strict=False)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Audience(_Strict):
    """Who: every given member must match; an absent member means any member state.

    `countries` and `groups` together name countries: the reader's must be among them, or in one of the groups.
    """

    countries: Annotated[tuple[Country, ...], _listed] | None = None
    groups: Annotated[tuple[Group, ...], _listed] | None = Field(
        None, description="`members`: every member state; others as the exchange keeps them."
    )
    agencies: Annotated[tuple[Agency, ...], _listed] | None = None
    roles: Annotated[tuple[ReadingRole, ...], _listed] | None = None


class Rule(_Strict):
    """One rule; its place in the document is its rank among those with the same ceiling."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    effect: Literal["permit", "deny"]
    audience: Audience
    purposes: Annotated[tuple[Purpose, ...], _listed] | None = None
    kinds: Annotated[tuple[Kind, ...], _listed] | None = None
    substance_groups: Annotated[tuple[str, ...], _listed] | None = None
    handling_up_to: Handling | None = Field(None, description="Permit: records marked above this are not shared.")
    handling_from: Handling | None = Field(None, description="Deny: records marked from this upwards are taken away.")
    gives: Literal["rows", "aggregates", "hits"] = Field(
        "rows", description="Records; only figures counted over them; or only whether there is a match."
    )
    facets: Annotated[tuple[Facet, ...], Field(max_length=200, strict=False)] = ()
    time: Literal["instant", "day", "month", "none"] = "none"
    place: Literal["point", "cell", "admin1", "country", "none"] = "none"
    delay_days: Annotated[int, Field(ge=0, le=3650, description="Counted from the end of the event's month.")] = 0
    events_from: Month | None = Field(None, description="Events of this month and later.")
    events_until: Month | None = Field(None, description="Events of this month and earlier.")
    obligations: Annotated[tuple[Obligation, ...], Field(max_length=200, strict=False)] = ()
    joins: bool = False
    valid_from: Moment | None = None
    valid_until: Moment | None = Field(None, description="The rule counts until then, exclusive.")

    @model_validator(mode="after")
    def _effect_has_its_members(self) -> "Rule":
        if self.effect == "permit" and (self.handling_up_to is None or self.handling_from is not None):
            raise ValueError("a permit names handling_up_to, and no handling_from")
        gives = self.facets or self.time != "none" or self.place != "none" or self.delay_days or self.joins
        more = self.gives != "rows" or self.obligations or self.events_from or self.events_until
        if self.effect == "deny" and (gives or more or self.handling_up_to is not None):
            raise ValueError(
                "a deny gives nothing and has no event window: no facets, time, place, delay_days, joins, gives,"
                " obligations, events_from, events_until or handling_up_to"
            )
        return self

    @model_validator(mode="after")
    def _periods_are_in_order(self) -> "Rule":
        if self.events_from and self.events_until and self.events_from > self.events_until:
            raise ValueError("events_from is after events_until")
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValueError("valid_from is not before valid_until")
        return self

    def mask(self) -> int:
        """The facets this rule gives, as bits; a precision includes every coarser one (design: the ladders)."""
        time = {"none": 0, "month": 1, "day": 2, "instant": 3}[self.time]
        place = {"none": 0, "country": 1, "admin1": 2, "cell": 3, "point": 4}[self.place]
        given = (*self.facets, *TIME_LADDER[:time], *PLACE_LADDER[:place])
        return sum(1 << BITS[facet] for facet in set(given))


class PolicyDocument(_Strict):
    """The whole policy of one country, or ceiling of one of its agencies; a new version replaces the one before."""

    policy: Literal["sarhad-policy/1"]
    country: Country
    agency: Agency | None = Field(None, description="The ceiling of this agency, under the country's own policy.")
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    effective: Annotated[AwareDatetime, Field(strict=False)] | None = Field(
        None, description="In force from this instant on; from its approval where absent."
    )
    rules: Annotated[tuple[Rule, ...], Field(max_length=500, strict=False)]

    @field_validator("rules")
    @classmethod
    def _ids_are_unique(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        ids = [rule.id for rule in rules]
        if len(set(ids)) != len(ids):
            raise ValueError("rule ids are not unique")
        return rules

    @field_validator("rules")
    @classmethod
    def _moments_are_few(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """At each of them every reader whom the policy may concern is compiled anew."""
        moments = {moment for rule in rules for moment in (rule.valid_from, rule.valid_until)} - {None}
        if len(moments) > MOST_MOMENTS:
            raise ValueError(f"rules begin and end at {len(moments)} different moments: at most {MOST_MOMENTS}")
        return rules

    @model_validator(mode="after")
    def _ceiling_is_short(self) -> "PolicyDocument":
        if self.agency is not None and len(self.rules) > MOST_RULES_OF_A_CEILING:
            raise ValueError(f"a ceiling has at most {MOST_RULES_OF_A_CEILING} rules")
        return self


class OutsiderWithoutEnd(ValueError):
    """A permit names an observer or third country and does not end within 366 days of its beginning."""

    def __init__(self, number: int, country: str) -> None:
        super().__init__(
            f"{country} is no member: a permit that names it has valid_from, and valid_until within 366 days"
        )
        self.pointer = f"/rules/{number}/valid_until"


def check_outsiders(document: PolicyDocument, members: frozenset[str]) -> None:
    """Raises OutsiderWithoutEnd. The gate holds the same: such a permit would give an outsider nothing."""
    for number, rule in enumerate(document.rules):
        ends = rule.valid_from and rule.valid_until and rule.valid_until - rule.valid_from <= LONGEST_FOR_OUTSIDERS
        if rule.effect == "permit" and not ends:
            for country in _countries(rule.audience):
                if country not in members:
                    raise OutsiderWithoutEnd(number, country)


def _countries(audience: Audience) -> Iterator[str]:
    yield from audience.countries or ()
    yield from (agency[:2] for agency in audience.agencies or ())


def compiled_rows(document: PolicyDocument, group_bits: dict[str, int]) -> list[dict[str, Any]]:
    """The rows that `gate.adopt` takes: one a rule, NULL for any. `group_bits` maps a substance group to its bit index.

    Raises KeyError with the group's name where a rule names one that the catalogue does not have.
    """
    return [row(rule, position, group_bits) for position, rule in enumerate(document.rules)]


def row(rule: Rule, position: int, group_bits: dict[str, int]) -> dict[str, Any]:
    """One rule as a row of gate.rule, in JSON's types."""
    return {
        "position": position,
        "permit": rule.effect == "permit",
        "joins": rule.joins,
        "countries": rule.audience.countries,
        "audience_groups": rule.audience.groups,
        "agencies": rule.audience.agencies,
        "roles": rule.audience.roles,
        "purposes": rule.purposes,
        "kinds": rule.kinds,
        "groups": _bits(rule.substance_groups, group_bits),
        "handling": HANDLING.index(rule.handling_up_to or rule.handling_from or "TLP:CLEAR"),
        "gives": rule.gives,
        "facets": rule.mask(),
        "delay": rule.delay_days,
        "duties": bits(rule.obligations),
        "events_from": rule.events_from and f"{rule.events_from}-01",
        "events_until": rule.events_until and _last_day(rule.events_until),
        "valid_from": rule.valid_from and rule.valid_from.isoformat(),
        "valid_until": rule.valid_until and rule.valid_until.isoformat(),
    }


def _last_day(month: str) -> str:
    return f"{month}-{calendar.monthrange(int(month[:4]), int(month[5:]))[1]}"


def _bits(names: Iterable[str] | None, bit_of: dict[str, int]) -> int | None:
    return None if names is None else sum(1 << bit_of[name] for name in set(names))
