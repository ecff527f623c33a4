"""CSV (RFC 4180, UTF-8) that a spreadsheet opens without running what a reporter wrote."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from service.exports.columns import Column, Row, Value
from service.exports.rows import Record
from service.spreadsheets import safe


class Csv:
    """One header, one line a row. The provenance sheet goes beside it."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._text = tuple(column.kind == "text" for column in columns)
        self._file = path.open("w", encoding="utf-8", newline="")
        self._write = csv.writer(self._file, lineterminator="\r\n")
        self._write.writerow(column.name for column in columns)

    def add(self, records: list[Record], rows: list[Row]) -> None:
        self._write.writerows([_cell(value, text) for value, text in zip(row, self._text, strict=True)] for row in rows)

    def close(self, sheet: Mapping[str, Any]) -> None:
        self._file.close()


def _cell(value: Value, text: bool) -> Value:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe(value) if text and isinstance(value, str) else value
