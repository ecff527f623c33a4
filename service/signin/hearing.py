"""What a provider answers, at addresses of its own or in the public network: as it travels, and not too much of it."""

import base64
from concurrent.futures import Executor
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, quote_plus, urlencode, urlsplit

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from service.reach import PORTS, answered, resolve
from service.settings import Provider

SECONDS = 5.0  # that a provider may take for an answer
LARGEST = 262_144  # bytes of an answer
_LOOPBACK = ("127.0.0.0/8", "::1/128")


class Unheard(Exception):
    """Why nothing was heard of a provider: for the operator's log, and for nobody who asks from outside."""


def reachable(provider: Provider, url: str) -> tuple[SplitResult, tuple[str, ...]]:
    """The parts of an address, and the networks outside the public one that it may be in: by the word of the operator,
    who has set the issuer, and never by that of the provider. Raises Unheard.
    """
    try:
        parts, home = urlsplit(url), urlsplit(provider.issuer)
        own = (parts.scheme, parts.hostname, parts.port) == (home.scheme, home.hostname, home.port)
        usual = parts.scheme == "https" and (parts.port or 443) in PORTS
    except ValueError:
        raise Unheard("NoAddress") from None
    if parts.hostname is None or parts.username is not None or parts.fragment or not (own or usual):
        raise Unheard("AddressRefused")
    return parts, provider.networks + (_set(home.hostname) if own else ())


def _set(host: str | None) -> tuple[str, ...]:
    """The address that an issuer is set as, where it is one: the operator may set a private one."""
    if host == "localhost":
        return _LOOPBACK
    try:
        return (str(ip_address(host or "")),)
    except ValueError:
        return ()


async def heard(provider: Provider, url: str, form: dict[str, str] | None, names: Executor) -> dict[str, Any]:
    """The JSON object of an answer; {} of a refusal. A form is posted, else it is got. Raises Unreached, Unheard."""
    parts, networks = reachable(provider, url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await resolve(parts.hostname or "", port, networks, names)
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    if form is not None:
        headers |= {"content-type": "application/x-www-form-urlencoded"} | _login(provider)
    method, content = ("GET", b"") if form is None else ("POST", urlencode(form).encode())
    try:
        async with answered(method, url, address, content=content, headers=headers, seconds=SECONDS) as answer:
            status, body = answer.status_code, await _body(answer)
        document = orjson.loads(body) if status == HTTPStatus.OK else {}
    except (httpx.InvalidURL, ValueError):
        raise Unheard("Unread") from None
    if status not in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
        raise Unheard(f"Status{status}")
    if not isinstance(document, dict):
        raise Unheard("Unread")
    return document


def _login(provider: Provider) -> dict[str, str]:
    """RFC 6749 §2.3.1, of a client that has a secret."""
    if provider.client_secret is None:
        return {}
    both = map(quote_plus, (provider.client_id, provider.client_secret.get_secret_value()))
    return {"authorization": f"Basic {base64.b64encode(':'.join(both).encode()).decode()}"}


async def _body(answer: httpx.Response) -> bytes:
    """As it travels: what is packed is not unpacked, for a few bytes may be many. Raises Unheard."""
    if "content-encoding" in answer.headers:
        raise Unheard("Packed")
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > LARGEST:
            raise Unheard("TooLarge")
    return body


def keys_of(document: dict[str, Any]) -> KeySet:
    """The keys of a JWK Set that are understood; the others are passed over (RFC 7517 §5). Raises Unheard."""
    given, keys = document.get("keys"), list[Key]()
    for jwk in given if isinstance(given, list) else []:
        with suppress(JoseError, ValueError, TypeError, KeyError, AttributeError):
            keys.append(JWKRegistry.import_key(jwk))
    if not keys:
        raise Unheard("NoKeys")
    return KeySet(keys)
