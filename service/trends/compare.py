"""A cell beside the period before, or beside what is usual for its unit. Pure but for the second question it asks."""

from collections.abc import Iterable, Sequence
from datetime import date
from statistics import median
from typing import Any

from service.trends.answer import measured
from service.trends.ask import Answer, Cell, TooManyCells
from service.trends.changes import METHOD, MOST_PERIODS, changes
from service.trends.question import ImpossiblePeriod, Trend

NORM_MONTHS = 36
SCALE = 1.4826  # of the median absolute deviation, to that of a standard deviation (Rousseeuw and Croux 1993)
LENGTH = {"month": 1, "quarter": 3, "year": 12}
MOST_WORK = 20_000_000  # pairs of periods that are weighed, of all series together


def months(question: Trend) -> int:
    """The length of a period of whole months."""
    since, until = question.period or (date.min, date.min)
    return (until.year - since.year) * 12 + until.month - since.month


def before(question: Trend, length: int) -> Trend:
    """The same question of the `length` months before. Raises ImpossiblePeriod where no such months are."""
    since = question.since
    if since is None or since.year * 12 + since.month - 1 - length < 12:
        raise ImpossiblePeriod("there is no period before", parameter="from")
    return question.model_copy(update={"since": _moved(since, -length), "until": since})


def earlier(question: Trend) -> Trend:
    """What `compare` looks at. Raises ImpossiblePeriod."""
    if question.compare == "norm":
        if (
            question.since is None
            or not question.whole_months
            or (question.since.month - 1) % LENGTH[question.time or ""]
        ):
            raise ImpossiblePeriod("what is usual is that of whole months, quarters or years", parameter="from")
        return before(question, NORM_MONTHS)
    length = months(question)
    unit = LENGTH.get(question.time or "month", 0)
    if not unit or length % unit:
        raise ImpossiblePeriod("the period is of whole months, quarters or years, as asked by", parameter="compare")
    return before(question, length)


def with_previous(question: Trend, cells: list[dict[str, Any]], previous: Answer) -> None:
    """Each cell gets the same cell one period earlier, null where there was nothing."""
    held = {cell.key: cell for cell in previous.cells}
    for cell in cells:
        key = tuple(
            _shifted(value, name, -months(question)) if name in LENGTH and value else value
            for name, value in cell["key"].items()
        )
        found = held.get(key)
        cell["previous"] = measured(found, question.measures) if found else None


def with_norm(question: Trend, cells: list[dict[str, Any]], past: Answer) -> None:
    """Each cell gets the median of its unit's own periods of three years, and how far it lies from it, robustly."""
    series = _series(question, past.cells, periods(question, before(question, NORM_MONTHS)))
    count = "persons" if question.measures == ("persons",) else "seizures"
    for cell in cells:
        counts = series.get(
            _unit(question, tuple(cell["key"].values())), [0] * (NORM_MONTHS // LENGTH[question.time or "month"])
        )
        middle = median(counts)
        spread = SCALE * median(abs(value - middle) for value in counts)
        now = cell.get(count)
        score = round((now - middle) / spread, 2) if spread and now is not None else None
        cell["norm"] = {"median": middle, "spread": round(spread, 4), "score": score, "periods": len(counts)}


def found_changes(question: Trend, answer: Answer) -> dict[str, Any]:
    """Where the number of records of each unit changed its level; periods without records count as zero. Takes up to
    two seconds of a processor. Raises TooManyCells.
    """
    keys = sorted({key for cell in answer.cells if (key := cell.key[_place(question)])})
    told = []
    if keys:
        order = periods(question, question) if question.since and question.until else _between(question, keys)
        units = {_unit(question, cell.key) for cell in answer.cells}
        if len(order) > MOST_PERIODS or len(units) * len(order) ** 2 > MOST_WORK:
            raise TooManyCells(
                f"changes are sought in {len(units)} series of {len(order)} periods",
                parameter="changes",
                expected="one dimension less, a shorter period, or a coarser time",
            )
        for unit, counts in sorted(_series(question, answer.cells, order).items(), key=lambda entry: str(entry[0])):
            for change in changes(counts):
                told.append(
                    {
                        "unit": list(unit),
                        "at": order[change.at],
                        "before": round(change.before, 3),
                        "after": round(change.after, 3),
                        "gain": round(change.gain, 3),
                    }
                )
    return {"method": METHOD, "threshold": "a gain of 1 is the penalty; all that is told is above it", "found": told}


def periods(asked: Trend, within: Trend) -> list[str]:
    """The names of all periods of a question with bounds, in order."""
    since, until = within.period or (date.min, date.min)
    return _names(asked.time or "month", since, until)


def _names(time: str, since: date, until: date) -> list[str]:
    found: list[str] = []
    at = since
    while at < until:
        name = str(at) if time == "day" else _named(at, time)
        if not found or found[-1] != name:
            found.append(name)
        at = date.fromordinal(at.toordinal() + 1) if time == "day" else _moved(at.replace(day=1), 1)
    return found


def _between(question: Trend, keys: Sequence[str]) -> list[str]:
    first, last = keys[0], keys[-1]
    return _names(
        question.time or "month", _begin(first), _moved(_begin(last), LENGTH.get(question.time or "month", 1))
    )


def _begin(name: str) -> date:
    year, _, rest = name.partition("-")
    month = 1 if not rest else (int(rest[1:]) * 3 - 2 if rest.startswith("Q") else int(rest[:2]))
    return date(int(year), month, 1)


def _named(day: date, time: str) -> str:
    quarter = (day.month + 2) // 3
    return {"month": f"{day:%Y-%m}", "quarter": f"{day.year}-Q{quarter}", "year": f"{day.year}"}[time]


def _shifted(name: str, time: str, by: int) -> str:
    return _named(_moved(_begin(name), by), time)


def _moved(day: date, by: int) -> date:
    month = day.year * 12 + day.month - 1 + by
    return date(month // 12, month % 12 + 1, 1)


def _place(question: Trend) -> int:
    return question.dimensions.index(question.time or "")


def _unit(question: Trend, key: tuple[str | None, ...]) -> tuple[str | None, ...]:
    return tuple(value for name, value in zip(question.dimensions, key, strict=True) if name != question.time)


def _series(question: Trend, cells: Iterable[Cell], order: list[str]) -> dict[tuple[str | None, ...], list[int]]:
    at = {name: index for index, name in enumerate(order)}
    found: dict[tuple[str | None, ...], list[int]] = {}
    for cell in cells:
        index = at.get(cell.key[_place(question)] or "")
        if index is not None:
            found.setdefault(_unit(question, cell.key), [0] * len(order))[index] += cell.number
    return found
