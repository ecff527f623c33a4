"""Quartiles, of what laboratories measured and of what was paid, over the records that are shared with the reader.

What is told apart never mixes: a content as base and one as salt are two quantities (EUDA statistical bulletin, methods
of PPP-5), a price at one level of the market, in one currency and of one unit is no other price. Quartiles do not add
up: they are of the values themselves, by linear interpolation (type 7 of Hyndman and Fan, The American Statistician
50, 1996).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.substances.catalogue import Catalogue
from service.trends.ask import MAX_CELLS, TooManyCells, check_labels
from service.trends.contents import Found, contents
from service.trends.contents import quartiles as interpolated
from service.trends.parts import Labels, labels
from service.trends.question import Trend

_PRICE = Context(prec=6)  # a price is not known better


def _content(value: float) -> str:
    written = f"{value:.4f}"
    return written.rstrip("0").rstrip(".")


def _price(value: float) -> str:
    return format(_PRICE.create_decimal(Decimal(value)).normalize(), "f")


@dataclass(frozen=True, slots=True)
class Measure:
    """What values are called: what is told apart of them, and their records."""

    apart: tuple[str, ...]
    records: str
    written: Callable[[float], str]
    counting_unit: str
    caveats: tuple[str, ...]


MEASURES = {
    "purity": Measure(
        apart=("unit", "basis"),
        records="analyses",
        written=_content,
        counting_unit=(
            "One measured content of a finding of an analysis in its latest version: `n`; `analyses` counts the "
            "records."
        ),
        caveats=(
            "What laboratories examine is no sample of what is seized: compare only what was sampled alike.",
            "The figures hold the analyses whose contents are shared with you, and no others.",
        ),
    ),
    "price": Measure(
        apart=("level", "currency", "per"),
        records="observations",
        written=_price,
        counting_unit=(
            "One typical price of an item of a price observation in its latest version, for a kilogram, or for one "
            "unit where nothing converts the amount: `n`; `observations` counts the records."
        ),
        caveats=(
            "Money is as reported: converted between currencies it is nowhere, nor adjusted for purity or inflation.",
            "The figures hold the price observations whose items are shared with you, and no others.",
        ),
    ),
}
_AT = "CASE WHEN r.at > '-infinity' THEN r.at AT TIME ZONE 'UTC' END"
_KEYS = {
    "month": f"to_char({_AT}, 'YYYY-MM')",
    "quarter": f"""to_char({_AT}, 'YYYY"-Q"Q')""",
    "year": f"to_char({_AT}, 'YYYY')",
    "owner": "r.country",
    "agency": "r.agency",
    "agency_type": "(SELECT a.type FROM core.agency a WHERE a.code = r.agency)",
    "country": "r.place_country",
    "substance": "name",
    "group": "name",
}
_PRICE_OF = "(v.price / CASE WHEN v.kg > 0 THEN v.kg ELSE v.quantity END)::float8"
_PRICED = "v.aspect AS level, v.currency AS currency, CASE WHEN v.kg > 0 THEN 'kg' ELSE v.unit END AS per"


class Value(NamedTuple):
    """The quartiles of one cell and of one of what is told apart, and of how many values and records they are."""

    key: tuple[str | None, ...]
    apart: tuple[str, ...]
    n: int
    records: int
    quartiles: Sequence[float]


async def quartiles(
    session: AsyncSession, question: Trend, catalogue: Catalogue
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The cells with their quartiles, and how many records of each owner are in them.

    Raises UnknownLabel, TooManyCells.
    """
    check_labels(question, catalogue)
    (name,) = question.measures
    known = labels(question, catalogue, "substance")
    values, owners = await (_purity if name == "purity" else _prices)(session, question, known)
    if len(values) > MAX_CELLS:
        raise TooManyCells(f"more than {MAX_CELLS}", parameter="by", expected=f"<= {MAX_CELLS}")
    return list(_cells(question, name, values)), owners


async def _purity(session: AsyncSession, question: Trend, known: Labels) -> tuple[list[Value], dict[str, int]]:
    found = await contents(session, question, known, 4 * MAX_CELLS)
    return await asyncio.to_thread(_told, found), found.owners


def _told(found: Found) -> list[Value]:
    told = []
    for (at, unit, basis), cell in found.cells.items():
        values = cell.values()
        told.append(Value(at, (unit, basis), len(values), cell.analyses, interpolated(values)))
    return told


async def _prices(session: AsyncSession, question: Trend, known: Labels) -> tuple[list[Value], dict[str, int]]:
    """Never from a cube: they are few."""
    source, values = _observed(question, known)
    keys = ", ".join(f"{_KEYS[name]}::text AS d{n}" for n, name in enumerate(question.dimensions))
    dimensions = len(question.dimensions)
    grouped = ", ".join(str(n + 1) for n in range(dimensions + 3))
    sql = f"""
    SELECT {keys}, {_PRICED}, count(*) AS n, count(DISTINCT v.record_id) AS records,
      percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY {_PRICE_OF}) AS quartiles
    FROM {source} GROUP BY {grouped} ORDER BY {grouped} LIMIT {MAX_CELLS + 1}"""
    rows = (await session.execute(text(sql), values)).all()
    owners = f"SELECT r.country, count(DISTINCT v.record_id) AS n FROM {source} GROUP BY r.country ORDER BY r.country"
    counted = {row.country: row.n for row in await session.execute(text(owners), values)}
    told = [
        Value(tuple(row[:dimensions]), tuple(row[dimensions : dimensions + 3]), row.n, row.records, row.quartiles)
        for row in rows
    ]
    return told, counted


def _cells(question: Trend, measured: str, values: Iterable[Value]) -> Iterable[dict[str, Any]]:
    """What is of one key, for each of what is told apart, as one cell."""
    measure = MEASURES[measured]
    for at, of_cell in groupby(values, attrgetter("key")):
        yield {
            "key": dict(zip(question.dimensions, at, strict=True)),
            measured: [
                {
                    **dict(zip(measure.apart, value.apart, strict=True)),
                    "n": value.n,
                    measure.records: value.records,
                    **dict(zip(("q1", "median", "q3"), map(measure.written, value.quartiles), strict=True)),
                }
                for value in of_cell
            ],
        }


def _observed(question: Trend, known: Labels) -> tuple[str, dict[str, Any]]:
    """FROM and WHERE: every table is a view of the gate, every condition on what it discloses."""
    name = "v.substance"
    if known.names is not None:
        name = "coalesce(CAST(:names AS jsonb) ->> v.substance, v.substance)"
    joins = f"""shared.report r JOIN shared.observation v ON (v.record_id, v.version) = (r.record_id, r.version)
      CROSS JOIN LATERAL (SELECT {name} AS name) named"""
    kept, values = ["r.kind = 'price_observation'", "r.status = 'reported'"], known.values()
    if known.kept is not None:
        kept.append("v.substance = ANY (:kept)")
    for column, value in (("r.country", "owner"), ("r.agency", "agency"), ("r.place_country", "country")):
        if getattr(question, value) is not None:
            kept.append(f"{column} = :{value}")
            values[value] = getattr(question, value)
    if question.period is not None:
        kept += ["r.at >= :since", "r.at < :until", "r.at > '-infinity'"]
        values["since"], values["until"] = question.period
    return f"{joins} WHERE {' AND '.join(kept)}", values


def document(question: Trend, cells: list[dict[str, Any]], policy: str) -> dict[str, Any]:
    (name,) = question.measures
    return {
        "question": question.said(),
        "policy": policy,
        "by": list(question.dimensions),
        "cells": cells,
        "counting_unit": MEASURES[name].counting_unit,
        "caveats": list(MEASURES[name].caveats),
    }
