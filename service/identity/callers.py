"""The callers a route may declare. Every route outside the public list declares one; a test walks the routes.

    @router.post("/v1/seizures")
    async def file(caller: Submitter, session: WriteSession, …)

A reading caller spends its nonce in its own short transaction; a writing caller spends it in the route's
WriteSession, so a refused write may be sent again as it is, and a committed one may not. Where shared data is
read or written, the session also receives the context token of the gate (`sarhad.context`).
"""

from functools import partial
from inspect import Signature, signature
from time import monotonic
from typing import Annotated

from fastapi import Depends, Request

from service.identity.authentication import Claim, authenticate, present, renewed, spend_nonce
from service.identity.behalf import READERS, enter
from service.identity.caller import Caller
from service.identity.pace import volume
from service.identity.permission import permit
from service.web import ReadSession, WriteSession, receive

FILING = frozenset({"reporter", "laboratory"})
_LASTING = 60.0  # seconds that a token is used after it was minted; it opens transactions for twice as long
PRETENDED = "sarhad.pretended"  # where the ASGI scope holds the Claim of a preview; no request can put one there


class CallerDependency:
    """A dependency that answers with the proven caller, or refuses: first by the signature, then by the roles, then by
    the body, which is taken in whole; only then does the session of the request open.
    """

    spends = True  # the nonce, before the route; else in the route's own transaction
    mints = True  # a token that opens the gate
    reads = False  # through the gate: the answer is accounted for before it leaves
    late = False  # a replica may answer, a stated while behind

    def __init__(self, roles: tuple[str, ...], *, purpose: bool = False) -> None:
        self.roles = frozenset(roles)
        self.purpose = purpose

    @property
    def __signature__(self) -> Signature:
        """What the framework asks for first: the claim that this caller's own roles allow."""
        own = signature(type(self).__call__)
        _, *parameters = own.parameters.values()
        claim = Annotated[Claim, Depends(self.claim)]
        return own.replace(parameters=[p.replace(annotation=claim) if p.name == "claim" else p for p in parameters])

    async def claim(self, request: Request) -> Claim:
        if self.reads and self.spends and isinstance(pretended := request.scope.get(PRETENDED), Claim):
            request.state.caller = pretended.caller
            request.state.charged = pretended.charged
            request.state.reads_shared = self.purpose
            permit(pretended.caller, self.roles, purpose=self.purpose)
            return pretended
        if isinstance(proven := getattr(request.state, "proven", None), Claim):
            return proven  # asked again, after a replica failed
        state = request.app.state
        presented = present(request.scope, state.settings.origins)
        claim = await authenticate(state.database, state.settings, presented, spend=self.spends, mint=self.mints)
        request.state.caller = claim.caller
        request.state.reads = self.reads
        request.state.reads_shared = self.reads and (self.purpose or not self.spends)
        request.state.digest_field = presented.digest_field
        request.state.covered = presented.components  # what the signature says; other headers change no meaning
        request.state.meter = partial(volume(state.settings).step, claim.caller.key_id, claim.caller.country)
        permit(claim.caller, self.roles, purpose=self.purpose)
        began = monotonic()
        await receive(request)
        if self.mints and monotonic() - began > _LASTING:
            claim = await renewed(state.database, claim)
        if self.late and claim.word is not None and not claim.caller.roles & FILING:
            request.state.proven, request.state.word = claim, claim.word
        return claim


class Present(CallerDependency):
    """A caller that reads what every member may read: catalogues, places, the directory, the logs."""

    mints = False

    async def __call__(self, claim: Claim) -> Caller:
        return claim.caller


class Reading(CallerDependency):
    """A caller that reads through the gate: the ReadSession carries its context token."""

    reads = True

    def __init__(self, roles: tuple[str, ...], *, purpose: bool = False, late: bool = False) -> None:
        super().__init__(roles, purpose=purpose)
        self.late = late

    async def __call__(self, request: Request, claim: Claim, session: ReadSession) -> Caller:
        request.state.policy = await enter(session, claim.token)
        return claim.caller


class Writing(CallerDependency):
    """A caller that writes through the gate; its nonce is spent in the business transaction.

    Where it is answered with records, or figures of them, it `reads` too: the answer is accounted for like a reading.
    """

    spends = False

    def __init__(self, roles: tuple[str, ...], *, purpose: bool = False, reads: bool = False) -> None:
        super().__init__(roles, purpose=purpose)
        self.reads = reads

    async def __call__(self, request: Request, claim: Claim, session: WriteSession) -> Caller:
        request.state.policy = await enter(session, claim.token)
        await spend_nonce(session, claim)
        return claim.caller


class Governing(CallerDependency):
    """A caller that changes the registry, which the gate does not guard; its nonce is spent with it."""

    spends = mints = False

    async def __call__(self, claim: Claim, session: WriteSession) -> Caller:
        await spend_nonce(session, claim)
        return claim.caller


def present_as(*roles: str) -> Present:
    """`Annotated[Caller, Depends(present_as("auditor"))]`: signed, holding one of `roles` (or any key)."""
    return Present(roles)


def reading(*roles: str, purpose: bool = True, late: bool = False) -> Reading:
    """`Annotated[Caller, Depends(reading("analyst"))]`: reads shared data, for a stated purpose."""
    return Reading(roles, purpose=purpose, late=late)


def writing(*roles: str, purpose: bool = False, reads: bool = False) -> Writing:
    """`Annotated[Caller, Depends(writing("policy_officer"))]`: writes what the gate guards."""
    return Writing(roles, purpose=purpose, reads=reads)


Member = Annotated[Caller, Depends(present_as())]
# Whoever holds a key, as its country: the catalogue with the provisional entries that it may know.
CatalogueReader = Annotated[Caller, Depends(reading(purpose=False))]
# Reads what every member may read, and what is its own country's: provisional substances, lists of controlled ones.
RegisteredReader = Annotated[Caller, Depends(reading(*READERS, "auditor", purpose=False))]
RegistryReader = Annotated[Caller, Depends(reading("key_administrator", "auditor", purpose=False))]
Reader = Annotated[Caller, Depends(reading(*READERS))]
# Asks of many records at a time: a replica may answer. Whoever may file finds what it filed, so the leader answers it.
LateReader = Annotated[Caller, Depends(reading(*READERS, late=True))]
# Is told when its own country's records were filed, and shown none of them.
Supervisor = Annotated[Caller, Depends(reading("key_administrator", "policy_officer", "auditor", purpose=False))]
# Sees what its own country holds, and what is shared without a purpose (nothing).
Owner = Annotated[Caller, Depends(reading(*READERS, "auditor", purpose=False))]
# The access log tells who read what, and shows none of it.
StatementReader = Annotated[Caller, Depends(reading("auditor", "policy_officer", purpose=False))]
ReadingsAuditor = Annotated[Caller, Depends(reading("auditor", purpose=False))]
PolicyDrafter = Annotated[Caller, Depends(reading("policy_officer", purpose=False))]
PolicyReader = Annotated[Caller, Depends(reading("policy_officer", "auditor", "analyst", purpose=False))]
Submitter = Annotated[Caller, Depends(writing("reporter", "laboratory"))]
Registrant = Annotated[Caller, Depends(writing("laboratory"))]
# Drafts what the country reports to others; its policy officer approves.
PackDrafter = Annotated[Caller, Depends(writing("analyst", "policy_officer", reads=True))]
# Is shown its own country's records, and counts of them, as a policy would give them to others.
PolicyTrier = Annotated[Caller, Depends(writing("policy_officer", reads=True))]
PolicyOfficer = Annotated[Caller, Depends(writing("policy_officer"))]
# The public tier: an analyst or the coordinator proposes and releases; an owner's officer may withdraw too.
Publisher = Annotated[Caller, Depends(writing("analyst", "coordinator"))]
Withdrawer = Annotated[Caller, Depends(writing("analyst", "coordinator", "policy_officer"))]
# Whoever acts upon its own key.
Governor = Annotated[Caller, Depends(Governing(()))]
KeyAdministrator = Annotated[Caller, Depends(Governing(("key_administrator",)))]
# Reads and settles what is addressed to its agency or its country; no content of records is shown.
Correspondent = Annotated[Caller, Depends(reading(*READERS, purpose=False))]
Official = Annotated[Caller, Depends(writing(*READERS))]
# Issues and ends what its country says to others; sees, for the signed purpose, what that rests on.
AlertIssuer = Annotated[Caller, Depends(writing("policy_officer", "coordinator", purpose=True))]
# Asks for more of a record that is shared with it; the purpose it signs is what it would be given it for.
Asker = Annotated[Caller, Depends(writing(*READERS, purpose=True))]
