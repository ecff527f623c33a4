"""Quartiles, of what laboratories measured and of what was paid, over the records that are shared with the reader.

What is told apart never mixes: a content as base and one as salt are two quantities (EUDA statistical bulletin, methods
of PPP-5), a price at one level of the market, in one currency and of one unit is no other price. Never from a cube, for
quartiles do not add up. They are those of linear interpolation (type 7 of Hyndman and Fan, The American Statistician
50, 1996).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.substances.catalogue import Catalogue
from service.trends.ask import MAX_CELLS, TooManyCells, check_labels
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
    """Where values are, and what they are called. `rows` has one row a value, as `v`, of records of `kind`; `named`
    joins their substance, as `s.substance`. `records` is what their number is called.
    """

    kind: str
    rows: str
    named: str
    value: str
    apart: dict[str, str]
    records: str
    written: Callable[[float], str]
    counting_unit: str
    caveats: tuple[str, ...]


MEASURES = {
    "purity": Measure(
        kind="analysis",
        rows="shared.content v",
        named="JOIN shared.finding s ON (s.record_id, s.version, s.line) = (v.record_id, v.version, v.line)",
        value="v.value",
        apart={"unit": "v.unit", "basis": "v.basis"},
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
        kind="price_observation",
        rows="shared.observation v",
        named="CROSS JOIN LATERAL (SELECT v.substance) s",
        value="v.price / CASE WHEN v.kg > 0 THEN v.kg ELSE v.quantity END",
        apart={"level": "v.aspect", "currency": "v.currency", "per": "CASE WHEN v.kg > 0 THEN 'kg' ELSE v.unit END"},
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


async def quartiles(
    session: AsyncSession, question: Trend, catalogue: Catalogue
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The cells with their quartiles, and how many records of each owner are in them.

    Raises UnknownLabel, TooManyCells.
    """
    check_labels(question, catalogue)
    (name,) = question.measures
    measure = MEASURES[name]
    source, values = _source(question, measure, labels(question, catalogue, "substance"))
    keys = ", ".join(f"{_KEYS[name]}::text AS d{n}" for n, name in enumerate(question.dimensions))
    apart = ", ".join(f"{column} AS {name}" for name, column in measure.apart.items())
    grouped = ", ".join(str(n + 1) for n in range(len(question.dimensions) + len(measure.apart)))
    sql = f"""
    SELECT {keys}, {apart}, count(*) AS n, count(DISTINCT v.record_id) AS records,
      percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY ({measure.value})::float8) AS quartiles
    FROM {source} GROUP BY {grouped} ORDER BY {grouped} LIMIT {MAX_CELLS + 1}"""
    rows = (await session.execute(text(sql), values)).mappings().all()
    if len(rows) > MAX_CELLS:
        raise TooManyCells(f"more than {MAX_CELLS}", parameter="by", expected=f"<= {MAX_CELLS}")
    owners = f"SELECT r.country, count(DISTINCT v.record_id) AS n FROM {source} GROUP BY r.country ORDER BY r.country"
    counted = {row.country: row.n for row in await session.execute(text(owners), values)}
    return list(_cells(question, name, rows)), counted


def _cells(question: Trend, measured: str, rows: Iterable[RowMapping]) -> Iterable[dict[str, Any]]:
    """Rows of one key, one for each of what is told apart, as one cell."""
    measure = MEASURES[measured]
    cell: dict[str, Any] | None = None
    for row in rows:
        key = {name: row[f"d{n}"] for n, name in enumerate(question.dimensions)}
        if cell is None or cell["key"] != key:
            if cell is not None:
                yield cell
            cell = {"key": key, measured: []}
        cell[measured].append(
            {
                **{name: row[name] for name in measure.apart},
                "n": row["n"],
                measure.records: row["records"],
                **dict(zip(("q1", "median", "q3"), map(measure.written, row["quartiles"]), strict=True)),
            }
        )
    if cell is not None:
        yield cell


def _source(question: Trend, measure: Measure, known: Labels) -> tuple[str, dict[str, Any]]:
    """FROM and WHERE: every table is a view of the gate, every condition on what it discloses."""
    values: dict[str, Any] = {"kind": measure.kind, **known.values()}
    joins = f"shared.report r JOIN {measure.rows} ON (v.record_id, v.version) = (r.record_id, r.version)"
    kept = ["r.kind = :kind", "r.status = 'reported'"]
    if question.about_lines:
        joins += f" {measure.named}"
        kept.append("s.substance IS NOT NULL")
        name = "s.substance"
        if known.names is not None:
            name = "coalesce(CAST(:names AS jsonb) ->> s.substance, s.substance)"
        joins += f" CROSS JOIN LATERAL (SELECT {name} AS name) named"
        if known.kept is not None:
            kept.append("s.substance = ANY (:kept)")
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
        "question": question.model_dump(mode="json", by_alias=True, exclude_none=True),
        "policy": policy,
        "by": list(question.dimensions),
        "cells": cells,
        "counting_unit": MEASURES[name].counting_unit,
        "caveats": list(MEASURES[name].caveats),
    }
