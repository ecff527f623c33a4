"""Requests signed and answers verified, as one httpx auth flow (RFC 9421, RFC 9530).

The flow signs every try afresh: new nonce, new time. It then checks that the answer was signed by the
pinned service key *for this request* and replaces the body stream by one that fails when the bytes do not
match the signed digest, so that answers of any size are verified in bounded memory.
"""

import datetime
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Final

import http_sf
import httpx
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, MappingKeyResolver, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException, InvalidSignature

from sarhad.errors import ServiceUnreachable, UnverifiedResponse
from sarhad.keys import PrivateKey, PublicKey
from sarhad.succession import HEADER, succeeded

TAG: Final = "sarhad-1"
PURPOSES: Final = ("analysis", "operational", "forensic", "health", "statistics")
LIFETIME: Final = datetime.timedelta(seconds=120)  # the service allows 300 s

REQUEST_COMPONENTS: Final = ("@method", "@authority", "@target-uri")
RESPONSE_COMPONENTS: Final = ("@status", '"@method";req', '"@target-uri";req')
BODY_COMPONENTS: Final = ("content-type", "content-digest")
AS_OF: Final = "sarhad-as-of"
BOUND_TO_SIGNATURE: Final = '"signature";req;key="sig"'

_ALGORITHMS: Final = {"EdDSA": algorithms.ED25519, "ES256": algorithms.ECDSA_P256_SHA256}


class _ResponseVerifier(HTTPMessageVerifier):
    # Freshness comes from the binding to the request's own nonce, so a post with a wrong clock can still
    # verify.
    max_clock_skew = datetime.timedelta(days=3650)


def content_digest(body: bytes) -> str:
    """The RFC 9530 Content-Digest field value for these bytes."""
    return digest_field(hashlib.sha256(body).digest())


def digest_field(sha256: bytes) -> str:
    """The Content-Digest field value for a SHA-256 already computed."""
    return f"sha-256={http_sf.ser(sha256)}"


def purpose_field(purpose: str, case: str | None = None) -> str:
    """The `sarhad-purpose` value: an RFC 8941 token with an optional case reference (ValueError for
    another).
    """
    if purpose not in PURPOSES:
        raise ValueError(f"{purpose!r} is not a purpose; use one of {', '.join(PURPOSES)}.")
    parameters: dict[str, Any] = {"case": case} if case else {}
    return http_sf.ser((http_sf.Token(purpose), parameters))


@dataclass
class SignedRequests(httpx.Auth):
    """The auth flow of one key. `service_key` is asked at verification, so that a key pinned later is used; `follow` is
    told the key that succeeded it, `dated` as of when an answer is that is older than now.

    Without `key` the request goes out unsigned (public routes) and only the answer is verified.
    """

    key: PrivateKey | None
    service_key: Callable[[], PublicKey]
    follow: Callable[[PublicKey], None] = lambda _: None
    dated: Callable[[str], None] = lambda _: None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self.key is not None:
            sign_request(request, self.key)
        response = yield request
        pinned = self.service_key()
        found = verify_response(response, pinned, signed=self.key is not None)
        if found != pinned:
            self.follow(found)
        if AS_OF in response.headers:
            self.dated(response.headers[AS_OF])


def sign_request(request: httpx.Request, key: PrivateKey) -> None:
    """Sign in place. A streamed body must come with its own `content-digest`; any other is digested here."""
    covered = list(REQUEST_COMPONENTS)
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    if has_body and request.headers.get("content-length") != "0":
        if "content-digest" not in request.headers:
            request.headers["content-digest"] = content_digest(request.content)
        covered += BODY_COMPONENTS
    covered += [name for name in ("sarhad-purpose", "range") if name in request.headers]
    now = datetime.datetime.now(datetime.UTC)
    signer = HTTPMessageSigner(
        signature_algorithm=_ALGORITHMS[key.alg],
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key.kid: key.key}),
    )
    signer.sign(
        request,
        key_id=key.kid,
        created=now,
        expires=now + LIFETIME,
        nonce=secrets.token_urlsafe(24),
        label="sig",
        tag=TAG,
        covered_component_ids=covered,
        use_existing_digest="content-digest" in request.headers,
    )


def verify_response(response: httpx.Response, key: PublicKey, *, signed: bool = True) -> PublicKey:
    """Check signature and binding now, and the body while it is read; the key pinned, or the one that succeeded it.

    Raises UnverifiedResponse; ServiceUnreachable when an unsigned 502, 503 or 504 shows that something in
    between answered in the service's stead.
    """
    if "signature" not in response.headers:
        if response.status_code in {502, 503, 504}:
            raise ServiceUnreachable(
                "The service is not available at present (status {status}).", status=response.status_code
            )
        raise UnverifiedResponse(
            "The answer (status {status}) is not signed: this is not the service, or something in between changed it.",
            status=response.status_code,
        )
    body = response.headers.get("content-length") != "0" and response.status_code not in {204, 304}
    required = list(RESPONSE_COMPONENTS)
    required += BODY_COMPONENTS if body else ()
    required += (BOUND_TO_SIGNATURE,) if signed else ()
    required += (AS_OF,) if AS_OF in response.headers else ()
    key = succeeded(key, response.headers[HEADER].split(",")) if HEADER in response.headers else key
    signer = key.speaking(_signer(response.headers), time.time()) or key
    verifier = _ResponseVerifier(
        signature_algorithm=_ALGORITHMS[signer.alg],
        key_resolver=MappingKeyResolver(public_keys={signer.kid: signer.key}, private_keys={}),
    )
    try:
        verifier.verify(response, expect_tag=TAG, expect_label="sarhad", max_age=None, require_components=required)
    except (InvalidSignature, HTTPMessageSignaturesException) as fault:
        raise UnverifiedResponse(
            "The answer (status {status}) does not verify with the pinned service key {kid}: {fault}",
            status=response.status_code,
            kid=key.kid,
            fault=fault,
        ) from fault
    if body:
        response.stream = _CheckedStream(response.stream, _sha256_member(response.headers["content-digest"]))
    return key


def _signer(headers: httpx.Headers) -> object:
    """The key that the service's signature names, read before it is verified; None where it names none."""
    try:
        fields: Any = http_sf.parse(headers.get("signature-input", "").encode("ascii"), tltype="dictionary")
        return fields["sarhad"][1].get("keyid")
    except (KeyError, ValueError, TypeError, IndexError, AttributeError):
        return None


def _sha256_member(field: str) -> bytes:
    try:
        fields: Any = http_sf.parse(field.encode("ascii"), tltype="dictionary")
        digest, _ = fields["sha-256"]
    except (KeyError, ValueError, TypeError) as fault:
        raise UnverifiedResponse("The answer carries no SHA-256 content digest.") from fault
    return bytes(digest)


class _CheckedStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that ends in UnverifiedResponse unless its bytes have the signed digest."""

    def __init__(self, stream: Any, expected: bytes) -> None:
        self._stream = stream
        self._expected = expected
        self._seen = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._seen.update(chunk)
            yield chunk
        self._check()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._seen.update(chunk)
            yield chunk
        self._check()

    def _check(self) -> None:
        if not hmac.compare_digest(self._seen.digest(), self._expected):
            raise UnverifiedResponse(
                "The body of the answer was changed or cut off: it does not have the signed digest."
            )

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()
