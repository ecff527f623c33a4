"""Merkle trees of RFC 6962 §2.1 kept as C2SP tiles: pure functions over hashes, no storage.

A tree of `size` leaves is made of complete subtrees. The subtree (height h, index i) covers the leaves
[i·2^h, (i+1)·2^h). The tile (level L, n) stores the hashes of the subtrees of height 8·L with the indexes
[256·n, 256·n+256), 32 bytes each; every other hash is computed from those (C2SP tlog-tiles).

A proof is first a plan, a list of leaf ranges, then the tiles that the plan needs, then its hashes. The
caller reads the tiles in between, so nothing here waits for a database.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

HASH_SIZE = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Subtree:
    """A complete subtree: 2^height leaves, the index-th of its height from the left."""

    height: int
    index: int


class TileId(NamedTuple):
    """Where a tile is: level 0 holds leaf hashes, level 1 the roots of full level 0 tiles, and so on."""

    level: int
    n: int


class LeafRange(NamedTuple):
    """The leaves [begin, end) whose Merkle tree hash is one element of a proof."""

    begin: int
    end: int


Tiles = Mapping[TileId, bytes]
Emit = Callable[[TileId, bytes], None]


class MissingHashes(LookupError):
    """The tiles given do not hold the hashes of a subtree that the tree size says is complete."""

    def __init__(self, subtree: Subtree) -> None:
        super().__init__(f"no hashes for the subtree of height {subtree.height}, index {subtree.index}")
        self.subtree = subtree


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry), 32 bytes (RFC 6962 §2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), 32 bytes (RFC 6962 §2.1)."""
    return sha256(b"\x01" + left + right).digest()


def cover(leaves: LeafRange) -> list[Subtree]:
    """The complete subtrees, left to right, that together hold exactly these leaves.

    The range must start at a multiple of the greatest power of two within its length, as all of RFC 6962 do.
    """
    begin, end = leaves
    subtrees = []
    while begin < end:
        height = (end - begin).bit_length() - 1
        subtrees.append(Subtree(height, begin >> height))
        begin += 1 << height
    return subtrees


def tile_of(subtree: Subtree) -> TileId:
    """The one tile from which this subtree's hash is computed."""
    level, up = divmod(subtree.height, TILE_HEIGHT)
    return TileId(level, (subtree.index << up) // TILE_WIDTH)


def tiles_for(plan: Iterable[LeafRange]) -> set[TileId]:
    """Every tile that `hashes` needs for this plan."""
    return {tile_of(subtree) for leaves in plan for subtree in cover(leaves)}


def subtree_hash(subtree: Subtree, tiles: Tiles) -> bytes:
    """The hash of a complete subtree; raises MissingHashes when its tile is absent or too short."""
    up = subtree.height % TILE_HEIGHT
    offset = (subtree.index << up) % TILE_WIDTH
    stored = tiles.get(tile_of(subtree), b"")
    if len(stored) < (offset + (1 << up)) * HASH_SIZE:
        raise MissingHashes(subtree)
    layer = [stored[at * HASH_SIZE : (at + 1) * HASH_SIZE] for at in range(offset, offset + (1 << up))]
    while len(layer) > 1:
        layer = [node_hash(layer[at], layer[at + 1]) for at in range(0, len(layer), 2)]
    return layer[0]


def join(peaks: Sequence[bytes]) -> bytes:
    """The tree hash over adjoining complete subtrees, largest first; the empty tree's hash for none."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for left in reversed(peaks[:-1]):
        root = node_hash(left, root)
    return root


def hashes(plan: Iterable[LeafRange], tiles: Tiles) -> list[bytes]:
    """One Merkle tree hash for each range of the plan; raises MissingHashes."""
    return [join([subtree_hash(subtree, tiles) for subtree in cover(leaves)]) for leaves in plan]


def inclusion_plan(index: int, size: int) -> list[LeafRange]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1, nearest sibling first.

    Raises ValueError unless 0 ≤ index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    plan, begin, end = [], 0, size
    while end - begin > 1:
        split = begin + _split(end - begin)
        if index < split:
            plan.append(LeafRange(split, end))
            end = split
        else:
            plan.append(LeafRange(begin, split))
            begin = split
    return plan[::-1]


def consistency_plan(old: int, new: int) -> list[LeafRange]:
    """PROOF(old, D[new]) of RFC 6962 §2.1.2; empty when old is 0 or equals new.

    Raises ValueError unless 0 ≤ old ≤ new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} is not a prefix of a tree of {new}")
    if old == 0:
        return []
    plan, begin, end = [], 0, new
    while end != old:
        split = begin + _split(end - begin)
        if old <= split:
            plan.append(LeafRange(split, end))
            end = split
        else:
            plan.append(LeafRange(begin, split))
            begin = split
    if begin > 0:  # otherwise the verifier holds this very hash: it is the old root
        plan.append(LeafRange(begin, end))
    return plan[::-1]


def _split(count: int) -> int:
    """The greatest power of two smaller than count."""
    return 1 << ((count - 1).bit_length() - 1)


@dataclass
class CompactRange:
    """The right edge of a growing tree: its size and the hashes of its complete subtrees, largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def load(cls, size: int, tiles: Tiles) -> "CompactRange":
        """The edge of a stored tree; needs `tiles_for([LeafRange(0, size)])`; raises MissingHashes."""
        return cls(size, [subtree_hash(subtree, tiles) for subtree in cover(LeafRange(0, size))])

    def append(self, leaf: bytes, emit: Emit) -> None:
        """Add a leaf hash; `emit` gets each hash that belongs in a tile, in the order of the tile."""
        index, height, current = self.size, 0, leaf
        emit(TileId(0, index // TILE_WIDTH), current)
        while index & 1:
            current = node_hash(self.peaks.pop(), current)
            index >>= 1
            height += 1
            if height % TILE_HEIGHT == 0:
                emit(TileId(height // TILE_HEIGHT, index // TILE_WIDTH), current)
        self.peaks.append(current)
        self.size += 1

    def root(self) -> bytes:
        """The Merkle tree hash of the whole tree, 32 bytes."""
        return join(self.peaks)
