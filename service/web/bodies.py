"""Bodies of signed requests: hashed while they arrive, and handed on only once the signed digest holds.

Routes take their body through these, never through the framework's own body parameters, which would parse
bytes that nobody has verified yet (a test walks the routes). The caller dependency must come first: it verifies the
digest field, and receives the body before the route's session opens.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from errno import EDQUOT, ENOSPC
from http import HTTPStatus
from typing import IO, Annotated, Any, ClassVar

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, ValidationError

from service.problems import Problem
from service.signing import DigestReader
from service.web.invalid import invalid
from service.web.json_reader import read_json

_IN_MEMORY = 1 << 20  # bytes of a spooled body kept in memory before it moves to a file
_NEXT_WITHIN = 30.0  # seconds from one piece of a signed body to the next
_UNSIGNED_WITHIN = 10.0  # seconds for the whole of a body that nobody has signed
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


class BodyTooSlow(Problem):
    """The body did not come in time; nothing was stored."""

    status = HTTPStatus.REQUEST_TIMEOUT


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


async def receive(request: Request) -> None:
    """Take the whole body in and hold it against its digest, in bounded memory, before the request holds a connection
    or a snapshot: a body that comes slowly keeps nobody waiting, and nothing of it is parsed yet.

    Raises UnsignedBody, BodyTooLarge, BodyTooSlow, IncompleteBody, DigestMismatch, StorageFull.
    """
    if request.state.digest_field is None or request.method in _BODILESS:
        async for chunk in _chunks(request):
            if chunk:
                raise UnsignedBody("cover content-type and content-digest, or send no body")
        return
    limit = getattr(request.app.state.settings, getattr(request.state, "body_limit", "request_max_bytes"))
    request.state.body = await _kept(request, limit)


def up_to(setting: str) -> Any:
    """`dependencies=[up_to("batch_max_bytes")]`: the setting that bounds the bodies of a route, where it is not
    `request_max_bytes`.
    """

    async def declare(request: Request) -> None:
        request.state.body_limit = setting

    return Depends(declare)


async def verified_body(request: Request, *media_types: str, limit: int | None = None) -> bytes:
    """The body of a request, of one of `media_types`, at most `limit` bytes where less is taken than of others; its
    digest holds.

    Raises UnsupportedMediaType, UnsignedBody, BodyTooLarge.
    """
    with spooled_body(request, *media_types) as body:
        if limit is not None and body.size > limit:
            raise BodyTooLarge(f"at most {limit} bytes, not {body.size}", limit=limit)
        return body.read()


def spooled_body(request: Request, *media_types: str) -> SpooledBody:
    """A body that may be large; its digest holds. Use as a context manager: `with spooled_body(…) as body`.

    Raises UnsupportedMediaType, UnsignedBody.
    """
    if not hasattr(request.state, "digest_field"):
        raise RuntimeError("a body may be read only after its caller was verified")
    _check_media_type(request, media_types)
    body: SpooledBody | None = getattr(request.state, "body", None)
    if body is None:
        raise UnsignedBody("this needs a body, with content-type and content-digest covered by the signature")
    return body


def unsigned_json(model: type[BaseModel], limit: int) -> Any:
    """`Annotated[Code, unsigned_json(Code, 16_384)]`: a small body of a public route, read as strictly as any. It
    stands before the session among the parameters, so that nobody holds a connection by sending slowly.
    """

    async def read(request: Request) -> BaseModel:
        _check_media_type(request, ("application/json",))
        body = b""
        async with _in_time(_UNSIGNED_WITHIN):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise BodyTooLarge(f"at most {limit} bytes", limit=limit)
        return _model(model, read_json(body))

    read.__dict__["body"] = (model, ("application/json",))  # for the description of the interface
    return Depends(read)


def json_body(model: type[BaseModel], *media_types: str) -> Any:
    """`Annotated[Proposal, json_body(Proposal)]`: a verified body, read strictly and validated."""
    accepted = media_types or ("application/json",)

    async def read(request: Request) -> BaseModel:
        return _model(model, read_json(await verified_body(request, *accepted)))

    read.__dict__["body"] = (model, accepted)  # for the description of the interface
    return Depends(read)


def _model(model: type[BaseModel], value: Any) -> BaseModel:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_context=False, include_input=False)) from None


async def _kept(request: Request, limit: int) -> SpooledBody:
    """The body in memory while small, else in a nameless temporary file."""
    announced = int(request.headers.get("content-length", "0"))
    if announced > limit:
        raise BodyTooLarge(f"at most {limit} bytes, announced {announced}", limit=limit)
    directory = request.app.state.settings.state_dir
    file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=directory)  # noqa: SIM115
    digest, size = DigestReader(request.state.digest_field), 0
    try:
        async for chunk in _chunks(request):
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(f"at most {limit} bytes", limit=limit)
            await request.state.meter(len(chunk))
            digest.update(chunk)
            if size > _IN_MEMORY:
                await asyncio.to_thread(file.write, chunk)
            else:
                file.write(chunk)
        if size < announced:
            raise IncompleteBody(f"announced {announced} bytes, received {size}")
        digest.check()
    except BaseException as fault:
        with suppress(OSError):  # closing writes what is buffered, and may find the disk full again
            file.close()
        if isinstance(fault, OSError) and fault.errno in (ENOSPC, EDQUOT):
            raise StorageFull("the disk for large bodies is full: send a smaller batch, or try later") from None
        raise
    return SpooledBody(file, size)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """Raises BodyTooSlow."""
    chunks = request.stream()
    while True:
        async with _in_time(_NEXT_WITHIN):
            chunk = await anext(chunks, None)
        if chunk is None:
            return
        yield chunk


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise BodyTooSlow(f"nothing of the body, or not all of it, came within {seconds:g} s") from None


def _check_media_type(request: Request, accepted: tuple[str, ...]) -> None:
    essence = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if accepted and essence not in accepted:
        raise UnsupportedMediaType(f"expected content-type {' or '.join(accepted)}", expected=list(accepted))


class Nothing(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")


Empty = Annotated[Nothing, json_body(Nothing)]  # the body of what is done without a word
