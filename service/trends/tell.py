"""One question answered in full, for a route, a saved question, a job: every one of them says the same."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from service.policies.gate import Reach
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to
from service.trends import quartiles
from service.trends.answer import conversions, document
from service.trends.ask import answered
from service.trends.compare import earlier, found_changes, with_norm, with_previous
from service.trends.coverage import coverage
from service.trends.question import QUARTILES, Trend


@dataclass(frozen=True, slots=True)
class Told:
    """The answer as a document, and how many records of each owner are in it."""

    document: dict[str, Any]
    owners: Mapping[str, int]


def check(question: Trend) -> None:
    """Whether the trends answer it at all. Raises what `Trend.check` does, and ImpossiblePeriod."""
    question.check()
    if question.compare is not None:
        earlier(question)


async def tell(session: AsyncSession, question: Trend, catalogue: Catalogue, limits: Reach) -> Told:
    """Of a question that holds (`check`). Raises TooManyCells, UnknownLabel, InvalidBox."""
    catalogue = await known_to(session, catalogue)
    told, owners = await (_quartiles if question.measures[0] in QUARTILES else _sums)(
        session, question, catalogue, limits
    )
    told["coverage"] = await coverage(session, question, limits)
    return Told(told, owners)


async def _quartiles(
    session: AsyncSession, question: Trend, catalogue: Catalogue, limits: Reach
) -> tuple[dict[str, Any], Counter[str]]:
    cells, owners = await quartiles.quartiles(session, question, catalogue)
    return quartiles.document(question, cells, limits.version), Counter(owners)


async def _sums(
    session: AsyncSession, question: Trend, catalogue: Catalogue, limits: Reach
) -> tuple[dict[str, Any], Counter[str]]:
    answer = await answered(session, question, catalogue, limits)
    told, owners = document(question, answer, limits.version), Counter(answer.owners)
    if question.compare is not None:
        past = await answered(session, earlier(question), catalogue, limits)
        owners += Counter(past.owners)
        (with_previous if question.compare == "previous" else with_norm)(question, told["cells"], past)
    if question.changes:
        told["changes"] = await asyncio.to_thread(found_changes, question, answer)
    told["rules"] = conversions(question, answer, catalogue)
    return told, owners
