"""Merkle trees of RFC 6962 from the verifier's side: is a leaf in a tree, does a tree begin another.

The algorithms are those of RFC 9162 §2.1.3.2 and §2.1.4.2: loops over the proof, which share nothing with
the way a log makes its proofs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sarhad.errors import SarhadError

_HASH = 32
MAX_SIZE = 2**63 - 1


class NotProven(SarhadError):
    """Something that the service should have proven is not proven."""


class NotIncluded(NotProven):
    """The inclusion proof does not lead from the leaf to the checkpoint's root."""


class NotConsistent(NotProven):
    """The later tree does not begin with the earlier one: the log was rewritten."""


@dataclass(frozen=True)
class Checkpoint:
    """What a log says of itself: origin, number of leaves, root hash (32 bytes)."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class InclusionProof:
    """A leaf's place: `path` holds 32-byte hashes, nearest sibling first."""

    index: int
    size: int
    path: Sequence[bytes]


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry), RFC 6962 §2.1."""
    return sha256(b"\x00" + entry).digest()


def verify_inclusion(leaf: bytes, proof: InclusionProof, root: bytes) -> None:
    """RFC 9162 §2.1.3.2; raises NotIncluded."""
    if not 0 <= proof.index < proof.size <= MAX_SIZE:
        raise NotIncluded("The proof's index lies outside its tree.")
    place, last, value = proof.index, proof.size - 1, leaf
    for sibling in _hashes(proof.path, NotIncluded):
        if last == 0:
            raise NotIncluded("The proof is too long for its tree.")
        if place & 1 or place == last:
            value = _node(sibling, value)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            value = _node(value, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise NotIncluded("The proof is too short for its tree.")
    if value != root:
        raise NotIncluded("The proof does not lead to the root of the checkpoint.")


def verify_consistency(old: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> None:
    """That `new` begins with the leaves of `old`: RFC 9162 §2.1.4.2; raises NotConsistent."""
    if old.origin != new.origin:
        raise NotConsistent("The checkpoints belong to different logs.")
    if old.size > new.size:
        raise NotConsistent("The log has become shorter.")
    if old.size in (0, new.size):
        _verify_trivial(old, new, path)
        return
    hashes = _hashes(path, NotConsistent)
    if old.size & (old.size - 1) == 0:
        hashes.insert(0, old.root)
    if not hashes:
        raise NotConsistent("The proof is empty.")
    place, last = old.size - 1, new.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = hashes[0]
    for value in hashes[1:]:
        if last == 0:
            raise NotConsistent("The proof is too long for its trees.")
        if place & 1 or place == last:
            before, after = _node(value, before), _node(value, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = _node(after, value)
        place, last = place >> 1, last >> 1
    if last != 0 or before != old.root or after != new.root:
        raise NotConsistent("The proof does not connect the two roots: the log may have been rewritten.")


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _hashes(path: Sequence[bytes], error: type[NotProven]) -> list[bytes]:
    if any(len(value) != _HASH for value in path):
        raise error("A hash of the proof does not have 32 bytes.")
    return list(path)


def _verify_trivial(old: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> None:
    """The empty tree begins every tree, and a tree begins itself: nothing to prove."""
    if path:
        raise NotConsistent("The proof should be empty.")
    if old.size == new.size and old.root != new.root:
        raise NotConsistent("Two different trees of one size were signed: the log has been forked.")
    if old.size == 0 and old.root != sha256(b"").digest():
        raise NotConsistent("The empty tree has another root.")
