"""Proof that the service keeps its word: receipts, inclusion, consistency and checkpoints, checked offline.

Nothing here speaks to the service or trusts it. `verify_receipt_bundle` is the whole argument; the other
functions are its steps.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sarhad._notes import BadCheckpoint, LogKey, WitnessKey, open_checkpoint
from sarhad._tree import (
    Checkpoint,
    InclusionProof,
    NotConsistent,
    NotIncluded,
    NotProven,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from sarhad.keys import BadSignature, PublicKey, b64url, b64url_decode

__all__ = [
    "BadCheckpoint",
    "BadReceipt",
    "Checkpoint",
    "InclusionProof",
    "LogKey",
    "NotConsistent",
    "NotIncluded",
    "NotProven",
    "Receipt",
    "ReceiptMismatch",
    "WitnessKey",
    "committed_leaf",
    "leaf_hash",
    "open_checkpoint",
    "open_receipt",
    "parse_inclusion",
    "signer_of",
    "verify_consistency",
    "verify_inclusion",
    "verify_receipt_bundle",
]

_HASH = 32
_SALT = 16
_RECEIPT_TYPE = "sarhad-receipt+jwt"
_RECEIPT_TEXTS = ("iss", "sub", "digest", "log", "salt", "leaf")
_RECEIPT_NUMBERS = ("ver", "mmd", "iat")


class BadReceipt(NotProven):
    """The receipt is malformed or not signed by the service's key."""


class ReceiptMismatch(NotProven):
    """The receipt is genuine, but for another record, another log or another leaf."""


@dataclass(frozen=True)
class Receipt:
    """The service's signed promise: this digest's leaf will be in this log `mmd` seconds after `iat` at the
    latest.
    """

    iss: str
    sub: str
    ver: int
    digest: bytes
    log: str
    salt: bytes
    leaf: bytes
    mmd: int
    iat: int


def committed_leaf(salt: bytes, digest: bytes) -> bytes:
    """The leaf hash of a salted commitment: the log's entry is SHA-256(salt ‖ digest)."""
    return leaf_hash(sha256(salt + digest).digest())


def open_receipt(receipt: str, service_key: PublicKey) -> Receipt:
    """The promise in a receipt, its signature by the service's key or one it succeeded verified; raises BadReceipt."""
    try:
        header_text, payload_text, signature_text = receipt.split(".")
        header = json.loads(b64url_decode(header_text))
        signature = b64url_decode(signature_text)
    except ValueError as fault:
        raise BadReceipt("The receipt is not a compact JWS.") from fault
    signer = service_key.named(header.get("kid") if isinstance(header, dict) else None) or service_key
    if header != {"alg": signer.alg, "kid": signer.kid, "typ": _RECEIPT_TYPE}:
        raise BadReceipt("The receipt's header does not name this service key, or it is no receipt.")
    if b64url(signature) != signature_text:
        raise BadReceipt("The receipt's signature is not canonical base64url.")
    try:
        signer.verify(signature, f"{header_text}.{payload_text}".encode())
        return _receipt(json.loads(b64url_decode(payload_text)))
    except BadSignature:
        raise BadReceipt("The signature of the receipt does not match.") from None
    except ValueError as fault:
        raise BadReceipt("The receipt's payload is malformed.") from fault


def signer_of(receipt: str, service_key: PublicKey) -> PublicKey:
    """Which key of the service signed a receipt that was opened: this one or one it succeeded."""
    header = json.loads(b64url_decode(receipt.partition(".")[0]))
    return service_key.named(header["kid"]) or service_key


def parse_inclusion(document: Mapping[str, Any]) -> InclusionProof:
    """The proof in the JSON that `/v1/log/{log}/proof` answers; raises NotIncluded when it is malformed."""
    try:
        index, size, path = document["index"], document["size"], document["path"]
        if type(index) is not int or type(size) is not int or not isinstance(path, list):
            raise ValueError("wrong types")
        return InclusionProof(index, size, [b64url_decode(value) for value in path])
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise NotIncluded("The inclusion proof is malformed.") from fault


def verify_receipt_bundle(
    digest: bytes,
    receipt: str,
    proof: InclusionProof,
    checkpoint_note: str,
    *,
    service_key: PublicKey,
    log_key: LogKey,
) -> tuple[Receipt, Checkpoint]:
    """That the service promised to log the record of this digest (SHA-256, 32 bytes), and did.

    (1) the service signed the receipt; (2) it is for this record and this log; (3) its leaf commits to the
    record; (4) the log's key signed the checkpoint; (5) the proof is for that tree and leads from the leaf to
    its root.
    Raises BadReceipt, ReceiptMismatch, BadCheckpoint or NotIncluded.
    """
    promised = open_receipt(receipt, service_key)
    if promised.digest != digest:
        raise ReceiptMismatch("The receipt is for another record.")
    if promised.iss != log_key.name:
        raise ReceiptMismatch("The receipt is of {iss}, not of {name}.", iss=promised.iss, name=log_key.name)
    if promised.leaf != committed_leaf(promised.salt, digest):
        raise ReceiptMismatch("The leaf that the receipt names does not commit to the record.")
    checkpoint = open_checkpoint(checkpoint_note, log_key)
    if proof.size != checkpoint.size:
        raise NotIncluded("The proof and the checkpoint are of different trees.")
    verify_inclusion(promised.leaf, proof, checkpoint.root)
    return promised, checkpoint


def _receipt(payload: Any) -> Receipt:
    """Raises ValueError for any other set of members or types."""
    if not isinstance(payload, dict) or set(payload) != {*_RECEIPT_TEXTS, *_RECEIPT_NUMBERS}:
        raise ValueError("wrong members")
    if not all(type(payload[name]) is str for name in _RECEIPT_TEXTS):
        raise ValueError("a text is expected")
    if not all(type(payload[name]) is int for name in _RECEIPT_NUMBERS):
        raise ValueError("a number is expected")
    digest, salt, leaf = (b64url_decode(payload[name]) for name in ("digest", "salt", "leaf"))
    if (len(digest), len(salt), len(leaf)) != (_HASH, _SALT, _HASH):
        raise ValueError("wrong lengths")
    return Receipt(**{**payload, "digest": digest, "salt": salt, "leaf": leaf})
