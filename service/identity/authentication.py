"""From a signed request to a proven caller. The key is read from the database on every request, so a
revocation holds from the next request on, in every worker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from time import monotonic
from typing import Any, NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import CursorResult, TextClause, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database, Word
from service.identity.caller import Caller
from service.identity.models import Agency, AgencyKey, RoleGrant
from service.identity.pace import calls
from service.identity.permission import read_purpose
from service.problems import Problem
from service.settings import Settings
from service.signing import SKEW, Presented, RequestMessage, public_key
from service.signing.request import not_proven


class KeyNotUsable(Problem):
    """The signature is right, and its key may not sign requests now."""

    status = HTTPStatus.UNAUTHORIZED


class ReplayedRequest(Problem):
    """This signed request was received before: sign each attempt anew."""

    status = HTTPStatus.CONFLICT


class TooManyContexts(Problem):
    """Your country's keys hold more combinations of roles, for more purposes, than the exchange keeps apart."""

    status = HTTPStatus.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Claim:
    """A proven caller, the nonce it spends and the token that opens the gate for one transaction."""

    caller: Caller
    nonce: str
    expires: datetime
    token: str | None
    word: Word | None = None  # by which a replica may answer
    charged: str | None = None  # whose share of the connections it uses, where that is not the caller's country


# Verified against when no key has the name given, so that a refusal takes as long as any other.
_DECOY = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()

_SPEND = text("INSERT INTO core.nonce (kid, nonce, expires_at) VALUES (:kid, :nonce, :expires) ON CONFLICT DO NOTHING")
Minted = tuple[str | None, datetime | None]  # a token, and the leader's time where there is a replica

_MINT = text("SELECT gate.mint(:kid, :purpose), NULL")
_MINT_FOR_REPLICA = text("SELECT gate.mint(:kid, :purpose), gate.beat()")
_TOO_MANY_CONTEXTS = "SG001"  # as gate.enter raises it


def present(scope: Mapping[str, Any], origins: Sequence[str]) -> Presented:
    """The signature of an ASGI request, held against the profile; raises a Problem that tells nothing about
    keys.
    """
    message = RequestMessage.of(scope, *origins)
    message.check(*origins)
    return Presented.read(message)


async def authenticate(
    database: Database, settings: Settings, presented: Presented, *, spend: bool, mint: bool
) -> Claim:
    """Prove the signature and answer with the caller.

    With `spend` the nonce is recorded here, committed before the answer; with `mint` the gate issues a token.
    Raises SignatureRefused, KeyNotUsable, TooManyRequests, UnknownPurpose or ReplayedRequest.
    """
    async with database.authn() as session:
        key, agency, roles = await _key(session, presented)
        _usable(key, datetime.now(UTC))
        await calls(settings).step(key.kid, agency.country)
        purpose, case = read_purpose(presented.message.headers.get("sarhad-purpose"))
        caller = Caller(key.kid, agency.code, agency.country, frozenset(roles), purpose, case)
        token = word = None
        if mint and database.has_replica:
            began = monotonic()
            token, at = await _minted(session, caller, _MINT_FOR_REPLICA)
            word = Word(token, at, began) if token and at else None
        elif mint:
            token, _ = await _minted(session, caller)
        claim = Claim(caller, presented.nonce, _forgotten_at(presented), token, word)
        if spend:
            await spend_nonce(session, claim)
    return claim


async def _minted(session: AsyncSession, caller: Caller, mint: TextClause = _MINT) -> Minted:
    try:
        minted = (await session.execute(mint, {"kid": caller.key_id, "purpose": caller.purpose})).one()
    except DBAPIError as fault:
        if getattr(fault.orig, "sqlstate", None) == _TOO_MANY_CONTEXTS:
            raise TooManyContexts("at most 1024 combinations of agency, roles and purpose a country") from None
        raise
    return minted[0], minted[1]


async def renewed(database: Database, claim: Claim) -> Claim:
    """The claim with a token of this moment, for a body that came slowly: the first one opens transactions that begin
    within two minutes. Raises KeyNotUsable where the key has been revoked meanwhile, TooManyContexts.
    """
    async with database.authn() as session:
        token, _ = await _minted(session, claim.caller)
    if token is None:
        raise KeyNotUsable("this key may not sign any more")
    return replace(claim, token=token, word=None)


async def spend_nonce(session: AsyncSession, claim: Claim) -> None:
    """Record the nonce in the transaction of `session`; raises ReplayedRequest when it is recorded already.

    Two requests that race with one nonce: the second waits for the first to commit or roll back.
    """
    values = {"kid": claim.caller.key_id, "nonce": claim.nonce, "expires": claim.expires}
    result = await session.execute(_SPEND, values)
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        raise ReplayedRequest("nonce and expires were used before with this key")


async def _key(session: AsyncSession, presented: Presented) -> tuple[AgencyKey, Agency, list[str]]:
    """The key that keyid names, once the signature has proven possession of it."""
    roles = (
        select(func.coalesce(func.array_agg(RoleGrant.role), text("'{}'::text[]")))
        .where(RoleGrant.kid == AgencyKey.kid)
        .scalar_subquery()
    )
    found = (
        await session.execute(
            select(AgencyKey, Agency, roles)
            .join(Agency, AgencyKey.agency == Agency.code)
            .where(AgencyKey.kid == presented.key_id)
        )
    ).one_or_none()
    if found is None:
        _refuse_unknown(presented)
    key, agency, held = found
    presented.verify(public_key(key.public_jwk)[0], key.alg)
    return key, agency, held


def _refuse_unknown(presented: Presented) -> NoReturn:
    presented.verify(_DECOY, "EdDSA")
    raise not_proven()


def _usable(key: AgencyKey, now: datetime) -> None:
    if key.use != "request-signing":
        raise KeyNotUsable(f"this key is enrolled for {key.use}, not for request-signing")
    if key.revoked_at is not None and key.revoked_at <= now:
        raise KeyNotUsable(f"this key was revoked at {key.revoked_at.isoformat(timespec='seconds')}")
    if now < key.not_before or (key.not_after is not None and now >= key.not_after):
        raise KeyNotUsable("this key is outside its period of validity")


def _forgotten_at(presented: Presented) -> datetime:
    """When the signature is refused by its window, and the nonce may be forgotten."""
    return datetime.fromtimestamp(presented.expires, UTC) + timedelta(seconds=SKEW)
