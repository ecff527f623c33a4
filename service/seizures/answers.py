"""What records of every kind are answered with over HTTP: their receipt, their signed form, their place in the log."""

from collections.abc import Collection
from http import HTTPStatus
from uuid import UUID

import orjson
from fastapi import Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from service.base64url import encode
from service.identity.caller import Caller
from service.ledger.models import Log
from service.problems import Problem
from service.records.sdjwt import MAX_RECORD_BYTES, MEDIA_TYPE
from service.seizures import read
from service.seizures.filing import filing_for
from service.seizures.submit import held_to, submit
from service.web import gives, verified_body

JSON = "application/json"
FILED = gives(JSON, status=201, text="Filed") | gives(JSON, text="The same again: the first receipt")


def json_of(document: object) -> Response:
    """A document as JSON."""
    return Response(orjson.dumps(document), media_type=JSON)


async def filed(
    request: Request, caller: Caller, session: AsyncSession, kinds: frozenset[str], record_id: UUID | None = None
) -> Response:
    """File the signed record of the body, of one of these kinds, and held to the record of the path where one is named.

    201 with its receipt, or 200 with the first receipt when it is the same again. Raises the Problem it is refused for.
    """
    body = await verified_body(request, MEDIA_TYPE, limit=MAX_RECORD_BYTES)
    (verdict,) = await submit(session, filing_for(request.app.state, caller, kinds), [body])
    if record_id is not None:
        verdict = held_to(verdict, record_id)
    if isinstance(verdict, Problem):
        raise verdict
    status = HTTPStatus.OK if verdict.fresh is None else HTTPStatus.CREATED
    return Response(orjson.dumps(verdict.document()), status_code=status, media_type=JSON)


def wants_signed(request: Request) -> bool:
    """Whether the record is asked for in the form that its owner signed."""
    return MEDIA_TYPE in request.headers.get("accept", "")


async def signed(session: AsyncSession, record_id: UUID, kinds: Collection[str]) -> tuple[str, Response]:
    """(owner, its signed form with the permitted disclosures); the owner of a recalled record is told so by a header.

    Raises NotFound.
    """
    owner, record, recalled = await read.signed(session, record_id, kinds)
    headers = {"sarhad-recalled": "true"} if recalled else None
    return owner, Response(record, media_type=MEDIA_TYPE, headers=headers)


async def proof(session: AsyncSession, record_id: UUID, kinds: Collection[str]) -> tuple[str, Response]:
    """(owner, the place of the record's latest version in the log). Raises NotFound, LeafNotYetMerged."""
    owner, salt, found = await read.proof(session, record_id, kinds)
    return owner, json_of({"log": Log.RECORDS.value, "salt": encode(salt), **found.document()})
