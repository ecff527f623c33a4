"""How much of the exchange one country's exports may take, all its keys together: jobs under way, bytes kept, and how
many it asks for, also of those that it deletes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import ClassVar, NamedTuple

from sqlalchemy import DateTime, column, func, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import quota
from service.problems import Problem
from service.settings import Settings

_HELD = text("SELECT under_way, bytes, frees FROM gate.country_exports()")
_ASKED = func.gate.exports_asked().table_valued(column("at", DateTime(timezone=True)))


class TooManyExportsOfCountry(Problem):
    """Your country has as many exports under way as it may have at once."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    headers: ClassVar[Mapping[str, str]] = {"retry-after": "60"}


class TooManyExportsInAnHour(Problem):
    """Your country has asked for as many exports as it may in an hour."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class ExportQuotaReached(Problem):
    """The files of your country's exports hold as much as they may."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


class Held(NamedTuple):
    """What the exports of the context's country come to; `frees` is when the first of their files goes."""

    under_way: int
    bytes: int
    frees: datetime | None


async def held(session: AsyncSession) -> Held:
    return Held(*(await session.execute(_HELD)).one())


async def check(session: AsyncSession, settings: Settings) -> None:
    """Before any work. Raises TooManyExportsInAnHour, TooManyExportsOfCountry, ExportQuotaReached."""
    await quota.check(session, _ASKED.c.at, settings.exports_per_hour, quota.HOUR, TooManyExportsInAnHour)
    country = await held(session)
    most = settings.exports_per_country
    if country.under_way >= most:
        raise TooManyExportsOfCountry(f"{country.under_way} are under way: wait for one", limit=most)
    most_bytes = settings.exports_quota_bytes
    if country.bytes >= most_bytes:
        detail = f"at most {most_bytes} bytes together: delete some, or wait until one expires"
        frees = country.frees or datetime.now(UTC)
        wait = max(1, round((frees - datetime.now(UTC)).total_seconds()))
        raise ExportQuotaReached(detail, limit=most_bytes, retry_after=wait)
