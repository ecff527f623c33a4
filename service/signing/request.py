"""A signed request: taken apart, held against the profile, and proven with the key the directory holds."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

import http_sf
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureKeyResolver,
)
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519

from service.problems import Problem
from service.signing import profile
from service.signing.keys import PublicKey
from service.signing.message import RequestMessage

# JWS name of the key's algorithm (the directory's word) → the RFC 9421 algorithm that alone may verify with
# it.
ALGORITHMS: dict[str, type[HTTPSignatureAlgorithm]] = {"EdDSA": ED25519, "ES256": ECDSA_P256_SHA256}

_ACCEPT = (
    f'{profile.LABEL}=("@method" "@authority" "@target-uri" "content-type" "content-digest" "sarhad-purpose")'
    f';created;expires;nonce;keyid;alg;tag="{profile.TAG}"'
)


class SignatureRefused(Problem):
    """The request does not carry one valid signature of the profile sarhad-1."""

    status = HTTPStatus.UNAUTHORIZED
    headers: ClassVar[Mapping[str, str]] = {
        "www-authenticate": 'Signature realm="sarhad"',
        "accept-signature": _ACCEPT,  # RFC 9421 §5.1
    }


@dataclass(frozen=True, slots=True)
class Presented:
    """What the signature of a request claims about itself. Nothing is believed before `verify` returns."""

    message: RequestMessage
    key_id: str
    algorithm: str
    created: int  # seconds since the epoch
    expires: int
    nonce: str
    components: frozenset[str]

    @classmethod
    def read(cls, message: RequestMessage, now: float | None = None) -> "Presented":
        """Take the signature `sig` apart and hold it against the profile.

        `now` is in seconds since the epoch. Raises SignatureRefused with what was expected; says nothing
        about keys.
        """
        inputs = _dictionaries(message)
        ours = [label for label, (_, parameters) in inputs.items() if parameters.get("tag") == profile.TAG]
        if ours != [profile.LABEL]:
            raise SignatureRefused(
                f'expected one signature with tag "{profile.TAG}", label {profile.LABEL}; found {len(ours)}'
            )
        covered, parameters = inputs[profile.LABEL]
        _check_parameters(parameters, time.time() if now is None else now)
        components = frozenset(_identifier(item) for item in covered)
        if len(covered) > profile.MAX_COMPONENTS:
            raise SignatureRefused(f"at most {profile.MAX_COMPONENTS} components, found {len(covered)}")
        _check_coverage(components, message)
        return cls(
            message=message,
            key_id=parameters["keyid"],
            algorithm=parameters["alg"],
            created=parameters["created"],
            expires=parameters["expires"],
            nonce=parameters["nonce"],
            components=components,
        )

    @property
    def digest_field(self) -> str | None:
        """The signed Content-Digest, None for a request without a body."""
        return self.message.headers.get("content-digest") if "content-digest" in self.components else None

    def verify(self, key: PublicKey, algorithm: str) -> None:
        """Prove the signature with a key of the directory; `algorithm` is the key's, in JWS words.

        Raises SignatureRefused, in the same words whether the key, its algorithm or the signature is wrong.
        """
        chosen = ALGORITHMS[algorithm]
        try:
            _Verifier(signature_algorithm=chosen, key_resolver=_OneKey(key)).verify(
                self.message, expect_tag=profile.TAG, expect_label=profile.LABEL, max_age=None
            )
        except (HTTPMessageSignaturesException, ValueError, TypeError):
            raise not_proven() from None


def not_proven() -> SignatureRefused:
    """The one answer to an unknown key, a wrong key and a wrong signature: it tells nothing about keys."""
    return SignatureRefused("the signature does not verify with the key that keyid names")


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: PublicKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> PublicKey:
        return self._key


class _Verifier(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """The window was judged by `_check_parameters`, stricter than the library's."""


def _dictionaries(message: RequestMessage) -> dict[str, tuple[list[Any], dict[str, Any]]]:
    """Label → (covered items, parameters), from Signature-Input; Signature must have the same labels."""
    fields = [message.headers.get(name) for name in ("signature-input", "signature")]
    if None in fields:
        raise SignatureRefused("expected the headers Signature-Input and Signature (RFC 9421)")
    if sum(len(field or "") for field in fields) > profile.MAX_HEADER_BYTES:
        raise SignatureRefused(f"Signature and Signature-Input exceed {profile.MAX_HEADER_BYTES} bytes")
    inputs, signatures = (_parse(field or "") for field in fields)
    if inputs.keys() != signatures.keys():
        raise SignatureRefused("Signature-Input and Signature must have the same labels")
    if len(inputs) > profile.MAX_SIGNATURES:
        raise SignatureRefused(f"at most {profile.MAX_SIGNATURES} signatures, found {len(inputs)}")
    if any(not isinstance(member, list) for member, _ in inputs.values()):
        raise SignatureRefused("each member of Signature-Input must be an inner list of components")
    return inputs


def _parse(field: str) -> dict[str, Any]:
    def refuse_duplicate(key: str, context: str) -> None:
        raise SignatureRefused(f"duplicate {'label' if context == 'dictionary' else 'parameter'} {key!r}")

    try:
        parsed = http_sf.parse(field.encode("ascii"), tltype="dictionary", on_duplicate_key=refuse_duplicate)
    except (ValueError, TypeError, RecursionError):
        raise SignatureRefused("Signature-Input and Signature must be dictionaries (RFC 9651)") from None
    return dict(parsed)  # type: ignore[arg-type]


def _identifier(item: tuple[Any, Mapping[str, Any]]) -> str:
    name, parameters = item
    if not isinstance(name, str):
        raise SignatureRefused("covered components must be strings")
    return name if not parameters else name + ";" + ";".join(sorted(parameters))


def _check_parameters(parameters: Mapping[str, Any], now: float) -> None:
    missing = [name for name in profile.PARAMETERS if name not in parameters]
    if missing:
        raise SignatureRefused(f"missing signature parameters: {', '.join(missing)}")
    created, expires = parameters["created"], parameters["expires"]
    if type(created) is not int or type(expires) is not int:
        raise SignatureRefused("created and expires must be integers, seconds since the epoch")
    if any(not isinstance(parameters[name], str) for name in ("nonce", "keyid", "alg")):
        raise SignatureRefused("nonce, keyid and alg must be strings")
    if not re.fullmatch(profile.NONCE, parameters["nonce"]):
        raise SignatureRefused("nonce must be base64url of at least 128 bits and at most 128 characters")
    if not 0 < expires - created <= profile.MAX_AGE:
        raise SignatureRefused(f"expires must follow created by at most {profile.MAX_AGE} seconds")
    if created > now + profile.SKEW:
        raise SignatureRefused("created lies in the future: is this clock right?", now=int(now))
    if expires < now - profile.SKEW or created < now - profile.MAX_AGE - profile.SKEW:
        raise SignatureRefused("the signature has expired: sign again", now=int(now))


def _check_coverage(components: frozenset[str], message: RequestMessage) -> None:
    headers = message.headers
    length = headers.get("content-length")
    has_body = length not in (None, "0") or headers.get("transfer-encoding") is not None
    required = list(profile.ALWAYS)
    if has_body or headers.get("content-digest") is not None:
        required += profile.WITH_BODY
    if headers.get(profile.PURPOSE) is not None:
        required.append(profile.PURPOSE)
    missing = [name for name in required if name not in components]
    if missing:
        raise SignatureRefused(f"the signature must cover {', '.join(missing)}", expected=required)
