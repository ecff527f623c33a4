"""The client for asyncio: the same calls, awaited."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing
from types import TracebackType
from typing import Any, TypeVar

import httpx

from sarhad import _calls as calls
from sarhad._batches import Batch, Progress, verdicts
from sarhad._calls import Call
from sarhad._session import BATCH_TIMEOUT, TIMEOUT, Session, batch_params, unreachable, wait_before_retry
from sarhad.errors import ProblemError, ServiceUnreachable
from sarhad.keys import PrivateKey, PublicKey
from sarhad.models import Page, Receipt, Verdict
from sarhad.profile import Profile

T = TypeVar("T")


class AsyncClient(AbstractAsyncContextManager["AsyncClient"]):
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

    async def _learn_service_key(self) -> None:
        if self._session.service_key is None:
            try:
                response = await self._http.get(self._session.service + "/v1/service")
            except httpx.TransportError as fault:
                raise unreachable(self._session.service, fault) from fault
            calls.read_problem(response)
            self._session.pin(calls.service().parse(response))

    async def _once(self, call: Call[T]) -> T:
        request = self._session.request(self._http, call)
        try:
            response = await self._http.send(request, auth=self._session.auth(public=call.public))
        except httpx.TransportError as fault:
            raise unreachable(self._session.service, fault) from fault
        calls.read_problem(response)
        return call.parse(response)

    async def perform(self, call: Call[T]) -> T:
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

    async def service(self) -> dict[str, Any]:
        return await self.perform(calls.service())

    async def submit(self, record: str) -> Receipt:
        return await self.perform(calls.submit(record))

    async def submit_batch(
        self,
        records: Iterable[str],
        *,
        atomic: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> AsyncIterator[Verdict]:
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
                        calls.read_problem(response)
                    async for chunk in response.aiter_bytes():
                        answer.write(chunk)
                finally:
                    await response.aclose()
            except httpx.TransportError as fault:
                raise unreachable(self._session.service, fault) from fault
            for verdict in verdicts(answer, batch.lines):
                yield verdict

    async def search(self, **filters: Any) -> Page:
        return await self.perform(calls.search(filters))

    async def search_all(self, **filters: Any) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = filters.pop("cursor", None)
        while True:
            page = await self.search(**filters, cursor=cursor)
            for item in page.items:
                yield item
            if page.next is None:
                return
            cursor = page.next

    async def get(self, record_id: str) -> dict[str, Any]:
        return await self.perform(calls.get(record_id))

    async def get_record(self, record_id: str) -> str:
        return await self.perform(calls.get_record(record_id))

    async def versions(self, record_id: str) -> dict[str, Any]:
        return await self.perform(calls.versions(record_id))

    async def proof(self, record_id: str) -> dict[str, Any]:
        return await self.perform(calls.proof(record_id))

    async def resolve_substances(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return await self.perform(calls.resolve_substances(names))

    async def resolve_units(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return await self.perform(calls.resolve_units(names))

    async def resolve_places(self, queries: Iterable[Mapping[str, str | None]]) -> list[dict[str, Any]]:
        return await self.perform(calls.resolve_places(queries))

    async def get_policy(self, country: str) -> dict[str, Any]:
        return await self.perform(calls.get_policy(country))

    async def put_policy(self, country: str, signed: str) -> dict[str, Any]:
        return await self.perform(calls.put_policy(country, signed))

    async def changes(self, **params: Any) -> dict[str, Any]:
        return await self.perform(calls.changes(params))

    async def propose_change(self, change: Mapping[str, Any]) -> dict[str, Any]:
        return await self.perform(calls.propose_change(change))

    async def approve_change(self, change_id: str) -> dict[str, Any]:
        return await self.perform(calls.approve_change(change_id))

    async def keys(self, **params: Any) -> dict[str, Any]:
        return await self.perform(calls.keys(params))

    async def revoke_key(self, kid: str, reason: str) -> dict[str, Any]:
        return await self.perform(calls.revoke_key(kid, reason))

    async def checkpoint(self, log: str = "records") -> str:
        return await self.perform(calls.checkpoint(log))
