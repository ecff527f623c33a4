"""One line of time: what happened to a product's precursors, laboratories that made it, seizures of it. By month.

Three questions under the same gate, put side by side: nothing is multiplied, and no cause is claimed.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from service.observations import figures
from service.policies.gate import Reach
from service.problems import Problem
from service.substances.catalogue import Catalogue
from service.timelines.coupling import precursors_of
from service.trends.ask import Cell, ask
from service.trends.question import Trend

CAVEATS = (
    "Side by side is no cause: incidents are found where they are looked for, and reported late.",
    "Stopped consignments were not seized; kilograms of different chemicals are added as mass, not as potential.",
    "Months without a figure had none that is shared with you; that is not a zero.",
)


class NoCoupling(Problem):
    """The table of precursors has none for this product."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Timeline(BaseModel):
    """The parameters of GET /v1/timeline."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    product: Annotated[str, Field(description="Catalogue code; its descendants are included.", max_length=40)]
    since: Annotated[date, Field(alias="from", description="First day of a month (inclusive).")]
    until: Annotated[date, Field(alias="to", description="First day of a month (exclusive).")]
    owner: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country that reported.")] = None

    @field_validator("since", "until", mode="before")
    @classmethod
    def _whole_month(cls, value: object) -> object:
        """`2025-03` is the first of March."""
        return f"{value}-01" if isinstance(value, str) and len(value) == 7 else value

    def trend(self) -> Trend:
        """Raises ImpossiblePeriod."""
        question = Trend.model_validate(
            {"by": "month", "substance": self.product, "from": self.since.replace(day=1),
             "to": self.until.replace(day=1), "owner": self.owner}
        )  # fmt: skip
        question.check()
        return question


@dataclass(frozen=True, slots=True)
class Joined:
    document: dict[str, Any]
    owners: dict[str, int]


async def joined(session: AsyncSession, question: Timeline, catalogue: Catalogue, reach: Reach) -> Joined:
    """Raises UnknownLabel, NoCoupling, ImpossiblePeriod, TooManyCells."""
    trend = question.trend()
    answer = await ask(session, trend, catalogue, reach)
    coupled = precursors_of(question.product, catalogue)
    if not coupled:
        raise NoCoupling("see schemas/substances/precursors.csv", parameter="product")
    period = trend.since or question.since, trend.until or question.until
    chemicals = frozenset[str]().union(*(catalogue.descendants(code) for code in coupled))
    precursors = await figures.incidents(session, chemicals, period, question.owner)
    places = await figures.laboratories(session, catalogue.descendants(question.product), period, question.owner)
    months: dict[str, dict[str, Any]] = {}
    for cell in answer.cells:
        months.setdefault(str(cell.key[0])[:7], {})["product"] = _product(cell)
    for row in precursors.rows:
        told = months.setdefault(row["month"], {}).setdefault("precursors", {"incidents": 0, "by": {}})
        if row["aspect"] is None:
            told["incidents"] = row["records"]
        else:
            told["by"][row["aspect"]] = {
                "incidents": row["records"],
                "kg": _plain(row["kg"]),
                "unconvertible": row["unconvertible"],
            }
    for row in places.rows:
        months.setdefault(row["month"], {})["laboratories"] = row["records"]
    document = {
        "product": question.product,
        "precursors": [{"substance": code, "source": source} for code, source in coupled.items()],
        "months": [{"month": month, **told} for month, told in sorted(months.items())],
        "caveats": CAVEATS,
        "policy": reach.version,
    }
    owners: Counter[str] = Counter(answer.owners)
    owners.update(precursors.owners)
    owners.update(places.owners)
    return Joined(document, dict(owners))


def _product(cell: Cell) -> dict[str, Any]:
    sums = {name: _plain(cell.sums[name]) for name in ("kg_exact", "kg_converted")}
    return {"seizures": cell.number, **sums, "unconvertible": cell.counts["unconvertible"]}


def _plain(value: Decimal) -> str:
    return format(value, "f")
