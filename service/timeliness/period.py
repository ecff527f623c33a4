"""Which months are looked at: whole ones, the twelve that end now unless others are named."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.records.scalars import MonthName
from service.trends.question import ImpossiblePeriod

MOST = 36


class Months(BaseModel):
    """The parameters of GET /v1/timeliness; both months are inclusive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_month: Annotated[MonthName | None, Field(description="11 months before the last unless given.")] = None
    last_month: Annotated[MonthName | None, Field(description="The current month (UTC) unless given.")] = None

    def names(self, now: datetime) -> list[str]:
        """Every month of the period, such as "2026-03". Raises ImpossiblePeriod."""
        current = _number(f"{now.astimezone(UTC):%Y-%m}")
        last = current if self.last_month is None else _number(self.last_month)
        first = last - 11 if self.first_month is None else _number(self.first_month)
        if not 0 <= last - first < MOST or last > current:
            raise ImpossiblePeriod(
                f"from {_name(first)} to {_name(last)}", expected=f"1 to {MOST} months, none of them to come"
            )
        return [_name(number) for number in range(first, last + 1)]


def bounds(months: list[str]) -> dict[str, datetime]:
    """From the beginning of the first month to the beginning of the one after the last (UTC)."""
    until = _name(_number(months[-1]) + 1)
    return {"since": _beginning(months[0]), "until": _beginning(until)}


def _beginning(month: str) -> datetime:
    day = date.fromisoformat(f"{month}-01")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _name(number: int) -> str:
    return f"{number // 12}-{number % 12 + 1:02}"
