"""The laboratories that reports name are agencies of the exchange: what one of them finds is looked for there."""

from collections.abc import Sequence
from http import HTTPStatus

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import Agency
from service.problems import Problem
from service.seizures.row import Candidate


class UnknownAgency(Problem):
    """No agency of this code is enrolled."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def hold_to_enrolled(session: AsyncSession, judged: Sequence[Candidate | Problem]) -> list[Candidate | Problem]:
    """The same, with UnknownAgency in the place of each report that names a laboratory nobody enrolled."""
    named = {code for entry in judged if (code := _laboratory(entry)) is not None}
    if not named:
        return list(judged)
    enrolled = await _enrolled(session, named)
    return [entry if (code := _laboratory(entry)) is None or code in enrolled else _unknown(code) for entry in judged]


async def check_enrolled(session: AsyncSession, code: str) -> None:
    """Raises UnknownAgency."""
    if not await _enrolled(session, {code}):
        raise _unknown(code)


async def _enrolled(session: AsyncSession, named: set[str]) -> set[str]:
    return set(await session.scalars(select(Agency.code).where(Agency.code.in_(sorted(named)))))


def _laboratory(entry: Candidate | Problem) -> str | None:
    if isinstance(entry, Problem):
        return None
    return next((line["examined_by"] for line in entry.lines), None)


def _unknown(code: str) -> UnknownAgency:
    return UnknownAgency(f"no agency has the code {code}", pointer="/laboratory/agency")
