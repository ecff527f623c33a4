"""Spelling of place names: one key for the Cyrillic, Latin and transliterated forms of the same name.

The key is phonetic and lossy on purpose: "Ходжейли", "Khodjeyli" and "Xo'jayli" meet in it or come within a
letter of each other, which the resolver then measures. Capital letters in a key stand for one sound each
(S sh, C ch, J zh/dzh/j), so that digraphs cost one edit, not two.
"""

import re
import unicodedata
from functools import lru_cache

_CYRILLIC = {
    **dict(zip("абвгдежзийклмнопрстуфхыэ", "abvgdeJziiklmnoprstufhie", strict=True)),
    **dict(zip("ёюяөәғқңұүіҳҷӯӣўєїґһҝӝ", "ouaoagknuuihJuiueighgJ", strict=True)),
    "ц": "ts",
    "ч": "C",
    "ш": "S",
    "щ": "S",
    "ъ": "",
    "ь": "",
}
_LETTERS = {
    "ı": "i",
    "ə": "a",
    "ş": "S",
    "š": "S",
    "ç": "C",
    "č": "C",
    "ž": "J",
    "ğ": "g",
    "ø": "o",
    "æ": "a",
}
_DIGRAPHS = (
    ("shch", "S"),
    ("sch", "S"),
    ("dzh", "J"),
    ("dJ", "J"),
    ("sh", "S"),
    ("ch", "C"),
    ("zh", "J"),
    ("kh", "h"),
    ("gh", "g"),
    ("dj", "J"),
    ("ph", "f"),
    ("oo", "u"),
    ("ou", "u"),
    ("ee", "i"),
    ("ya", "a"),
    ("ye", "e"),
    ("yo", "o"),
    ("yu", "u"),
    ("j", "J"),
    ("x", "h"),
    ("q", "k"),
    ("w", "v"),
    ("y", "i"),
)
_ADJECTIVE = re.compile(r"[scz]k(?:aia|aa|a|oi|oe|ogo|omu|om|ii|ia|i|ie)?$")
_VOWEL_CLASS = str.maketrans("oeu", "aia")
_REPEATED = re.compile(r"(.)\1+")
_UNWANTED = re.compile(r"[^a-zSCJ0-9]")


@lru_cache(maxsize=65_536)
def key(text: str) -> str:
    """The phonetic key of a name in any of the region's alphabets; empty when nothing of it can be read."""
    latin = "".join(_CYRILLIC.get(letter, _LETTERS.get(letter, letter)) for letter in text.lower())
    latin = "".join(c for c in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(c))
    latin = latin.replace("'", "").replace("’", "").replace("ʻ", "").replace("‘", "").replace("`", "")
    for digraph, sound in _DIGRAPHS:
        latin = latin.replace(digraph, sound)
    return _REPEATED.sub(r"\1", _UNWANTED.sub("", latin))


@lru_cache(maxsize=65_536)
def stem(spelled: str) -> str:
    """A key without its adjective ending: "Ургутский" and "Urgutskiy" give the key of "Ургут"."""
    short = _ADJECTIVE.sub("", spelled)
    return short if len(short) >= 3 else spelled


@lru_cache(maxsize=65_536)
def coarse(spelled: str) -> str:
    """A key with its vowels in two classes (a o u, e i): Uzbek and Russian spellings differ mostly there."""
    return _REPEATED.sub(r"\1", spelled.translate(_VOWEL_CLASS))


@lru_cache(maxsize=65_536)
def variants(spelled: str) -> tuple[str, ...]:
    """A key and what its adjective may come from: "Дангаринский" is of "Дангара", "Пешкунский" of "Пешку"."""
    short = stem(spelled)
    if short == spelled or not short.endswith("n"):
        return tuple(dict.fromkeys((spelled, short)))
    base = short[:-2] if short.endswith("in") else short[:-1]
    return tuple(dict.fromkeys((spelled, short, base + "a", base) if len(base) >= 3 else (spelled, short)))
