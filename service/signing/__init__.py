"""HTTP message signatures (RFC 9421), content digests (RFC 9530), keys (RFC 7517, 7638) and JWS (RFC 7515).

Values in, values out: nothing here reads the database or knows the framework. A request is judged in two
steps, because the key is looked up between them: `Presented.read` takes the signature apart and refuses
whatever breaks the profile, `Presented.verify` proves it with the key that the directory holds. The algorithm
always comes from the key.
"""

from service.signing.digests import DigestMismatch, DigestReader, content_digest
from service.signing.keys import BadKey, PublicKey, jwk_of, public_key, thumbprint
from service.signing.message import RequestMessage
from service.signing.profile import LABEL, MAX_AGE, RESPONSE_LABEL, SKEW, TAG
from service.signing.push import pushed
from service.signing.request import Presented, SignatureRefused
from service.signing.response import AS_OF, signature_headers
from service.signing.service_key import ServiceKey, sign_jws
from service.signing.service_keys import ServiceKeys

__all__ = [
    "AS_OF",
    "LABEL",
    "MAX_AGE",
    "RESPONSE_LABEL",
    "SKEW",
    "TAG",
    "BadKey",
    "DigestMismatch",
    "DigestReader",
    "Presented",
    "PublicKey",
    "RequestMessage",
    "ServiceKey",
    "ServiceKeys",
    "SignatureRefused",
    "content_digest",
    "jwk_of",
    "public_key",
    "pushed",
    "sign_jws",
    "signature_headers",
    "thumbprint",
]
