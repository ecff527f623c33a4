"""The client for plain, synchronous code. What it can ask is in `_methods`; this module sends it."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
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


class Client(Methods, AbstractContextManager["Client"]):
    """A synchronous client of one service, acting with one agency's request key.

    Every method raises ProblemError when the service refuses, ServiceUnreachable when it does not answer, and
    UnverifiedResponse when what answers is not the service. Reads and submissions are tried again by
    themselves.
    """

    def __init__(
        self,
        profile: Profile | None = None,
        *,
        service: str | None = None,
        key: PrivateKey | None = None,
        service_key: PublicKey | None = None,
        purpose: str | None = None,
        case: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._session = Session.of(
            profile=profile, service=service, key=key, service_key=service_key, purpose=purpose, case=case
        )
        self._http = httpx.Client(timeout=TIMEOUT, transport=transport)

    def close(self) -> None:
        self._http.close()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def service_key(self) -> PublicKey:
        """The pinned key of the service; fetched and pinned when there is none yet."""
        self._learn_service_key()
        return self._session.known_key()

    def _learn_service_key(self) -> None:
        if self._session.service_key is None:
            try:
                response = self._http.get(self._session.service + "/v1/service")
            except httpx.TransportError as fault:
                raise unreachable(self._session.service, fault) from fault
            read_problem(response)
            self._session.pin(service().parse(response))

    def _once(self, call: Call[T]) -> T:
        request = self._session.request(self._http, call)
        try:
            response = self._http.send(request, auth=self._session.auth(public=call.public))
        except httpx.TransportError as fault:
            raise unreachable(self._session.service, fault) from fault
        read_problem(response)
        return call.parse(response)

    def perform(self, call: Call[T]) -> T:
        """Perform one call, with the retries it allows."""
        self._learn_service_key()
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(call)
            except (ServiceUnreachable, ProblemError) as fault:
                wait = wait_before_retry(call.repeatable, fault, attempt)
                if wait is None:
                    raise
                time.sleep(wait)

    @property
    def as_of(self) -> str | None:
        """The moment of the oldest answer so far that is older than now (RFC 3339), where a replica gave one."""
        return self._session.as_of

    @property
    def address(self) -> str:
        """The origin of the service."""
        return self._session.service

    def fetch(self, path: str) -> httpx.Response:
        """GET a path as it is, signed, with the stated purpose; the verified answer, whatever its status."""
        self._learn_service_key()
        request = self._http.build_request("GET", self.address + path, headers=self._session.headers)
        try:
            return self._http.send(request, auth=self._session.auth())
        except httpx.TransportError as fault:
            raise unreachable(self.address, fault) from fault

    def submit_batch(
        self,
        records: Iterable[str],
        *,
        atomic: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Iterator[Verdict]:
        """Submit many records; yields a verdict for each, in order, once the whole answer is verified.

        Records and answer are spooled to disk, never held in memory. `progress(bytes_sent, bytes_in_all)`.
        """
        self._learn_service_key()
        with closing(Batch.of(records)) as batch, tempfile.TemporaryFile() as answer:
            if batch.lines == 0:
                return
            request = self._http.build_request(
                "POST",
                self._session.service + "/v1/batches",
                params=batch_params(atomic, dry_run),
                content=batch.chunks(progress),
                headers=batch.headers,
                timeout=BATCH_TIMEOUT,
            )
            try:
                response = self._http.send(request, auth=self._session.auth(), stream=True)
                with closing(response):
                    if response.status_code >= 400:
                        response.read()
                        read_problem(response)
                    for chunk in response.iter_bytes():
                        answer.write(chunk)
            except httpx.TransportError as fault:
                raise unreachable(self._session.service, fault) from fault
            yield from verdicts(answer, batch.lines)

    def search_all(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every record that matches, page after page."""
        return _every(self.search, **filters)

    def statement_all(self, owner: str, /, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every entry of the statement that matches, page after page."""
        return _every(self.statement, owner, **filters)


def _every(ask: Callable[..., Page], *of: str, **filters: Any) -> Iterator[dict[str, Any]]:
    cursor: str | None = filters.pop("cursor", None)
    while True:
        page = ask(*of, **filters, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return
