"""Writes vectors.json with the service's own code. The client verifies it with code that shares nothing.

    python schemas/log/build.py

Everything follows from a published test key (RFC 8032 §7.1, test 1) and from n ↦ entry: the file changes only
with the format.
"""

import json
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.ledger import merkle
from service.ledger.append import commitment
from service.ledger.checkpoints import Checkpoint, CheckpointSigner, origin_of, verifier_key
from service.ledger.cosignatures import key_id, message, witness_key, witness_name
from service.ledger.merkle import CompactRange, TileId
from service.ledger.models import Log
from service.ledger.receipts import issue
from service.ledger.tiles import format_path
from service.signing import ServiceKey

SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
ORIGIN = "https://sarhad.example"
RECORD = "8d1f6f2c-6c5e-4f0e-9a51-0b6f6a4f2b11"
SIZES = (1, 2, 3, 5, 8, 13, 255, 256, 257, 300)
INDEX = 260  # the leaf that the receipt below promised
WITNESSES = ("KZ-DCA", "KG-DCA", "TJ-DCA")  # of these the first two cosign
SEEN_AT = 1_767_225_600  # 2026-01-01T00:00:00Z


def _witness(agency: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(f"witness {agency}".encode()).digest())


def _cosignature(agency: str, text: str) -> str:
    key, name = _witness(agency), witness_name(ORIGIN, agency)
    value = key_id(name, key.public_key()) + SEEN_AT.to_bytes(8, "big") + key.sign(message(SEEN_AT, text))
    return f"— {name} {b64encode(value).decode()}\n"


def build() -> dict[str, object]:
    """Trees, proofs, checkpoints, one receipt bundle and names of tiles; hashes in hexadecimal."""
    key = ServiceKey(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET)))
    origin = origin_of(ORIGIN, Log.RECORDS)
    leaf = commitment(Log.RECORDS, sha256(b"record").digest(), sha256(b"salt").digest()[:16])
    entries = [sha256(b"sarhad log vector %d" % n).digest() for n in range(max(SIZES))]
    entries[INDEX] = leaf.entry
    edge, tiles, roots = CompactRange(), dict[TileId, bytes](), {0: merkle.EMPTY_ROOT}
    for entry in entries:
        edge.append(merkle.leaf_hash(entry), lambda tile, value: tiles.update({tile: tiles.get(tile, b"") + value}))
        roots[edge.size] = edge.root()

    def hashes(plan: list[merkle.LeafRange]) -> list[str]:
        return [value.hex() for value in merkle.hashes(plan, tiles)]

    signer = CheckpointSigner(origin, key.private_key)
    cosigned = signer.sign(300, roots[300]) + "".join(
        _cosignature(agency, Checkpoint(origin, 300, roots[300]).text()) for agency in WITNESSES[:2]
    )
    issued = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "description": "Entry n is SHA-256('sarhad log vector n'), except where the receipt's entry stands.",
        "secret_key": SECRET,
        "public_key": b64encode(key.public_key.public_bytes_raw()).decode(),
        "kid": key.kid,
        "origin": origin,
        "verifier_key": verifier_key(origin, key.public_key),
        "entries": [entry.hex() for entry in entries],
        "roots": {str(size): roots[size].hex() for size in (0, *SIZES)},
        "inclusion": [
            {"index": index, "size": size, "path": hashes(merkle.inclusion_plan(index, size))}
            for size in SIZES
            for index in sorted({0, size // 2, size - 1})
        ],
        "consistency": [
            {"from": old, "to": new, "path": hashes(merkle.consistency_plan(old, new))}
            for old in SIZES
            for new in SIZES
            if old <= new
        ],
        "checkpoints": {str(size): signer.sign(size, roots[size]) for size in (0, 257, 300)},
        "witnesses": {
            agency: {
                "secret_key": _witness(agency).private_bytes_raw().hex(),
                "verifier_key": witness_key(witness_name(ORIGIN, agency), _witness(agency).public_key()),
            }
            for agency in WITNESSES
        },
        "cosigned": {"note": cosigned, "time": SEEN_AT, "by": list(WITNESSES[:2])},
        "receipt": {
            "digest": leaf.digest.hex(),
            "salt": leaf.salt.hex(),
            "leaf": leaf.leaf_hash.hex(),
            "index": INDEX,
            "jws": issue(key, leaf, origin=origin, record_id=RECORD, version=1, merge_delay=60, now=issued),
        },
        "tile_names": {
            name: {"n": n, "width": width}
            for n, width in (
                (0, 256),
                (0, 5),
                (5, 256),
                (999, 255),
                (1000, 256),
                (1234067, 256),
                (1234067, 1),
            )
            for name in [format_path(n, width)]
        },
    }


if __name__ == "__main__":
    Path(__file__).with_name("vectors.json").write_text(json.dumps(build(), indent=1) + "\n")
