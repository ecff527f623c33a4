"""Search as you type: any name, CAS number or InChIKey, Latin or Cyrillic, with typing errors.

Unlike `Catalogue.resolve`, which never guesses, this offers candidates to a person, best first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process

from service.substances.catalogue import Catalogue, Entry
from service.substances.spelling import normalise

_LONGEST_KEY = 48  # systematic names longer than this are found by what they contain, not by likeness
_SHORTEST_WORD = 5
_WORD_WEIGHT = 0.92  # a word of a name counts a little less than the whole name


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry, the name by which it was found, and how well (0 to 100)."""

    entry: Entry
    name: str
    score: float


class Search:
    """The searchable names of one catalogue, or of some of its entries, in memory."""

    def __init__(self, catalogue: Catalogue, entries: Iterable[Entry] | None = None) -> None:
        self._catalogue = catalogue
        self._keys: list[str] = []
        self._owners: list[tuple[str, str]] = []  # (code, text) of each key
        self._words: list[str] = []
        self._word_owners: list[int] = []
        for entry in catalogue.entries.values() if entries is None else entries:
            for text, _ in entry.all_names():
                self._add(entry.code, text)
            if entry.substance.kind == "provisional":
                self._add(entry.code, entry.code)
        self._fuzzy = [key if len(key) <= _LONGEST_KEY else "" for key in self._keys]

    def find(self, query: str, limit: int = 20) -> list[Hit]:
        """At most `limit` entries, best first; ties by how often the name was reported, then by code."""
        exact = self._catalogue.resolve(query)
        scores: dict[str, tuple[float, str]] = {exact.code: (100.0, query.strip())} if exact else {}
        key = normalise(query)
        if key:
            for index, score in self._scored(key):
                code, text = self._owners[index]
                if score > scores.get(code, (0.0, ""))[0]:
                    scores[code] = (score, text)
        best = sorted(scores.items(), key=lambda found: (-found[1][0], -self._weight(found[0]), found[0]))
        return [Hit(self._catalogue.entries[code], text, score) for code, (score, text) in best[:limit]]

    def _scored(self, key: str) -> list[tuple[int, float]]:
        found = [
            (index, 96.0 - min(16.0, (len(name) - len(key)) / 2)) if name.startswith(key)
            else (index, 84.0 - min(16.0, (len(name) - len(key)) / 2))
            for index, name in enumerate(self._keys)
            if key in name and (len(key) >= 3 or name.startswith(key))
        ]  # fmt: skip
        if len(key) < 3:
            return found
        cutoff = 78.0 if len(key) <= 5 else 70.0
        for _, score, index in process.extract(key, self._fuzzy, scorer=fuzz.ratio, score_cutoff=cutoff, limit=60):
            found.append((index, score * 0.98))
        for _, score, index in process.extract(key, self._words, scorer=fuzz.ratio, score_cutoff=cutoff, limit=60):
            found.append((self._word_owners[index], score * _WORD_WEIGHT))
        return found

    def _add(self, code: str, text: str) -> None:
        self._keys.append(normalise(text))
        self._owners.append((code, text))
        words = text.split()
        if 1 < len(words) <= 8:
            for word in map(normalise, words):
                if len(word) >= _SHORTEST_WORD:
                    self._words.append(word)
                    self._word_owners.append(len(self._keys) - 1)

    def _weight(self, code: str) -> int:
        return sum(name.count or 0 for name in self._catalogue.entries[code].names)


@lru_cache(maxsize=2)
def search_of(catalogue: Catalogue) -> Search:
    """The search index of a catalogue, built on first use."""
    return Search(catalogue)


def find(catalogue: Catalogue, query: str, limit: int) -> list[Hit]:
    """As `Search.find`, among the committed entries and the provisional ones that a wider catalogue knows."""
    committed = catalogue.committed or catalogue
    hits = search_of(committed).find(query, limit)
    more = [entry for code, entry in catalogue.entries.items() if code not in committed.entries]
    if more:
        hits += [hit for hit in Search(catalogue, more).find(query, limit) if hit.entry.code not in committed.entries]
    return sorted(hits, key=lambda hit: -hit.score)[:limit]  # equal ones stay in their order, the committed first
