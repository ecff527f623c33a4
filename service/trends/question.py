"""One question about many records: what to measure, by what, over which records. Refused before any work."""

from datetime import date, timedelta
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from service.geometry import Box
from service.problems import Problem
from service.records.registry import BITS
from service.seizures.query import Search
from service.trends.changes import MOST_PERIODS

Time = Literal["day", "month", "quarter", "year"]
Place = Literal["owner", "country", "admin1", "cell"]
What = Literal["group", "substance", "status", "unit", "rule"]
How = Literal["transport", "place_type", "concealment", "agency", "agency_type"]
Who = Literal["role", "sex", "age_band"]
Dimension = Time | Place | What | How | Who
TIMES: tuple[str, ...] = get_args(Time)
LINES: tuple[str, ...] = get_args(What)
PERSONS: tuple[str, ...] = get_args(Who)
DIMENSIONS: tuple[str, ...] = (*TIMES, *get_args(Place), *LINES, *get_args(How), *PERSONS)
MEASURES = ("seizures", "items", "kg", "quantity", "tablets", "first", "persons", "purity", "price")
_EVENTS = ("month", "quarter", "year", "owner", "agency", "agency_type", "country")
_OF_SUBSTANCES = (
    frozenset({*_EVENTS, "substance", "group"}),
    frozenset({"owner", "agency", "country", "substance", "group"}),
)
# Measures of other things than seizures: each is asked for alone, by these dimensions, under these filters.
ALONE: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "persons": (frozenset({*_EVENTS, *get_args(Who)}), frozenset({"owner", "agency", "country"})),
    "purity": _OF_SUBSTANCES,
    "price": _OF_SUBSTANCES,
}
QUARTILES = ("purity", "price")
_FILTERS = (
    *("owner", "agency", "country", "admin1", "bbox", "group", "substance", "status", "transport", "concealment"),
    "place_type",
)

MAX_DAYS = 800  # of a question by day: days cross with everything
FIRST, LAST = date(1970, 1, 1), date(2100, 1, 1)


class UnknownDimension(Problem):
    """A question is by dimensions of this list."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownMeasure(Problem):
    """A question measures what this list names."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ImpossibleCombination(Problem):
    """These parts of a question do not go together."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ImpossiblePeriod(Problem):
    """A period ends after it begins, and is no longer than its questions may be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Filters(BaseModel):
    """Which records: on disclosed values, over whole days. Of the filters of a search, those that figures are kept by:
    amounts and references are of single records.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Annotated[date | None, Field(alias="from", description="First day (inclusive).")] = None
    until: Annotated[date | None, Field(alias="to", description="Day after the last (exclusive).")] = None
    owner: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country that reported.")] = None
    agency: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$")] = None
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country of the seizure.")] = None
    admin1: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$", description="ISO 3166-2.")] = None
    bbox: Annotated[str | None, Field(description="west,south,east,north in degrees.", max_length=100)] = None
    group: Annotated[str | None, Field(description="Policy group of substances.", max_length=40)] = None
    substance: Annotated[
        str | None, Field(description="Catalogue code; its descendants are included.", max_length=40)
    ] = None
    status: Annotated[
        Literal["SUSP", "PRES", "CONF", "NEGA", "INCL"] | None, Field(description="Identification of a line.")
    ] = None
    transport: Annotated[str | None, Field(pattern=r"^[0-9]$", description="UNECE Recommendation 19.")] = None
    concealment: Annotated[str | None, Field(pattern=r"^[A-Z]{3}$")] = None
    place_type: Annotated[str | None, Field(pattern=r"^[A-Z]{4}$")] = None

    @field_validator("since", "until", mode="before")
    @classmethod
    def _whole_month(cls, value: object) -> object:
        """`2025-03` is the first of March."""
        return f"{value}-01" if isinstance(value, str) and len(value) == 7 else value

    @property
    def period(self) -> tuple[date, date] | None:
        """[from, to); None where the question has no bounds."""
        if self.since is None and self.until is None:
            return None
        return self.since or FIRST, self.until or LAST

    @property
    def whole_months(self) -> bool:
        return all(day is None or day.day == 1 for day in (self.since, self.until))

    def box(self) -> Box | None:
        """Raises InvalidBox."""
        return None if self.bbox is None else Search(bbox=self.bbox).box()

    def check(self) -> None:
        """Raises ImpossiblePeriod."""
        if self.period is None:
            return
        since, until = self.period
        if since >= until:
            raise ImpossiblePeriod(
                f"it begins on {since} and ends before {until}", parameter="to", expected="after from"
            )
        if since < FIRST or until > LAST:
            raise ImpossiblePeriod("it leaves the calendar", parameter="from", expected=[str(FIRST), str(LAST)])


class Trend(Filters):
    """The parameters of GET /v1/trends. `narrowed`: which of them to change where an answer is too large, and how."""

    narrowed: ClassVar[tuple[str, str]] = ("by", "a shorter period, one dimension less, or a coarser one")

    by: Annotated[str, Field(description="One or two of: " + ", ".join(DIMENSIONS) + ".", max_length=60)] = "month"
    measure: Annotated[str, Field(description="Any of: " + ", ".join(MEASURES) + ".", max_length=80)] = "seizures,kg"
    level: Annotated[
        int | None, Field(ge=0, le=12, description="Roll `substance` up to this depth of the tree; 0 is the root.")
    ] = None
    resolution: Annotated[int, Field(ge=0, le=5, description="H3 resolution of `cell`.")] = 5
    compare: Annotated[
        Literal["previous", "norm"] | None,
        Field(description="With the period before, or with what is usual for the unit itself."),
    ] = None
    changes: Annotated[bool, Field(description="Say where the level of each series changed.")] = False

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(name for name in self.by.split(",") if name)

    def said(self) -> dict[str, Any]:
        """The parameters that the answer heeds."""
        of = {"cell": "resolution", "substance": "level"}
        idle = {parameter for dimension, parameter in of.items() if dimension not in self.dimensions}
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=idle)

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(name for name in self.measure.split(",") if name)

    @property
    def time(self) -> str | None:
        return next((name for name in self.dimensions if name in TIMES), None)

    @property
    def about_lines(self) -> bool:
        """Whether it asks of substances: then records whose items are withheld are not in it."""
        return bool(set(self.dimensions) & set(LINES) or self.group or self.substance or self.status)

    def check(self) -> None:
        """Raises UnknownDimension, UnknownMeasure, ImpossibleCombination, ImpossiblePeriod."""
        super().check()
        by, measured = self.dimensions, self.measures
        for name in by:
            if name not in DIMENSIONS:
                raise UnknownDimension(f"{name} is none", parameter="by", expected=list(DIMENSIONS))
        for name in measured:
            if name not in MEASURES:
                raise UnknownMeasure(f"{name} is none", parameter="measure", expected=list(MEASURES))
        if not measured:
            raise UnknownMeasure("name at least one", parameter="measure", expected=list(MEASURES))
        if not 1 <= len(set(by)) == len(by) <= 2:
            raise ImpossibleCombination("one dimension, or two different ones", parameter="by")
        if {"substance", "group"} <= set(by):
            raise ImpossibleCombination("a substance has one group: ask by one of them", parameter="by")
        if len(set(by) & set(TIMES)) == 2:
            raise ImpossibleCombination("time crosses with something else than time", parameter="by")
        self._check_period()
        self._check_persons()
        if "quantity" in measured and "unit" not in by:
            raise ImpossibleCombination("quantities as reported add up only by unit", parameter="by", expected="unit")
        if self.changes and self.time is None:
            raise ImpossibleCombination("changes are found over time", parameter="by", expected=list(TIMES))

    def _check_period(self) -> None:
        if "day" in self.dimensions:
            since, until = self.period or (FIRST, LAST)
            if until - since > timedelta(days=MAX_DAYS):
                raise ImpossiblePeriod(
                    f"a question by day names `from` and `to`, at most {MAX_DAYS} days apart",
                    parameter="from",
                    expected=f"<= {MAX_DAYS} days",
                )
        if self.changes and self.time == "month" and self.since and self.until:
            months = (self.until.year - self.since.year) * 12 + self.until.month - self.since.month
            if months > MOST_PERIODS:
                raise ImpossiblePeriod(
                    f"changes are sought in at most {MOST_PERIODS} months",
                    parameter="to",
                    expected=f"<= {MOST_PERIODS}",
                )
        if self.compare == "previous" and (self.since is None or self.until is None or not self.whole_months):
            raise ImpossiblePeriod("the period before is that of whole months `from` and `to`", parameter="compare")
        if self.compare == "norm" and (self.since is None or self.time not in ("month", "quarter", "year")):
            raise ImpossibleCombination(
                "what is usual is known by month, quarter or year, from before `from`", parameter="compare"
            )

    def _check_persons(self) -> None:
        asked = set(self.dimensions) & set(PERSONS)
        if asked and self.measures != ("persons",):
            raise ImpossibleCombination(
                f"{', '.join(sorted(asked))} measures persons and nothing else", parameter="measure", expected="persons"
            )
        for measure in set(self.measures) & ALONE.keys():
            self._check_alone(measure)

    def _check_alone(self, measure: str) -> None:
        dimensions, filters = ALONE[measure]
        others = sorted(set(self.dimensions) - dimensions)
        others += [name for name in _FILTERS if name not in filters and getattr(self, name) is not None]
        if others or not self.whole_months:
            raise ImpossibleCombination(
                f"{measure} is not known by {', '.join(others) or 'days'}",
                parameter="measure",
                expected=sorted(dimensions),
            )
        if self.measures != (measure,):
            raise ImpossibleCombination(f"ask for {measure} alone", parameter="measure", expected=measure)
        if measure in QUARTILES and (self.compare or self.changes):
            raise ImpossibleCombination(
                "quartiles are not compared here: their numbers are too few", parameter="compare"
            )
        if measure == "price" and not self.about_lines:
            raise ImpossibleCombination(
                "a price is of something: ask by substance or group, or about one",
                parameter="by",
                expected=["substance", "group"],
            )

    def needs(self) -> int:
        """The facets without which no record can be in the answer."""
        return 1 << BITS["items"] if self.about_lines else 0
