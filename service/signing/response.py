"""The service's signature on a response, bound to the request that it answers (RFC 9421 §2.4)."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from http_message_signatures import HTTPMessageSignaturesException, HTTPMessageSigner
from http_message_signatures.algorithms import ED25519

from service.signing.message import RequestMessage
from service.signing.profile import LABEL, RESPONSE_LABEL, TAG
from service.signing.service_key import ServiceKey

AS_OF = "sarhad-as-of"  # what the answer was read from was as the exchange was then
_SIGNER = HTTPMessageSigner(signature_algorithm=ED25519)
_REQUEST = ('"@method";req', '"@target-uri";req')
_ANSWERED = f'"signature";req;key="{LABEL}"'


class _Response:
    def __init__(self, status: int, headers: Mapping[str, str], request: RequestMessage) -> None:
        self.status_code = status
        self.headers = dict(headers)
        self.request = request


def signature_headers(
    key: ServiceKey,
    request: RequestMessage,
    status: int,
    headers: Mapping[str, str],
    now: float | None = None,
) -> dict[str, str]:
    """`signature-input` and `signature` for a response of these headers (content-type, content-digest, sarhad-as-of).

    A request that no component can be taken from (an unsigned or malformed one) is answered with what
    remains.
    """
    response = _Response(status, headers, request)
    own = ("@status", *(name for name in ("content-type", "content-digest", AS_OF) if name in headers))
    for bound in ((*_REQUEST, _ANSWERED), _REQUEST, ()):
        try:
            prepared = _SIGNER.prepare(
                response,
                key_id=key.kid,
                created=datetime.fromtimestamp(time.time() if now is None else now, UTC),
                label=RESPONSE_LABEL,
                tag=TAG,
                covered_component_ids=(*own, *bound),
                use_existing_digest="content-digest" in headers,
            )
        except (HTTPMessageSignaturesException, ValueError):
            continue
        signature = key.sign_base64(prepared.signature_base)
        return {
            "signature-input": f"{RESPONSE_LABEL}={prepared.signature_params}",
            "signature": f"{RESPONSE_LABEL}=:{signature}:",
        }
    raise ValueError("a response without a signable status or headers")
