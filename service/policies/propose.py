"""Propose a policy: verify, check, and keep it for a second officer. Nothing is shared by a proposal."""

from datetime import UTC, datetime
from http import HTTPStatus

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import violated
from service.identity.caller import Caller
from service.identity.governance import record
from service.identity.models import Agency
from service.policies import drafts
from service.policies.life import LAPSE, Owner, states
from service.policies.models import OwnPolicy, Policy
from service.policies.named import judged
from service.policies.signed import POLICY, digest, verified
from service.problems import NotFound, Problem


class NotYourPolicy(Problem):
    """Officers propose and decide upon policies of their own country only."""

    status = HTTPStatus.FORBIDDEN


class PolicyOutOfTurn(Problem):
    """This is not the next version of the policy."""

    status = HTTPStatus.CONFLICT


class ProposalPending(Problem):
    """Another version waits for a second officer: approve, reject or withdraw it first."""

    status = HTTPStatus.CONFLICT


class EffectiveInThePast(Problem):
    """A policy takes effect at an instant to come: nothing is shared or taken back for the past."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def propose(
    session: AsyncSession, officer: Caller, owner: Owner, signed: bytes, group_bits: dict[str, int]
) -> Policy:
    """Keep `signed` (compact JWS) as the next version of the policy of `owner`, until a second officer approves it.

    Raises NotYourPolicy, PolicySignatureInvalid, MalformedPolicy, PolicyOutOfTurn, ProposalPending, EffectiveInThePast.
    """
    own(officer, owner)
    document, key_id = await verified(session, officer, signed, POLICY)
    policy, _ = await judged(session, document, owner, group_bits)
    if owner.agency and await session.get(Agency, owner.agency) is None:
        raise NotFound(f"{owner.agency} is not enrolled")
    now = datetime.now(UTC)
    if policy.effective is not None and policy.effective <= now:
        raise EffectiveInThePast("expected an instant to come", pointer="/effective")
    await _in_turn(session, owner, policy.version, now)
    proposal = Policy(
        country=owner.country,
        layer=owner.layer,
        version=policy.version,
        document=document,
        signed=signed.decode(),
        key_id=key_id,
        proposed_by=officer.key_id,
        proposed_at=now,
    )
    session.add(proposal)
    try:
        await session.flush()
    except IntegrityError as refused:
        if not violated(refused, "policy_pkey"):
            raise
        raise PolicyOutOfTurn("another officer proposed this version a moment ago", pointer="/version") from None
    await drafts.proposed(session, owner, document)
    facts = {"layer": owner.layer, "version": policy.version, "digest": digest(signed)}
    await record(session, owner.country, "propose-policy", **facts, by=officer.key_id, signed_by=key_id)
    return proposal


def own(officer: Caller, owner: Owner) -> None:
    """Raises NotYourPolicy unless the policy is of the officer's country."""
    if owner.country != officer.country:
        raise NotYourPolicy(f"your country is {officer.country}")


async def _in_turn(session: AsyncSession, owner: Owner, version: int, now: datetime) -> None:
    """A number is used once, also where its proposal was rejected: it names one document for ever."""
    columns = (OwnPolicy.version, OwnPolicy.proposed_at, OwnPolicy.decision, OwnPolicy.effective_at)
    query = select(*columns).where(OwnPolicy.country == owner.country, OwnPolicy.layer == owner.layer)
    known = states((await session.execute(query)).all(), now)
    for pending, state in known.items():
        if state == "proposed":
            raise ProposalPending(f"version {pending} is proposed; proposals lapse after {LAPSE.days} days")
    following = max(known, default=0) + 1
    if version != following:
        raise PolicyOutOfTurn(f"expected version {following}", pointer="/version", expected=following)
