"""The callers a route may declare. Every route outside the public list declares one; a test walks the routes.

    @router.post("/v1/seizures")
    async def file(caller: Submitter, session: WriteSession, …)

A reading caller spends its nonce in its own short transaction; a writing caller spends it in the route's
WriteSession, so a refused write may be sent again as it is, and a committed one may not. Where shared data is
read or written, the session also receives the context token of the gate (`sarhad.context`).
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.authentication import Claim, authenticate, present, spend_nonce
from service.identity.caller import Caller
from service.identity.permission import permit
from service.web import ReadSession, WriteSession, refuse_unsigned_body


def _claim(*, spend: bool, mint: bool) -> Callable[[Request], Awaitable[Claim]]:
    async def claim(request: Request) -> Claim:
        state = request.app.state
        presented = present(request.scope, state.settings.origin)
        claim = await authenticate(state.database, state.settings, presented, spend=spend, mint=mint)
        request.state.caller = claim.caller
        request.state.digest_field = presented.digest_field
        await refuse_unsigned_body(request)
        return claim

    return claim


_present = _claim(spend=True, mint=False)
_reading = _claim(spend=True, mint=True)
_writing = _claim(spend=False, mint=True)
_governing = _claim(spend=False, mint=False)


class CallerDependency:
    """A dependency that answers with the proven caller, or refuses."""

    def __init__(self, roles: tuple[str, ...], *, purpose: bool = False) -> None:
        self.roles = frozenset(roles)
        self.purpose = purpose


class Present(CallerDependency):
    """A caller that reads what every member may read: catalogues, places, the directory, the logs."""

    async def __call__(self, claim: Annotated[Claim, Depends(_present)]) -> Caller:
        permit(claim.caller, self.roles, purpose=self.purpose)
        return claim.caller


class Reading(CallerDependency):
    """A caller that reads through the gate: the ReadSession carries its context token."""

    async def __call__(self, claim: Annotated[Claim, Depends(_reading)], session: ReadSession) -> Caller:
        permit(claim.caller, self.roles, purpose=self.purpose)
        await _enter(session, claim)
        return claim.caller


class Writing(CallerDependency):
    """A caller that writes through the gate; its nonce is spent in the business transaction."""

    async def __call__(self, claim: Annotated[Claim, Depends(_writing)], session: WriteSession) -> Caller:
        permit(claim.caller, self.roles, purpose=self.purpose)
        await _enter(session, claim)
        await spend_nonce(session, claim)
        return claim.caller


class Governing(CallerDependency):
    """A caller that changes the registry, which the gate does not guard; its nonce is spent with it."""

    async def __call__(self, claim: Annotated[Claim, Depends(_governing)], session: WriteSession) -> Caller:
        permit(claim.caller, self.roles, purpose=self.purpose)
        await spend_nonce(session, claim)
        return claim.caller


async def _enter(session: AsyncSession, claim: Claim) -> None:
    await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": claim.token})


def present_as(*roles: str) -> Present:
    """`Annotated[Caller, Depends(present_as("auditor"))]`: signed, holding one of `roles` (or any key)."""
    return Present(roles)


def reading(*roles: str, purpose: bool = True) -> Reading:
    """`Annotated[Caller, Depends(reading("analyst"))]`: reads shared data, for a stated purpose."""
    return Reading(roles, purpose=purpose)


def writing(*roles: str) -> Writing:
    """`Annotated[Caller, Depends(writing("policy_officer"))]`: writes what the gate guards."""
    return Writing(roles)


_READERS = ("analyst", "reporter", "laboratory", "policy_officer", "coordinator")

Member = Annotated[Caller, Depends(present_as())]
Auditor = Annotated[Caller, Depends(present_as("auditor"))]
RegistryReader = Annotated[Caller, Depends(present_as("key_administrator", "auditor"))]
Reader = Annotated[Caller, Depends(reading(*_READERS))]
# Sees what its own country holds, and what is shared without a purpose (nothing).
Owner = Annotated[Caller, Depends(reading(*_READERS, "auditor", purpose=False))]
PolicyReader = Annotated[Caller, Depends(reading("policy_officer", "auditor", "analyst", purpose=False))]
Submitter = Annotated[Caller, Depends(writing("reporter", "laboratory"))]
PolicyOfficer = Annotated[Caller, Depends(writing("policy_officer"))]
KeyAdministrator = Annotated[Caller, Depends(Governing(("key_administrator",)))]
