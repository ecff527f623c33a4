"""A request that the service itself makes: signed (RFC 9421) with its key, as agencies sign theirs.

Label `sarhad`, tag `sarhad-1`; covered are method, target URI, authority, content type and content digest. `created`,
`expires` and `nonce` let the receiver refuse a repetition.
"""

import secrets
import time
from datetime import UTC, datetime
from hashlib import sha256

from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ED25519

from service.signing.digests import content_digest
from service.signing.message import HeaderLines, RequestMessage
from service.signing.profile import ALWAYS, MAX_AGE, RESPONSE_LABEL, TAG, WITH_BODY
from service.signing.service_key import ServiceKey

_SIGNER = HTTPMessageSigner(signature_algorithm=ED25519)


def pushed(key: ServiceKey, url: str, authority: str, body: bytes, content_type: str) -> dict[str, str]:
    """The headers of a signed POST of `body` to `url`."""
    headers = {"content-type": content_type, "content-digest": content_digest(sha256(body).digest())}
    raw = [(name.encode(), value.encode()) for name, value in {**headers, "host": authority}.items()]
    now = time.time()
    prepared = _SIGNER.prepare(
        RequestMessage("POST", url, HeaderLines(raw)),
        key_id=key.kid,
        created=datetime.fromtimestamp(int(now), UTC),
        expires=datetime.fromtimestamp(int(now) + MAX_AGE, UTC),
        nonce=secrets.token_urlsafe(24),
        label=RESPONSE_LABEL,
        tag=TAG,
        covered_component_ids=(*ALWAYS, *WITH_BODY),
        use_existing_digest=True,
    )
    signature = key.sign_base64(prepared.signature_base)
    return headers | {
        "signature-input": f"{RESPONSE_LABEL}={prepared.signature_params}",
        "signature": f"{RESPONSE_LABEL}=:{signature}:",
    }
