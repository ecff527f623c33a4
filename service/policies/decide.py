"""Decide upon a proposed policy: a second officer approves it over its digest, or it is rejected or withdrawn."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import orjson
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import violated
from service.identity.caller import Caller
from service.identity.change import ProposerNoLongerOfficer, SecondOfficerRequired
from service.identity.governance import record
from service.identity.officers import same_hand, still_holds
from service.identity.record_keys import record_signing_keys
from service.policies.life import LAPSE, Owner, states
from service.policies.models import OwnPolicy, PolicyDecision
from service.policies.named import judged
from service.policies.pace import step
from service.policies.propose import EffectiveInThePast, own
from service.policies.signed import APPROVAL, digest, verified
from service.problems import NotFound, Problem
from service.signin.fresh import Party

_ADOPT = text("SELECT gate.adopt(CAST(:country AS char(2)), :layer, :version, CAST(:rules AS jsonb), :effective)")


class ProposalDecided(Problem):
    """This proposal was approved, rejected or withdrawn before."""

    status = HTTPStatus.CONFLICT


class ProposalLapsed(Problem):
    """This proposal waited too long for a second officer: propose it anew as the next version."""

    status = HTTPStatus.CONFLICT


class ApprovalOfAnother(Problem):
    """The approval is signed for another policy than the one proposed under this number."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def approve(
    session: AsyncSession,
    officer: Caller,
    owner: Owner,
    version: int,
    *,
    signed: bytes,
    group_bits: dict[str, int],
    per_hour: int,
    party: Party,
) -> PolicyDecision:
    """Put a proposal in force from its instant on, or at once.

    `signed` is a JWS over {approves, country, agency?, version, sha256, passkey?}; where a sign-in brought a key of the
    officer, `passkey` is the fresh assertion that `challenge` asked for. Raises NotYourPolicy, NotFound,
    ProposalDecided, ProposalLapsed, SecondOfficerRequired, ProposerNoLongerOfficer, PolicySignatureInvalid,
    ApprovalOfAnother, FreshPasskeyRequired, ChallengeNotValid, PasskeyRefused, EffectiveInThePast,
    TooManyPolicyChanges, and MalformedPolicy where a group that it names has ended since, or a country is no member
    any more.
    """
    own(officer, owner)
    await step(session, owner.country, per_hour)
    proposal = await _pending(session, owner, version)
    approval, key_id = await verified(session, officer, signed, APPROVAL)
    await _second(session, officer, proposal, key_id)
    passkey = approval.pop("passkey", None)
    _for_this(approval, owner, proposal)
    await party.confirm(session, {officer.key_id, key_id}, _bound(owner, proposal), passkey)
    await _proposer_may_still(session, proposal)
    policy, rules = await judged(session, proposal.document, owner, group_bits)
    now = await session.scalar(select(func.now())) or datetime.now(UTC)
    if policy.effective is not None and policy.effective <= now:
        raise EffectiveInThePast("its instant has passed: propose it anew with a later one", pointer="/effective")
    decision = _decision(officer, owner, version, "approved", now)
    decision.key_id, decision.signed, decision.effective_at = key_id, signed.decode(), policy.effective or now
    await _keep(session, decision)
    await _adopt(session, decision, rules)
    facts = {"approval": digest(signed), "effective": decision.effective_at.isoformat(), "signed_by": key_id}
    await _log(session, "approve-policy", proposal, officer, **facts)
    return decision


async def challenge(session: AsyncSession, officer: Caller, owner: Owner, version: int, party: Party) -> dict[str, Any]:
    """{ticket, options}: what a passkey answers over the digest of this proposal, and of no other document.

    Raises NotYourPolicy, NotFound, ProposalDecided, ProposalLapsed, SecondOfficerRequired.
    """
    own(officer, owner)
    proposal = await _pending(session, owner, version)
    await _second(session, officer, proposal, officer.key_id)
    return party.ask(_bound(owner, proposal))


async def reject(session: AsyncSession, officer: Caller, owner: Owner, version: int, reason: str) -> PolicyDecision:
    """End a proposal without effect: withdrawn by who proposed it, rejected by any other officer.

    Raises NotYourPolicy, NotFound, ProposalDecided, ProposalLapsed.
    """
    own(officer, owner)
    proposal = await _pending(session, owner, version)
    withdrawn = await same_hand(session, proposal.proposed_by, officer.key_id)
    decision = _decision(officer, owner, version, "withdrawn" if withdrawn else "rejected", datetime.now(UTC))
    decision.reason = reason
    await _keep(session, decision)
    await _log(session, "withdraw-policy" if withdrawn else "reject-policy", proposal, officer, reason=reason)
    return decision


def _decision(officer: Caller, owner: Owner, version: int, decision: str, at: datetime) -> PolicyDecision:
    return PolicyDecision(
        country=owner.country,
        layer=owner.layer,
        version=version,
        decision=decision,
        decided_by=officer.key_id,
        decided_at=at,
    )


async def _adopt(session: AsyncSession, decision: PolicyDecision, rules: list[dict[str, Any]]) -> None:
    """From the instant on, the gate holds every reader to these rules."""
    await session.execute(
        _ADOPT,
        {
            "country": decision.country,
            "layer": decision.layer,
            "version": decision.version,
            "rules": orjson.dumps(rules).decode(),
            "effective": decision.effective_at,
        },
    )


async def _log(session: AsyncSession, act: str, proposal: OwnPolicy, officer: Caller, **facts: str) -> None:
    known = {"layer": proposal.layer, "version": proposal.version, "digest": digest(proposal.signed.encode())}
    await record(session, proposal.country, act, **known, **facts, by=officer.key_id)


async def _pending(session: AsyncSession, owner: Owner, version: int) -> OwnPolicy:
    found = await session.get(OwnPolicy, (owner.country, owner.layer, version))
    if found is None:
        raise NotFound(f"no version {version} of this policy was proposed")
    if found.decision is not None:
        raise ProposalDecided(f"it was {found.decision}")
    if states([found], datetime.now(UTC))[version] == "lapsed":
        raise ProposalLapsed(f"proposals lapse after {LAPSE.days} days")
    return found


async def _second(session: AsyncSession, officer: Caller, proposal: OwnPolicy, key_id: str) -> None:
    """Two officers: neither who calls nor who signs is who proposed or signed the proposal."""
    for first in (proposal.proposed_by, proposal.key_id):
        if await same_hand(session, first, officer.key_id):
            raise SecondOfficerRequired("another policy officer of your country must approve")
        if await same_hand(session, first, key_id):
            raise SecondOfficerRequired("the approval is signed by the hand that proposed")


def _bound(owner: Owner, proposal: OwnPolicy) -> bytes:
    """What a passkey says yes to."""
    return f"approve-policy {owner} {proposal.version} {digest(proposal.signed.encode())}".encode()


def _for_this(approval: dict[str, Any], owner: Owner, proposal: OwnPolicy) -> None:
    expected = {
        "approves": "sarhad-policy/1",
        "country": owner.country,
        **({"agency": owner.agency} if owner.agency else {}),
        "version": proposal.version,
        "sha256": digest(proposal.signed.encode()),
    }
    for name in {**expected, **approval}:
        if orjson.dumps(approval.get(name)) != orjson.dumps(expected.get(name)):
            wanted = {"expected": expected[name]} if name in expected else {}
            raise ApprovalOfAnother(f"{name} is another than the proposal's", pointer=f"/{name}", **wanted)


async def _proposer_may_still(session: AsyncSession, proposal: OwnPolicy) -> None:
    officer = await still_holds(session, proposal.proposed_by or "", "policy_officer")
    signing = await record_signing_keys(session, [proposal.key_id], datetime.now(UTC))
    if not officer or not signing:
        raise ProposerNoLongerOfficer("propose it anew with keys that are in force and may propose policies")


async def _keep(session: AsyncSession, decision: PolicyDecision) -> None:
    session.add(decision)
    try:
        await session.flush()
    except IntegrityError as refused:
        if not violated(refused, "policy_decision_pkey"):
            raise
        raise ProposalDecided("another officer decided upon it a moment ago") from None
