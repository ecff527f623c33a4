"""What is taken out of the cells for reports of an event that another report counts."""

from decimal import Decimal

from service.trends.ask import Cell, without


def cell(key: str, events: int, lines: int, kg: str) -> Cell:
    return Cell((key,), {"events": events, "lines": lines}, {"kg_exact": Decimal(kg), "tablets": Decimal(0)})


def test_a_repeated_report_leaves_its_cell_and_no_trace() -> None:
    cells = [cell("1994-03", 2, 3, "23.90"), cell("1994-05", 1, 1, "1.5"), cell("1994-06", 1, 0, "0")]
    (march, june) = without(
        cells, [cell("1994-03", 1, 1, "11.9"), cell("1994-05", 1, 1, "1.5"), cell("1999-01", 1, 1, "9")]
    )
    assert march == cell("1994-03", 1, 2, "12")
    assert str(march.sums["kg_exact"]) == "12", "no decimals of what was taken away"
    assert june.key == ("1994-06",), "a record without lines that you are given stays"


def test_nothing_repeated_changes_nothing() -> None:
    cells = [cell("1994-03", 2, 3, "23.90")]
    assert without(cells, []) == cells
