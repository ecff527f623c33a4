"""JSON with one meaning (RFC 8259 narrowed by RFC 7493), from outside: what two readers may understand
differently is refused, and the refusal says where.

Refused: a byte order mark, encodings other than UTF-8, duplicate members, NaN and infinities, lone
surrogates, NUL, integers beyond 2^53, nesting beyond 64.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from math import isfinite
from typing import Any, NoReturn

from service.problems import Problem

MAX_DEPTH = 64
_MAX_INTEGER = 2**53 - 1
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)  # linear: a string always matches
_ESCAPED_TROUBLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class InvalidJson(Problem):
    """The body is not JSON with exactly one meaning."""

    status = HTTPStatus.BAD_REQUEST


class _Members(list[tuple[str, Any]]):
    """The members of an object, as written: kept when one is written twice."""


def read_json(raw: bytes) -> Any:
    """The value of `raw`. Raises InvalidJson with the byte `offset` or the JSON `pointer` of the fault."""
    text = _decode(raw)
    _check_depth(raw)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
        )
    except json.JSONDecodeError as error:
        raise InvalidJson(error.msg, offset=len(text[: error.pos].encode())) from None
    except _Duplicate:
        _refuse_duplicate(text)
    if _ESCAPED_TROUBLE.search(raw):
        _check_characters(value, "")
    return value


class _Duplicate(Exception):
    """Some object has a member twice; where, a second reading tells."""


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")):
        raise InvalidJson("send UTF-8 without a byte order mark", offset=0)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJson("the body must be UTF-8", offset=error.start) from None
    if "\0" in text:
        raise InvalidJson("the body must be UTF-8 without NUL", offset=raw.index(b"\0"))
    return text


def _check_depth(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKEN.finditer(raw):
        match raw[token.start()]:
            case 0x5B | 0x7B:
                depth += 1
            case 0x5D | 0x7D:
                depth -= 1
        if depth > MAX_DEPTH:
            raise InvalidJson(f"nested deeper than {MAX_DEPTH} levels", offset=token.start())


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Duplicate
    return members


def _constant(literal: str) -> NoReturn:
    raise InvalidJson(f"{literal} is not a JSON number")


def _integer(literal: str) -> int:
    if len(literal) > 17 or abs(int(literal)) > _MAX_INTEGER:
        raise InvalidJson(f"the integer {literal[:20]} is beyond 2^53 - 1")
    return int(literal)


def _float(literal: str) -> float:
    value = float(literal)
    if not isfinite(value):
        raise InvalidJson(f"the number {literal[:20]} is beyond the range of a double")
    return value


def _refuse_duplicate(text: str) -> NoReturn:
    with suppress(ValueError):  # behind the object the text may be no JSON at all
        for pointer, name in _duplicates(json.loads(text, object_pairs_hook=_Members), ""):
            raise InvalidJson(f"member {name!r} is written twice", pointer=pointer)
    raise InvalidJson("a member is written twice")


def _duplicates(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Members):
        seen: set[str] = set()
        for name, child in value:
            if name in seen:
                yield _child(pointer, name), name
            seen.add(name)
            yield from _duplicates(child, _child(pointer, name))
    elif isinstance(value, list):
        for at, child in enumerate(value):
            yield from _duplicates(child, _child(pointer, at))


def _check_characters(value: Any, pointer: str) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidJson("text must not hold NUL", pointer=pointer)
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidJson("text must not hold a lone surrogate", pointer=pointer)
    elif isinstance(value, list):
        for at, child in enumerate(value):
            _check_characters(child, _child(pointer, at))
    elif isinstance(value, dict):
        for name, child in value.items():
            _check_characters(name, pointer)
            _check_characters(child, _child(pointer, name))


def _child(pointer: str, step: str | int) -> str:
    """RFC 6901 §3."""
    name = str(step).replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{name.encode(errors='replace').decode()}"
