"""The small values of a record: text, decimals, times. Each has one grammar, and says it when refusing.

Validators raise PydanticCustomError whose type names the refusal (see `facets.REFUSALS`).
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, Field, GetPydanticSchema, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError

EARLIEST_YEAR = 1990
MAX_SIGNIFICANT_DIGITS = 18
MAX_DECIMALS = 24

DECIMAL_PATTERN = rf"^(0|[1-9][0-9]{{0,17}})(\.[0-9]{{1,{MAX_DECIMALS}}})?$"
LATITUDE_PATTERN = r"^-?(90(\.0{1,8})?|[1-8]?[0-9](\.[0-9]{1,8})?)$"
LONGITUDE_PATTERN = r"^-?(180(\.0{1,8})?|(1[0-7][0-9]|[1-9]?[0-9])(\.[0-9]{1,8})?)$"
TIMESTAMP_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T"
    r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$"
)

_DECIMAL = re.compile(DECIMAL_PATTERN[1:-1])
_TIMESTAMP = re.compile(TIMESTAMP_PATTERN[1:-1])
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
# Characters that hide, reorder or vanish: two texts that look the same must be the same (Unicode TR36, TR39).
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ue000-\uf8ff\U000e0000-\U0010ffff]"
)
_INVISIBLE_BUT_LINES = re.compile(_INVISIBLE.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))

_T = TypeVar("_T")


def _drop_none(source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
    (wanted,) = (argument for argument in get_args(source) if argument is not NoneType)
    return handler(wanted)


# A member that may be left out, but may not be null: absent has one spelling.
Maybe = Annotated[_T | None, GetPydanticSchema(_drop_none)]


def _clean(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def clean(text: str) -> str:
        if text.isascii() and text.isprintable():
            return text
        if found := pattern.search(text):
            raise PydanticCustomError(
                "unhygienic_text",
                "The character U+{code} at {position} is invisible, reorders the text or is not assigned",
                {"code": f"{ord(found.group()):04X}", "position": found.start()},
            )
        if not unicodedata.is_normalized("NFC", text):
            raise PydanticCustomError("unhygienic_text", "Text is in Unicode normal form C (NFC)")
        return text

    return clean


def text(max_length: int, *, lines: bool = False) -> Any:
    """Annotation for text of 1 to `max_length` characters, optionally of several lines."""
    return (
        StringConstraints(min_length=1, max_length=max_length),
        AfterValidator(_clean(_INVISIBLE_BUT_LINES if lines else _INVISIBLE)),
    )


Text60 = Annotated[str, *text(60)]
Text64 = Annotated[str, *text(64)]
Text200 = Annotated[str, *text(200)]
Narrative = Annotated[str, *text(16_000, lines=True)]


def _decimal(value: Any) -> Decimal:
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise PydanticCustomError(
            "invalid_quantity",
            'Expected a decimal string such as "0.152": no sign, no exponent, no leading zero',
        )
    number = Decimal(value)
    if len(number.as_tuple().digits) > MAX_SIGNIFICANT_DIGITS:
        raise PydanticCustomError("invalid_quantity", "A quantity has at most 18 significant digits")
    return number


def _coordinate(pattern: str, expected: str) -> Any:
    compiled = re.compile(pattern[1:-1])

    def coordinate(value: Any) -> Decimal:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise PydanticCustomError("invalid_coordinate", expected)
        return Decimal(value)

    return PlainValidator(coordinate)


def _timestamp(value: Any) -> datetime:
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value) or value.endswith("-00:00"):
        raise PydanticCustomError(
            "invalid_time", "Expected RFC 3339 with an offset of at most 14 hours: 2025-05-14T03:20:00+05:00"
        )
    return _dated(datetime.fromisoformat, value)


def _day(value: Any) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("invalid_time", "Expected a day: 2025-05-14")
    return _dated(date.fromisoformat, value)


def _month(value: Any) -> date:
    if not isinstance(value, str) or not _MONTH.fullmatch(value):
        raise PydanticCustomError("invalid_time", "Expected a month: 2025-05")
    return _dated(date.fromisoformat, value + "-01")


_D = TypeVar("_D", bound=date)


def _dated(read: Callable[[str], _D], value: str) -> _D:
    try:
        moment = read(value)
    except ValueError:
        raise PydanticCustomError("invalid_time", "There is no such day or time (leap seconds: write :59)") from None
    if moment.year < EARLIEST_YEAR:
        raise PydanticCustomError("invalid_time", f"Records begin in {EARLIEST_YEAR}")
    return moment


def _string_schema(**keywords: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **keywords})


Quantity = Annotated[Decimal, PlainValidator(_decimal), _string_schema(pattern=DECIMAL_PATTERN)]
Latitude = Annotated[
    Decimal,
    _coordinate(LATITUDE_PATTERN, 'Expected degrees as a decimal string from "-90" to "90"'),
    _string_schema(pattern=LATITUDE_PATTERN),
]
Longitude = Annotated[
    Decimal,
    _coordinate(LONGITUDE_PATTERN, 'Expected degrees as a decimal string from "-180" to "180"'),
    _string_schema(pattern=LONGITUDE_PATTERN),
]
Timestamp = Annotated[
    datetime, PlainValidator(_timestamp), _string_schema(format="date-time", pattern=TIMESTAMP_PATTERN)
]
Day = Annotated[date, PlainValidator(_day), _string_schema(format="date")]
MonthName = Annotated[str, Field(pattern=r"^20\d{2}-(0[1-9]|1[0-2])$", examples=["2025-01"])]
Month = Annotated[date, PlainValidator(_month), _string_schema(pattern=f"^{_MONTH.pattern}$", description="first day")]
