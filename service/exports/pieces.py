"""Rows of other records than reports: one for each item, or for a record whose items are not disclosed. Pure.

What a kind says is a list of columns (`kinds.py`), each with its words for one piece of a record: an item as reported
and as harmonised, or a content that was measured. Before them stand the columns that all files open with, after them
those that all end with.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from service.exports.columns import CLOSING, OPENING, Column, Row, Value
from service.exports.rows import Record, closing, opening
from service.substances.catalogue import Catalogue

_MEANT = {"kind": "Kind of the record, or retraction", "country": "Country of the event, ISO 3166-1"}


@dataclass(frozen=True, slots=True)
class Piece:
    """What one row is of. What is withheld, or is not there, is empty."""

    facets: Mapping[str, Any]
    catalogue: Catalogue
    number: int | None = None
    item: Mapping[str, Any] = field(default_factory=dict)
    line: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)

    def of(self, facet: str, *path: str) -> Any:
        found: Any = self.facets.get(facet)
        for step in path:
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    @property
    def substance(self) -> str | None:
        """The code of what counts."""
        return self.line.get("substance")

    @property
    def name(self) -> str | None:
        entry = self.catalogue.get(self.substance) if self.substance else None
        return entry.substance.name_en if entry else None

    @property
    def resolved(self) -> str | None:
        return self.catalogue.resolution(self.substance) if self.substance else None

    def reported(self, name: str) -> Any:
        """Of the words of the item: substance, quantity or unit."""
        return (self.item.get("reported") or {}).get(name)


Say = Callable[[Piece], Value]
Said = tuple[Column, Say]


def columns(said: Iterable[Said]) -> tuple[Column, ...]:
    before = (replace(column, meaning=_MEANT.get(column.name, column.meaning)) for column in OPENING)
    return (*before, *(column for column, _ in said), *CLOSING)


class Items:
    """Records as rows, one an item."""

    def __init__(self, said: tuple[Said, ...], catalogue: Catalogue, copy_for: str) -> None:
        self._said, self._catalogue, self._copy_for = said, catalogue, copy_for

    def rows(self, records: Iterable[Record]) -> list[Row]:
        return [row for record in records for row in self._of(record)]

    def _of(self, record: Record) -> Iterator[Row]:
        before, after = opening(record), closing(record, self._copy_for)
        for piece in self._pieces(record) or [Piece(record.facets, self._catalogue)]:
            said = (say(piece) for _, say in self._said)
            yield (str(record.id), record.row["version"], piece.number, *before, *said, *after)

    def _pieces(self, record: Record) -> list[Piece]:
        reported = {item["line"]: item for item in record.facets.get("items") or ()}
        return [
            Piece(record.facets, self._catalogue, line["line"], reported.get(line["line"]) or {}, line)
            for line in record.lines
        ]


class Findings(Items):
    """Analyses as rows, one a measured content, or a finding of which none is disclosed; contents whose finding is not
    disclosed have its number.
    """

    def _pieces(self, record: Record) -> list[Piece]:
        lines = {line["line"]: line for line in record.lines}
        items = {item["line"]: item for item in record.facets.get("items") or ()}
        contents: dict[int, list[Mapping[str, Any]]] = {number: [] for number in items}
        for content in record.facets.get("purity") or ():
            contents.setdefault(content["line"], []).append(content)
        return [
            Piece(record.facets, self._catalogue, number, items.get(number) or {}, lines.get(number) or {}, content)
            for number, measured in sorted(contents.items())
            for content in measured or [{}]
        ]
