"""All names the resolver knows, indexed by phonetic key."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from service.places.spelling import coarse, key, stem
from service.places.tables import Tables, UnitRow

CITY_UNITS = frozenset({"city", "autonomous city", "municipality", "capital territory", "federal capital territory"})


class Source(IntEnum):
    """Where a name stands; a lower one is believed first."""

    UNIT = 0
    DISTRICT = 1
    CROSSING = 2
    TOWN = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing with names. `admin1` is its ISO 3166-2 unit; for a former unit `successors` are those of
    today."""

    country: str
    admin1: str
    source: Source
    population: int = 0
    unit_kind: str = ""
    successors: tuple[str, ...] = ()


class Gazetteer:
    """Entries by exact key, by adjective stem and by coarse key, per country; and the names of countries."""

    def __init__(
        self,
        entries: Iterable[tuple[Entry, Iterable[str]]],
        countries: Iterable[tuple[str, Iterable[str]]],
        also_under: dict[str, tuple[str, ...]],
    ) -> None:
        self.also_under = also_under
        self.split_off: dict[str, tuple[str, ...]] = {}
        self.countries: dict[str, str] = {}
        for code, names in countries:
            for name in names:
                self.countries.setdefault(_country_key(name), code)
        self._exact: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        self._coarse: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        self._everywhere: dict[str, list[Entry]] = defaultdict(list)
        for entry, names in entries:
            self._add(entry, names)
            for wider in also_under.get(entry.admin1, ()):
                if entry.source is Source.UNIT and entry.unit_kind not in CITY_UNITS:
                    self.split_off[wider] = (*self.split_off.get(wider, ()), entry.admin1)

    def _add(self, entry: Entry, names: Iterable[str]) -> None:
        spelled = {k for name in names if (k := key(name))}
        for k in spelled | {stem(k) for k in spelled}:
            self._exact[entry.country][k].append(entry)
            self._coarse[entry.country][coarse(k)].append(entry)
            self._everywhere[k].append(entry)

    def exact(self, country: str, spelled: str) -> list[Entry]:
        return self._exact[country].get(spelled, [])

    def alike(self, country: str, spelled: str) -> list[Entry]:
        return self._coarse[country].get(coarse(spelled), [])

    def keys_of(self, country: str) -> list[str]:
        return list(self._exact[country])

    def everywhere(self, spelled: str) -> list[Entry]:
        return self._everywhere.get(spelled, [])

    def country_named(self, text: str) -> str | None:
        """The country that a whole text names, in any listed language; abbreviations only in capitals."""
        return self.countries.get(_country_key(text))


def _country_key(name: str) -> str:
    """Abbreviations such as "РФ" and "UK" keep their capitals; longer names meet in their phonetic key."""
    stripped = name.strip(" .,\"'")
    return f"={stripped}" if len(stripped) <= 3 else key(stripped)


def gazetteer_of(tables: Tables) -> Gazetteer:
    """The gazetteer of all names in the tables."""
    countries = ((row.code, [row.name_en, row.name_ru, *row.aliases]) for row in tables.countries)
    also_under = {row.code: tuple(row.also_under) for row in tables.units if row.also_under}
    return Gazetteer(_entries(tables), countries, also_under)


def _entries(tables: Tables) -> Iterator[tuple[Entry, list[str]]]:
    for unit in tables.units:
        successors = tuple(unit.successors)
        yield Entry(unit.country, unit.code, Source.UNIT, 0, unit.kind, successors), _unit_names(unit)
    for row in tables.names:
        source = Source.DISTRICT if row.kind == "district" else Source.TOWN
        yield Entry(row.country, row.admin1, source, row.population), [row.name, *row.aliases]
    for post in tables.crossings:
        if post.admin1_a:
            yield Entry(post.country_a, post.admin1_a, Source.CROSSING), [post.name_a, *post.aliases_a]
        if post.admin1_b:
            yield Entry(post.country_b, post.admin1_b, Source.CROSSING), [post.name_b, *post.aliases_b]


_UNIT_WORDS = {
    *(
        [
            "область",
            "обл",
            "край",
            "республика",
            "автономная",
            "автономный",
            "округ",
            "велаят",
            "район",
            "республики",
            "(город)",
        ]
    ),
    *(
        [
            "region",
            "republic",
            "territory",
            "area",
            "autonomous",
            "oblast",
            "province",
            "district",
            "of",
            "city",
            "(city)",
        ]
    ),
}


def _unit_names(unit: UnitRow) -> list[str]:
    """The names of a division, with and without the words that only say what it is."""
    names = [unit.name_en, unit.name_ru, unit.name_local, *unit.aliases]
    undated = [name.split(" (to ")[0].split(" (до ")[0] for name in names]
    bare = [" ".join(w for w in name.split() if w.lower() not in _UNIT_WORDS) for name in undated]
    return [name for name in (*undated, *bare) if name]
