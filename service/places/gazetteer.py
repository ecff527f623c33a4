"""All names the resolver knows, indexed by phonetic key."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from service.places.spelling import coarse, key, stem


CITY_UNITS = frozenset({"city", "autonomous city", "municipality", "capital territory", "federal capital territory"})


class Source(IntEnum):
    """Where a name stands; a lower one is believed first."""

    UNIT = 0
    DISTRICT = 1
    CROSSING = 2
    TOWN = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing with names. `admin1` is its ISO 3166-2 unit; for a former unit `successors` are those of today."""

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


def from_files(folder: Path) -> Gazetteer:
    """Reads countries.csv, admin1.csv, districts.csv, crossings.csv and place_names.csv of schemas/places."""
    units = list(_rows(folder / "admin1.csv"))
    countries = (
        (row["code"], [row["name_en"], row["name_ru"], *_split(row["aliases"])])
        for row in _rows(folder / "countries.csv")
    )
    also_under = {row["code"]: tuple(_split(row["also_under"])) for row in units if row["also_under"]}
    return Gazetteer(_entries(folder, units), countries, also_under)


def _entries(folder: Path, units: list[dict[str, str]]) -> Iterator[tuple[Entry, list[str]]]:
    for row in units:
        successors = tuple(_split(row["successors"]))
        entry = Entry(row["country"], row["code"], Source.UNIT, 0, row["kind"], successors)
        yield entry, _unit_names(row)
    for row in _rows(folder / "districts.csv"):
        yield Entry(row["admin1"][:2], row["admin1"], Source.DISTRICT), [row["name"], *_split(row["aliases"])]
    for row in _rows(folder / "crossings.csv"):
        for side in ("a", "b"):
            if row[f"admin1_{side}"]:
                names = [row[f"name_{side}"], *_split(row[f"aliases_{side}"])]
                yield Entry(row[f"country_{side}"], row[f"admin1_{side}"], Source.CROSSING), names
    for row in _rows(folder / "place_names.csv"):
        entry = Entry(row["country"], row["admin1"], Source.TOWN, int(row["population"]))
        yield entry, [row["name"], *_split(row["aliases"])]


_UNIT_WORDS = {
    *("область обл край республика автономная автономный округ велаят район республики".split()),
    *("region republic territory area autonomous oblast province district of city (city) (город)".split()),
}


def _unit_names(row: dict[str, str]) -> list[str]:
    """The names of a division without the words that only say what it is."""
    names = [row["name_en"], row["name_ru"], row["name_local"], *_split(row["aliases"])]
    bare = [" ".join(w for w in n.split("(to ")[0].split(" (до ")[0].split() if w.lower() not in _UNIT_WORDS) for n in names]
    return [n for n in (*names, *bare) if n]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)
