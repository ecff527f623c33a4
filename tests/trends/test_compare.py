"""A cell beside what is usual for its unit."""

import pytest

from service.trends.ask import Answer, Cell
from service.trends.compare import earlier, with_norm
from service.trends.question import ImpossiblePeriod, Trend

EVERY = {f"{year}-{month:02}": 4 + month % 3 for year in (2022, 2023, 2024) for month in range(1, 13)}


def past(*cells: tuple[tuple[str, ...], int]) -> Answer:
    return Answer([Cell(key, {"events": number}, {}) for key, number in cells], None, {}, "group")


def asked(by: str = "month") -> Trend:
    question = Trend.model_validate(
        {"by": by, "measure": "seizures", "from": "2025-01", "to": "2025-02", "compare": "norm"}
    )
    question.check()
    return question


def test_the_norm_is_of_the_three_years_before() -> None:
    assert (str(earlier(asked()).since), str(earlier(asked()).until)) == ("2022-01-01", "2025-01-01")


def test_a_month_lies_so_far_from_the_median_of_its_own_past() -> None:
    """Twelve months each of 4, 5 and 6: the median is 5, and the median distance from it 1."""
    cells = [{"key": {"month": "2025-01"}, "seizures": 12}]
    with_norm(asked(), cells, past(*(((month,), number) for month, number in EVERY.items())))
    assert cells[0]["norm"] == {"median": 5, "spread": 1.4826, "score": 4.72, "periods": 36}


def test_each_unit_has_a_norm_of_its_own_and_months_without_records_count_as_none() -> None:
    cells = [{"key": {"month": "2025-01", "owner": owner}, "seizures": 6} for owner in ("KZ", "UZ")]
    with_norm(asked("month,owner"), cells, past(*(((month, "KZ"), 6) for month in EVERY), (("2024-03", "UZ"), 9)))
    assert [cell["norm"] for cell in cells] == [
        {"median": 6, "spread": 0, "score": None, "periods": 36},
        {"median": 0, "spread": 0, "score": None, "periods": 36},
    ]


@pytest.mark.parametrize(("by", "since"), [("month", "2025-01-15"), ("quarter", "2025-02"), ("year", "2025-07")])
def test_what_is_usual_is_that_of_whole_periods(by: str, since: str) -> None:
    with pytest.raises(ImpossiblePeriod):
        earlier(Trend.model_validate({"by": by, "measure": "seizures", "from": since, "compare": "norm"}))
