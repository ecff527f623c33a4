"""Hard rules between facets: no facet may contradict another. Each refusal stands by its rule."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus

import h3

from service.problems import Problem
from service.records.shapes import Common, Facets, Placed

MINUTES_AHEAD = 10  # of the service, by a clock that runs fast
CLOCK_TOLERANCE = timedelta(minutes=MINUTES_AHEAD)
EARTH_IS_AHEAD = timedelta(hours=14)  # a day without a time zone has begun somewhere this early
H3_RESOLUTION = 5


class LadderIncomplete(Problem):
    """A finer value needs the coarser ones beside it, so that they can be shared without it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class LadderInconsistent(Problem):
    """A coarse value does not contain the finer one."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class DateInFuture(Problem):
    """A record tells what has happened; this has not happened yet."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PersonsDisagree(Problem):
    """The groups of persons add up to more than were arrested."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RouteDisagrees(Problem):
    """The route does not agree with the place of seizure."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class LinesDisagree(Problem):
    """The line numbers of the items are not distinct, or a line is named that does not exist."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def check(facets: Facets, now: datetime) -> None:
    """Raises the first contradiction found. `now` has a time zone."""
    check_placed(facets, now)
    check_seizure_point(facets)
    check_lines(facets)


def check_placed(facets: Placed, now: datetime) -> None:
    """The rules about what records of an event at a place may say."""
    check_time_ladder(facets)
    check_place_ladder(facets)
    check_unit_of_country(facets)
    check_not_in_future(facets, now)
    check_persons(facets)
    check_route(facets)


def check_common(facets: Common, now: datetime) -> None:
    """The rules about what records of every kind may say."""
    check_time_ladder(facets)
    check_unit_of_country(facets)
    check_not_in_future(facets, now)


def check_time_ladder(facets: Common) -> None:
    """instant → day → month, read in the offset of the instant: the local calendar of the seizure."""
    if facets.instant is not None:
        if facets.day is None:
            raise LadderIncomplete("when.instant needs when.day.", pointer="/when.day")
        if facets.day != facets.instant.date():
            raise LadderInconsistent(f"The instant falls on {facets.instant.date()}.", pointer="/when.day")
    if facets.day is not None:
        if facets.month is None:
            raise LadderIncomplete("when.day needs when.month.", pointer="/when.month")
        if facets.month != facets.day.replace(day=1):
            raise LadderInconsistent(f"The day falls in {facets.day:%Y-%m}.", pointer="/when.month")


def check_place_ladder(facets: Placed) -> None:
    """point → cell (H3 resolution 5)."""
    point = facets.point
    if point is not None and (point.lat is None) != (point.lon is None):
        absent = "lat" if point.lat is None else "lon"
        raise LadderIncomplete("Latitude and longitude come together.", pointer=f"/where.point/{absent}")
    if point is not None and point.lat is not None and point.lon is not None:
        cell = h3.latlng_to_cell(float(point.lat), float(point.lon), H3_RESOLUTION)
        if facets.cell is None:
            raise LadderIncomplete("where.point needs where.cell.", pointer="/where.cell", expected=cell)
        if facets.cell != cell:
            raise LadderInconsistent(f"The point lies in cell {cell}.", pointer="/where.cell", expected=cell)
    elif facets.cell is not None:
        raise LadderIncomplete("where.cell needs where.point with lat and lon.", pointer="/where.point")


def check_unit_of_country(facets: Common) -> None:
    """admin1 → country."""
    if facets.admin1 is not None and facets.country is not None:
        country, _, _ = facets.admin1.code.partition("-")
        if country != facets.country:
            raise LadderInconsistent(
                f"{facets.admin1.code} is a unit of {country}, the country says {facets.country}.",
                pointer="/where.admin1/code",
            )


def check_not_in_future(facets: Common, now: datetime) -> None:
    latest = now.astimezone(UTC) + CLOCK_TOLERANCE
    for pointer, moment in (("/reported", facets.reported), ("/when.instant", facets.instant)):
        if moment is not None and moment > latest:
            raise DateInFuture(f"More than {MINUTES_AHEAD} minutes ahead of the clock.", pointer=pointer)
    today: date = (now.astimezone(UTC) + EARTH_IS_AHEAD).date()
    for pointer, start in (("/when.day", facets.day), ("/when.month", facets.month)):
        if start is not None and start > today:
            raise DateInFuture(f"Later than {today}.", pointer=pointer)


def check_persons(facets: Placed) -> None:
    if facets.persons is not None:
        grouped = sum(group.n for group in facets.persons.groups)
        if grouped > facets.persons.arrested:
            raise PersonsDisagree(
                f"The groups add up to {grouped}, arrested are {facets.persons.arrested}.",
                pointer="/persons/groups",
            )


def check_route(facets: Placed) -> None:
    points = [(i, leg) for i, leg in enumerate(facets.route or ()) if leg.role == "SEIZURE_POINT"]
    if len(points) > 1:
        raise RouteDisagrees("A route has one place of seizure.", pointer=f"/route/{points[1][0]}/role")
    for index, leg in points:
        if facets.country is not None and leg.country != facets.country:
            raise RouteDisagrees(
                f"The seizure was in {facets.country}.",
                pointer=f"/route/{index}/country",
                expected=facets.country,
            )


def check_seizure_point(facets: Facets) -> None:
    """The route of a seizure passes through the place of seizure, said once: what lies before and after it is what
    a route is read for.
    """
    if facets.route is not None and all(leg.role != "SEIZURE_POINT" for leg in facets.route):
        raise RouteDisagrees(
            "The route does not name the place of seizure.", pointer="/route", expected="SEIZURE_POINT"
        )


def check_lines(facets: Facets) -> None:
    """Item lines are distinct; marks, purities and spectra name lines that exist (if items are disclosed)."""
    if facets.items is None:
        return
    lines = check_distinct(item.line for item in facets.items)
    named: dict[str, list[int | None]] = {
        "marks": [mark.line for mark in facets.marks or ()],
        "purity": [*(purity.line for purity in facets.purity or ())],
        "spectra": [*(spectrum.line for spectrum in facets.spectra or ())],
    }
    for facet, references in named.items():
        for index, line in enumerate(references):
            if line is not None and line not in lines:
                raise LinesDisagree(f"There is no item line {line}.", pointer=f"/{facet}/{index}/line")


def check_distinct(numbers: Iterable[int]) -> set[int]:
    """The line numbers of the items, each once. Raises LinesDisagree."""
    lines: set[int] = set()
    for index, line in enumerate(numbers):
        if line in lines:
            raise LinesDisagree(f"Line {line} stands twice.", pointer=f"/items/{index}/line")
        lines.add(line)
    return lines
