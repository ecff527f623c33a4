"""The WebAuthn ceremonies, by the library `webauthn`: what the relying party asks and accepts, in one place."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from service.problems import Problem


class PasskeyRefused(Problem):
    """The answer of the authenticator is not a right answer to this challenge."""

    status = HTTPStatus.FORBIDDEN


def creation(origin: str, user: bytes, name: str, challenge: bytes) -> dict[str, Any]:
    """PublicKeyCredentialCreationOptionsJSON: a discoverable credential that verifies its user."""
    options = webauthn.generate_registration_options(
        rp_id=_party(origin), rp_name="Sarhad", user_id=user, user_name=name, user_display_name=name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )  # fmt: skip
    return dict(json.loads(webauthn.options_to_json(options)))


def created(origin: str, credential: dict[str, Any], challenge: bytes) -> tuple[bytes, bytes, int]:
    """(credential id, COSE key, signature counter) of a right answer to `creation`. Raises PasskeyRefused."""
    try:
        found = webauthn.verify_registration_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=_party(origin), expected_origin=origin,
            require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, TypeError, KeyError) as fault:
        raise PasskeyRefused(_told(fault), pointer="/credential") from None
    return found.credential_id, found.credential_public_key, found.sign_count


def request(origin: str, challenge: bytes) -> dict[str, Any]:
    """PublicKeyCredentialRequestOptionsJSON: any discoverable credential of this relying party."""
    options = webauthn.generate_authentication_options(
        rp_id=_party(origin), challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    return dict(json.loads(webauthn.options_to_json(options)))


def asserted(origin: str, credential: dict[str, Any], challenge: bytes, key: bytes, sign_count: int) -> int:
    """The new signature counter of a right answer to `request`. Raises PasskeyRefused."""
    try:
        found = webauthn.verify_authentication_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=_party(origin), expected_origin=origin,
            credential_public_key=key, credential_current_sign_count=sign_count, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, TypeError, KeyError) as fault:
        raise PasskeyRefused(_told(fault), pointer="/credential") from None
    return found.new_sign_count


def _party(origin: str) -> str:
    """The relying party's id: the host of the console's origin."""
    return urlsplit(origin).hostname or ""


def _told(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}" if isinstance(fault, WebAuthnException) else "it cannot be read"
