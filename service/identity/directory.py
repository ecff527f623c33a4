"""The registry as members see it, and the public key directory.

Keys that sign-ins brought live for a working day, so a list of them tells who works when. The public directory has none
of them: it serves who verifies what agencies sign by machine, and these keys' requests are verified by the service
alone. Members list those of their own country. What an officer signs for others (a record, a listing, a review) names
its key, and `kid` gives the record-signing key of that name to any member, for ever: whoever can ask has seen something
signed with it. To another country its validity is told in whole days of UTC, within which it lies, and an end that is
no more than the end of a session is not told; a revocation by an officer is, to the second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.documents import CountryView, KeyView
from service.identity.groups import groups_known_to
from service.identity.models import Agency, AgencyKey, Change, Country, RoleGrant, in_force
from service.identity.people import BY_SIGN_IN, ORDINARY_ENDS
from service.paging import InvalidCursor

MEDIA_TYPE = "application/http-message-signatures-directory+json"
_SIGNED_IN = AgencyKey.enrolled_by.startswith(BY_SIGN_IN, autoescape=True)


async def countries(session: AsyncSession, asking: str) -> list[CountryView]:
    """Every country of the exchange, with the groups that it is in; to an observer or third country only its own."""
    circles = await groups_known_to(session, asking)
    rows = (await session.scalars(select(Country).order_by(Country.code))).all()
    return [
        CountryView(
            code=row.code,
            name=row.name,
            status=row.status,
            groups=[code for code, within in circles.items() if row.code in within],
        )
        for row in rows
    ]


def agencies(country: str | None) -> Select[Agency]:
    query = select(Agency).order_by(Agency.code)
    return query.where(Agency.country == country) if country else query


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which keys: of an agency, for a use, or the one of this name."""

    agency: str | None = None
    use: str | None = None
    kid: str | None = None


async def keys(
    session: AsyncSession, country: str, wanted: Wanted, *, after: str | None, limit: int
) -> tuple[Sequence[Row[AgencyKey, Sequence[str]]], str | None]:
    """A page of keys as `country` may list them, also revoked ones (old records are verified with them), and the cursor
    of the next page.
    """
    roles = func.array_agg(aggregate_order_by(RoleGrant.role, RoleGrant.role)).filter(RoleGrant.role.is_not(None))
    place = tuple_(AgencyKey.agency, AgencyKey.enrolled_at, AgencyKey.kid)
    query = (
        select(AgencyKey, roles)
        .outerjoin(RoleGrant, RoleGrant.kid == AgencyKey.kid)
        .group_by(AgencyKey.kid)
        .order_by(AgencyKey.agency, AgencyKey.enrolled_at, AgencyKey.kid)
        .limit(limit + 1)
    )
    if wanted.agency:
        query = query.where(AgencyKey.agency == wanted.agency)
    if wanted.use:
        query = query.where(AgencyKey.use == wanted.use)
    lasting = or_(~_SIGNED_IN, func.left(AgencyKey.agency, 2) == country)
    if wanted.kid:
        query = query.where(AgencyKey.kid == wanted.kid, or_(lasting, AgencyKey.use == "record-signing"))
    else:
        query = query.where(lasting)
    if after:
        last = await session.scalar(select(AgencyKey).where(AgencyKey.kid == after, lasting))
        if last is None:
            raise InvalidCursor("send the request without a cursor to start from the first page")
        query = query.where(place > tuple_(last.agency, last.enrolled_at, last.kid))
    rows = (await session.execute(query)).all()
    return rows[:limit], rows[limit - 1][0].kid if len(rows) > limit else None


async def changes(
    session: AsyncSession, country: str, state: str | None, *, after: UUID | None, limit: int
) -> tuple[Sequence[Change], UUID | None]:
    """A page of a country's changes, newest first, and the cursor of the next page."""
    query = select(Change).where(Change.country == country)
    query = query.order_by(Change.proposed_at.desc(), Change.id.desc()).limit(limit + 1)
    if state:
        query = query.where(Change.state == state)
    if after:
        last = await session.scalar(select(Change).where(Change.id == after, Change.country == country))
        if last is None:
            raise InvalidCursor("send the request without a cursor to start from the first page")
        query = query.where(tuple_(Change.proposed_at, Change.id) < tuple_(last.proposed_at, last.id))
    rows = (await session.scalars(query)).all()
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def view(row: Row[AgencyKey, Sequence[str]], country: str) -> KeyView:
    key, roles = row
    shown = KeyView(
        kid=key.kid,
        agency=key.agency,
        use=key.use,
        alg=key.alg,
        jwk=key.public_jwk,
        roles=list(roles or ()),
        not_before=key.not_before,
        not_after=key.not_after,
        revoked_at=key.revoked_at,
        revocation_reason=key.revocation_reason,
    )
    foreign = key.enrolled_by.startswith(BY_SIGN_IN) and key.agency[:2] != country
    return _in_whole_days(shown) if foreign else shown


def _in_whole_days(key: KeyView) -> KeyView:
    """As another country is told of the key of a session."""
    told: dict[str, Any] = {"not_before": _midnight(key.not_before)}
    if key.not_after is not None:
        told["not_after"] = _midnight(key.not_after) + timedelta(days=1)
    if key.revocation_reason in ORDINARY_ENDS:
        told |= {"revoked_at": None, "revocation_reason": None}
    return key.model_copy(update=told)


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def current() -> Select[AgencyKey]:
    """Keys in force now that lie at agencies."""
    return select(AgencyKey).where(~_SIGNED_IN, in_force(func.now())).order_by(AgencyKey.agency, AgencyKey.kid)


def jwk(key: AgencyKey) -> dict[str, Any]:
    """A directory entry: JWK (RFC 7517) with validity in seconds and the key's one use."""
    entry: dict[str, Any] = {
        **key.public_jwk,
        "kid": key.kid,
        "alg": key.alg,
        "use": "sig",
        "agency": key.agency,
        "sarhad_use": key.use,
        "nbf": int(key.not_before.timestamp()),
    }
    if key.not_after is not None:
        entry["exp"] = int(key.not_after.timestamp())
    return entry
