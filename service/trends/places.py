"""Flows and hot spots: the questions behind them, and what is told of them. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal

import h3
import orjson
from pydantic import Field

from service.problems import Problem
from service.trends.answer import CAVEATS, COUNTING_UNIT, measured
from service.trends.ask import Answer, TooManyCells
from service.trends.compare import periods
from service.trends.question import Filters, ImpossiblePeriod, Trend
from service.trends.scan import METHOD, MOST_CELLS, MOST_EVENTS, SHUFFLES

_LEGS = ("origin", "transit", "destination", "certainty")
Certainty = Literal["KNOWN", "DECLARED", "SUSPECTED"]
LONGEST_DAYS = 1100  # of the period of a search for hot spots


class TooManyEvents(Problem):
    """The search for hot spots is bounded: ask for a shorter period or fewer records."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class _ByLegs(Trend):
    narrowed: ClassVar[tuple[str, str]] = ("from", "a shorter period, or fewer records")

    certainty: Certainty | None = None


class _ByCells(Trend):
    narrowed: ClassVar[tuple[str, str]] = ("resolution", "a shorter period, or a coarser one")


class Flows(Filters):
    """The parameters of GET /v1/flows."""

    certainty: Annotated[Certainty | None, Field(description="The weakest leg of the route.")] = None

    def trend(self) -> Trend:
        """The question by all legs. Raises ImpossiblePeriod."""
        self.check()
        return _ByLegs.model_construct(**self.model_dump(), by=",".join(_LEGS))


class HotSpots(Filters):
    """The parameters of GET /v1/hotspots."""

    since: Annotated[date, Field(alias="from", description="First day of the first month (inclusive).")]
    until: Annotated[date, Field(alias="to", description="First day of the month after the last (exclusive).")]
    resolution: Annotated[int, Field(ge=1, le=5, description="H3 resolution of the cells.")] = 4

    def trend(self) -> Trend:
        """The question by cell and month. Raises ImpossiblePeriod."""
        self.check()
        if not self.whole_months:
            raise ImpossiblePeriod("hot spots are searched in whole months `from` and `to`", parameter="from")
        if self.until - self.since > timedelta(days=LONGEST_DAYS):
            raise ImpossiblePeriod("too long", parameter="from", expected=f"<= {LONGEST_DAYS} days")
        return _ByCells.model_construct(**self.model_dump(), by="cell,month")


def flows(answer: Answer) -> list[dict[str, Any]]:
    """Routes, the most used first. null: not disclosed to you; empty: not stated."""
    found: list[dict[str, Any]] = []
    for cell in answer.cells:
        legs: dict[str, Any] = dict(zip(_LEGS, cell.key, strict=True))
        if (transit := legs["transit"]) is not None:
            legs["transit"] = transit.split(">") if transit else []
        found.append(legs | measured(cell, ("seizures", "items", "kg")))
    return sorted(found, key=lambda flow: -flow["seizures"])


@dataclass(frozen=True, slots=True)
class Located:
    """What is known of where and when: events by (cell, month), of the cells and months that are named."""

    cells: list[str]
    months: list[str]
    counts: dict[tuple[int, int], int]
    seed: int
    whole: int

    def asked(self) -> bytes:
        """As `scan.scanned` takes it."""
        centres = [h3.cell_to_latlng(cell)[::-1] for cell in self.cells]
        counts = [(*at, events) for at, events in self.counts.items()]
        return orjson.dumps({"places": centres, "counts": counts, "periods": len(self.months), "seed": self.seed})

    def told(self, clusters: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Clusters with their significance, and what they were found among."""
        events = sum(self.counts.values())
        return {
            "method": METHOD,
            "shuffles": SHUFFLES,
            "seed": str(self.seed),
            "located": events,
            "not_located": self.whole - events,
            "clusters": [
                {
                    "cells": [self.cells[index] for index in cluster["cells"]],
                    "from": self.months[cluster["since"]],
                    "observed": cluster["observed"],
                    "expected": round(cluster["expected"], 4),
                    "ratio": round(cluster["ratio"], 4),
                    "statistic": round(cluster["statistic"], 6),
                    "p": round(cluster["p"], 4),
                    "significant": cluster["p"] <= 0.05,
                }
                for cluster in clusters
            ],
        }


def located(question: HotSpots, asked: Trend, answer: Answer) -> Located:
    """What hot spots are sought among. Raises TooManyCells, TooManyEvents."""
    months = {name: index for index, name in enumerate(periods(asked.model_copy(update={"by": "month"}), asked))}
    known = [cell for cell in answer.cells if cell.key[0] and cell.key[1]]
    cells = sorted({str(cell.key[0]) for cell in known})
    events = sum(cell.number for cell in known)
    if len(cells) > MOST_CELLS:
        raise TooManyCells(f"{len(cells)} cells", parameter="resolution", expected=f"<= {MOST_CELLS}: a coarser one")
    if events > MOST_EVENTS:
        raise TooManyEvents(f"{events} records", parameter="from", expected=f"<= {MOST_EVENTS}")
    at = {name: index for index, name in enumerate(cells)}
    counts = {(at[str(cell.key[0])], months[str(cell.key[1])]): cell.number for cell in known}
    seed = int.from_bytes(hashlib.sha256(question.model_dump_json().encode()).digest()[:8])
    return Located(cells, list(months), counts, seed, answer.whole.number if answer.whole else 0)


def told(question: Filters, policy: str, **content: Any) -> dict[str, Any]:
    asked = question.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {"question": asked, "policy": policy, **content, "counting_unit": COUNTING_UNIT, "caveats": list(CAVEATS)}
