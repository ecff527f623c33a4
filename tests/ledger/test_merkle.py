"""The tree of RFC 6962: its published vectors, a second implementation, and every small size."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from service.ledger import merkle
from service.ledger.merkle import CompactRange, LeafRange, TileId

VECTORS = json.loads((Path(__file__).parents[2] / "schemas/log/rfc6962.json").read_text())


class Grown:
    """A tree with its tiles in memory."""

    def __init__(self, entries: list[bytes]) -> None:
        self.edge, self.tiles = CompactRange(), dict[TileId, bytes]()
        self.leaves = [merkle.leaf_hash(entry) for entry in entries]
        self.roots = [self.edge.root()]
        for leaf in self.leaves:
            self.edge.append(leaf, self.emit)
            self.roots.append(self.edge.root())

    def emit(self, tile: TileId, value: bytes) -> None:
        self.tiles[tile] = self.tiles.get(tile, b"") + value

    def prove(self, plan: list[LeafRange]) -> list[bytes]:
        needed = {tile: self.tiles[tile] for tile in merkle.tiles_for(plan)}
        return merkle.hashes(plan, needed)


def entries(count: int) -> list[bytes]:
    return [sha256(b"entry %d" % number).digest() for number in range(count)]


def textbook_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(textbook_root(leaves[:split]), textbook_root(leaves[split:]))


def test_published_roots() -> None:
    inputs = [bytes.fromhex(text) for text in VECTORS["inputs"]]
    grown = Grown(inputs)
    assert [root.hex() for root in grown.roots] == VECTORS["roots"]
    assert merkle.EMPTY_ROOT.hex() == VECTORS["roots"][0]


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=lambda v: f"{v['index']}-in-{v['size']}")
def test_published_inclusion_proofs(vector: dict[str, object]) -> None:
    grown = Grown([bytes.fromhex(text) for text in VECTORS["inputs"]])
    path = grown.prove(merkle.inclusion_plan(vector["index"], vector["size"]))  # type: ignore[arg-type]
    assert [value.hex() for value in path] == vector["path"]


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=lambda v: f"{v['old']}-to-{v['new']}")
def test_published_consistency_proofs(vector: dict[str, object]) -> None:
    grown = Grown([bytes.fromhex(text) for text in VECTORS["inputs"]])
    path = grown.prove(merkle.consistency_plan(vector["old"], vector["new"]))  # type: ignore[arg-type]
    assert [value.hex() for value in path] == vector["path"]


def test_every_size_to_300_has_the_textbook_root() -> None:
    grown = Grown(entries(300))
    for size in range(301):
        assert grown.roots[size] == textbook_root(grown.leaves[:size])


def test_another_implementation_has_the_same_roots_and_proofs() -> None:
    oracle, grown = InmemoryTree(algorithm="sha256"), Grown(entries(300))
    for entry in entries(300):
        oracle.append_entry(entry)
    for size in range(1, 301):
        assert oracle.get_root(size) == grown.roots[size]
    for size in (1, 2, 3, 7, 8, 255, 256, 257, 300):
        for index in range(0, size, 7):
            theirs = oracle.prove_inclusion(index + 1, size).path
            ours = grown.prove(merkle.inclusion_plan(index, size))
            assert set(theirs) == {*ours, grown.leaves[index]}, "its path also holds the leaf itself"


@given(st.integers(0, 2000))
def test_the_edge_is_rebuilt_from_tiles(size: int) -> None:
    grown = Grown(entries(size))
    needed = {tile: grown.tiles[tile] for tile in merkle.tiles_for([LeafRange(0, size)])}
    assert CompactRange.load(size, needed).root() == grown.roots[size]


def test_a_tile_is_never_wider_than_256_hashes() -> None:
    grown = Grown(entries(700))
    widths = {tile: len(stored) // merkle.HASH_SIZE for tile, stored in grown.tiles.items()}
    assert widths == {TileId(0, 0): 256, TileId(0, 1): 256, TileId(0, 2): 188, TileId(1, 0): 2}


def test_a_third_level_of_tiles() -> None:
    grown = Grown([b""] * 65_537)
    assert len(grown.tiles[TileId(2, 0)]) == merkle.HASH_SIZE
    assert grown.tiles[TileId(2, 0)] == grown.roots[65_536]
    assert CompactRange.load(65_537, grown.tiles).root() == grown.edge.root()


def test_a_missing_or_short_tile_is_named() -> None:
    grown = Grown(entries(300))
    del grown.tiles[TileId(0, 1)]
    with pytest.raises(merkle.MissingHashes, match="height 5, index 8"):
        CompactRange.load(300, grown.tiles)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 3)])
def test_a_leaf_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion_plan(index, size)


@pytest.mark.parametrize(("old", "new"), [(4, 3), (-1, 3)])
def test_a_larger_tree_is_no_prefix(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="not a prefix"):
        merkle.consistency_plan(old, new)
