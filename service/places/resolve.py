"""Messy place text to a country and a first-level division, with a confidence; no guess below the floor.

The argument: (1) read the texts into phrases; (2) a country that the text names is the country; (3) find each
phrase among the names of that country; (4) let the phrases correct each other; (5) answer only what the floor
allows.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from rapidfuzz import fuzz, process

from service.places.gazetteer import CITY_UNITS, Entry, Gazetteer, Source
from service.places.nations import countries_named
from service.places.phrases import Kind, Phrase, phrases
from service.places.spelling import key, stem, variants

FLOOR = 0.60
FUZZY_CUTOFF = 84.0  # similarity of keys; lower ones were wrong more often than right on real reports
FUZZY_MIN_LETTERS = 5
FUZZY_TOWN = 10_000  # smaller ones have too many namesakes that no list holds
SMALL_TOWN = 5_000
LARGE_TOWN = 100_000
CACHE_SIZE = 100_000

_NUMBER_IN_WORD = re.compile(r"(?<=[а-яё]-)\d{2,3}(?=[а-яё]{2})")
_REGION_KINDS = (Kind.REGION, Kind.REPUBLIC)
_REPUBLIC_UNITS = frozenset({"republic", "autonomous republic"})
_MAY_BE_REGION = (*_REGION_KINDS, Kind.CITY, Kind.ANY)


@dataclass(frozen=True, slots=True)
class PlaceMatch:
    """What a text says about a place.

    `admin1` is an ISO 3166-2 code or None; `candidates` are all units the text allows when there are several
    (former units, or names shared by a city and its region). `names_other_country`: the text places the event
    outside the country that was asked about.
    """

    country: str
    admin1: str | None
    confidence: float
    matched_text: str
    method: str
    names_other_country: bool
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """Entries that one phrase may mean, all of one score."""

    phrase: Phrase
    entries: tuple[Entry, ...]
    score: float
    method: str

    @property
    def units(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(u for e in self.entries for u in (e.successors or (e.admin1,)) if u))

    @property
    def is_whole_region(self) -> bool:
        """Whether it may be a division that holds towns, not only a city with the rank of one."""
        return any(e.source is Source.UNIT and e.unit_kind not in CITY_UNITS for e in self.entries)

    @property
    def is_region(self) -> bool:
        return any(e.source is Source.UNIT for e in self.entries) and self.phrase.kind in _MAY_BE_REGION


class Resolver:
    """Resolves texts against one gazetteer; answers are remembered per distinct question."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._keys: dict[str, list[str]] = {}
        self.resolve = lru_cache(maxsize=CACHE_SIZE)(self._resolve)

    def _resolve(self, country: str, division: str = "", place: str = "") -> PlaceMatch:
        """`country`: alpha-2 code of the reporting side; `division`, `place`: as written, or empty."""
        texts = [self._heal(country, text) for text in (division, place)]
        read = [p for text in texts for p in phrases(text)]
        named, read = countries_named(self._gazetteer, country, read)
        where = self._named_country(country, named)
        if where is None:
            return PlaceMatch(country, None, 0.0, "", "names-several-countries", False)
        found = [f for phrase in read if (f := self._find(where, phrase))]
        if not found and not named:
            elsewhere = self._elsewhere(country, read)
            if elsewhere is not None:
                return elsewhere
        answer = self._weigh(where, found)
        if named and answer.admin1 is None:
            answer = replace(answer, confidence=0.9, method="country-named", matched_text=", ".join(named))
        return replace(answer, names_other_country=where != country)

    def _heal(self, country: str, text: str) -> str:
        """Undoes a known fault of machine-made tables: a number in place of the country's name in a word."""
        stem_of_name = {
            "KZ": "Казахстан",
            "KG": "Киргиз",
            "UZ": "Узбек",
            "TJ": "Таджик",
            "TM": "Туркмен",
        }.get(country)
        return _NUMBER_IN_WORD.sub(stem_of_name, text) if stem_of_name else text

    @staticmethod
    def _named_country(country: str, named: dict[str, str]) -> str | None:
        """The one country named; of several, not the asking one; None when that leaves several."""
        others = [code for code in named if code != country]
        if len(others) > 1:
            return None
        return others[0] if others else country

    def _find(self, country: str, phrase: Phrase) -> _Found | None:
        if phrase.kind is Kind.ROAD:
            return self._find_road(country, phrase)
        whole = self._look_up(country, phrase, phrase.text)
        words = phrase.text.split()
        if whole or len(words) == 1:
            return whole
        parts = [f for word in words if len(word) > 2 and (f := self._look_up(country, phrase, word, fuzzy=False))]
        return _agreeing(parts)

    def _find_road(self, country: str, phrase: Phrase) -> _Found | None:
        """A road is where both its ends are, if they are in one unit."""
        ends = [e for e in phrase.text.replace("-", " ").split() if len(e) > 2]
        found = [self._look_up(country, Phrase(e, Kind.ANY), e, fuzzy=False) for e in ends]
        units = [set(f.units) for f in found if f]
        if len(units) != len(ends) or not units or not set.intersection(*units):
            return None
        shared = set.intersection(*units)
        entries = tuple(e for f in found if f for e in f.entries if e.admin1 in shared)
        return _Found(phrase, entries, 0.8, "road")

    def _look_up(self, country: str, phrase: Phrase, text: str, *, fuzzy: bool = True) -> _Found | None:
        spelled = key(text)
        for candidate in variants(spelled):
            if entries := _fitting(phrase.kind, self._gazetteer.exact(country, candidate)):
                return _Found(phrase, entries, _trust(entries), "exact")
        short = stem(spelled)
        if len(short) < FUZZY_MIN_LETTERS or not fuzzy:
            return None
        if entries := _fitting(phrase.kind, self._gazetteer.alike(country, short)):
            return _Found(phrase, entries, 0.85, "alike")
        return self._fuzzy(country, phrase, short)

    def _fuzzy(self, country: str, phrase: Phrase, spelled: str) -> _Found | None:
        known = self._keys.setdefault(country, self._gazetteer.keys_of(country))
        near = process.extract(spelled, known, scorer=fuzz.ratio, score_cutoff=FUZZY_CUTOFF, limit=5)
        if not near:
            return None
        best = near[0][1]
        entries = [e for name, score, _ in near if score >= best - 2 for e in self._gazetteer.exact(country, name)]
        fitting = _fitting(
            phrase.kind, [e for e in entries if e.source is not Source.TOWN or e.population >= FUZZY_TOWN]
        )
        return _Found(phrase, fitting, 0.5 + best / 100 * 0.3, "fuzzy") if fitting else None

    def _elsewhere(self, country: str, read: Iterable[Phrase]) -> PlaceMatch | None:
        """A division or large town of another country, written exactly, that nothing at home resembles."""
        for phrase in read:
            spelled = key(phrase.text)
            entries = [
                e
                for k in variants(spelled)
                for e in self._gazetteer.everywhere(k)
                if e.country != country and _telling(e, phrase)
            ]
            if len({e.country for e in entries}) == 1 and len(spelled) >= FUZZY_MIN_LETTERS:
                abroad = _Found(phrase, tuple(entries), 0.8, "other-country")
                return replace(self._single(entries[0].country, abroad), names_other_country=True)
        return None

    def _weigh(self, country: str, found: list[_Found]) -> PlaceMatch:
        """Lets the phrases correct each other: regions first, then what lies in them."""
        if not found:
            return PlaceMatch(country, None, 0.0, "", "none", False)
        regions = sorted((f for f in found if f.is_region), key=_regionality)
        if not regions:
            joint = _agreeing(found)
            if joint is None:
                return PlaceMatch(country, None, 0.0, "", "contradiction", False, _units(found))
            return self._single(country, joint)
        for region in regions:
            for place in found:
                if place is not region and (match := self._within(country, region, place)):
                    return match
        return self._despite(country, regions[0], [f for f in found if f is not regions[0]])

    def _within(self, country: str, region: _Found, place: _Found) -> PlaceMatch | None:
        """The place, if one of the things it may be lies in the region."""
        under = tuple(e for e in place.entries if self._lies_in(e, region))
        inside = tuple(e for e in under if e.admin1 in region.units) or under
        score = min(0.99, max(region.score, place.score) + 0.04)
        match = self._single(country, replace(place, entries=inside, score=score, method="place-in-region"))
        return match if inside and match.admin1 else None

    def _despite(self, country: str, region: _Found, places: list[_Found]) -> PlaceMatch:
        """The region alone; less sure where a place is known elsewhere only, unsaid where a city is."""
        against = [p for p in places if _contradicts(p, region)]
        if against:
            return PlaceMatch(
                country, None, 0.5, region.phrase.text, "contradiction", False, _units([region, *against])
            )
        match = self._single(country, region)
        if match.admin1 and any(p.method == "exact" and not set(p.units) & set(region.units) for p in places):
            return replace(match, confidence=min(match.confidence, 0.65), method="region-despite-place")
        return match

    def _lies_in(self, entry: Entry, region: _Found) -> bool:
        named = {e.admin1 for e in region.entries} | set(region.units)
        return entry.admin1 in named or bool(named.intersection(self._gazetteer.also_under.get(entry.admin1, ())))

    def _single(self, country: str, found: _Found) -> PlaceMatch:
        """One unit out of what a phrase may mean, or none; units that were split off from it are
        candidates."""
        match = _choose(country, found)
        split_off = self._gazetteer.split_off.get(match.admin1 or "", ())
        if not split_off or match.candidates or not found.is_whole_region:
            return match
        return replace(match, confidence=min(match.confidence, 0.80), candidates=(match.admin1 or "", *split_off))


def _regionality(found: _Found) -> int:
    """Sorts what the text calls a region first, then divisions, then cities that have the rank of one."""
    if found.phrase.kind in _REGION_KINDS:
        return 0
    return 1 if found.is_whole_region else 2


def _contradicts(place: _Found, region: _Found) -> bool:
    """A large town elsewhere, written exactly, weighs against a region, unless it is said to be a village."""
    large = any(e.population >= LARGE_TOWN or e.unit_kind in CITY_UNITS for e in place.entries)
    said = place.phrase.kind is Kind.CITY or (
        place.phrase.kind is Kind.ANY and region.phrase.kind not in (*_REGION_KINDS, Kind.CITY)
    )
    return place.method == "exact" and large and said and not set(place.units) & set(region.units)


def _trust(entries: tuple[Entry, ...]) -> float:
    """An exact name of a village is less telling than that of a town: many villages share one."""
    village = all(e.source is Source.TOWN and e.population < SMALL_TOWN for e in entries)
    return 0.75 if village else 0.95


def _choose(country: str, found: _Found) -> PlaceMatch:
    """One unit out of what a phrase may mean, or none."""
    units = found.units
    former = any(e.successors for e in found.entries)
    if not units:
        return PlaceMatch(country, None, found.score, found.phrase.text, found.method, False)
    if len(units) == 1:
        return _answer(country, units[0], found, "former-unit" if former else found.method)
    if former:
        return _answer(country, units[0], replace(found, score=0.70), "former-unit", units)
    unit, method = _likeliest(found)
    return _answer(country, unit, replace(found, score=min(found.score, 0.75)), method, units)


def _likeliest(found: _Found) -> tuple[str | None, str]:
    """Of several units: the city of that name, then the one division or district, then by far the largest
    town."""
    cities = {e.admin1 for e in found.entries if e.source is Source.UNIT and e.unit_kind in CITY_UNITS}
    if len(cities) == 1:
        return cities.pop(), "city-of-that-name"
    by_source = min(e.source for e in found.entries)
    first = {e.admin1 for e in found.entries if e.source == by_source}
    if len(first) == 1 and by_source in (Source.UNIT, Source.DISTRICT):
        return first.pop(), found.method
    ranked = sorted(found.entries, key=lambda e: -e.population)
    rival = next((e.population for e in ranked if e.admin1 != ranked[0].admin1), 0)
    if ranked[0].population >= max(20_000, 10 * rival):
        return ranked[0].admin1, "largest-of-that-name"
    return None, "ambiguous"


def _answer(country: str, unit: str | None, found: _Found, method: str, candidates: tuple[str, ...] = ()) -> PlaceMatch:
    """The answer as the floor allows it: below, the unit is only a candidate."""
    sure = unit is not None and found.score >= FLOOR
    return PlaceMatch(
        country=country,
        admin1=unit if sure else None,
        confidence=round(found.score, 2) if unit else 0.0,
        matched_text=found.phrase.text,
        method=method,
        names_other_country=False,
        candidates=candidates if sure or unit is None else candidates or (unit,),
    )


def _agreeing(found: list[_Found]) -> _Found | None:
    """The units all phrases allow; when there are none, the phrases contradict each other."""
    if not found:
        return None
    shared = set(found[0].units).intersection(*(f.units for f in found[1:]))
    if not shared:
        return None
    best = max(found, key=lambda f: f.score)
    entries = tuple(e for f in found for e in f.entries if shared.intersection(e.successors or (e.admin1,)))
    return replace(best, entries=entries)


def _units(found: list[_Found]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(u for f in found for u in f.units))


def _fitting(kind: Kind, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Entries of the kind that the text says; all of them when none is of that kind."""
    everything = tuple(entries)
    if kind is Kind.REPUBLIC:
        wanted = tuple(e for e in everything if e.unit_kind in _REPUBLIC_UNITS)
    elif kind is Kind.REGION:
        units = tuple(e for e in everything if e.source is Source.UNIT)
        wanted = tuple(e for e in units if e.unit_kind not in (CITY_UNITS | _REPUBLIC_UNITS)) or units
    elif kind in (Kind.CITY, Kind.SETTLEMENT):
        cities = tuple(e for e in everything if e.unit_kind in CITY_UNITS)
        wanted = cities or tuple(e for e in everything if e.source is not Source.UNIT)
    elif kind in (Kind.DISTRICT, Kind.POST):
        source = Source.DISTRICT if kind is Kind.DISTRICT else Source.CROSSING
        exactly = tuple(e for e in everything if e.source is source)
        wanted = exactly or tuple(e for e in everything if e.source is not Source.UNIT)
    else:
        wanted = everything
    return wanted or everything


def _telling(entry: Entry, phrase: Phrase) -> bool:
    """Whether a name abroad is strong enough to move an event there."""
    if entry.source is Source.UNIT:
        return phrase.kind in (*_REGION_KINDS, Kind.CITY, Kind.ANY)
    return entry.source is Source.TOWN and entry.population >= LARGE_TOWN and phrase.kind in (Kind.CITY, Kind.ANY)
