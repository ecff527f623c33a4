"""Base64url without padding (RFC 7515 §2), one spelling per value.

A decoder that forgives stray bits or padding lets one signed record circulate under several byte strings.
"""

from binascii import a2b_base64, b2a_base64

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL = bytes.maketrans(b"+/", b"-_")
# The last of two (three) characters carries only two (four) significant bits; the rest must be zero.
_LAST = {2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}
_PADDING = {2: b"==", 3: b"="}


def encode(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).rstrip(b"=").translate(_TO_URL).decode()


def decode(text: bytes) -> bytes:
    """The bytes that `text` spells. Raises ValueError for any other spelling than the canonical one."""
    if text.translate(None, ALPHABET):
        raise ValueError("a character outside the base64url alphabet")
    return decode_standard(text.translate(TO_STANDARD))


def decode_standard(text: bytes) -> bytes:
    """Like `decode`, for text whose alphabet was checked and translated to `+/` (one pass over many)."""
    remainder = len(text) & 3
    if not remainder:
        return a2b_base64(text)
    if remainder == 1 or text[-1] not in _LAST[remainder]:
        raise ValueError("not the canonical spelling of its bytes")
    return a2b_base64(text + _PADDING[remainder])
