"""The logs over HTTP: checkpoints, tiles and proofs, the same for every member.

The app says who a member is when it includes this router; the ledger knows hashes, not callers.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, Field

from service.base64url import decode, encode
from service.ledger import proofs
from service.ledger.merkle import HASH_SIZE, TileId
from service.ledger.models import Log
from service.ledger.tiles import parse_path
from service.problems import Problem
from service.web import ReadSession

router = APIRouter(prefix="/v1/log", tags=["log"])

_MAX_SIZE = 2**63 - 1


class InvalidLeaf(Problem):
    """A leaf is named by its hash, 32 bytes in base64url without padding."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class InvalidTileName(Problem):
    """The tile's name is not one of C2SP tlog-tiles."""

    status = HTTPStatus.NOT_FOUND


class InclusionDocument(BaseModel):
    """A leaf is in a tree: hashes in base64url, the audit path of RFC 6962 §2.1.1, the signed checkpoint."""

    log: Log
    leaf: str
    index: int
    size: int
    path: list[str]
    checkpoint: Annotated[str, Field(description="C2SP signed note over origin, size and root.")]


class ConsistencyDocument(BaseModel):
    """The tree of `from` leaves begins the tree of `to`: hashes in base64url, as in RFC 6962 §2.1.2."""

    log: Log
    old: Annotated[int, Field(serialization_alias="from")]
    new: Annotated[int, Field(serialization_alias="to")]
    path: list[str]


@router.get("/{log}/checkpoint", response_class=PlainTextResponse)
async def checkpoint(log: Log, session: ReadSession) -> PlainTextResponse:
    """The newest checkpoint, a C2SP signed note."""
    _, note = await proofs.latest_checkpoint(session, log)
    return PlainTextResponse(note)


@router.get(
    "/{log}/tile/{level}/{name:path}",
    response_class=Response,
    responses={HTTPStatus.OK: {"description": "Hashes", "content": {"application/octet-stream": {}}}},
)
async def tile(log: Log, level: Annotated[int, Path(ge=0, le=7)], name: str, session: ReadSession) -> Response:
    """A tile of C2SP tlog-tiles: up to 256 hashes of 32 bytes. `000` is full, `000.p/5` its first 5."""
    try:
        n, width = parse_path(name)
    except ValueError as wrong:
        raise InvalidTileName(str(wrong)) from None
    hashes = await proofs.tile(session, log, TileId(level, n), width)
    return Response(hashes, media_type="application/octet-stream")


@router.get("/{log}/proof")
async def proof(log: Log, leaf: Annotated[str, Query(max_length=64)], session: ReadSession) -> InclusionDocument:
    """Proof that a leaf is in the log under its newest checkpoint."""
    found = await proofs.inclusion(session, log, _leaf(leaf))
    return InclusionDocument(
        log=log,
        leaf=leaf,
        index=found.index,
        size=found.size,
        path=[encode(value) for value in found.path],
        checkpoint=found.checkpoint,
    )


@router.get("/{log}/consistency")
async def consistency(
    log: Log,
    old: Annotated[int, Query(alias="from", ge=0, le=_MAX_SIZE)],
    new: Annotated[int, Query(alias="to", ge=0, le=_MAX_SIZE)],
    session: ReadSession,
) -> ConsistencyDocument:
    """Proof that an earlier tree is the beginning of a later one."""
    found = await proofs.consistency(session, log, old, new)
    return ConsistencyDocument(log=log, old=old, new=new, path=[encode(value) for value in found.path])


def _leaf(text: str) -> bytes:
    try:
        leaf = decode(text.encode())
    except ValueError:
        leaf = b""
    if len(leaf) != HASH_SIZE:
        raise InvalidLeaf("expected 43 characters of base64url", pointer="/leaf")
    return leaf
