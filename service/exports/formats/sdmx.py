"""SDMX-CSV 2.0: monthly counts and kilograms of what the file holds, by reporting country and substance.

Dataflow `SARHAD:SEIZURES(1.0)`: FREQ, REF_AREA, SUBSTANCE, MEASURE (SEIZURES, KG), TIME_PERIOD. Records whose month or
items are not disclosed are `_Z` there (SDMX cross-domain code list: not applicable).
"""

import csv
from collections import defaultdict
from collections.abc import Mapping
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

from service.exports.columns import AT, Row
from service.exports.rows import Record

STRUCTURE = "SARHAD:SEIZURES(1.0)"
HEADER = (
    *("STRUCTURE", "STRUCTURE_ID", "ACTION"),
    *("FREQ", "REF_AREA", "SUBSTANCE", "MEASURE", "TIME_PERIOD", "OBS_VALUE", "UNIT_MEASURE", "COPY_FOR"),
)
_NONE = "_Z"
_EXACT = Context(prec=200)


class SdmxCsv:
    """One observation a line, in the order of the dimensions; sums are exact."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._kilograms: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)

    def add(self, records: list[Record], rows: list[Row]) -> None:
        last = None
        met: set[tuple[str, str, str]] = set()
        for row in rows:
            if row[AT["record_id"]] != last:
                last, met = row[AT["record_id"]], set()
            month = str(row[AT["time"]] or "")[:7] or _NONE
            key = str(row[AT["owner"]]), str(row[AT["substance"]] or _NONE), month
            if key not in met:
                met.add(key)
                self._records[key] += 1
            if (kg := row[AT["kg"]]) is not None:
                self._kilograms[key] = _EXACT.add(self._kilograms[key], Decimal(str(kg)))

    def close(self, sheet: Mapping[str, Any]) -> None:
        values = {("SEIZURES", *key): (str(count), "NUMBER") for key, count in self._records.items()}
        values |= {("KG", *key): (format(kg, "f"), "KG") for key, kg in self._kilograms.items()}
        with self._path.open("w", encoding="utf-8", newline="") as file:
            write = csv.writer(file, lineterminator="\r\n")
            write.writerow(HEADER)
            for measure, area, substance, month in sorted(values, key=lambda k: (k[1], k[2], k[0], k[3])):
                value, unit = values[measure, area, substance, month]
                where = ("dataflow", STRUCTURE, "I", "M", area, substance, measure, month)
                write.writerow((*where, value, unit, sheet["copy_for"]))
