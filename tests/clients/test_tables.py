"""A table that cannot be read safely and completely is refused as a whole, by line, column or cell."""

import gzip
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from sarhad import InputError
from sarhad.imports.tables import rows

TABLE = "Страна,Вес\nKazakhstan,0.5\n"


def written(tmp_path: Path, content: bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_cells_are_read_exactly_as_written(tmp_path: Path):
    path = written(tmp_path, "\ufeffA,B\nпоселок Достык ,0.11660999999999999\n\n".encode())
    (row,) = rows(path, ["A", "B"])
    assert (row.line, row.cells) == (2, {"A": "поселок Достык ", "B": "0.11660999999999999"})


def test_a_packed_table_is_read_too(tmp_path: Path):
    path = written(tmp_path, gzip.compress(TABLE.encode()), "table.csv.gz")
    assert [row.cells["Вес"] for row in rows(path, ["Вес"])] == ["0.5"]


def test_another_encoding_is_named_by_line_and_byte(tmp_path: Path):
    path = written(tmp_path, "Страна,Вес\nКазахстан,1\n".encode("windows-1251"))
    with pytest.raises(InputError, match=r"line 1: byte 0x\w\w at position 1 is not UTF-8.*--encoding windows-1251"):
        list(rows(path, ["Вес"]))
    assert [row.cells["Страна"] for row in rows(path, ["Вес"], encoding="windows-1251")] == ["Казахстан"]


@pytest.mark.parametrize("cell", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd", " =HYPERLINK(1)"])
def test_a_formula_refuses_the_table(cell: str, tmp_path: Path):
    path = written(tmp_path, f'A,B\n1,2\n3,"{cell}"\n'.encode())
    with pytest.raises(InputError, match=r"line 3, column B: a formula .*nothing was sent"):
        list(rows(path, ["A"]))


def test_a_signed_number_is_no_formula(tmp_path: Path):
    assert [row.cells["A"] for row in rows(written(tmp_path, b"A\n-2.5\n"), ["A"])] == ["-2.5"]


def test_missing_columns_are_listed(tmp_path: Path):
    with pytest.raises(InputError, match=r"missing: Date, Drug\. Found: Страна, Вес"):
        list(rows(written(tmp_path, TABLE.encode()), ["Date", "Drug"]))


def test_columns_separated_by_another_character_are_recognised(tmp_path: Path):
    path = written(tmp_path, b"Date;Drug\n2025-06-01;Heroin\n")
    with pytest.raises(InputError, match='delimiter = ";"'):
        list(rows(path, ["Drug"]))
    assert [row.cells["Drug"] for row in rows(path, ["Drug"], delimiter=";")] == ["Heroin"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"A,A\n1,2\n", "more than once: A"),
        (b"A,B\n1,2,3\n", "line 2: 3 cells under 2 columns"),
        (b"A,B\n1\n", "line 2: 1 cells under 2 columns"),
        (b'A,B\n"1,2\n', "not a well-formed CSV"),
    ],
)
def test_a_broken_table_says_where(content: bytes, said: str, tmp_path: Path):
    with pytest.raises(InputError, match=said):
        list(rows(written(tmp_path, content), []))


def test_a_truncated_packed_table_is_refused(tmp_path: Path):
    path = written(tmp_path, gzip.compress((TABLE * 500).encode())[:-20], "t.csv.gz")
    with pytest.raises(InputError, match="cannot be read"):
        list(rows(path, []))


def workbook(path: Path, *, formula: bool = False) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Июнь")
        sheet.write_row(0, 0, ["Date", "Amount", "Town"])
        sheet.write_datetime(1, 0, date(2025, 6, 3), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_number(1, 1, 0.1)
        sheet.write_string(1, 2, "Душанбе")
        sheet.write_row(2, 0, ["2025-06-04", 12, "Ош"])
        if formula:
            sheet.write_formula(2, 1, "=6*2", value=12)
    return path


def test_a_workbook_gives_dates_and_numbers_as_people_see_them(tmp_path: Path):
    found = [list(row.cells.values()) for row in rows(workbook(tmp_path / "t.xlsx"), ["Date"])]
    assert found == [["2025-06-03", "0.1", "Душанбе"], ["2025-06-04", "12", "Ош"]]


def test_a_formula_in_a_workbook_is_found_though_it_shows_a_number(tmp_path: Path):
    with pytest.raises(InputError, match=r"sheet Июнь, cell B3: a formula"):
        list(rows(workbook(tmp_path / "t.xlsx", formula=True), ["Date"]))


def test_what_is_not_a_workbook_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read as an XLSX"):
        list(rows(written(tmp_path, b"PK\x03\x04 not really", "t.xlsx"), []))
    with pytest.raises(InputError, match=r"expected a \.csv"):
        list(rows(written(tmp_path, b"x", "t.ods"), []))
    with pytest.raises(InputError, match="has no sheet"):
        list(rows(workbook(tmp_path / "t.xlsx"), [], sheet="May"))
