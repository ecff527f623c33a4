"""/v1/policies over HTTP."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from sqlalchemy import select

from service.identity.callers import PolicyOfficer, PolicyReader
from service.policies.adopt import adopt
from service.policies.models import OwnPolicy
from service.problems import NotFound
from service.web import ReadSession, WriteSession, verified_body

router = APIRouter(prefix="/v1/policies", tags=["policies"])

Country = Annotated[str, Path(pattern=r"^[A-Z]{2}$")]


@router.put("/{country}")
async def put_policy(
    country: Country, request: Request, caller: PolicyOfficer, session: WriteSession
) -> dict[str, Any]:
    """Adopt the next version of the country's policy: a JWS over the document, by its officer's agency."""
    signed = await verified_body(request, request.app.state.settings.request_max_bytes, "application/jose")
    policy = await adopt(session, caller, country, signed, _group_bits(request))
    return {"country": country, "version": policy.version, "rules": len(policy.rules)}


def _group_bits(request: Request) -> dict[str, int]:
    return {code: group.bit for code, group in request.app.state.reference.catalogue.groups.items()}


@router.get("/{country}", response_class=Response)
async def get_policy(country: Country, caller: PolicyReader, session: ReadSession) -> Response:
    """The policy in force of the caller's own country, with the officer's signature."""
    query = select(OwnPolicy).where(OwnPolicy.country == country).order_by(OwnPolicy.version.desc()).limit(1)
    policy = (await session.scalars(query)).one_or_none()
    if policy is None:
        raise NotFound("no policy of this country is shared with you")
    body = {"version": policy.version, "document": policy.document, "signed": policy.signed}
    return Response(orjson.dumps(body), media_type="application/json")
