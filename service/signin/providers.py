"""National OpenID Connect providers (OpenID Connect Core 1.0): one of them says who sits at the console.

Authorization code flow with PKCE (RFC 7636), once for each sign-in: no cookie, no token is kept. The `nonce` of the ID
token is the challenge that names the browser's two keys, so a token certifies these keys and no others; `state` is the
ticket of that challenge. A provider says only who somebody is (`iss`, `sub`): which officer that is, two key
administrators have said with an enrolment code, as they do for a passkey.
"""

import hashlib
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from service.base64url import encode
from service.problems import NotFound, Problem
from service.reach import Unreached
from service.settings import Provider
from service.signin.hearing import Unheard, heard, keys_of, reachable

KEPT = 3600.0  # seconds for which what a provider publishes of itself is believed
ANEW = 60.0  # seconds before an unknown key is asked for again
LEEWAY = 30  # seconds by which clocks may differ
ALGORITHMS = ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "EdDSA"]
LOOKING_UP = 4  # names of one provider at a time
_SUBJECT = re.compile(r"[ -~]{1,255}")  # OpenID Connect Core 1.0 §2
_log = structlog.get_logger("sarhad.providers")


class ProviderUnavailable(Problem):
    """The country's provider of identities does not answer, or not as OpenID Connect says; nothing was changed."""

    status = HTTPStatus.BAD_GATEWAY


class IdentityRefused(Problem):
    """The provider's answer does not identify an officer for these keys: begin again."""

    status = HTTPStatus.FORBIDDEN


class _Metadata(BaseModel):
    """What is used of OpenID Connect Discovery 1.0 §3, and of RFC 9207 §3."""

    model_config = ConfigDict(extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authorization_response_iss_parameter_supported: bool = False


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
        self._return_to = f"{console}/console/?at="  # each its own: what one sends is never taken for another's
        self._names = {country: ThreadPoolExecutor(LOOKING_UP, f"names of {country}") for country in self._providers}
        self._known: dict[str, _Known] = {}

    async def address(self, country: str, ticket: bytes, nonce: bytes, verifier: bytes) -> str:
        """Where the browser goes (OpenID Connect Core 1.0 §3.1.2.1). Raises NotFound, ProviderUnavailable."""
        provider = self._of(country)
        known = await self._learn(country, provider)
        asked = {
            "response_type": "code", "scope": "openid", "client_id": provider.client_id,
            "redirect_uri": self._return_to + country, "state": ticket.hex(), "nonce": encode(nonce),
            # Posts share computers: whoever sits there now has to say who it is.
            "prompt": "login",
            "code_challenge": encode(hashlib.sha256(encode(verifier).encode()).digest()),
            "code_challenge_method": "S256",
        }  # fmt: skip
        endpoint = known.metadata.authorization_endpoint
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"

    async def identify(self, country: str, code: str, iss: str | None, nonce: bytes, verifier: bytes) -> Identity:
        """Whom the provider has identified, for the challenge that the browser was sent with; `iss` is who sent the
        browser back with the code, where that was said (RFC 9207).

        Raises NotFound, ProviderUnavailable, IdentityRefused.
        """
        provider = self._of(country)
        known = await self._learn(country, provider)
        if iss != provider.issuer and (iss or known.metadata.authorization_response_iss_parameter_supported):
            raise IdentityRefused("it was not this provider that sent the browser back")
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._return_to + country,
            "client_id": provider.client_id, "code_verifier": encode(verifier),
        }  # fmt: skip
        answer = await self._ask(provider, known.metadata.token_endpoint, form)
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
        found = await self._ask(provider, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            metadata = _Metadata.model_validate(found)
            if metadata.issuer != provider.issuer:
                raise Unheard("OtherIssuer")
            for endpoint in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
                reachable(provider, endpoint)
            keys = keys_of(await self._ask(provider, metadata.jwks_uri))
        except (Unheard, ValidationError) as fault:
            raise _unavailable(country, fault) from None
        self._known[country] = known = _Known(metadata, keys, now)
        return known

    async def _ask(self, provider: Provider, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        """The JSON object of an answer; {} of a refusal. A form is posted. Raises ProviderUnavailable."""
        try:
            return await heard(provider, url, form, self._names[provider.country])
        except (Unreached, Unheard) as fault:
            raise _unavailable(provider.country, fault) from None


def _unavailable(country: str, fault: Exception) -> ProviderUnavailable:
    """The same for every fault: whoever may name addresses learns nothing of what is there."""
    _log.warning("provider", country=country, fault=str(fault) if isinstance(fault, Unheard | Unreached) else "Unread")
    return ProviderUnavailable("try again later, or use your passkey; the operator sees the reason")


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
    except (JoseError, ValueError, RecursionError) as fault:
        raise IdentityRefused(f"the ID token does not hold: {type(fault).__name__}") from None
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise IdentityRefused("the ID token was made for another client")
    if not _SUBJECT.fullmatch(claims["sub"]):
        raise IdentityRefused("the ID token names nobody: `sub` is at most 255 characters of ASCII")
    return str(claims["sub"])
