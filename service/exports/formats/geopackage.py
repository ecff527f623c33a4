"""GeoPackage (OGC 12-128), written by GDAL: the layer `seizures`, and beside it the table `provenance`.

The lines are put by as GeoParquet first, for GDAL builds the index of a layer best when it writes it in one go.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
from pyogrio.raw import write_arrow

from service.exports.columns import Row
from service.exports.formats.parquet import GeoParquet
from service.exports.provenance import flat
from service.exports.rows import Record

BATCH = 1_000
# What GDAL writes as the time of the last change: the same bytes at any time.
pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00Z"})
_SCHEMA = pa.schema(
    [pa.field(f.name, pa.float64() if pa.types.is_decimal(f.type) else f.type) for f in GeoParquet.schema]
)


class GeoPackage:
    """Decimals become doubles: the format has no others."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts = path.with_name(path.name + ".parts")
        self._lines = GeoParquet(self._parts)

    def add(self, records: list[Record], rows: list[Row]) -> None:
        self._lines.add(records, rows)

    def close(self, sheet: Mapping[str, Any]) -> None:
        self._lines.close(sheet)
        made = self._path.with_name(self._path.name + ".gpkg")  # the driver wants the name
        made.unlink(missing_ok=True)
        layer = {"driver": "GPKG", "geometry_name": "geometry", "geometry_type": "Point", "crs": "EPSG:4326"}
        lines = pa.RecordBatchReader.from_batches(_SCHEMA, self._batches())
        write_arrow(lines, str(made), layer="seizures", **layer)
        names, texts = zip(*flat(sheet), strict=True)
        pairs = pa.table({"name": pa.array(names, pa.string()), "text": pa.array(texts, pa.string())})
        write_arrow(pairs, str(made), layer="provenance", driver="GPKG", append=True)
        self._parts.unlink()
        made.replace(self._path)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self._parts, pre_buffer=False) as file:
            for batch in file.iter_batches(BATCH, use_threads=False):
                yield batch.cast(_SCHEMA)
