"""The catalogue in memory: one worker holds one, built from the database or from the committed tables."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from service.substances import stored, tables
from service.substances.spelling import normalise
from service.substances.tables import (
    Scheduling,
    Substance,
    SubstanceGroup,
    SubstanceName,
    SubstanceSource,
    Tables,
)
from service.substances.units import Units

_CAS = re.compile(r"\d{2,7}-\d{2}-\d")
_INCHIKEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")
_CODE = re.compile(r"SAR-\d{6}|UNK-[A-Z]{2}-[A-Z0-9]{2,12}-\d{4}-\d{1,6}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A substance with all that is said of it. `lineage`: its code, its parent's, and so on to the root."""

    substance: Substance
    names: tuple[SubstanceName, ...]
    schedules: tuple[Scheduling, ...]
    sources: tuple[SubstanceSource, ...]
    lineage: tuple[str, ...]

    @property
    def code(self) -> str:
        return self.substance.code

    def all_names(self) -> list[tuple[str, str]]:
        """(text, kind) of every name, the catalogue's own first."""
        own = [(self.substance.name_en, "name")]
        if self.substance.name_ru:
            own.append((self.substance.name_ru, "name"))
        return own + [(name.text, name.kind) for name in self.names]


@dataclass(frozen=True, slots=True)
class Match:
    """What a name resolved to, by which kind of name (`name`, `slang`, … `cas`, `code`).

    Confidence is 1.00 for the exact text, 0.95 for one that differs in case, accents, punctuation or script.
    """

    code: str
    match: str
    confidence: str


class Catalogue:
    """Entries by code, name, CAS and InChIKey; the tree; the policy groups; the units."""

    def __init__(self, rows: Tables) -> None:
        self.groups: dict[str, SubstanceGroup] = {group.code: group for group in rows.groups}
        self.references = {reference.ref: reference for reference in rows.references}
        self.units = Units(rows)
        self.entries = _entries(rows)
        self._children: dict[str, list[str]] = defaultdict(list)
        for entry in self.entries.values():
            if entry.substance.parent:
                self._children[entry.substance.parent].append(entry.code)
        self._names = self._by_name()
        self._identifiers = self._by_identifier()
        self._resolved: dict[str, str] = {}
        self.committed: Catalogue | None = None  # of a wider one: the catalogue that it widens

    @classmethod
    def from_files(cls, folder: Path) -> "Catalogue":
        """The catalogue of the committed tables (`schemas/substances`)."""
        return cls(tables.read(folder))

    @classmethod
    async def from_database(cls, session: AsyncSession) -> "Catalogue":
        """The loaded catalogue. Before anything was loaded it is empty, and every name is unknown."""
        return cls(await stored.read(session))

    def with_entries(self, more: Iterable[Substance], resolved: Mapping[str, str]) -> "Catalogue":
        """This catalogue and entries below its own, found by their codes. `resolved`: what each turned out to be."""
        wider = copy(self)
        wider.committed = self.committed or self
        wider.entries, wider._resolved = dict(self.entries), dict(resolved)
        wider._children = defaultdict(list, {code: list(below) for code, below in self._children.items()})
        for substance in more:
            above = self.entries[substance.parent].lineage if substance.parent else ()
            wider.entries[substance.code] = Entry(substance, (), (), (), (substance.code, *above))
            if substance.parent:
                wider._children[substance.parent].append(substance.code)
        return wider

    @property
    def resolutions(self) -> Mapping[str, str]:
        """What provisional entries turned out to be, by code."""
        return self._resolved

    def resolution(self, code: str) -> str | None:
        """The entry that a provisional one turned out to be, where that is known."""
        return self._resolved.get(code)

    def get(self, code: str) -> Entry | None:
        return self.entries.get(code)

    def group(self, code: str) -> str:
        """The policy group of an entry. Raises KeyError for an unknown code."""
        return self.entries[code].substance.group

    def group_bit(self, code: str) -> int:
        """The place of the entry's policy group in a policy's mask."""
        return self.groups[self.group(code)].bit

    def children(self, code: str) -> list[str]:
        return sorted(self._children.get(code, ()))

    def descendants(self, code: str) -> frozenset[str]:
        """The entry and everything below it; empty for an unknown code."""
        if code not in self.entries:
            return frozenset()
        found, open_ = {code}, [code]
        while open_:
            for child in self._children.get(open_.pop(), ()):
                found.add(child)
                open_.append(child)
        return frozenset(found)

    def resolve(self, name: str) -> Match | None:
        """The entry that carries this name, CAS number, InChIKey or code; None rather than a guess."""
        text = name.strip()
        if _CODE.fullmatch(text):
            return Match(text, "code", "1.00") if text in self.entries else None
        if _CAS.fullmatch(text) or _INCHIKEY.fullmatch(text):
            code = self._identifiers.get(text)
            return Match(code, "cas" if text[0].isdigit() else "inchikey", "1.00") if code else None
        key = normalise(text)
        found = self._names.get(key) if key else None
        if found is None:
            return None
        code, kind, spellings = found
        return Match(code, kind, "1.00" if text in spellings else "0.95")

    def _by_name(self) -> dict[str, tuple[str, str, frozenset[str]]]:
        """Key → (code, kind, exact spellings). A key that two entries share resolves to neither."""
        owners: dict[str, set[str]] = defaultdict(set)
        kinds: dict[str, str] = {}
        spellings: dict[str, set[str]] = defaultdict(set)
        for entry in self.entries.values():
            for text, kind in entry.all_names():
                key = normalise(text)
                owners[key].add(entry.code)
                kinds.setdefault(key, kind)
                spellings[key].add(text)
        return {
            key: (next(iter(codes)), kinds[key], frozenset(spellings[key]))
            for key, codes in owners.items()
            if len(codes) == 1
        }

    def _by_identifier(self) -> dict[str, str]:
        owners: dict[str, set[str]] = defaultdict(set)
        for entry in self.entries.values():
            for identifier in (entry.substance.cas, entry.substance.inchikey):
                if identifier:
                    owners[identifier].add(entry.code)
        return {identifier: next(iter(codes)) for identifier, codes in owners.items() if len(codes) == 1}


def _entries(rows: Tables) -> dict[str, Entry]:
    names, schedules, sources = defaultdict(list), defaultdict(list), defaultdict(list)
    for name in rows.names:
        names[name.code].append(name)
    for scheduling in rows.schedules:
        schedules[scheduling.code].append(scheduling)
    for source in rows.sources:
        sources[source.code].append(source)
    parents = {substance.code: substance.parent for substance in rows.entries}
    return {
        substance.code: Entry(
            substance,
            tuple(names[substance.code]),
            tuple(schedules[substance.code]),
            tuple(sources[substance.code]),
            _lineage(substance.code, parents),
        )
        for substance in rows.entries
    }


def _lineage(code: str, parents: dict[str, str | None]) -> tuple[str, ...]:
    lineage = [code]
    while (parent := parents[lineage[-1]]) is not None:
        if parent in lineage:
            raise ValueError(f"{code} is its own ancestor")
        lineage.append(parent)
    return tuple(lineage)
