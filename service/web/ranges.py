"""A part of a file, asked for with `Range` (RFC 9110 §14). One range of bytes; what is not understood gives the whole.

A header that the signature does not cover never changes meaning, so a range counts only where it is signed.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Request

from service.problems import Problem

_ONE = re.compile(r"bytes=(\d*)-(\d*)", re.IGNORECASE)
_DIGITS = 15


class RangeNotSatisfiable(Problem):
    """The file has no bytes in this range."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE

    def response_headers(self) -> Mapping[str, str]:
        return {"content-range": f"bytes */{self.members['size']}"}


def signed_range(request: Request, size: int) -> tuple[int, int] | None:
    """The `span` that a request signed; one with `If-Range`, which no signature covers, is given the whole."""
    signed = "range" in getattr(request.state, "covered", ()) and "if-range" not in request.headers
    return span(request.headers.get("range") if signed else None, size)


def span(field: str | None, size: int) -> tuple[int, int] | None:
    """(first byte, byte after the last) of a `Range` field; None for the whole. Raises RangeNotSatisfiable."""
    found = _ONE.fullmatch((field or "").strip())
    if found is None or not (found[1] or found[2]) or max(map(len, found.groups())) > _DIGITS:
        return None
    if not found[1]:
        first, last = max(size - int(found[2]), 0), size - 1
        if int(found[2]) == 0:
            first = size
    else:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
        if found[2] and int(found[2]) < first:
            return None
    if first >= size:
        raise RangeNotSatisfiable(f"the file has {size} bytes", size=size)
    return first, last + 1
