"""/v1/policies and /v1/suspensions over HTTP: the life of a policy by two officers, and the kill switch."""

from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from service.identity.callers import PolicyDrafter, PolicyOfficer, PolicyReader
from service.policies import decide, drafts, history, odrl, suspend
from service.policies.differences import differences
from service.policies.life import Owner
from service.policies.named import judged
from service.policies.propose import own, propose
from service.policies.words import Speaker, shadows
from service.signin.challenges import Challenges
from service.signin.documents import Challenge
from service.signin.fresh import Party
from service.web import ReadSession, WriteSession, json_body, verified_body

router = APIRouter(prefix="/v1", tags=["policies"])

JOSE, ODRL = "application/jose", "application/ld+json"
_SIGNED: dict[str, Any] = {"requestBody": {"required": True, "content": {JOSE: {"schema": {"type": "string"}}}}}


OwnerPath = Annotated[
    str,
    Path(
        pattern=r"^[A-Z]{2}(-[A-Z0-9]{2,12})?$",
        description="`KZ`: the country's policy; `KZ-CUS`: the ceiling of one of its agencies.",
    ),
]
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]


async def _group_bits(request: Request) -> dict[str, int]:
    return {code: group.bit for code, group in request.app.state.reference.catalogue.groups.items()}


def _party(request: Request) -> Party:
    state = request.app.state
    return Party(Challenges(state.service_keys.secret), str(state.settings.console))


Passkeys = Annotated[Party, Depends(_party)]
Groups = Annotated[dict[str, int], Depends(_group_bits)]


async def _speaker(request: Request, language: Literal["en", "ru"] = "en") -> Speaker:
    groups = request.app.state.reference.catalogue.groups.values()
    return Speaker(language, {group.code: getattr(group, f"name_{language}") for group in groups})


Words = Annotated[Speaker, Depends(_speaker)]


class Rejection(BaseModel):
    """Why a proposal ends without effect; every officer of the country can read it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Comparison(BaseModel):
    """Which versions are compared."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    to: Annotated[int, Field(ge=1, le=2**31 - 1, description="The later version.")]
    from_: Annotated[
        int | None, Field(alias="from", ge=1, le=2**31 - 1, description="By default what is in force.")
    ] = None
    language: Literal["en", "ru"] = "en"


class Checked(BaseModel):
    """A policy document that nobody has signed yet."""

    model_config = ConfigDict(extra="forbid", strict=True)

    document: dict[str, Any]


@router.post("/policies/{owner}/proposals", status_code=201, openapi_extra=_SIGNED)
async def propose_policy(
    owner: OwnerPath, request: Request, caller: PolicyOfficer, session: WriteSession, groups: Groups
) -> dict[str, Any]:
    """Propose the next version: a JWS over the document. It has no effect until another officer approves it."""
    signed = await verified_body(request, JOSE)
    proposal = await propose(session, caller, Owner.of(owner), signed, groups)
    return {"owner": owner, "version": proposal.version, "state": "proposed", "rules": len(proposal.document["rules"])}


@router.post("/policies/{owner}/proposals/{version}/approval", openapi_extra=_SIGNED)
async def approve_policy(
    *,
    owner: OwnerPath,
    version: Version,
    request: Request,
    caller: PolicyOfficer,
    session: WriteSession,
    groups: Groups,
    party: Passkeys,
) -> dict[str, Any]:
    """Approve what another officer proposed: a JWS over its digest. In force from its instant, or at once.

    Signed with a key of a sign-in it carries a fresh assertion of the officer's passkey, as `/challenge` asks for it.
    """
    signed = await verified_body(request, JOSE)
    per_hour = request.app.state.settings.policy_changes_per_hour
    decision = await decide.approve(
        session, caller, Owner.of(owner), version, signed=signed, group_bits=groups, per_hour=per_hour, party=party
    )
    state = "in-force" if decision.effective_at == decision.decided_at else "scheduled"
    return {"owner": owner, "version": version, "state": state, "effective": decision.effective_at}


@router.post("/policies/{owner}/proposals/{version}/challenge")
async def begin_approval(
    owner: OwnerPath, version: Version, caller: PolicyOfficer, session: WriteSession, party: Passkeys
) -> Challenge:
    """What the passkey of an officer who signed in is asked before it approves: a challenge over this very proposal."""
    return Challenge.model_validate(await decide.challenge(session, caller, Owner.of(owner), version, party))


@router.post("/policies/{owner}/proposals/{version}/rejection")
async def reject_policy(
    owner: OwnerPath,
    version: Version,
    caller: PolicyOfficer,
    session: WriteSession,
    rejection: Annotated[Rejection, json_body(Rejection)],
) -> dict[str, Any]:
    """End a proposal without effect: withdrawn by who proposed it, rejected by another officer."""
    decision = await decide.reject(session, caller, Owner.of(owner), version, rejection.reason)
    return {"owner": owner, "version": version, "state": decision.decision}


@router.post("/policies/{owner}/check")
async def check_policy(
    *,
    owner: OwnerPath,
    caller: PolicyOfficer,
    session: WriteSession,
    draft: Annotated[Checked, json_body(Checked)],
    groups: Groups,
    words: Words,
) -> dict[str, Any]:
    """Whether a document would be taken as a proposal, what it says, and what it changes. Keeps nothing."""
    asked = Owner.of(owner)
    own(caller, asked)
    policy, _ = await judged(session, draft.document, asked, groups)
    return {
        "words": words.document(policy),
        "changes": differences(await history.in_force(session, asked), policy, words),
        "cautions": [words.shadowed(*pair) for pair in shadows(policy)],
    }


@router.post("/policies/{owner}/drafts", status_code=201)
async def begin_draft(
    owner: OwnerPath,
    caller: PolicyOfficer,
    session: WriteSession,
    draft: Annotated[drafts.Draft, json_body(drafts.Draft)],
    groups: Groups,
) -> dict[str, Any]:
    """Keep a draft for the policy officers of your country. It may be unfinished: `fault` says what is wrong."""
    whose = Owner.of(owner)
    own(caller, whose)
    return await drafts.one(session, whose, await drafts.begin(session, caller, whose, draft), groups)


@router.get("/policies/{owner}/drafts")
async def list_drafts(
    owner: OwnerPath,
    request: Request,
    caller: PolicyDrafter,
    session: ReadSession,
    asked: Annotated[drafts.Page, Query()],
) -> dict[str, Any]:
    """The drafts of this policy, without their documents, last changed first."""
    return await drafts.listed(session, caller, Owner.of(owner), asked, request.app.state.cursors)


@router.get("/policies/{owner}/drafts/{id}")
async def get_draft(
    owner: OwnerPath, id: UUID, caller: PolicyDrafter, session: ReadSession, groups: Groups
) -> dict[str, Any]:
    """One draft with its document."""
    return await drafts.one(session, Owner.of(owner), id, groups)


@router.put("/policies/{owner}/drafts/{id}")
async def change_draft(
    *,
    owner: OwnerPath,
    id: UUID,
    caller: PolicyOfficer,
    session: WriteSession,
    wanted: Annotated[drafts.Change, json_body(drafts.Change)],
    groups: Groups,
) -> dict[str, Any]:
    """Save over the revision that you read."""
    whose = Owner.of(owner)
    own(caller, whose)
    await drafts.change(session, caller, whose, id, wanted)
    return await drafts.one(session, whose, id, groups)


@router.delete("/policies/{owner}/drafts/{id}", status_code=204)
async def discard_draft(owner: OwnerPath, id: UUID, caller: PolicyOfficer, session: WriteSession) -> Response:
    """End a draft. One that is proposed ends by itself."""
    whose = Owner.of(owner)
    own(caller, whose)
    await drafts.discard(session, whose, id)
    return Response(status_code=204)


@router.get("/policies/{owner}")
async def get_policy(owner: OwnerPath, caller: PolicyReader, session: ReadSession) -> dict[str, Any]:
    """The policy of the caller's own country: in force, next, proposed, and the history of its versions."""
    return await history.overview(session, caller, Owner.of(owner))


@router.get("/policies/{owner}/versions")
async def list_versions(
    owner: OwnerPath,
    request: Request,
    caller: PolicyReader,
    session: ReadSession,
    asked: Annotated[history.Page, Query()],
) -> dict[str, Any]:
    """Every version that was ever proposed, newest first, with what became of it."""
    return await history.page(session, caller, Owner.of(owner), asked, request.app.state.cursors)


@router.get("/policies/{owner}/versions/{version}")
async def get_version(owner: OwnerPath, version: Version, caller: PolicyReader, session: ReadSession) -> dict[str, Any]:
    """One version with its document and the signatures of both officers."""
    return history.view(*await history.one(session, Owner.of(owner), version))


@router.get("/policies/{owner}/versions/{version}/words")
async def get_words(
    owner: OwnerPath, version: Version, caller: PolicyReader, session: ReadSession, words: Words
) -> dict[str, Any]:
    """One version as sentences."""
    policy = await history.document(session, Owner.of(owner), version)
    return {"owner": owner, "version": version, **words.document(policy)}


@router.get("/policies/{owner}/diff")
async def get_diff(
    owner: OwnerPath,
    caller: PolicyReader,
    session: ReadSession,
    compared: Annotated[Comparison, Query()],
    request: Request,
) -> dict[str, Any]:
    """What a version changes, in words: rules added, removed, moved, and each member of a rule that changed."""
    after = await history.document(session, Owner.of(owner), compared.to)
    if compared.from_ is None:
        before = await history.in_force(session, Owner.of(owner))
    else:
        before = await history.document(session, Owner.of(owner), compared.from_)
    changes = differences(before, after, await _speaker(request, compared.language))
    return {"owner": owner, "from": before and before.version, "to": compared.to, "changes": changes}


@router.get(
    "/policies/{owner}/versions/{version}/odrl", response_class=Response, responses={200: {"content": {ODRL: {}}}}
)
async def get_odrl(owner: OwnerPath, version: Version, caller: PolicyReader, session: ReadSession) -> Response:
    """One version as ODRL 2.2 (JSON-LD), without loss."""
    policy = await history.document(session, Owner.of(owner), version)
    return Response(orjson.dumps(odrl.exported(policy)), media_type=ODRL)


@router.post("/suspensions", status_code=201)
async def suspend_sharing(
    caller: PolicyOfficer, session: WriteSession, order: Annotated[suspend.Order, json_body(suspend.Order)]
) -> dict[str, Any]:
    """The kill switch: whoever is named sees nothing of the country's records from the next request on."""
    return await suspend.suspend(session, caller, order)


@router.get("/suspensions")
async def list_suspensions(
    request: Request, caller: PolicyReader, session: ReadSession, asked: Annotated[suspend.Listed, Query()]
) -> dict[str, Any]:
    """The suspensions of the caller's own country: those in force, or all that ever were, newest first."""
    return await suspend.listed(session, caller, asked, request.app.state.cursors)


@router.post("/suspensions/{id}/lifting")
async def lift_suspension(
    *,
    id: UUID,
    request: Request,
    caller: PolicyOfficer,
    session: WriteSession,
    lifting: Annotated[suspend.Lifting, json_body(suspend.Lifting)],
) -> dict[str, Any]:
    """Share again: a second officer lifts what the first ordered."""
    per_hour = request.app.state.settings.policy_changes_per_hour
    return await suspend.lift(session, caller, id, lifting.reason, per_hour)
