"""New weights from what agencies have confirmed: an act of the operator, because readers see the weights."""

from typing import Any

from sqlalchemy import insert, select, text

from service.database import Database
from service.links import learn
from service.links.models import LinkModel

SAMPLE = 20_000  # records whose pairs are compared, besides those of confirmed pairs
_PATTERNS = text("SELECT levels, confirmed, compared FROM core.link_patterns(:most)")


class TooFewPairs(Exception):
    """Weights are learned from as many confirmed pairs as do not tell of any one of them."""


async def relearn(database: Database, *, keep: bool) -> tuple[int, int, dict[str, dict[str, float]]]:
    """(version, confirmed pairs, weights). The thresholds stay. Raises TooFewPairs."""
    async with database.sequencing() as session:
        rows = (await session.execute(_PATTERNS, {"most": SAMPLE})).all()
        pairs = sum(row.confirmed for row in rows)
        if pairs < learn.FEWEST_PAIRS:
            raise TooFewPairs(f"{pairs} pairs are confirmed; {learn.FEWEST_PAIRS} are needed.")
        newest = select(LinkModel.version, LinkModel.weights).order_by(LinkModel.version.desc()).limit(1)
        before = (await session.execute(newest)).one()
        told = {tuple(row.levels): float(row.confirmed) for row in rows if row.confirmed}
        every = {tuple(row.levels): float(row.compared) for row in rows}
        found, _ = learn.learned(told, every, before.weights)
        if keep:
            made: dict[str, Any] = learn.model(found, before.weights["possible"], before.weights["probable"])
            values = {"version": before.version + 1, "weights": made, "source": "confirmed", "pairs": pairs}
            await session.execute(insert(LinkModel).values(**values, made_by="operator"))
        return before.version + 1, pairs, found
