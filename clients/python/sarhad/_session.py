"""What both clients share: where the service is, which keys are used, when a call is tried again."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import httpx

from sarhad._calls import Call
from sarhad.errors import ConfigurationError, ProblemError, ServiceUnreachable
from sarhad.keys import PrivateKey, PublicKey
from sarhad.profile import Profile
from sarhad.signing import SignedRequests, purpose_field

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
BATCH_TIMEOUT = httpx.Timeout(600.0, connect=10.0)  # the service answers a batch when it is decided as a whole
TRIES = 4
_TRY_AGAIN = frozenset({429, 502, 503, 504})


@dataclass
class Session:
    """What both clients know: where the service is, which key signs, which service key answers.

    `as_of` is the moment of the oldest answer that a replica gave (`sarhad-as-of`), None where all are of now.
    """

    service: str
    key: PrivateKey | None
    service_key: PublicKey | None = None
    profile: Profile | None = None
    headers: dict[str, str] = field(default_factory=dict)
    as_of: str | None = None

    @classmethod
    def of(
        cls,
        *,
        profile: Profile | None,
        service: str | None,
        key: PrivateKey | None,
        service_key: PublicKey | None,
        purpose: str | None,
        case: str | None,
    ) -> Self:
        if profile is None and service is None:
            raise ConfigurationError("A client needs a profile, or a service address and a key.")
        if profile is not None:
            service = service or profile.service
            key = key or profile.load_request_key()
            service_key = service_key or profile.service_key
        assert service is not None
        headers = {"sarhad-purpose": purpose_field(purpose, case)} if purpose else {}
        return cls(service.rstrip("/"), key, service_key, profile, headers)

    def known_key(self) -> PublicKey:
        if self.service_key is None:
            raise ConfigurationError("The key of the service is not known yet.")
        return self.service_key

    def pin(self, document: Mapping[str, Any]) -> None:
        """Trust on first use: remember the key the service answered with, and those that it says it had before; in the
        profile if there is one.
        """
        former = tuple(PublicKey.from_jwk(dict(jwk)) for jwk in document.get("former_keys", ()))
        self.follow(replace(offered_keys(document)[0], former=former))

    def follow(self, key: PublicKey) -> None:
        """Trust this key of the service from now on: the first one met, or the one that the one before vouched for."""
        self.service_key = key
        if self.profile is not None:
            self.profile = self.profile.pinned(key)
            self.profile.save()

    def auth(self, *, public: bool = False) -> SignedRequests:
        return SignedRequests(None if public else self.key, self.known_key, self.follow, self._dated)

    def _dated(self, moment: str) -> None:
        self.as_of = min(moment, self.as_of or moment)

    def request(self, client: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
        headers = {**self.headers, **call.headers} if call.purposeful or call.method == "GET" else dict(call.headers)
        return client.build_request(
            call.method,
            self.service + call.path,
            params=call.params or None,
            content=call.content,
            headers=headers,
        )


def offered_keys(document: Mapping[str, Any]) -> list[PublicKey]:
    """The service keys of a `/v1/service` document, newest first."""
    keys = document.get("keys")
    if isinstance(keys, Mapping):
        keys = keys.get("keys")
    if not isinstance(keys, list) or not keys:
        raise ServiceUnreachable("What answers at this address is not a Sarhad service: it names no key.")
    return [PublicKey.from_jwk(dict(jwk)) for jwk in keys]


def wait_before_retry(call_repeatable: bool, fault: Exception, attempt: int) -> float | None:
    """Seconds to wait before another try, or None to give up: only what cannot happen twice is repeated."""
    if attempt >= TRIES or not call_repeatable:
        return None
    if isinstance(fault, ProblemError) and fault.status not in _TRY_AGAIN:
        return None
    if isinstance(fault, ProblemError) and fault.status == 429:
        return min(float(fault.members.get("retry_after", 1)), 60.0)
    return float(min(0.25 * 2**attempt, 5.0)) * (0.5 + random.random())  # noqa: S311 (jitter, not a secret)


def unreachable(service: str, fault: httpx.TransportError) -> ServiceUnreachable:
    return ServiceUnreachable(
        "Cannot reach {service}: {fault}.", service=service, fault=str(fault) or type(fault).__name__
    )


def batch_params(atomic: bool, dry_run: bool) -> dict[str, str] | None:
    chosen = {name: "true" for name, on in (("atomic", atomic), ("dry_run", dry_run)) if on}
    return chosen or None
