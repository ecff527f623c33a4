"""Answers of two worlds are alike up to the names that each world makes up by itself for what the reader did.

An id, a token or a time that was made since the sequence began stands for the same thing in both, once it has: the
names of the two worlds are one to one, and a name that stood for something before the sequence began is never another.
All that is not such a name is equal, byte for byte.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from tests.policies.worlds import Answer

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)"
_TOKEN = r"[A-Za-z0-9_-]{43,}(?:\.[A-Za-z0-9_-]+)*"  # a digest, a cursor, a receipt
_NAME = re.compile(f"({_UUID}|{_TIME}|{_TOKEN})")
OF_THE_BODY = {"content-digest", "content-length"}  # which is compared itself
UNEVEN = 6  # a cursor spells the moment of what it stands at as a number, with as many digits as it takes


@dataclass
class Renaming:
    """`began`: when the reader's first request left. `known`: names from before it; those that come in equal join."""

    began: datetime
    known: set[str] = field(default_factory=set)
    _other: dict[str, str] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)

    def difference(self, first: Answer, other: Answer, *, wrote: bool = False) -> str | None:
        """What tells the answers apart; None where nothing does. `wrote`: to a request that makes something."""
        if first.status != other.status:
            return f"{first.status}, and {other.status}"
        parts = [_NAME.split(_words(answer)) for answer in (first, other)]
        if parts[0][::2] != parts[1][::2]:
            return next(
                (
                    f"{a[-80:]!r}, and {b[-80:]!r}"
                    for a, b in zip(*(part[::2] for part in parts), strict=False)
                    if a != b
                ),
                "one is longer",
            )
        names = list(zip(parts[0][1::2], parts[1][1::2], strict=True))
        tokens = [(a, b) for a, b in names if _is_token(a) or _is_token(b)]
        others = [(a, b) for a, b in names if (a, b) not in tokens]
        renamed = wrote or any(a != b for a, b in others)
        wrong = [pair for pair in others if not self._same(*pair, new=True)]
        wrong += [pair for pair in tokens if not self._same(*pair, new=renamed)]
        return f"{wrong[0][0]}, and {wrong[0][1]}" if wrong else None

    def _same(self, first: str, other: str, *, new: bool) -> bool:
        """Whether the two are one name, or become one where `new` names may be made."""
        if first == other and first not in self._other and other not in self._first:
            self.known.add(first)
            return True
        if re.fullmatch(_TIME, first) and re.fullmatch(_TIME, other):
            return min(map(datetime.fromisoformat, (first, other))) >= self.began
        if first in self._other or other in self._first:
            return self._other.get(first) == other
        if not new or {first, other} & self.known or _is_token(first) != _is_token(other):
            return False
        if abs(len(first) - len(other)) > UNEVEN:
            return False
        self._other[first], self._first[other] = other, first
        return True


def _is_token(name: str) -> bool:
    return not re.fullmatch(f"{_UUID}|{_TIME}", name)


def _words(answer: Answer) -> str:
    lines = [f"{name}: {value}" for name, value in answer.headers if not (answer.body and name in OF_THE_BODY)]
    return "\n".join((*lines, "", answer.body.decode("latin-1")))
