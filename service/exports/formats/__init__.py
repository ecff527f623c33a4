"""The formats of exports. A writer takes chunks of records and their rows, in order, and never holds them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from service.exports.columns import Column, Row
from service.exports.rows import Record


class Writer(Protocol):
    """Writes one file. The same chunks and the same sheet give the same bytes."""

    def add(self, records: list[Record], rows: list[Row]) -> None: ...

    def close(self, sheet: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Format:
    """`writer` names the class; its module is loaded when it is needed, for some bring libraries of a hundred MB.

    A `table` has whatever columns it is given; the others say what a seizure is, and hold reports alone.
    """

    name: str
    suffix: str
    media_type: str
    writer: str
    table: bool = False

    def open(self, path: Path, columns: Sequence[Column]) -> Writer:
        module, _, name = self.writer.partition(":")
        writer = getattr(import_module(f"{__name__}.{module}"), name)
        made: Writer = writer(path, columns) if self.table else writer(path)
        return made


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS = {
    made.name: made
    for made in (
        Format("csv", "csv", "text/csv; charset=utf-8; header=present", "delimited:Csv", table=True),
        Format(
            "xlsx",
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "workbook:Xlsx",
            table=True,
        ),
        Format("geojson", "geojson", "application/geo+json", "geojson:GeoJson"),
        Format("gpkg", "gpkg", "application/geopackage+sqlite3", "geopackage:GeoPackage"),
        Format("parquet", "parquet", "application/vnd.apache.parquet", "parquet:Parquet", table=True),
        Format("geoparquet", "parquet", "application/vnd.apache.parquet", "parquet:GeoParquet"),
        Format("stix", "json", "application/stix+json;version=2.1", "stix:Stix"),
        Format("sdmx", "csv", "application/vnd.sdmx.data+csv;version=2.0.0", "sdmx:SdmxCsv"),
    )
}
