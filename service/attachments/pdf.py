"""A laboratory's report as PDF: kept byte for byte, because it may carry the laboratory's own signature.

Runs in the sandbox. A report is paper: what runs, opens, sends or embeds something is refused, also where it is packed
into object streams (ISO 32000-1, 7.5.7), and so is what is encrypted, because nobody could look.
"""

import re
import zlib

from service.attachments.polyglot import check_single
from service.sandbox import Refusal

# Names of actions and containers, ISO 32000-1 12.6 (actions), 7.11.4 (embedded files), 12.7.8 (XFA forms), 13 (media).
# Each is long enough not to occur by chance in packed bytes; the short ones (/JS, /AA) do nothing without one of these.
_ACTIVE = frozenset(
    (
        b"JavaScript", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"OpenAction", b"RichMedia", b"XFA", b"SubmitForm",
        b"ImportData", b"GoToE", b"Rendition", b"Movie", b"Sound",
    )
)  # fmt: skip
_NAME = re.compile(rb"/((?:[!-\"$&'*-.0-;=?-Z\\^-z|~]|#[0-9A-Fa-f]{2})+)")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_OBJECTS = b"ObjStm"
_STREAM = re.compile(rb"/ObjStm\b.{0,2000}?stream\r?\n", re.DOTALL)
_LARGEST = 64 << 20  # bytes of one object stream, unpacked


def is_pdf(head: bytes) -> bool:
    return head.startswith((b"%PDF-1.", b"%PDF-2."))


def check(data: bytes) -> None:
    """Raises Refusal where the file is more than pages."""
    check_single(data, is_pdf=True)
    end = data.rfind(b"%%EOF")
    if end < 0 or data[end + 5 :].strip(b"\r\n \t\0"):
        raise Refusal("the PDF does not end where it says, or breaks off")
    packed = _check_names(data)
    streams = list(_STREAM.finditer(data))
    if len(streams) != packed:
        raise Refusal("an object stream of the PDF cannot be read: print it to a plain PDF")
    for found in streams:
        _check_names(_unpacked(data[found.end() :]))


def _check_names(text: bytes) -> int:
    """How many object streams are named; names may be written in escapes (7.3.5)."""
    packed = 0
    for found in _NAME.findall(text):
        name = _ESCAPE.sub(lambda e: bytes([int(e[1], 16)]), found)
        if name in _ACTIVE:
            raise Refusal(f"the PDF is more than pages (/{name.decode()}): print it to a plain PDF")
        if name == b"Encrypt":
            raise Refusal("the PDF is encrypted: send it open, the exchange protects it")
        packed += name == _OBJECTS
    return packed


def _unpacked(rest: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(rest, _LARGEST)
    except zlib.error:
        raise Refusal("an object stream of the PDF cannot be read: print it to a plain PDF") from None
    if unpacker.unconsumed_tail:
        raise Refusal("an object stream of the PDF is larger than any report needs")
    return text
