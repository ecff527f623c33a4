"""Loading on real PostGIS: once, again, and a member's own files."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from service.database import Database, administration
from service.places.atlas import Atlas
from service.places.load import UnusablePlaceFile, load, load_member_file
from service.places.models import PlaceBoundary, PlaceCrossing
from service.places.renewal import renewed
from service.places.tables import COMMITTED, CrossingRow
from service.settings import Settings
from tests.exchange import Exchange

CROSSING_HEAD = ",".join(CrossingRow.__dataclass_fields__) + "\n"


@pytest.fixture
async def connection(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """A transaction of the owner, with the committed tables loaded; rolled back after the test."""
    engine = administration(settings)
    async with engine.connect() as opened:
        await opened.execute(text("SET LOCAL ROLE sarhad_owner"))
        await load(opened)
        yield opened
        await opened.rollback()
    await engine.dispose()


async def _atlas(connection: AsyncConnection) -> Atlas:
    return await Atlas.from_database(AsyncSession(connection))


def _square(west: float, south: float, unit: object) -> dict[str, object]:
    ring = [[west, south], [west + 1, south], [west + 1, south + 1], [west, south + 1], [west, south]]
    return {
        "type": "Feature",
        "properties": {"code": unit},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def _geojson(path: Path, *features: object) -> Path:
    file = path / "own.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file


async def test_loading_again_changes_nothing(connection: AsyncConnection) -> None:
    rows = select(func.count(), func.min(PlaceBoundary.id), func.max(PlaceBoundary.id))
    before = (await connection.execute(rows)).one()
    assert await load(connection) is False
    assert (await connection.execute(rows)).one() == before


async def test_a_running_worker_takes_up_what_was_loaded_since(exchange: Exchange) -> None:
    database = Database(exchange.settings)
    first = await renewed(database, None)
    assert first is not None
    digests, atlas = first
    assert atlas.admin1_of(69.25, 41.3)  # Tashkent
    assert await renewed(database, digests) is None
    again = await renewed(database, {**digests, "KZ/crossings": "of another day"})
    assert again is not None
    assert again[0] == digests
    await database.dispose()


async def test_changed_tables_replace_the_old_ones(connection: AsyncConnection, tmp_path: Path) -> None:
    folder = tmp_path / "places"
    shutil.copytree(COMMITTED, folder)
    crossings = (folder / "crossings.csv").read_text().splitlines(keepends=True)
    (folder / "crossings.csv").write_text("".join(crossings[:3]))
    assert await load(connection, folder) is True
    assert await load(connection, folder) is False
    assert await connection.scalar(select(func.count()).select_from(PlaceCrossing)) == 2


async def test_the_database_gives_the_same_atlas_as_the_files(connection: AsyncConnection) -> None:
    loaded, read = await _atlas(connection), Atlas.from_files()
    assert (loaded.countries, loaded.units, loaded.crossings) == (read.countries, read.units, read.crossings)
    for lon, lat in ((76.93, 43.25), (80.25, 50.41), (71.55, 37.49), (55.3, 25.2)):
        assert loaded.country_of(lon, lat) == read.country_of(lon, lat)
        assert loaded.admin1_of(lon, lat, 5_000) == read.admin1_of(lon, lat, 5_000)
    question = ("KG", "Красноярский край РФ", "г. Красноярск")
    assert loaded.resolve(*question) == read.resolve(*question)


async def test_stored_boundaries_are_valid_to_postgis(connection: AsyncConnection) -> None:
    invalid = await connection.scalar(text("SELECT count(*) FROM core.place_boundary WHERE NOT ST_IsValid(boundary)"))
    assert invalid == 0


async def test_a_members_boundaries_stand_for_all_of_its_country(connection: AsyncConnection, tmp_path: Path) -> None:
    file = _geojson(tmp_path, _square(79.5, 50, "KZ-10"), _square(82, 49, "KZ-63"))
    assert await load_member_file(connection, file, "KZ") == 2
    assert await load_member_file(connection, file, "KZ") == 0  # the same again
    atlas = await _atlas(connection)
    assert atlas.admin1_of(80.25, 50.41) == ["KZ-10"]
    assert atlas.country_of(76.93, 43.25) is None  # not in the member's file, so not in the country
    assert atlas.country_of(74.59, 42.87) == "KG"
    assert await load(connection) is False


async def test_a_members_crossings_are_added_or_replaced_by_code(connection: AsyncConnection, tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    confirmed = "KGKZ01,KZ,KG,Кордай,Ак-Жол,Korday,Ak-Zhol,KZ-31,KG-C,road,74.7,43.04,GPS,confirmed\n"
    new = "KGKZ77,KZ,KG,Сартобе,Токмок,Sartobe,,KZ-31,KG-C,road,,,,closed\n"
    file.write_text(CROSSING_HEAD + confirmed + new, encoding="utf-8")
    assert await load_member_file(connection, file, "KG") == 2
    atlas = await _atlas(connection)
    assert atlas.crossings["KGKZ01"].status == "confirmed"
    assert atlas.crossings["KGKZ77"].name_a == "Сартобе"
    assert atlas.resolve("KZ", "", 'КПП "Сартобе"').admin1 == "KZ-31"


@pytest.mark.parametrize(
    ("features", "pointer"),
    [
        ([], "/features"),
        ([7], "/features/0"),
        ([_square(70, 40, "KZ-10"), _square(70, 40, "UZ-TO")], "/features/1/properties"),
        ([_square(70, 40, None)], "/features/0/properties"),
        ([_square(70, 40, ["KZ-10"])], "/features/0/properties"),
        ([_square(700, 40, "KZ-10")], "/features/0/geometry"),
        ([_square(70, 40, "KZ-10") | {"geometry": None}], "/features/0/geometry"),
        (
            [_square(70, 40, "KZ-10") | {"geometry": {"type": "Point", "coordinates": [70, 40]}}],
            "/features/0/geometry",
        ),
        (
            [
                _square(70, 40, "KZ-10")
                | {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}}
            ],
            "/features/0/geometry",
        ),
    ],
)
async def test_unusable_boundaries_are_refused_where_they_are_wrong(
    connection: AsyncConnection, tmp_path: Path, features: list[object], pointer: str
) -> None:
    with pytest.raises(UnusablePlaceFile) as refusal:
        await load_member_file(connection, _geojson(tmp_path, *features), "KZ")
    assert refusal.value.members["pointer"] == pointer
    own = select(func.count()).select_from(PlaceBoundary).where(PlaceBoundary.source == "member")
    assert await connection.scalar(own) == 0


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("code,name\nX,Y\n", 1),
        (CROSSING_HEAD + "AFIR09,AF,IR,A,B,,,AF-HER,IR-09,road,,,,unconfirmed\n", 2),
        (CROSSING_HEAD + "KGKZ77,KZ,KG,A,B,,,KZ-99,KG-C,road,,,,unconfirmed\n", 2),
        (CROSSING_HEAD + "KGKZ77,KZ,KG,A,B,,,KZ-31,KG-C,road,east,43,GPS,unconfirmed\n", 2),
        (CROSSING_HEAD + "KGKZ77,KZ,KG,A,B,,,KZ-31,KG-C,road,,,,perhaps\n", 2),
        (CROSSING_HEAD + "KGKZ77,KZ\n", 2),
    ],
)
async def test_unusable_crossings_are_refused_with_their_line(
    connection: AsyncConnection, tmp_path: Path, content: str, line: int
) -> None:
    file = tmp_path / "posts.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UnusablePlaceFile) as refusal:
        await load_member_file(connection, file, "KZ")
    assert refusal.value.members["line"] == line


async def test_a_file_in_another_encoding_is_refused(connection: AsyncConnection, tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_bytes((CROSSING_HEAD + "KGKZ77,KZ,KG,Кордай,B,,,KZ-31,KG-C,road,,,,closed\n").encode("cp1251"))
    with pytest.raises(UnusablePlaceFile):
        await load_member_file(connection, file, "KZ")


async def test_readers_may_read_places_and_nobody_else_may_write(connection: AsyncConnection) -> None:
    granted = await connection.execute(
        text(
            "SELECT DISTINCT grantee, privilege_type FROM information_schema.role_table_grants"
            " WHERE table_schema = 'core' AND table_name LIKE 'place%' AND grantee <> 'sarhad_owner'"
        )
    )
    assert {tuple(row) for row in granted} == {
        ("sarhad_read", "SELECT"),
        ("sarhad_write", "SELECT"),
        ("sarhad_authn", "SELECT"),
    }
