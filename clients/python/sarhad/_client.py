"""The client for plain, synchronous code. What it sends and reads is in `_calls`."""

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
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


class Client(AbstractContextManager["Client"]):
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
            calls.read_problem(response)
            self._session.pin(calls.service().parse(response))

    def _once(self, call: Call[T]) -> T:
        request = self._session.request(self._http, call)
        try:
            response = self._http.send(request, auth=self._session.auth(public=call.public))
        except httpx.TransportError as fault:
            raise unreachable(self._session.service, fault) from fault
        calls.read_problem(response)
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

    def service(self) -> dict[str, Any]:
        """What the service says about itself: keys, log origins, limits."""
        return self.perform(calls.service())

    def submit(self, record: str) -> Receipt:
        """Submit one signed record, of any kind or version; the same record again gives the first receipt."""
        return self.perform(calls.submit(record))

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
                        calls.read_problem(response)
                    for chunk in response.iter_bytes():
                        answer.write(chunk)
            except httpx.TransportError as fault:
                raise unreachable(self._session.service, fault) from fault
            yield from verdicts(answer, batch.lines)

    def search(self, **filters: Any) -> Page:
        """One page. Filters as in `GET /v1/seizures`; `from_` for `from`."""
        return self.perform(calls.search(filters))

    def search_all(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every record that matches, page after page."""
        cursor: str | None = filters.pop("cursor", None)
        while True:
            page = self.search(**filters, cursor=cursor)
            yield from page.items
            if page.next is None:
                return
            cursor = page.next

    def get(self, record_id: str) -> dict[str, Any]:
        """What this reader may see of a record, as JSON with the values the service derived."""
        return self.perform(calls.get(record_id))

    def get_record(self, record_id: str) -> str:
        """The owner-signed record itself, with the disclosures this reader may have (SD-JWT)."""
        return self.perform(calls.get_record(record_id))

    def versions(self, record_id: str) -> dict[str, Any]:
        """The history of a record."""
        return self.perform(calls.versions(record_id))

    def proof(self, record_id: str) -> dict[str, Any]:
        """Inclusion proof and checkpoint of a record's leaf."""
        return self.perform(calls.proof(record_id))

    def resolve_substances(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Catalogue codes for names as reported; `code` is None where there is no certain match."""
        return self.perform(calls.resolve_substances(names))

    def resolve_units(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Units for unit texts as reported."""
        return self.perform(calls.resolve_units(names))

    def resolve_places(self, queries: Iterable[Mapping[str, str | None]]) -> list[dict[str, Any]]:
        """Administrative units for `{country, division, place}` texts."""
        return self.perform(calls.resolve_places(queries))

    def get_policy(self, country: str) -> dict[str, Any]:
        """The sharing policy in force of a country."""
        return self.perform(calls.get_policy(country))

    def put_policy(self, country: str, signed: str) -> dict[str, Any]:
        """Adopt a policy signed with `policies.sign_policy` for one's own country (role policy_officer)."""
        return self.perform(calls.put_policy(country, signed))

    def changes(self, **params: Any) -> dict[str, Any]:
        """Proposed and decided changes of keys and roles."""
        return self.perform(calls.changes(params))

    def propose_change(self, change: Mapping[str, Any]) -> dict[str, Any]:
        """Propose a change of keys or roles (role key_administrator)."""
        return self.perform(calls.propose_change(change))

    def approve_change(self, change_id: str) -> dict[str, Any]:
        """Approve a change that another officer proposed."""
        return self.perform(calls.approve_change(change_id))

    def keys(self, **params: Any) -> dict[str, Any]:
        """The directory of keys."""
        return self.perform(calls.keys(params))

    def revoke_key(self, kid: str, reason: str) -> dict[str, Any]:
        """Revoke a key of one's own country, from the next request on."""
        return self.perform(calls.revoke_key(kid, reason))

    def checkpoint(self, log: str = "records") -> str:
        """The newest signed checkpoint of a log (C2SP signed note)."""
        return self.perform(calls.checkpoint(log))
