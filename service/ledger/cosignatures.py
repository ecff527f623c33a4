"""Cosignatures of witnesses over a checkpoint's text (C2SP tlog-cosignature, Ed25519), as the service reads them."""

import base64
import re
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ED25519 = b"\x04"  # the signature type of tlog-cosignature
_LINE = re.compile(r"— (?P<name>[^\s+]+) (?P<value>[A-Za-z0-9+/]+={0,2})\n")
_SIZES = (4, 8, 64)  # key id, time in POSIX seconds (big-endian), signature


def witness_name(service_origin: str, agency: str) -> str:
    """What a witness is called on its lines: the service's authority and the agency whose key it is."""
    return f"{service_origin.split('://', 1)[-1]}/witness/{agency}"


def key_id(name: str, public_key: Ed25519PublicKey) -> bytes:
    """The 4 bytes by which a cosignature names its key."""
    return sha256(name.encode() + b"\n" + _ED25519 + public_key.public_bytes_raw()).digest()[:4]


def witness_key(name: str, public_key: Ed25519PublicKey) -> str:
    """The key as a quorum policy names it: `name+hex key id+base64(0x04 ‖ public key)` (C2SP signed-note)."""
    encoded = base64.b64encode(_ED25519 + public_key.public_bytes_raw()).decode()
    return f"{name}+{key_id(name, public_key).hex()}+{encoded}"


def message(time: int, text: str) -> bytes:
    """What a witness signs: two lines of its own, then the checkpoint's text."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def name_of(line: str) -> str:
    """Whose line it says it is; raises ValueError unless it is one signature line with its newline."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("expected one line: — NAME BASE64")
    return found["name"]


def verify(line: str, name: str, public_key: Ed25519PublicKey, text: str) -> int:
    """When the witness cosigned this text, in POSIX seconds; raises ValueError for any other line."""
    found = _LINE.fullmatch(line)
    value = base64.b64decode(found["value"], validate=True) if found else b""
    if found is None or found["name"] != name or len(value) != sum(_SIZES):
        raise ValueError("this is no cosignature of that witness")
    if base64.b64encode(value).decode() != found["value"]:
        raise ValueError("the base64 is not canonical")
    time = int.from_bytes(value[4:12], "big")
    if value[:4] != key_id(name, public_key) or time >= 1 << 63:
        raise ValueError("this is no cosignature of that key")
    try:
        public_key.verify(value[12:], message(time, text))
    except InvalidSignature:
        raise ValueError("the witness did not cosign this checkpoint") from None
    return time
