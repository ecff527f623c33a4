"""JSON with one meaning (RFC 8259 narrowed by RFC 7493): what two parsers may read differently is refused.

Refused: duplicate names, floating-point numbers (quantities are decimal strings), NaN and Infinity, integers
beyond 2^53, a byte order mark, encodings other than UTF-8, lone surrogates, NUL, nesting beyond `MAX_DEPTH`.
"""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 12
_MAX_INTEGER = 2**53 - 1


def read(raw: bytes) -> Any:
    """The value of one JSON text. Raises ValueError naming what is wrong."""
    return read_each([raw])[0]


def read_each(texts: Sequence[bytes], *, typed: bool = False) -> list[Any]:
    """The values of several JSON texts, checked together because a record has many small ones.

    A text that serialises back to itself has no duplicate names and no second spelling; any other is read
    again by the slow reader, which can tell whitespace from trickery. With `typed` the caller tests the types
    itself, and the walk through all values is spared.
    """
    try:
        values = [orjson.loads(text) for text in texts]
        joined = b"[" + b",".join(texts) + b"]"
        canonical = orjson.dumps(values) == joined
    except (ValueError, TypeError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not canonical:
        values = [_read_slowly(text) for text in texts]
    if b"\\u0000" in joined:
        _refuse_nul(values)
    if not typed:
        _refuse_inexact(values)
    return values


def _read_slowly(text: bytes) -> Any:
    try:
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_unique_names,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH}") from None


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"duplicate member {next(n for n in names if names.count(n) > 1)!r}")
    return members


def _refuse_number(literal: str) -> NoReturn:
    raise ValueError(f"not readable: the number {literal[:40]} is no integer; write it as a string")


def _refuse_inexact(values: list[Any]) -> None:
    level = values
    for _ in range(MAX_DEPTH + 1):
        nested: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is str:
                continue
            if kind is dict:
                nested += value.values()
            elif kind is list:
                nested += value
            elif kind is float:
                _refuse_number(repr(value))
            elif kind is int and not -_MAX_INTEGER <= value <= _MAX_INTEGER:
                raise ValueError("an integer beyond 2^53 - 1")
        if not nested:
            return
        level = nested
    raise ValueError(f"nested deeper than {MAX_DEPTH}")


def _refuse_nul(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("text with a NUL character")
    elif isinstance(value, list):
        for child in value:
            _refuse_nul(child)
    elif isinstance(value, dict):
        for name, child in value.items():
            _refuse_nul(name)
            _refuse_nul(child)
