"""Vector tiles: sums by cell at every zoom, points only where the policy gives points, no tile beyond the square."""

from pathlib import Path
from typing import Any

import h3
import pyogrio
import pytest
import shapely
from sqlalchemy import create_engine, text

from service.ogc.grid import HALF, Tile, cells, mercator, resolution
from service.ogc.records import MOST_POINTS
from service.settings import Settings
from tests.exchange import Exchange, heroin
from tests.ogc.conftest import HERE, Ask

YEAR = 1998
PERIOD = {"from_": "1998-01", "to": "1999-01", "owner": "TM"}


def tile_at(z: int, lon: float, lat: float) -> tuple[int, int]:
    """Row and column."""
    x, y = mercator(lon, lat)
    side = 2 * HALF / (1 << z)
    return int((HALF - y) / side), int((x + HALF) / side)


def path(collection: str, z: int, lon: float = 58.4, lat: float = 38.5) -> str:
    row, col = tile_at(z, lon, lat)
    return f"/ogc/collections/{collection}/tiles/WebMercatorQuad/{z}/{row}/{col}"


def strings(body: bytes) -> set[str]:
    """The values of the tile's only layer that are texts (Mapbox Vector Tile 2.1 §4.1)."""
    return {v for v in _values(_field(body, 3)[0]) if isinstance(v, str)}


def numbers(body: bytes) -> list[int]:
    return [v for v in _values(_field(body, 3)[0]) if isinstance(v, int)]


def _values(layer: bytes) -> list[Any]:
    found: list[Any] = []
    for value in _field(layer, 4):
        found += [text_.decode() for text_ in _field(value, 1)] + [*_field(value, 4), *_field(value, 5)]
    return found


def _field(message: bytes, wanted: int) -> list[Any]:
    found, at = [], 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        number, kind = key >> 3, key & 7
        value: Any
        if kind == 0:
            value = varint()
        else:
            length = varint() if kind == 2 else {1: 8, 5: 4}[kind]
            value, at = message[at : at + length], at + length
        if number == wanted:
            found.append(value)
    return found


@pytest.mark.parametrize("z", range(13))
def test_every_zoom_counts_what_is_given_with_its_cell(ask: Ask, z: int) -> None:
    counted: dict[str, int] = {}
    low, high = tile_at(z, 57.8, 39.0), tile_at(z, 59.0, 37.8)
    if (high[0] - low[0] + 1) * (high[1] - low[1] + 1) > 9:
        low = high = tile_at(z, 58.07, 38.01)
    for row in range(low[0], high[0] + 1):
        for col in range(low[1], high[1] + 1):
            answer = ask("KG-CUS", f"/ogc/collections/cells/tiles/WebMercatorQuad/{z}/{row}/{col}", **PERIOD)
            assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
            if answer.content:
                counted |= dict.fromkeys(strings(answer.content), 1)
    cell = h3.latlng_to_cell(38.01, 58.07, resolution(z))
    assert cell in counted


def test_a_tile_of_a_group_tells_kilograms_too(ask: Ask) -> None:
    (plain, grouped) = (
        ask("KG-CUS", path("cells", 3), **PERIOD, **more).content for more in ({}, {"group": "heroin-opiates"})
    )
    assert b"kg" not in plain
    assert b"kg" in grouped
    assert 6 in numbers(plain)
    assert 6 in numbers(grouped), "two lines of a group are one seizure of the group"
    assert ask("RU-CUS", path("cells", 3), **PERIOD).content == b""


def test_a_tile_of_cells_is_read_by_gdal(ask: Ask, tmp_path: Path) -> None:
    body = ask("KG-CUS", path("cells", 5), **PERIOD).content
    file = tmp_path / "cells.pbf"
    file.write_bytes(body)
    info, _, shapes, values = pyogrio.raw.read(file)
    of = dict(zip(info["fields"], values, strict=True))
    assert {*of["cell"]} == {text_ for text_ in strings(body) if h3.is_valid_cell(text_)}
    outlines = [shapely.from_wkb(shape) for shape in shapes]
    assert len(outlines) == len(of["cell"]) > 0
    assert all(outline.is_valid and outline.area > 0 for outline in outlines)
    assert {*of["seizures"]} <= {*numbers(body)}


def test_points_only_where_the_policy_gives_points(ask: Ask, filed: list[str]) -> None:
    found: set[str] = set()
    for number in range(9):
        body = ask("KG-CUS", path("seizures", 8, 58.07 + number / 10, 38.01 + number / 10)).content
        found |= strings(body) if body else set()
    assert found & set(filed) == {id_ for n, id_ in enumerate(filed) if n % 3 == 0}


def test_a_tile_of_points_heeds_its_question(ask: Ask, filed: list[str]) -> None:
    where = path("seizures", 8, 58.07, 38.01)
    asked: tuple[dict[str, str], ...] = (
        PERIOD,
        {"filter": "kg < 3"},
        {"filter": "kg > 3"},
        {"from_": "1999-01"},
        {"owner": "KZ"},
    )
    shown = [filed[0] in strings(body) if (body := ask("KG-CUS", where, **one).content) else False for one in asked]
    assert shown == [True, True, False, False, False]


def test_flows_are_drawn_across_tiles(ask: Ask) -> None:
    assert strings(ask("KG-CUS", path("flows", 0), **PERIOD).content) >= {"AF", "TJ", "RU", "SUSPECTED"}


@pytest.mark.parametrize(
    ("where", "kind", "status"),
    [
        ("cells/tiles/WebMercatorQuad/13/0/0", "tile-out-of-range", 404),
        ("cells/tiles/WebMercatorQuad/3/8/0", "tile-out-of-range", 404),
        ("cells/tiles/WebMercatorQuad/3/0/-1", "tile-out-of-range", 404),
        ("seizures/tiles/WebMercatorQuad/7/0/0", "tile-out-of-range", 404),
        ("cells/tiles/WorldCRS84Quad/3/0/0", "tile-out-of-range", 404),
        ("letters/tiles/WebMercatorQuad/3/0/0", "no-such-collection", 404),
        ("cells/tiles/WebMercatorQuad/three/0/0", "invalid-request", 422),
        ("cells/tiles/WebMercatorQuad/3/0/0?from=1996-02&to=1996-01", "impossible-map", 400),
        ("cells/tiles/WebMercatorQuad/3/0/0?from=1996-02-03", "impossible-map", 400),
        ("cells/tiles/WebMercatorQuad/3/0/0?group=sweets", "unknown-label", 422),
        ("cells/tiles/WebMercatorQuad/3/0/0?ooga=booga", "invalid-request", 422),
        ("cells/tiles/WebMercatorQuad/3/0/0?filter=kg>1", "invalid-parameter", 400),
        ("seizures/tiles/WebMercatorQuad/8/0/0?group=heroin-opiates", "invalid-parameter", 400),
        ("seizures/tiles/WebMercatorQuad/8/0/0?filter=owner", "invalid-filter", 400),
    ],
)
def test_what_is_no_tile_is_refused(ask: Ask, where: str, kind: str, status: int) -> None:
    refused = ask("KG-CUS", f"/ogc/collections/{where}")
    assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{kind}")


def test_cells_of_a_tile_cover_it() -> None:
    """Every cell under some point of a tile is among those that are looked up."""
    for z, lon, lat in ((3, 69, 41), (5, 69, 41), (6, 179.9, 66), (7, -179.9, 66), (9, 69, 41), (12, 58.07, 38.01)):
        tile = Tile(z, *tile_at(z, lon, lat))
        west, south, east, north = tile.box
        looked_up = set(cells(tile) or ())
        for a in range(9):
            for b in range(9):
                point = south + (north - south) * a / 8, west + (east - west) * b / 8
                assert h3.latlng_to_cell(*point, resolution(z)) in looked_up, (z, point)


def test_the_database_finds_the_parents_that_h3_finds(settings: Settings) -> None:
    cell = h3.latlng_to_cell(41.3, 69.2, 5)
    with create_engine(settings.database_as()).connect() as connection:
        for at in range(6):
            found = connection.scalar(text("SELECT core.h3_parent(:cell, :at)"), {"cell": cell, "at": at})
            assert found == h3.cell_to_parent(cell, at)


def test_a_tile_of_points_is_small_however_many_there_are(ask: Ask, exchange: Exchange) -> None:
    """Its owner's own; nobody else is given them."""
    west, south, east, north = Tile(8, *tile_at(8, 58.4, 38.5)).box
    records = []
    for n in range(MOST_POINTS + 50):
        lat = south + (north - south) * (33 + n % 30) / 64  # north of the border
        lon = west + (east - west) * (1 + n // 30) / 40
        point = HERE | {"lat": f"{lat:.4f}", "lon": f"{lon:.4f}"}
        instant = f"{YEAR}-0{1 + n % 9}-1{n % 10}T{n % 24:02}:{n % 60:02}:00+05:00"
        records.append(exchange.sign(heroin("TM-CUS", instant=instant, handling="TLP:RED", where_point=point)))
    verdicts = exchange.client("TM-CUS").submit_batch(records, atomic=True)
    refused = [verdict.problem for verdict in verdicts if not verdict.accepted]
    assert not refused, refused[0]
    body = ask("TM-CUS", path("seizures", 8)).content
    assert sum(len(value) == 36 for value in strings(body)) == MOST_POINTS
    assert len(body) <= 60_000
