"""Every stored version of every record read again: its signature, its facets, its leaf and its receipt."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Row, text

from service.ledger import receipts
from service.ledger.append import commitment
from service.ledger.models import Log
from service.problems import Problem
from service.records import sdjwt, sealing
from service.signing import public_key

_ROWS = text(
    "SELECT r.record_id, r.version, r.agency, r.digest, r.jwt, r.disclosures, r.log_salt, r.leaf_hash, r.receipt,"
    " k.public_jwk, k.agency AS holder, EXISTS (SELECT FROM core.log_leaf l WHERE l.log = 'records'"
    " AND l.leaf_hash = r.leaf_hash) AS merged FROM core.report r LEFT JOIN core.agency_key k ON k.kid = r.key_id"
    " ORDER BY r.record_id, r.version"
)
# An entry waits in the transaction that made it until the sequencer has merged it.
_WAITING = text("SELECT count(*) FROM core.log_pending WHERE log = 'records' AND entry = :entry")
_SAID = 10_000


@dataclass
class RecordAudit:
    """How many versions there are, and each thing that is wrong, in words for the operator."""

    versions: int = 0
    faults: list[str] = field(default_factory=list)


def audit(
    connection: Connection,
    keys: Mapping[str, Ed25519PublicKey],
    *,
    origin: str,
    said: Callable[[int], None] = lambda _: None,
) -> RecordAudit:
    """`keys` are the service's, by thumbprint; `origin` is that of the log of records. The connection's user sees every
    row: the owner of the database.
    """
    found = RecordAudit()
    options = {"stream_results": True, "yield_per": 500}
    for row in connection.execute(_ROWS, execution_options=options):
        found.versions += 1
        found.faults += [f"{row.record_id} version {row.version}: {why}" for why in _faults(connection, row)]
        try:
            _check_receipt(row, keys, origin)
        except (ValueError, InvalidSignature) as fault:
            found.faults.append(f"{row.record_id} version {row.version}: the receipt does not hold {fault}".rstrip())
        if found.versions % _SAID == 0:
            said(found.versions)
    return found


def _faults(connection: Connection, row: Row[Any]) -> Iterator[str]:
    if row.public_jwk is None or row.holder != row.agency:
        yield "its key is not of its agency"
        return
    said = sealing.ring().open(row.disclosures, row.agency[:2], row.record_id, row.version)
    for facet, why in said.unreadable.items():
        yield f"its {facet} cannot be opened ({why})"
    kept = [disclosure for disclosure in said.disclosures if disclosure is not None]  # retention takes some away
    try:
        record = sdjwt.verify(sdjwt.parse("~".join([row.jwt, *kept, ""])), public_key(row.public_jwk)[0])
    except Problem as fault:
        yield f"{type(fault).__name__}: {fault.detail}"
        return
    if (record.claims.iss, record.claims.jti, record.claims.ver) != (
        row.agency, str(row.record_id), row.version,
    ):  # fmt: skip
        yield "it is stored under another name than it signs"
    if record.digest != bytes(row.digest):
        yield "its digest is another"
    leaf = commitment(Log.RECORDS, record.digest, bytes(row.log_salt))
    if leaf.leaf_hash != bytes(row.leaf_hash):
        yield "its leaf does not commit to it"
    if not row.merged and not connection.scalar(_WAITING, {"entry": leaf.entry}):
        yield "its leaf is not in the log"


def _check_receipt(row: Row[Any], keys: Mapping[str, Ed25519PublicKey], origin: str) -> None:
    """Raises ValueError or InvalidSignature."""
    opened = commitment(Log.RECORDS, sha256(row.jwt.encode()).digest(), bytes(row.log_salt))
    leaf = replace(opened, leaf_hash=bytes(row.leaf_hash))  # that it commits to the record is asked beside
    receipts.check(row.receipt, keys, leaf, origin=origin, record_id=row.record_id, version=row.version)
