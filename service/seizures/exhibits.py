"""Exhibit numbers of a report's items: what a laboratory's result finds its line by. Pure."""

from http import HTTPStatus

from service.problems import Problem
from service.records.rules import LinesDisagree
from service.records.shapes import Facets


class ForeignExhibit(Problem):
    """The exhibit number is not of the agency that it is said to come from."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def check_exhibits(facets: Facets, agency: str) -> None:
    """An agency gives its own numbers, one to one item. Raises ForeignExhibit, LinesDisagree."""
    seen: set[str] = set()
    for index, item in enumerate(facets.items or ()):
        if item.exhibit is None:
            continue
        pointer = f"/items/{index}/exhibit"
        if item.exhibit.partition("/")[0] != agency:
            raise ForeignExhibit(
                f"A number of {agency} begins with {agency}/.", pointer=pointer, expected=f"{agency}/…"
            )
        if item.exhibit in seen:
            raise LinesDisagree(f"Exhibit {item.exhibit} stands twice.", pointer=pointer)
        seen.add(item.exhibit)
