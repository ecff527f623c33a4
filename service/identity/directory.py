"""The registry as members see it, and the public key directory."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from service.identity.documents import KeyView
from service.identity.models import Agency, AgencyKey, Change, Country, RoleGrant

MEDIA_TYPE = "application/http-message-signatures-directory+json"


def countries() -> Select[Country]:
    return select(Country).order_by(Country.code)


def agencies(country: str | None) -> Select[Agency]:
    query = select(Agency).order_by(Agency.code)
    return query.where(Agency.country == country) if country else query


def keys(agency: str | None, use: str | None) -> Select[AgencyKey, Sequence[str]]:
    """Every key, also revoked ones: old records are verified with them."""
    roles = func.array_agg(aggregate_order_by(RoleGrant.role, RoleGrant.role)).filter(RoleGrant.role.is_not(None))
    query = (
        select(AgencyKey, roles)
        .outerjoin(RoleGrant, RoleGrant.kid == AgencyKey.kid)
        .group_by(AgencyKey.kid)
        .order_by(AgencyKey.agency, AgencyKey.enrolled_at, AgencyKey.kid)
    )
    if agency:
        query = query.where(AgencyKey.agency == agency)
    return query.where(AgencyKey.use == use) if use else query


def changes(country: str, state: str | None) -> Select[Change]:
    query = select(Change).where(Change.country == country).order_by(Change.proposed_at.desc(), Change.id)
    return query.where(Change.state == state) if state else query


def view(row: Row[AgencyKey, Sequence[str]]) -> KeyView:
    key, roles = row
    return KeyView(
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


def current() -> Select[AgencyKey]:
    """Keys in force now."""
    now = func.now()
    return (
        select(AgencyKey)
        .where(
            AgencyKey.revoked_at.is_(None),
            AgencyKey.not_before <= now,
            AgencyKey.not_after.is_(None) | (AgencyKey.not_after > now),
        )
        .order_by(AgencyKey.agency, AgencyKey.kid)
    )


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
