"""Files as cameras, instruments and office programs write them, and as an attacker would."""

import io
import zlib
from typing import Any

from PIL import Image, ImageDraw

MSP = b"""Name: heroin
PrecursorMZ: 370.1649
Ion_mode: P
Num Peaks: 4
165.07 120
211.075 210
268.133 400
328.154 999
"""


def picture(logo: str = "M", size: tuple[int, int] = (320, 240)) -> Image.Image:
    image = Image.new("RGB", size, (200, 190, 180))
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 30, size[0] - 60, size[1] - 30), fill=(120, 160, 210), outline=(40, 60, 90), width=5)
    draw.text((size[0] // 2 - 30, size[1] // 2 - 30), logo, fill=(10, 10, 30), font_size=72)
    return image


def written(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def photograph(logo: str = "M") -> bytes:
    """A JPEG with the camera's name, an owner and a place in its EXIF, and turned by a quarter."""
    exif = Image.Exif()
    exif[0x010F], exif[0x013B], exif[0x0112] = "canary-camera", "canary-owner", 6
    exif.get_ifd(0x8825)[1], exif.get_ifd(0x8825)[2] = "N", (41.0, 18.0, 0.0)
    return written(picture(logo), exif=exif, comment=b"canary-comment")


def pdf(extra: bytes = b"", *, packed: bytes | None = None) -> bytes:
    """One empty page; `extra` stands in the catalogue, `packed` in an object stream."""
    stream = b""
    if packed is not None:
        body = zlib.compress(packed)
        stream = b"5 0 obj<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream endobj\n" % (
            len(body),
            body,
        )
    return (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R"
        + extra
        + b">>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>"
        b"endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n"
        + stream
        + b"trailer<</Root 1 0 R>>\n"
        b"startxref\n0\n%%EOF\n"
    )


def bomb_png(side: int = 30_000) -> bytes:
    """A PNG of a few kilobytes that unpacks into gigabytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 20), 9))
        + chunk(b"IEND", b"")
    )
