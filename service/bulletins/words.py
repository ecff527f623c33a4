"""What a bulletin says in a language: a catalogue of messages (`locale/*.po`), and Babel for numbers, months, dates.

English messages are their own keys. A message that a catalogue lacks is said in English, and a test finds it.
"""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from babel.dates import format_date, format_skeleton
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

Language = Literal["en", "ru"]
LANGUAGES: tuple[str, ...] = get_args(Language)
FOLDER = Path(__file__).parent / "locale"


@cache
def catalogue(language: str) -> dict[str, str]:
    """English message → message. Empty for English."""
    path = FOLDER / f"{language}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale=language) if m.id and m.string}


class Words:
    """One language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._said = catalogue(language)

    def say(self, message: str, **values: object) -> str:
        return self._said.get(message, message).format(**values)

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.language)

    def kilograms(self, value: str | None) -> str:
        """Three significant digits or whole kilograms: a noised mass is not known better."""
        if value is None:
            return "…"
        mass = Decimal(value)
        places = max(0, 2 - mass.adjusted()) if mass else 0  # significant digits
        shown = mass.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
        return format_decimal(shown, locale=self.language, format=f"#,##0.{'#' * places}")

    def quarter(self, name: str) -> str:
        """`2025-Q2` in words."""
        year, quarter = name.split("-Q")
        return format_skeleton("yQQQ", date(int(year), int(quarter) * 3, 1), locale=self.language)

    def day(self, at: datetime) -> str:
        return format_date(at.astimezone(UTC).date(), "long", locale=self.language)
