"""One spelling of a name: the key under which two ways of writing the same name are equal.

Case, accents, punctuation, spaces and script do not matter; letters and digits do. Nothing is guessed:
`Phentanyl` and `Fentanyl` stay two keys, and both resolve only because the catalogue lists both.
"""

import re
import unicodedata

_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "μ": "micro",
    "ω": "omega",
}
_CYRILLIC = {
    **{"а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i", "й": "i"},
    **{"к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u"},
    **{
        "ф": "f",
        "х": "kh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "shch",
        "ы": "y",
        "э": "e",
        "ю": "yu",
        "я": "ya",
    },
    **{
        "ъ": "",
        "ь": "",
        "ә": "a",
        "ғ": "g",
        "қ": "q",
        "ң": "n",
        "ө": "o",
        "ұ": "u",
        "ү": "u",
        "һ": "h",
        "і": "i",
    },
    **{"ҳ": "h", "ҷ": "j", "ҝ": "g", "ҹ": "j"},
}
# Letters that look alike: a word that mixes both scripts (JWН-018 typed with a Cyrillic Н) is Latin.
_LOOKALIKES = str.maketrans("авсенкмортухі", "abcehkmoptyxi")
_WORD = re.compile(r"\w+")
_NOT_KEY = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """The comparison key of a name: lower-case Latin letters and digits only; empty when nothing is left."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _WORD.sub(_one_script, text)
    # й, ё, ӣ and ӯ decompose here: their marks are dropped in both what is stored and what is asked.
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    text = "".join(_GREEK.get(c) or _CYRILLIC.get(c, c) for c in text)
    return _NOT_KEY.sub("", text)


def _one_script(word: re.Match[str]) -> str:
    letters = word.group()
    if re.search("[a-z]", letters) and re.search("[а-яі]", letters):
        return letters.translate(_LOOKALIKES)
    return letters
