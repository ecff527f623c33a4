"""Bodies of signed requests: hashed while they arrive, and handed on only once the signed digest holds.

Routes take their body through these, never through the framework's own body parameters, which would parse
bytes that nobody has verified yet (a test walks the routes). The caller dependency must come first: without
the digest field that it verified, reading a body is a programming error.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from http import HTTPStatus
from typing import IO, Any, ClassVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from service.problems import Problem
from service.signing import DigestReader
from service.web.invalid import invalid
from service.web.json_reader import read_json

_IN_MEMORY = 1 << 20  # bytes of a spooled body kept in memory before it moves to a file
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class BodyTooLarge(Problem):
    """The body is larger than this service takes at once."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsignedBody(Problem):
    """The request has a body that its signature does not cover."""

    status = HTTPStatus.BAD_REQUEST


class UnsupportedMediaType(Problem):
    """The body is not of a type that this route reads."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class IncompleteBody(Problem):
    """The body ended before its announced length."""

    status = HTTPStatus.BAD_REQUEST


class StorageFull(Problem):
    """The service has no room for a body of this size now; nothing was stored."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    headers: ClassVar[Mapping[str, str]] = {"retry-after": "60"}


class SpooledBody:
    """A verified body, in memory while small and in a nameless temporary file otherwise."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.size = size  # bytes

    def __enter__(self) -> "SpooledBody":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def lines(self, limit: int) -> Iterator[bytes]:
        """The lines without their line feed. A line longer than `limit` bytes comes cut to `limit` + 1."""
        self._file.seek(0)
        while line := self._file.readline(limit + 2):
            if line.endswith(b"\n"):
                yield line[:-1]
                continue
            yield line[: limit + 1]
            while len(line) == limit + 2 and not line.endswith(b"\n"):
                line = self._file.readline(limit + 2)

    def read(self) -> bytes:
        self._file.seek(0)
        return self._file.read()


async def refuse_unsigned_body(request: Request) -> None:
    """Raises UnsignedBody when a request without a signed digest, or of a bodiless method, has a body."""
    if request.state.digest_field is None or request.method in _BODILESS:
        async for chunk in request.stream():
            if chunk:
                raise UnsignedBody("cover content-type and content-digest, or send no body")


async def verified_body(request: Request, limit: int, *media_types: str) -> bytes:
    """A small body, at most `limit` bytes, of one of `media_types`; its digest holds.

    Raises BodyTooLarge, UnsupportedMediaType, UnsignedBody, DigestMismatch.
    """
    _check_media_type(request, media_types)
    return b"".join([chunk async for chunk in _verified_chunks(request, limit)])


async def spooled_body(request: Request, limit: int, *media_types: str) -> SpooledBody:
    """A large body, at most `limit` bytes, in bounded memory; its digest holds before the first byte is
    parsed.

    Raises as `verified_body`, and StorageFull. Use as a context manager: `with await spooled_body(...) as body`.
    """
    _check_media_type(request, media_types)
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=request.app.state.settings.state_dir)  # noqa: SIM115
    size = 0
    try:
        async for chunk in _verified_chunks(request, limit):
            size += len(chunk)
            if size > _IN_MEMORY:
                await asyncio.to_thread(file.write, chunk)
            else:
                file.write(chunk)
    except BaseException as fault:
        with suppress(OSError):  # closing writes what is buffered, and may find the disk full again
            file.close()
        if isinstance(fault, OSError) and fault.errno in (ENOSPC, EDQUOT):
            raise StorageFull("the disk for large bodies is full: send a smaller batch, or try later") from None
        raise
    return SpooledBody(file, size)


def json_body(model: type[BaseModel], *media_types: str) -> Any:
    """`Annotated[Proposal, json_body(Proposal)]`: a verified body, read strictly and validated."""
    accepted = media_types or ("application/json",)

    async def read(request: Request) -> BaseModel:
        limit = request.app.state.settings.request_max_bytes
        value = read_json(await verified_body(request, limit, *accepted))
        try:
            return model.model_validate(value)
        except ValidationError as error:
            raise invalid(error.errors(include_url=False, include_context=False, include_input=False)) from None

    read.__dict__["body"] = (model, accepted)  # for the description of the interface
    return Depends(read)


async def _verified_chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    if not hasattr(request.state, "digest_field"):
        raise RuntimeError("a body may be read only after its caller was verified")
    if request.state.digest_field is None:
        raise UnsignedBody("this needs a body, with content-type and content-digest covered by the signature")
    announced = int(request.headers.get("content-length", "0"))
    if announced > limit:
        raise BodyTooLarge(f"at most {limit} bytes, announced {announced}", limit=limit)
    digest, size = DigestReader(request.state.digest_field), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(f"at most {limit} bytes", limit=limit)
        digest.update(chunk)
        yield chunk
    if size < announced:
        raise IncompleteBody(f"announced {announced} bytes, received {size}")
    digest.check()


def _check_media_type(request: Request, accepted: tuple[str, ...]) -> None:
    essence = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if accepted and essence not in accepted:
        raise UnsupportedMediaType(f"expected content-type {' or '.join(accepted)}", expected=list(accepted))
