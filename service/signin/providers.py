"""National OpenID Connect providers (OpenID Connect Core 1.0): one of them says who sits at the console.

Authorization code flow with PKCE (RFC 7636), once for each sign-in: no cookie, no token is kept. The `nonce` of the ID
token is the challenge that names the browser's two keys, so a token certifies these keys and no others; `state` is the
ticket of that challenge. A provider says only who somebody is (`iss`, `sub`): which officer that is, two key
administrators have said with an enrolment code, as they do for a passkey.
"""

import asyncio
import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from service.base64url import encode
from service.problems import NotFound, Problem
from service.settings import Provider

SECONDS = 5.0  # that a provider may take for an answer
KEPT = 3600.0  # seconds for which what a provider publishes of itself is believed
ANEW = 60.0  # seconds before an unknown key is asked for again
LARGEST = 262_144  # bytes of an answer
LEEWAY = 30  # seconds by which clocks may differ
ALGORITHMS = ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "EdDSA"]


class ProviderUnavailable(Problem):
    """The country's provider of identities does not answer, or not as OpenID Connect says; nothing was changed."""

    status = HTTPStatus.BAD_GATEWAY


class IdentityRefused(Problem):
    """The provider's answer does not identify an officer for these keys: begin again."""

    status = HTTPStatus.FORBIDDEN


class _Metadata(BaseModel):
    """What is used of OpenID Connect Discovery 1.0 §3."""

    model_config = ConfigDict(extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody, as an issuer names it: `sub` is never used for another (OpenID Connect Core 1.0 §2)."""

    issuer: str
    subject: str


@dataclass(slots=True)
class _Known:
    metadata: _Metadata
    keys: KeySet
    at: float


class Providers:
    """Those that the settings name, each for its country."""

    def __init__(self, providers: Iterable[Provider], console: str) -> None:
        self._providers = {provider.country: provider for provider in providers}
        self._return_to = f"{console}/console/"
        self._known: dict[str, _Known] = {}

    async def address(self, country: str, ticket: bytes, nonce: bytes, verifier: bytes) -> str:
        """Where the browser goes (OpenID Connect Core 1.0 §3.1.2.1). Raises NotFound, ProviderUnavailable."""
        provider = self._of(country)
        known = await self._learn(country, provider)
        asked = {
            "response_type": "code", "scope": "openid", "client_id": provider.client_id,
            "redirect_uri": self._return_to, "state": ticket.hex(), "nonce": encode(nonce),
            # Posts share computers: whoever sits there now has to say who it is.
            "prompt": "login",
            "code_challenge": encode(hashlib.sha256(encode(verifier).encode()).digest()),
            "code_challenge_method": "S256",
        }  # fmt: skip
        endpoint = known.metadata.authorization_endpoint
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"

    async def identify(self, country: str, code: str, nonce: bytes, verifier: bytes) -> Identity:
        """Whom the provider has identified, for the challenge that the browser was sent with.

        Raises NotFound, ProviderUnavailable, IdentityRefused.
        """
        provider = self._of(country)
        known = await self._learn(country, provider)
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._return_to,
            "client_id": provider.client_id, "code_verifier": encode(verifier),
        }  # fmt: skip
        secret = provider.client_secret and provider.client_secret.get_secret_value()
        login = httpx.BasicAuth(provider.client_id, secret) if secret else None
        answer = await _ask("POST", known.metadata.token_endpoint, data=form, auth=login)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise IdentityRefused("the provider does not take this code: it holds once, and not for long")
        try:
            subject = subject_of(provider, known.keys, token, nonce)
        except IdentityRefused:  # signed with a key that it has only now, perhaps
            known = await self._learn(country, provider, again=True)
            subject = subject_of(provider, known.keys, token, nonce)
        return Identity(provider.issuer, subject)

    def _of(self, country: str) -> Provider:
        try:
            return self._providers[country]
        except KeyError:
            raise NotFound("this country has no provider of identities here") from None

    async def _learn(self, country: str, provider: Provider, *, again: bool = False) -> _Known:
        known, now = self._known.get(country), time.monotonic()
        if known is not None and now - known.at < (ANEW if again else KEPT):
            return known
        found = await _ask("GET", f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            metadata = _Metadata.model_validate(found)
            keys = KeySet.import_key_set(await _ask("GET", metadata.jwks_uri))  # type: ignore[arg-type]
        except (ValidationError, JoseError, ValueError, KeyError, TypeError):
            raise ProviderUnavailable("what the provider publishes of itself cannot be read") from None
        if metadata.issuer != provider.issuer:
            raise ProviderUnavailable("what is published at the issuer's address is another issuer's")
        self._known[country] = known = _Known(metadata, keys, now)
        return known


def subject_of(provider: Provider, keys: KeySet, token: str, nonce: bytes) -> str:
    """The `sub` of an ID token that holds (OpenID Connect Core 1.0 §3.1.3.7). Raises IdentityRefused."""
    wanted = jwt.JWTClaimsRegistry(
        leeway=LEEWAY, iss={"essential": True, "value": provider.issuer}, sub={"essential": True},
        aud={"essential": True, "value": provider.client_id}, exp={"essential": True}, iat={"essential": True},
        nonce={"essential": True, "value": encode(nonce)},
    )  # fmt: skip
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        wanted.validate(claims)
    except (JoseError, ValueError) as fault:
        raise IdentityRefused(f"the ID token does not hold: {type(fault).__name__}") from None
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise IdentityRefused("the ID token was made for another client")
    return str(claims["sub"])


async def _ask(method: str, url: str, **given: Any) -> dict[str, Any]:
    """The JSON object of an answer; {} of a refusal. Redirections are not followed. Raises ProviderUnavailable."""
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(timeout=SECONDS, trust_env=False) as client,
            client.stream(method, url, headers={"accept": "application/json"}, **given) as answer,
        ):
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    raise ProviderUnavailable(f"the provider answers with more than {LARGEST} bytes")
        if answer.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
            return {}
        answer.raise_for_status()
        document = orjson.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as fault:
        raise ProviderUnavailable(f"the provider does not answer: {type(fault).__name__}") from None
    if not isinstance(document, dict):
        raise ProviderUnavailable("the provider answers with something else than a JSON object")
    return document
