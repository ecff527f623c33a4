"""An attachment as JSON. Pure."""

from collections.abc import Mapping
from typing import Any

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "application/pdf": "pdf",
    "chemical/x-massbank": "txt",
    "chemical/x-msp": "msp",
    "chemical/x-jcamp-dx": "jdx",
    "application/x-mzml": "mzML",
}


def attachment_document(row: Mapping[Any, Any]) -> dict[str, Any]:
    """`phash` is the perceptual hash of an image, 64 bits in hexadecimal; sizes are bytes and pixels."""
    document: dict[str, Any] = {
        "sha256": row["sha256"].hex(),
        "media_type": row["media_type"],
        "content": row["content"],
        "size": row["size"],
    }
    if row["content"] == "image":
        document |= {"width": row["width"], "height": row["height"], "phash": phash_hex(row["phash"])}
    if "facet" in row:
        document |= {"facet": row["facet"]} | ({} if row["line"] is None else {"line": row["line"]})
    if "named" in row:
        document |= {"agency": row["agency"], "stored": row["stored_at"].isoformat(), "named": row["named"]}
        if not row["named"]:
            document["kept_until"] = row["kept_until"].isoformat()
    return document


def phash_hex(bits: str) -> str:
    return format(int(bits, 2), "016x")


def file_name(row: Mapping[Any, Any]) -> str:
    return f"{row['sha256'].hex()[:16]}.{EXTENSIONS.get(row['media_type'], 'bin')}"
