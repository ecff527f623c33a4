"""XLSX in constant memory: data sheets of at most a million lines, and the sheet of provenance."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from service.exports.columns import Column, Row
from service.exports.provenance import flat
from service.exports.rows import Record

LINES = 1_000_000  # of a sheet: the format ends at 1,048,576 (ECMA-376, and its programs)
_LONGEST = 32_767  # characters of a cell
_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 - the format has no zone; the same bytes at any time


class Xlsx:
    """Texts are written as texts, never as formulas or links."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        self._numbers = {n for n, column in enumerate(columns) if column.kind in ("integer", "decimal", "degrees")}
        self._book = xlsxwriter.Workbook(
            str(path),
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": path.parent},
        )
        self._book.set_properties({"title": "Sarhad export", "created": _CREATED})
        self._bold = self._book.add_format({"bold": True})
        self._sheets = 0
        self._begin()

    def _begin(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet("Data" if self._sheets == 1 else f"Data {self._sheets}")
        self._sheet.freeze_panes(1, 0)
        for place, name in enumerate(self._names):
            self._sheet.write_string(0, place, name, self._bold)
        self._line = 0

    def add(self, records: list[Record], rows: list[Row]) -> None:
        for row in rows:
            if self._line == LINES:
                self._begin()
            self._line += 1
            for place, value in enumerate(row):
                if value is None:
                    continue
                if isinstance(value, bool):
                    self._sheet.write_boolean(self._line, place, value)
                elif place in self._numbers:
                    self._sheet.write_number(self._line, place, float(value))
                else:
                    self._sheet.write_string(self._line, place, str(value)[:_LONGEST])

    def close(self, sheet: Mapping[str, Any]) -> None:
        page = self._book.add_worksheet("Provenance")
        page.set_column(0, 0, 24)
        page.set_column(1, 1, 100)
        for line, (name, text) in enumerate(flat(sheet)):
            page.write_string(line, 0, name, self._bold)
            page.write_string(line, 1, text[:_LONGEST])
        self._book.close()
