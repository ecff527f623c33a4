"""`sarhad trends` as an analyst sees it."""

import pytest
from sarhad.cli import trends as command
from sarhad.cli.output import console, kilograms

from tests.exchange import Exchange
from tests.trends.conftest import seizure


def test_a_course_is_drawn_from_zero_to_its_largest() -> None:
    assert command.sparkline([0, 7, 14]) == "▁▅█"
    assert command.sparkline([0, 0]) == "▁▁"
    assert command.sparkline([]) == ""
    assert command.sparkline([14, "·", 0, "×"]) == "█·▁×"


def test_quartiles_are_told_apart_in_the_table() -> None:
    entry = {"level": "RETAIL", "currency": "KZT", "per": "kg", "n": 3, "observations": 2, "q1": "1", "median": "2"}
    cells = [{"key": {"month": "2025-03", "substance": None}, "price": [entry, entry | {"currency": "USD"}]}]
    rows = list(command._quartiles(cells, "price", (*command.APART["price"], "n", "median")))
    assert rows[1] == ("2025-03", command.WITHHELD, "RETAIL", "USD", "kg", 3, "2")
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        ("0.31249999999999994", "0.3125"),
        ("1234567.8", "1234567.8"),
        ("100", "100"),
        ("2.50", "2.5"),
        ("0", "0"),
        ("0.0000000014", "0.0000000014"),
    ],
)
def test_kilograms_are_read_to_the_milligram(exact: str, shown: str) -> None:
    assert kilograms(exact) == shown


def test_the_table_shows_cells_courses_and_silences(exchange: Exchange, capsys: pytest.CaptureFixture[str]) -> None:
    client = exchange.client("AZ-CUS")
    for day in ("1995-01-05", "1995-03-05", "1995-03-06"):
        client.submit(exchange.sign(seizure("AZ-CUS", day, ("heroin", "2", "kg", "PRES"))))
    answer = exchange.client("AZ-CUS", "analysis").trends(
        by="month,substance", measure="kg", from_="1995-01", to="1996-01"
    )
    gap = [command.UNREPORTED]
    assert command.courses(answer, "kg") == {"SAR-000608": [2.0, *gap, 4.0, *gap * 9]}
    with console.capture() as captured:
        command.silences(answer)
    assert "does not share with you" in captured.get()


def test_silences_are_drawn_apart() -> None:
    """UZ reported that there was nothing in its second quarter, said nothing of its third; TM does not share."""
    owners = [
        {"owner": "UZ", "shares": True, "reported": [["2025-01", "2025-01"]], "zero": [["2025-05", "2025-05"]]},
        {"owner": "TM", "shares": False, "reported": [], "zero": []},
    ]
    cells = [{"key": {"quarter": "2025-Q1", "owner": "UZ"}, "kg": "2"}]
    asked = {"from": "2025-01-01", "to": "2025-10-01"}
    answer = {"by": ["quarter", "owner"], "question": asked, "cells": cells, "coverage": {"owners": owners}}
    assert command.courses(answer, "kg") == {"UZ": [2.0, 0.0, "·"], "TM": ["×"] * 3}


def test_without_an_end_days_go_on_to_the_last_that_has_a_value() -> None:
    owner = {"owner": "UZ", "shares": True, "reported": [["2025-01", "2025-01"]], "zero": []}
    cells = [{"key": {"day": day}, "kg": "1"} for day in ("2025-01-02", "2025-01-05")]
    answer = {"by": ["day"], "question": {}, "cells": cells, "coverage": {"owners": [owner]}}
    assert command.courses(answer, "kg") == {"": [1.0, 0.0, 0.0, 1.0]}


def test_what_is_compared_stands_in_the_table() -> None:
    before = {"seizures": 1, "kg": "2.50"}
    cell = {"key": {"month": "2025-03"}, "seizures": 3, "kg": "4", "previous": before}
    names = ("seizures", "kg")
    assert command._compared("previous", names) == ("previous_seizures", "previous_kg")
    assert command._row(cell, names, "previous") == ("2025-03", 3, "4", 1, "2.5")
    assert command._row(cell | {"previous": None}, names, "previous") == ("2025-03", 3, "4", None, "")
    assert command._row(cell | {"norm": {"median": 2, "score": None}}, names, "norm") == ("2025-03", 3, "4", 2, None)
