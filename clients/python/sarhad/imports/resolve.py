"""Texts of a whole file resolved through the service before anything is signed: each distinct text once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from sarhad._client import Client
from sarhad.imports.mapping import ColumnMapping, RowError
from sarhad.imports.tables import Row

T = TypeVar("T")
AT_ONCE = 500  # texts per request

PlaceQuery = tuple[str, str, str]  # reporting country, division text, place text


@dataclass
class Resolved:
    """`known` maps ("substance" | "unit", text) to a code; `places` maps a query to the service's answer."""

    known: dict[tuple[str, str], str] = field(default_factory=dict)
    places: dict[PlaceQuery, dict[str, Any]] = field(default_factory=dict)
    unknown: list[tuple[str, str]] = field(default_factory=list)


def collect(mapping: ColumnMapping, rows: Iterable[Row]) -> tuple[list[tuple[str, str]], list[PlaceQuery]]:
    """The distinct texts to ask about, in order of appearance."""
    texts: dict[tuple[str, str], None] = {}
    places: dict[PlaceQuery, None] = {}
    for row in rows:
        for asked in mapping.resolvable(row.cells):
            texts.setdefault(asked)
        division, place = mapping.place_of(row.cells)
        if division.strip() or place.strip():
            try:
                places.setdefault((mapping.country_of(row.cells), division, place))
            except RowError:
                continue  # the row is refused later, with its reason
    return list(texts), list(places)


def resolve(client: Client, texts: Sequence[tuple[str, str]], places: Sequence[PlaceQuery]) -> Resolved:
    """Ask the service. Texts it does not know stay in `unknown`; nothing is guessed here."""
    resolved = Resolved()
    calls = {"substance": client.resolve_substances, "unit": client.resolve_units}
    for kind, call in calls.items():
        for texts_of_kind in _chunks([text for asked, text in texts if asked == kind]):
            for name, answer in zip(texts_of_kind, call(texts_of_kind), strict=True):
                if answer.get("code") is None:
                    resolved.unknown.append((kind, name))
                else:
                    resolved.known[kind, name] = str(answer["code"])
    for queries in _chunks(places):
        asked = [{"country": country, "division": division, "place": place} for country, division, place in queries]
        resolved.places.update(zip(queries, client.resolve_places(asked), strict=True))
    return resolved


def where(country: str, division: str, place: str, answer: dict[str, Any] | None) -> dict[str, Any]:
    """The where-facets of a row. The finest text stays in the finest facet: a coarse copy cannot tell it."""
    answer = answer or {}
    facets: dict[str, Any] = {"where.country": answer.get("country") or country}
    words = place
    if answer.get("admin1"):
        confidence = answer.get("confidence")
        unit: dict[str, Any] = {"code": answer["admin1"]}
        if division.strip():
            unit["as_reported"] = division
        if confidence is not None:
            unit["confidence"] = f"{float(confidence):.2f}"
        facets["where.admin1"] = unit
    elif division.strip():
        words = f"{place}, {division}" if place.strip() else division
    if words.strip():
        facets["where.point"] = {"place": words}
    return facets


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, AT_ONCE)):
        yield chunk
