"""The lake's totals are the cube's, for the same key; and it holds no more than that key is given."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sarhad.records import item

from service.database import Database
from service.exports.lake import Lake, make
from service.identity.behalf import KeyGone
from tests.exchange import Exchange, heroin

pytestmark = pytest.mark.xdist_group("exports")
# Of these tests. Elsewhere records may be confirmed to be of one event, of which the cube counts one.
YEARS = ("1996", "1997")


async def lake(exchange: Exchange, name: str, directory: Path) -> dict[str, Any]:
    key = exchange.region.profiles[name].load_request_key().kid
    database = Database(exchange.settings)
    try:
        return await make(database, exchange.settings, Lake(key, "analysis", directory))
    finally:
        await database.dispose()


@pytest.mark.parametrize("reader", ["AZ-CUS", "KG-CUS", "TJ-CUS"])
async def test_totals_of_duckdb_are_those_of_the_cube(
    shared: Any, exchange: Exchange, tmp_path: Path, reader: str
) -> None:
    finest = item(None, "heroin", "1.23456789012345678", "mg", status="PRES")
    exchange.client(reader).submit(exchange.sign(heroin(reader, instant="1996-01-05T10:00:00+04:00", items=[finest])))
    await lake(exchange, reader, tmp_path / "lake")
    found = duckdb.sql(
        f"""SELECT owner, year, count(DISTINCT record_id) FILTER (WHERE kind = 'seizure'), count(line), sum(kg)
        FROM read_parquet('{tmp_path}/lake/*/*/*/*.parquet', hive_partitioning = true, hive_types = {{'year': VARCHAR}})
        WHERE line IS NOT NULL AND year IN {YEARS} GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    answer = exchange.client(reader, "analysis").trends(by="year,owner", measure="seizures,items,kg")
    cells = sorted(
        (cell["key"]["owner"], cell["key"]["year"], cell["seizures"], cell["items"], Decimal(cell["kg"]))
        for cell in answer["cells"]
        if cell["items"] and cell["key"]["year"] in YEARS
    )
    assert [(o, y, s, i, Decimal(kg or 0)) for o, y, s, i, kg in found] == cells
    assert {("AZ", "1997"), (reader[:2], "1996")} <= {cell[:2] for cell in cells}


async def test_a_lake_is_by_owner_and_year_and_told_to_the_owners(
    shared: Any, exchange: Exchange, tmp_path: Path
) -> None:
    made = await lake(exchange, "KG-CUS", tmp_path / "lake")
    assert list((tmp_path / "lake" / "owner=AZ").glob("scope=*/year=1997/part-0.parquet"))
    assert made["copy_for"].startswith("KG-CUS analysis")
    entries = exchange.client("AZ-DCA/auditor", None).statement("AZ", limit=100).items
    assert any(entry["route"] == "sarhad lake export" and entry["country"] == "KG" for entry in entries)
    again = await lake(exchange, "KG-CUS", tmp_path / "lake")
    assert again == made


async def test_what_must_not_be_exported_is_not_in_it_and_a_revoked_key_has_none(
    shared: Any, exchange: Exchange, tmp_path: Path
) -> None:
    made = await lake(exchange, "UZ-CUS", tmp_path / "lake")
    assert "AZ" not in made["records"]
    assert made["left_out"]["no_export"]["AZ"] >= len(shared)
    database = Database(exchange.settings)
    with pytest.raises(KeyGone):
        await make(database, exchange.settings, Lake("nobody", "analysis", tmp_path / "none"))
    await database.dispose()
