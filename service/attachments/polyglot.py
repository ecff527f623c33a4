"""Files that are two things at once are refused: who opens one as the other gets what nobody looked at. Pure."""

import re

from service.sandbox import Refusal

# ZIP readers look for the end-of-directory record from the end of the file (APPNOTE.TXT 4.3.16), whatever precedes.
_ZIP_END, _ZIP_REACH = b"PK\x05\x06", 65_557
_MARKUP = re.compile(rb"<(?:!doctype\s+html|html|script|iframe|svg|\?php)[\s>]", re.IGNORECASE)
_STARTS = {
    b"MZ": "a Windows program",
    b"\x7fELF": "a program",
    b"Rar!": "an archive",
    b"7z\xbc\xaf\x27\x1c": "an archive",
    b"\x1f\x8b\x08": "an archive",
    b"PK\x03\x04": "an archive",
    b"%PDF-": "a PDF",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89PNG\r\n": "a PNG image",
    b"GIF8": "a GIF image",
    b"RIFF": "a RIFF file",
}


def check_single(data: bytes, *, is_pdf: bool = False) -> None:
    """Raises Refusal where readers of archives, of PDF or of web pages would take the file for theirs."""
    if _ZIP_END in data[-_ZIP_REACH:]:
        raise Refusal("the file is a ZIP archive too: send the one thing alone")
    if not is_pdf and b"%PDF-" in data:
        raise Refusal("the file holds a PDF too: send the one thing alone")
    if _MARKUP.search(data[:4096] if is_pdf else data):
        raise Refusal("the file holds a web page or a script too: send the one thing alone")


def check_end(rest: bytes) -> None:
    """What follows the end of an image: padding and a camera's notes are dropped with it, another file is refused."""
    start = rest.lstrip(b"\0\r\n \t")
    for signature, name in _STARTS.items():
        if start.startswith(signature):
            raise Refusal(f"the file goes on after the end of the image, with {name}: send the one thing alone")
