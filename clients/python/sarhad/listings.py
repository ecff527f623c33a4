"""Sign what a policy officer enters in the country's own list of controlled substances.

The document (`sarhad-listing/1`) is signed as it stands: compact JWS (RFC 7515) with a record-signing key of the
officer's agency.
"""

from collections.abc import Mapping
from typing import Any

from sarhad.keys import PrivateKey
from sarhad.policies import _sign

LISTING = "sarhad-listing+jwt"


def sign_listing(key: PrivateKey, document: Mapping[str, Any]) -> str:
    """The document as its officer enters it: header {alg, kid, typ}, payload the JSON document."""
    return _sign(key, LISTING, document)
