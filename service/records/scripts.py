"""Letters of two alphabets that look alike. Pure."""

import re

# A Latin letter beside a Cyrillic one: they look alike and are not found by each other.
_MIXED = re.compile("[A-Za-z][\u0400-\u052f]|[\u0400-\u052f][A-Za-z]")


def mixed_word(text: str) -> str | None:
    """The first word that mixes Latin and Cyrillic letters; None where no word does."""
    if text.isascii() or (found := _MIXED.search(text)) is None:
        return None
    return next(word for word in text.split() if found.group() in word)
