"""What a bulletin says in a language: a catalogue of messages (`locale/*.po`), and Babel for numbers, dates, countries.

English messages are their own keys. A message that a catalogue lacks is said in English, and a test finds it.
"""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

Language = Literal["en", "ru", "kk", "ky", "tg", "tk", "uz", "az"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LATIN = ("uz", "az")  # written in two alphabets; a bulletin has this one
UNREVIEWED = "Machine-drafted words, not yet reviewed by a member state."
FOLDER = Path(__file__).parent / "locale"


@cache
def catalogue(language: str) -> dict[str, str]:
    """English message → message. Empty for English."""
    path = FOLDER / f"{language}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale=language) if m.id and m.string}


@cache
def reviewed(language: str) -> bool:
    """Whether a member has read the whole catalogue, and stands in it. English is what a bulletin is written in."""
    path = FOLDER / f"{language}.po"
    return not path.exists() or '"X-Reviewed-By: \\n"' not in path.read_text(encoding="utf-8")


class Words:
    """One language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.locale = Locale.parse(f"{language}_Latn" if language in LATIN else language)
        self._said = catalogue(language)

    def say(self, message: str, **values: object) -> str:
        return self._said.get(message, message).format(**values)

    @property
    def unreviewed(self) -> str | None:
        """Says that nobody has reviewed these words, unless somebody has."""
        return None if reviewed(self.language) else self.say(UNREVIEWED)

    def named(self, english: str, russian: str | None, own: str | None = None) -> str:
        """What a register calls a thing; the registers are written in English and Russian."""
        if self.language == "en":
            return english
        return (russian if self.language == "ru" else own) or self._said.get(english, english)

    def country(self, code: str) -> str | None:
        return self.locale.territories.get(code)

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.locale)

    def kilograms(self, value: str | None) -> str:
        """Three significant digits or whole kilograms: a noised mass is not known better."""
        if value is None:
            return "…"
        mass = Decimal(value)
        places = max(0, 2 - mass.adjusted()) if mass else 0  # significant digits
        shown = mass.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
        return format_decimal(shown, locale=self.locale, format=f"#,##0.{'#' * places}")

    def quarter(self, name: str) -> str:
        """`2025-Q2` in words."""
        year, quarter = name.split("-Q")
        return format_skeleton("yQQQ", date(int(year), int(quarter) * 3, 1), locale=self.locale)

    def day(self, at: datetime) -> str:
        return format_date(at.astimezone(UTC).date(), "long", locale=self.locale)
