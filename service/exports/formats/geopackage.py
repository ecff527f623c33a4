"""GeoPackage (OGC 12-128), written by GDAL: the layer `seizures`, and beside it the table `provenance`.

The lines are put by first, for GDAL builds the index of a layer best when it writes it in one go.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio
from pyogrio.raw import write_arrow

from service.exports.columns import Row
from service.exports.formats.arrow import LOCATED, located
from service.exports.provenance import flat
from service.exports.rows import Record

# What GDAL writes as the time of the last change: the same bytes at any time. And no index in memory, beside the layer.
pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00Z", "OGR_GPKG_ALLOW_THREADED_RTREE": "NO"})
_SCHEMA = pa.schema([pa.field(f.name, pa.float64() if pa.types.is_decimal(f.type) else f.type) for f in LOCATED])


class GeoPackage:
    """Decimals become doubles: the format has no others."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts = path.with_name(path.name + ".parts")
        self._lines = pa.ipc.new_stream(str(self._parts), _SCHEMA, options=pa.ipc.IpcWriteOptions(compression="lz4"))

    def add(self, records: list[Record], rows: list[Row]) -> None:
        if rows:
            self._lines.write_table(located(rows).cast(_SCHEMA))

    def close(self, sheet: Mapping[str, Any]) -> None:
        self._lines.close()
        made = self._path.with_name(self._path.name + ".gpkg")  # the driver wants the name
        made.unlink(missing_ok=True)
        layer = {"driver": "GPKG", "geometry_name": "geometry", "geometry_type": "Point", "crs": "EPSG:4326"}
        with pa.OSFile(str(self._parts)) as file:
            write_arrow(pa.ipc.open_stream(file), str(made), layer="seizures", **layer)
        names, texts = zip(*flat(sheet), strict=True)
        pairs = pa.table({"name": pa.array(names, pa.string()), "text": pa.array(texts, pa.string())})
        write_arrow(pairs, str(made), layer="provenance", driver="GPKG", append=True)
        self._parts.unlink()
        made.replace(self._path)
