"""Every format holds the same lines, is read by programs that are not ours, and comes out the same twice."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pyogrio
import pytest
import stix2
from jsonschema import Draft202012Validator
from python_calamine import CalamineWorkbook

from service.exports.columns import NAMES, stix_extension
from service.exports.formats import FORMATS
from service.exports.formats.stix import OURS
from service.spreadsheets import safe
from tests.exports.conftest import FORMULA

pytestmark = pytest.mark.xdist_group("exports")
YEAR = {"from_": "1997-01-01T00:00:00Z", "to": "1998-01-01T00:00:00Z"}
KILOGRAMS = Decimal("1.25") + Decimal("2.25") + Decimal("3.25") + Decimal("4.25") + 4 * Decimal("0.5")


@pytest.fixture(scope="module")
def made(shared: Any, exchange: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of every format, as the partner has it."""
    from tests.exports.conftest import Files  # noqa: PLC0415

    files, folder = Files(exchange.client("KG-CUS", "analysis")), tmp_path_factory.mktemp("made")
    paths = {}
    for name, format_ in FORMATS.items():
        first, second = files.have(name, **YEAR), files.have(name, **YEAR)
        assert first == second, name
        paths[name] = folder / f"{name}.{format_.suffix}"
        paths[name].write_bytes(first)
    for export in files.client.exports(limit=100)["items"]:
        files.client.delete_export(export["id"])
    return paths


def test_csv_holds_every_line_and_no_formula(made: dict[str, Path]) -> None:
    rows = list(csv.DictReader(io.StringIO(made["csv"].read_text("utf-8"))))
    assert tuple(rows[0]) == NAMES
    assert len(rows) == 8
    assert sum(Decimal(row["kg"]) for row in rows) == KILOGRAMS
    assert {row["narrative"] for row in rows} == {"'" + FORMULA}
    assert {row["time_precision"] for row in rows} == {"day"}
    assert {(row["longitude"], row["latitude"], row["place_precision"]) for row in rows} == {
        ("49.84", "40.37", "point")
    }
    assert len({row["copy_for"] for row in rows}) == 1
    assert rows[0]["copy_for"].startswith("KG-CUS analysis ")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_what_a_spreadsheet_would_run_is_guarded(text: str) -> None:
    assert safe(text) == "'" + text
    assert safe("a=1") == "a=1"


def test_xlsx_holds_texts_as_texts_and_the_sheet_of_provenance(made: dict[str, Path]) -> None:
    book = CalamineWorkbook.from_path(str(made["xlsx"]))
    head, *rows = book.get_sheet_by_name("Data").to_python()
    assert tuple(head) == NAMES
    assert {row[NAMES.index("narrative")] for row in rows} == {FORMULA}
    assert sum(Decimal(str(row[NAMES.index("kg")])) for row in rows) == KILOGRAMS
    sheet = dict(row[:2] for row in book.get_sheet_by_name("Provenance").to_python())
    assert (sheet["reader.agency"], sheet["reader.purpose"], sheet["records.AZ"]) == ("KG-CUS", "analysis", "4")


def test_geojson_has_points_and_exact_numbers(made: dict[str, Path]) -> None:
    document = json.loads(made["geojson"].read_text(), parse_float=Decimal)
    assert len(document["features"]) == 8
    assert {tuple(f["geometry"]["coordinates"]) for f in document["features"]} == {(Decimal("49.84"), Decimal("40.37"))}
    assert sum(f["properties"]["kg"] for f in document["features"]) == KILOGRAMS
    assert document["provenance"]["records"] == {"AZ": 4}


def test_geopackage_is_read_by_gdal(made: dict[str, Path]) -> None:
    info = pyogrio.read_info(made["gpkg"], layer="seizures")
    assert (info["features"], info["geometry_type"], info["crs"]) == (8, "Point", "EPSG:4326")
    assert info["total_bounds"] == pytest.approx((49.84, 40.37, 49.84, 40.37))
    assert dict(pyogrio.list_layers(made["gpkg"])).keys() == {"seizures", "provenance"}
    assert info["capabilities"]["fast_spatial_filter"]  # by the index of the file
    for box, inside in (((49, 40, 50, 41), 8), ((50, 40, 51, 41), 0)):
        assert len(pyogrio.raw.read(made["gpkg"], layer="seizures", bbox=box)[2]) == inside


def test_parquet_is_read_by_duckdb_and_geoparquet_says_what_it_is(made: dict[str, Path]) -> None:
    for name in ("parquet", "geoparquet"):
        found = duckdb.sql(f"SELECT sum(kg), count(*) FROM read_parquet('{made[name]}')").fetchall()
        assert found == [(KILOGRAMS, 8)]
    footer = pq.read_metadata(made["geoparquet"]).metadata
    geo = json.loads(footer[b"geo"])
    assert (geo["version"], geo["columns"]["geometry"]["encoding"]) == ("1.1.0", "WKB")
    assert geo["columns"]["geometry"]["bbox"] == [49.84, 40.37, 49.84, 40.37]
    assert json.loads(footer[b"sarhad"])["records"] == {"AZ": 4}


def test_stix_is_valid_and_marked(made: dict[str, Path]) -> None:
    bundle = stix2.parse(made["stix"].read_text(), allow_custom=False)
    incidents = [made for made in bundle.objects if made["type"] == "incident"]
    assert len(incidents) == 4
    assert all(incident.object_marking_refs for incident in incidents)
    assert {made["type"] for made in bundle.objects} >= {"identity", "location", "relationship", "extension-definition"}
    assert len({made["id"] for made in bundle.objects}) == len(bundle.objects)
    extension = Draft202012Validator(stix_extension())
    for incident in json.loads(made["stix"].read_text())["objects"]:
        if incident["type"] == "incident":
            extension.validate(incident["extensions"][OURS])
            assert len(incident["extensions"][OURS]["items"]) == 2


def test_sdmx_counts_records_once_and_adds_exactly(made: dict[str, Path]) -> None:
    rows = list(csv.DictReader(io.StringIO(made["sdmx"].read_text("utf-8"))))
    assert sum(Decimal(row["OBS_VALUE"]) for row in rows if row["MEASURE"] == "KG") == KILOGRAMS
    counted = {(row["SUBSTANCE"], row["TIME_PERIOD"]): row["OBS_VALUE"] for row in rows if row["MEASURE"] == "SEIZURES"}
    assert set(counted.values()) == {"1"}
    assert len(counted) == 8
