"""What an owner is told of who read its records, checked against the access log, offline."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import orjson

from sarhad.keys import b64url_decode
from sarhad.transparency import (
    Checkpoint,
    LogKey,
    NotIncluded,
    committed_leaf,
    open_checkpoint,
    parse_inclusion,
    verify_inclusion,
)

COLUMNS = (
    *("at", "country", "agency", "key", "roles", "purpose", "case", "method", "route", "policy"),
    *("records", "record_ids", "id"),
)
_FORMULA = frozenset("=+-@＝＋－＠")  # what a spreadsheet runs (OWASP, CSV Injection), in every width
_CONTROL = frozenset("\t\r\n")


def verify_entry(entry: Mapping[str, Any], proof: Mapping[str, Any], log_key: LogKey) -> Checkpoint:
    """That an entry of a statement is in the access log as it was told.

    (1) the document says what the entry says; (2) the leaf commits to the document; (3) the log's key signed the
    checkpoint; (4) the proof leads from the leaf to its root. Raises NotIncluded or BadCheckpoint.
    """
    try:
        text = str(proof["document"])
        said = orjson.loads(text)
        leaf = committed_leaf(b64url_decode(proof["salt"]), sha256(text.encode()).digest())
        claimed = b64url_decode(proof["leaf"])
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise NotIncluded("The proof of the entry is malformed.") from fault
    if not isinstance(said, dict) or any(said.get(name) != entry.get(name) for name in COLUMNS):
        raise NotIncluded("The logged document does not say what the statement says.")
    if leaf != claimed:
        raise NotIncluded("The leaf does not commit to the document.")
    checkpoint = open_checkpoint(str(proof["checkpoint"]), log_key)
    inclusion = parse_inclusion(proof)
    if inclusion.size != checkpoint.size:
        raise NotIncluded("The proof and the checkpoint are of different trees.")
    verify_inclusion(leaf, inclusion, checkpoint.root)
    return checkpoint


def tally(entries: Iterable[Mapping[str, Any]], by: str) -> list[tuple[str, int, int]]:
    """(value of `by`, answers, records shown) of the entries, most records first."""
    answers: Counter[str] = Counter()
    records: Counter[str] = Counter()
    for entry in entries:
        value = str(entry[by])
        answers[value] += 1
        records[value] += entry["records"]
    return [(value, answers[value], records[value]) for value in sorted(answers, key=lambda v: (-records[v], v))]


def table(entries: Iterable[Mapping[str, Any]]) -> str:
    """The entries as CSV (RFC 4180) that no spreadsheet takes for formulas."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(entry[name]) for name in COLUMNS] for entry in entries)
    return text.getvalue()


def _cell(value: Any) -> str:
    text = " ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in _CONTROL or text.lstrip()[:1] in _FORMULA else text
