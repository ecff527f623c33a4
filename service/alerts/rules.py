"""The exact rules, as values: what of newly seen records is a candidate, and why. Pure.

"First" is said of what the reader may see and of nothing else: the facts of a record are those disclosed to it, and
`Past` holds what its other visible records say. The rules therefore cannot tell of a record that it may not see,
neither by an alert nor by the absence of one (`decisions/0026-warned-in-ones-own-eyes.md`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from service.records.registry import mask

Rule = Literal[
    "FIRST_IN_COUNTRY", "FIRST_IN_REGION", "DANGEROUS_SUBSTANCE", "PURITY_OUTLIER", "NEW_LOGO", "PROFILE_MATCH", "SPIKE"
]
FIRSTS: frozenset[Rule] = frozenset({"FIRST_IN_REGION", "FIRST_IN_COUNTRY"})
# The facets without which the rule could not have spoken: whoever is not given them does not hear of it.
NEEDS: Mapping[str, int] = {
    "FIRST_IN_COUNTRY": mask(["items", "where.country"]),
    "FIRST_IN_REGION": mask(["items"]),
    "DANGEROUS_SUBSTANCE": mask(["items"]),
    "PURITY_OUTLIER": mask(["items", "purity"]),
    "NEW_LOGO": mask(["marks"]),
}
ENOUGH = 20  # earlier contents, below which none is unusual
OUTLIER = 3.5  # modified z-score (Iglewicz and Hoaglin, 1993)
_SCALE = 0.6745  # of the median absolute deviation of a normal distribution


@dataclass(frozen=True, slots=True)
class Seen:
    """What a record says to this reader. `substances` are resolved codes, without classes and what was not found;
    `tentative` what a laboratory found without identifying it, classes too, each with the level of its finding.
    """

    record_id: str
    owner: str
    country: str | None
    substances: tuple[str, ...]
    tentative: tuple[tuple[str, str], ...] = ()
    contents: tuple[tuple[str, str, str, float], ...] = ()  # substance, unit, basis, value
    logos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """What the reader's other visible records say of the same substances, contents and logos."""

    region: frozenset[str] = frozenset()
    countries: frozenset[tuple[str, str]] = frozenset()
    contents: Mapping[tuple[str, str, str], tuple[float, ...]] = field(default_factory=dict)
    logos: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One finding of one rule. `key` is the same for the same finding: it is told once. `owners`: of how many records
    of each country its figures are, besides the records that it names.
    """

    rule: Rule
    key: str
    substance: str | None
    record_id: str | None
    facts: dict[str, Any]
    owners: Mapping[str, int] = field(default_factory=dict)


def candidates(records: Iterable[Seen], past: Past, dangerous: Mapping[str, str]) -> Iterator[Candidate]:
    """In the order of the records: what the first of them brings is no news in the second.

    `dangerous`: code → why, for every code that counts as dangerous.
    """
    region, countries, logos = set(past.region), set(past.countries), set(past.logos)
    for seen in records:
        for substance in dict.fromkeys(seen.substances):
            yield from _firsts(seen, substance, region, countries)
            if substance in dangerous:
                key, why = f"{seen.record_id}:{substance}", {"why": dangerous[substance]}
                yield Candidate("DANGEROUS_SUBSTANCE", key, substance, seen.record_id, why)
        for substance, level in dict.fromkeys(seen.tentative):
            if substance in dangerous and substance not in seen.substances:
                # of its own key: once it is identified, that is told too
                key, facts = f"{seen.record_id}:{substance}:{level}", {"why": dangerous[substance], "level": level}
                yield Candidate("DANGEROUS_SUBSTANCE", key, substance, seen.record_id, facts)
        for content in seen.contents:
            if (unusual := _outlier(content, past)) is not None:
                key = f"{seen.record_id}:{':'.join(map(str, content[:3]))}"
                yield Candidate("PURITY_OUTLIER", key, content[0], seen.record_id, unusual)
        for logo in dict.fromkeys(seen.logos):
            if logo not in logos:
                logos.add(logo)
                yield Candidate("NEW_LOGO", logo, None, seen.record_id, {"logo": logo})


def _firsts(seen: Seen, substance: str, region: set[str], countries: set[tuple[str, str]]) -> Iterator[Candidate]:
    if substance not in region:
        region.add(substance)
        yield Candidate("FIRST_IN_REGION", substance, substance, seen.record_id, {})
    if seen.country is not None and (substance, seen.country) not in countries:
        countries.add((substance, seen.country))
        key = f"{substance}:{seen.country}"
        yield Candidate("FIRST_IN_COUNTRY", key, substance, seen.record_id, {"country": seen.country})


def _outlier(content: tuple[str, str, str, float], past: Past) -> dict[str, Any] | None:
    substance, unit, basis, value = content
    earlier = past.contents.get((substance, unit, basis), ())
    if len(earlier) < ENOUGH:
        return None
    middle = median(earlier)
    spread = median(abs(x - middle) for x in earlier)
    score = _SCALE * (value - middle) / spread if spread else 0.0
    if score <= OUTLIER:  # a low content is no danger
        return None
    return {"value": f"{value:g}", "unit": unit, "basis": basis, "median": f"{middle:g}", "earlier": len(earlier)}
