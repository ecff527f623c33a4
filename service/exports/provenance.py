"""The sheet that goes with every file: what was asked, by whom, under which policies, what it holds and what it lacks.

It tells no time and no id of the export: the same data for the same reader make the same file, byte for byte.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from service.exports.columns import Column
from service.exports.rows import Found
from service.identity.caller import Caller

CAVEATS = (
    "The file holds what is shared with the reader for this purpose. What is not shared is in none of it, and its "
    "amount is not told.",
    "Values are as disclosed by their owners; empty means not disclosed or not stated.",
    "Kilograms name the rule that made them; the reported quantity and unit stand beside them.",
    "In text formats an apostrophe stands before a value that a spreadsheet would take for a formula.",
    "A record that its owner recalls, corrects or retracts later is not changed in this copy: ask again.",
)


def copy_mark(secret: bytes, caller: Caller) -> str:
    """The watermark: whose copy it is. The mark is the service's (HMAC-SHA-256): nobody can forge another's."""
    who = f"export|{caller.key_id}|{caller.purpose}"
    mark = hmac.new(secret, who.encode(), sha256).hexdigest()[:12]
    return f"{caller.agency} {caller.purpose} {mark}"


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: of what, under which policies, how many rows of which columns, and whose copy it is."""

    subject: str
    policy: str
    rows: int
    copy_for: str
    columns: Sequence[Column]


def sheet(caller: Caller, question: Mapping[str, Any], found: Found, made: Made) -> dict[str, Any]:
    """JSON values only."""
    return {
        "exchange": "Sarhad",
        "subject": made.subject,
        "question": dict(question),
        "reader": {"agency": caller.agency, "purpose": caller.purpose, "case": caller.case},
        "copy_for": made.copy_for,
        "policy": made.policy,
        "records": dict(sorted(found.records.items())),
        "rows": made.rows,
        "left_out": {"no_export": dict(sorted(found.left_out.items()))},
        "obligations": dict(sorted(found.obligations.items())),
        "recalled": found.recalled,
        **({"unreadable": dict(sorted(found.unreadable.items()))} if found.unreadable else {}),
        "columns": {column.name: column.meaning for column in made.columns},
        "caveats": list(CAVEATS),
    }


def flat(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The sheet as pairs of name and text, for formats that are tables."""
    pairs: list[tuple[str, str]] = []
    for name, value in document.items():
        if isinstance(value, dict):
            pairs += [(f"{name}.{inner}", _text(of)) for inner, of in value.items()]
        elif isinstance(value, list):
            pairs += [(name, _text(of)) for of in value]
        else:
            pairs.append((name, _text(value)))
    return pairs


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
