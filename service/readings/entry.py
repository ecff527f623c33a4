"""The entries of the access log: what they say, and the leaf that commits to it. Pure.

Each owner's entry is a document of its own with a leaf of its own, so that an owner can check what it is told
without being told of the others.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import orjson

from service.base64url import encode
from service.identity.caller import Caller
from service.ledger.append import SALT_SIZE, PendingLeaf, commitment
from service.ledger.models import Log
from service.readings.account import Account
from service.signing import RequestMessage

_ASKED = ("accept", "content-digest", "content-type", "sarhad-purpose")


@dataclass(frozen=True, slots=True)
class Reading:
    """One answered request: who asked what under which policies, and what the answer was."""

    at: datetime
    caller: Caller
    method: str
    route: str
    policy: str
    status: int
    question: bytes
    answer: bytes


def question_digest(request: RequestMessage) -> bytes:
    """SHA-256 of the JSON array: method, target URI, and of the headers accept, content-digest, content-type and
    sarhad-purpose the value or null.
    """
    asked = [request.method, request.url, *(request.headers.get(name) for name in _ASKED)]
    return sha256(orjson.dumps(asked)).digest()


def document(entry: Mapping[str, Any]) -> bytes:
    """The canonical JSON (RFC 8785) that the leaf of an entry commits to, from its columns as an owner has them.

    `question` and `answer` are sealed: SHA-256(seal ‖ digest), with a seal that the reader's country holds.
    """
    case = entry["case_reference"]
    said = {
        "agency": entry["agency"],
        "answer": encode(entry["answer"]),
        "at": instant(entry["at"]),
        "country": entry["country"],
        "id": str(entry["id"]),
        "key": entry["key_id"],
        "method": entry["method"],
        "owner": entry["owner"],
        "policy": entry["policy"],
        "purpose": entry["purpose"],
        "question": encode(entry["question"]),
        "record_ids": [str(record) for record in entry["record_ids"]],
        "records": entry["records"],
        "roles": entry["roles"],
        "route": entry["route"],
    }
    return orjson.dumps(said if case is None else said | {"case": case}, option=orjson.OPT_SORT_KEYS)


def instant(at: datetime) -> str:
    """In UTC, to the microsecond, in the one spelling that the leaf commits to."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rows(reading: Reading, account: Account) -> list[tuple[dict[str, Any], PendingLeaf]]:
    """One row of the table for each owner in the answer, or one without an owner, each with its leaf; and one for each
    owner of what was counted unseen, which the reader's country is not told of.
    """
    seal, reading_id = os.urandom(SALT_SIZE), uuid4()
    caller = reading.caller
    common = {
        "at": reading.at,
        "reading": reading_id,
        "country": caller.country,
        "agency": caller.agency,
        "key_id": caller.key_id,
        "roles": sorted(caller.roles),
        "purpose": caller.purpose,
        "case_reference": caller.case,
        "method": reading.method,
        "route": reading.route,
        "policy": reading.policy,
        "status": reading.status,
    }
    sealed = {
        "question": sha256(seal + reading.question).digest(),
        "answer": sha256(seal + reading.answer).digest(),
    }
    kept = {"question": reading.question, "answer": reading.answer, "seal": seal}
    made = []
    for owner, unseen in (*((o, False) for o in _owners(account)), *((o, True) for o in sorted(account.unseen))):
        ids = list(account.ids.get(owner, ())) if owner and not unseen else []
        counted = account.unseen if unseen else account.counts
        records = max(counted[owner], len(ids)) if owner else 0
        row = common | {"id": uuid4(), "owner": owner, "records": records, "record_ids": ids, "unseen": unseen}
        digest = sha256(document(row | sealed)).digest()
        leaf = commitment(Log.ACCESS, digest, os.urandom(SALT_SIZE))
        made.append((row | kept | {"salt": leaf.salt, "leaf_hash": leaf.leaf_hash}, leaf))
    return made


def _owners(account: Account) -> Sequence[str | None]:
    return sorted(account.counts.keys() | account.ids.keys()) or [None]
