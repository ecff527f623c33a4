"""Tiles as stored, and their names of C2SP tlog-tiles."""

import re
from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.ledger.merkle import TILE_WIDTH, TileId
from service.ledger.models import Log

_READ = text(
    "SELECT level, n, hashes FROM core.log_tile"
    " JOIN unnest(CAST(:levels AS smallint[]), CAST(:ns AS bigint[])) AS wanted(level, n) USING (level, n)"
    " WHERE log = :log"
)
_PATH = re.compile(r"(?P<n>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?")


async def read_tiles(session: AsyncSession, log: Log, wanted: Collection[TileId]) -> dict[TileId, bytes]:
    """The stored hashes of these tiles in one statement; a tile that does not exist is left out."""
    levels, ns = [tile.level for tile in wanted], [tile.n for tile in wanted]
    rows = await session.execute(_READ, {"log": log.value, "levels": levels, "ns": ns})
    return {TileId(level, n): bytes(hashes) for level, n, hashes in rows}


def parse_path(path: str) -> tuple[int, int]:
    """(n, width) of the part after the level: `x001/x234/067` is (1234067, 256), `000.p/5` is (0, 5).

    Raises ValueError for any other spelling, so that a tile has one name only.
    """
    found = _PATH.fullmatch(path)
    width = int(found["width"] or TILE_WIDTH) if found else 0
    if found is None or width > TILE_WIDTH or found["width"] == str(TILE_WIDTH):
        raise ValueError("a tile is named by groups of three digits, an x before all but the last, and .p/WIDTH")
    if found["n"].startswith("x000/"):
        raise ValueError("a tile number has no leading groups of zeros")
    return int(found["n"].replace("x", "").replace("/", "")), width


def format_path(n: int, width: int = TILE_WIDTH) -> str:
    """The inverse of parse_path."""
    digits = f"{n:0{-(-len(str(n)) // 3) * 3}d}"
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return name if width == TILE_WIDTH else f"{name}.p/{width}"
