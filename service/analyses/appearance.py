"""What of an appearance is compared between records: what the press leaves on every unit, in one spelling. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from service.records.analysis_shapes import Appearance

# Kinds of marks that whoever made the goods left on them; tape, labels and seals are of whoever sent them.
IMPRINTS: Final = frozenset({"LOGO", "STAMP", "PRESS"})


def looks(seen: Appearance) -> dict[str, Any]:
    """The columns of `core.appearance`, without its key. `logo_hash` is a signed 64-bit integer."""
    hash_ = None if seen.logo_hash is None else int.from_bytes(bytes.fromhex(seen.logo_hash), signed=True)
    return {
        "exhibit": seen.exhibit,
        "logo": plain(seen.logo),
        "logo_back": plain(seen.logo_back),
        "logo_hash": hash_,
        "shape": plain(seen.shape),
        "score": seen.score,
        **{
            name: None if (value := getattr(seen, name)) is None else str(value)
            for name in ("diameter_mm", "thickness_mm", "length_mm", "width_mm")
        },
        "image_sha256": seen.image_sha256,
    }


def imprint(mark: Mapping[str, Any]) -> bool:
    """Whether a mark of a report that is no analysis is one that is compared."""
    return mark.get("kind") in IMPRINTS


def plain(words: str | None) -> str | None:
    """Letters and digits in lower case: "Rolls-Royce" and "rolls royce" are one logo."""
    if words is None:
        return None
    return re.sub(r"[\W_]+", " ", words.casefold()).strip() or None
