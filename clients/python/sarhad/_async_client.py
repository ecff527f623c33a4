"""The client for asyncio: the same calls, awaited."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, closing
from types import TracebackType
from typing import Any, TypeVar

import httpx

from sarhad._batches import Batch, Progress, verdicts
from sarhad._calls import Call, read_problem
from sarhad._methods import Methods
from sarhad._record_calls import service
from sarhad._session import BATCH_TIMEOUT, TIMEOUT, Session, batch_params, unreachable, wait_before_retry
from sarhad.errors import ProblemError, ServiceUnreachable
from sarhad.keys import PrivateKey, PublicKey
from sarhad.models import Page, Verdict
from sarhad.profile import Profile

T = TypeVar("T")


class AsyncClient(Methods, AbstractAsyncContextManager["AsyncClient"]):
    """The same client for asyncio; see Client for what every method does and raises."""

    def __init__(
        self,
        profile: Profile | None = None,
        *,
        service: str | None = None,
        key: PrivateKey | None = None,
        service_key: PublicKey | None = None,
        purpose: str | None = None,
        case: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._session = Session.of(
            profile=profile, service=service, key=key, service_key=service_key, purpose=purpose, case=case
        )
        self._http = httpx.AsyncClient(timeout=TIMEOUT, transport=transport)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def service_key(self) -> Coroutine[Any, Any, PublicKey]:
        """The pinned key of the service, awaited; fetched and pinned when there is none yet."""
        return self._known_key()

    @property
    def as_of(self) -> str | None:
        """The moment of the oldest answer so far that is older than now (RFC 3339), where a replica gave one."""
        return self._session.as_of

    async def _known_key(self) -> PublicKey:
        await self._learn_service_key()
        return self._session.known_key()

    async def _learn_service_key(self) -> None:
        if self._session.service_key is None:
            try:
                response = await self._http.get(self._session.service + "/v1/service")
            except httpx.TransportError as fault:
                raise unreachable(self._session.service, fault) from fault
            read_problem(response)
            self._session.pin(service().parse(response))

    async def _once(self, call: Call[T]) -> T:
        request = self._session.request(self._http, call)
        try:
            response = await self._http.send(request, auth=self._session.auth(public=call.public))
        except httpx.TransportError as fault:
            raise unreachable(self._session.service, fault) from fault
        read_problem(response)
        return call.parse(response)

    async def perform(self, call: Call[T]) -> T:
        """Perform one call, with the retries it allows."""
        await self._learn_service_key()
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(call)
            except (ServiceUnreachable, ProblemError) as fault:
                wait = wait_before_retry(call.repeatable, fault, attempt)
                if wait is None:
                    raise
                await asyncio.sleep(wait)

    @property
    def address(self) -> str:
        """The origin of the service."""
        return self._session.service

    async def fetch(self, path: str) -> httpx.Response:
        """GET a path as it is, signed, with the stated purpose; the verified answer, whatever its status."""
        await self._learn_service_key()
        request = self._http.build_request("GET", self.address + path, headers=self._session.headers)
        try:
            return await self._http.send(request, auth=self._session.auth())
        except httpx.TransportError as fault:
            raise unreachable(self.address, fault) from fault

    async def submit_batch(
        self,
        records: Iterable[str],
        *,
        atomic: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> AsyncIterator[Verdict]:
        """Submit many records; yields a verdict for each, in order, once the whole answer is verified."""
        await self._learn_service_key()
        with closing(Batch.of(records)) as batch, tempfile.TemporaryFile() as answer:
            if batch.lines == 0:
                return
            request = self._http.build_request(
                "POST",
                self._session.service + "/v1/batches",
                params=batch_params(atomic, dry_run),
                content=batch.achunks(progress),
                headers=batch.headers,
                timeout=BATCH_TIMEOUT,
            )
            try:
                response = await self._http.send(request, auth=self._session.auth(), stream=True)
                try:
                    if response.status_code >= 400:
                        await response.aread()
                        read_problem(response)
                    async for chunk in response.aiter_bytes():
                        answer.write(chunk)
                finally:
                    await response.aclose()
            except httpx.TransportError as fault:
                raise unreachable(self._session.service, fault) from fault
            for verdict in verdicts(answer, batch.lines):
                yield verdict

    def search_all(self, **filters: Any) -> AsyncIterator[dict[str, Any]]:
        """Every record that matches, page after page."""
        return _every(self.search, **filters)

    def statement_all(self, owner: str, /, **filters: Any) -> AsyncIterator[dict[str, Any]]:
        """Every entry of the statement that matches, page after page."""
        return _every(self.statement, owner, **filters)


async def _every(ask: Callable[..., Awaitable[Page]], *of: str, **filters: Any) -> AsyncIterator[dict[str, Any]]:
    cursor: str | None = filters.pop("cursor", None)
    while True:
        page = await ask(*of, **filters, cursor=cursor)
        for item in page.items:
            yield item
        cursor = page.next
        if cursor is None:
            return
