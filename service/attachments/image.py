"""A photograph as it is kept: turned upright, drawn anew from its pixels, without any word of the camera or its place.

Runs in the sandbox. Where it was taken, when and with which device stands in the metadata (EXIF, XMP, maker's notes,
previews); none of it survives, because only pixels are taken over.
"""

import io
import struct
import warnings
from typing import Any

from service.attachments.polyglot import check_end, check_single
from service.sandbox import Refusal

MAX_PIXELS = 50_000_000
MAX_SIDE = 20_000
_FORMATS = {"JPEG": "JPEG", "MPO": "JPEG", "PNG": "PNG", "WEBP": "JPEG"}
_OPENED = ("JPEG", "PNG", "WEBP")  # a JPEG of several pictures calls itself MPO once it is open
_MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png"}


def is_image(head: bytes) -> bool:
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def cleaned(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """(the bytes to keep, their description); raises Refusal."""
    import imagehash  # noqa: PLC0415 - only the child that parses pays for the libraries
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415

    check_single(data)
    check_end(data[_end(data) :])
    Image.MAX_IMAGE_PIXELS = None  # our own limit stands below, before anything is decoded
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=_OPENED) as opened:
            _check_size(*opened.size)
            if getattr(opened, "is_animated", False) and opened.format != "MPO":
                raise Refusal("the image moves: send one picture")
            form = _FORMATS[opened.format or ""]
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            bare = upright.convert(_mode(upright.mode, form))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error) as fault:
        raise Refusal(f"the image cannot be decoded: {type(fault).__name__}") from None
    pixels = Image.new(bare.mode, bare.size)
    pixels.paste(bare)  # an image that never had any metadata
    written = io.BytesIO()
    pixels.save(written, form, **({"quality": 92, "subsampling": 0} if form == "JPEG" else {"compress_level": 6}))
    described = {
        "media_type": _MEDIA_TYPES[form],
        "width": pixels.width,
        "height": pixels.height,
        "phash": str(imagehash.phash(pixels)),
    }
    return written.getvalue(), described


def _check_size(width: int, height: int) -> None:
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise Refusal(f"the image has {width} × {height} pixels, at most {MAX_PIXELS} and {MAX_SIDE} a side")


def _mode(mode: str, form: str) -> str:
    if mode in ("1", "L", "I;16", "I", "F"):
        return "L"
    return "RGBA" if form == "PNG" and mode in ("RGBA", "LA", "PA", "P") else "RGB"


def _end(data: bytes) -> int:
    """Where the image itself ends. Raises Refusal where it does not end."""
    if data.startswith(b"\x89PNG"):
        return _end_of_png(data)
    if data.startswith(b"RIFF"):
        return min(8 + int.from_bytes(data[4:8], "little"), len(data))
    return _end_of_jpeg(data)


def _end_of_png(data: bytes) -> int:
    """Past the IEND chunk (W3C PNG §5.3)."""
    at = 8
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at
    raise Refusal("the image breaks off")


def _end_of_jpeg(data: bytes) -> int:
    """Past the EOI marker that ends the scans (ITU-T T.81 annex B): within a scan 0xFF is stuffed or a restart."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise Refusal("the image is damaged: no JPEG marker where one must be")
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF or 0xD0 <= marker <= 0xD8 or marker == 0x01:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            at = _end_of_scan(data, at)
    if data[at : at + 2] == b"\xff\xd9":
        return at + 2
    raise Refusal("the image breaks off")


def _end_of_scan(data: bytes, at: int) -> int:
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise Refusal("the image breaks off")
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2
