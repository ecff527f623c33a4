"""Figures over observed records that the reader is shown: prices by period, precursors and laboratories by month.

Every row counted is one that the reader could list, so nothing is added that it may not see. A period is that of the
disclosed time, in UTC, as in searches; what is shared without a time is in no period. Money is never converted.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

MOST = 5_000  # rows of one answer
FIRST, LAST = date(1970, 1, 1), date(2100, 1, 1)
SIX = Context(prec=6)
_PERIODS = {"month": "YYYY-MM", "quarter": 'YYYY-"Q"Q', "year": "YYYY"}


class PriceQuestion(BaseModel):
    """The parameters of GET /v1/prices."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Annotated[date | None, Field(alias="from", description="First day (inclusive).")] = None
    until: Annotated[date | None, Field(alias="to", description="Day after the last (exclusive).")] = None
    by: Literal["month", "quarter", "year"] = "quarter"
    owner: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country that reported.")] = None
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country of the market.")] = None
    substance: Annotated[
        str | None, Field(description="Catalogue code; its descendants are included.", max_length=40)
    ] = None
    level: Annotated[str | None, Field(pattern=r"^[A-Z]{2,20}$", description="Level of the market.")] = None
    currency: Annotated[str | None, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.")] = None

    @field_validator("since", "until", mode="before")
    @classmethod
    def _whole_month(cls, value: object) -> object:
        """`2025-03` is the first of March."""
        return f"{value}-01" if isinstance(value, str) and len(value) == 7 else value


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows of an answer, and how many records of each owner are in it."""

    rows: list[dict[str, Any]]
    owners: dict[str, int] = field(default_factory=dict)


_PRICES = """
WITH seen AS (
  SELECT r.record_id, r.country AS owner, r.place_country AS country,
    to_char(r.at AT TIME ZONE 'UTC', :shape) AS period,
    o.substance, o.aspect AS level, o.currency, o.prices, o.price, o.price_low, o.price_high,
    CASE WHEN o.kg > 0 THEN 'kg' ELSE o.unit END AS per, CASE WHEN o.kg > 0 THEN o.kg ELSE o.quantity END AS amount
  FROM shared.report r JOIN shared.observation o ON (o.record_id, o.version) = (r.record_id, r.version)
  WHERE r.kind = 'price_observation' AND o.kind = 'price_observation' AND r.status = 'reported'
    AND r.at >= :since AND r.at < :until AND {where})
SELECT grouping(owner) = 0 AS of_owner, owner, period, country, substance, level, currency, per,
  count(DISTINCT record_id) AS observations, sum(prices)::bigint AS prices,
  min(coalesce(price_low, price) / amount) AS low,
  percentile_disc(0.5) WITHIN GROUP (ORDER BY price / amount) AS typical,
  max(coalesce(price_high, price) / amount) AS high
FROM seen GROUP BY GROUPING SETS ((owner), (period, country, substance, level, currency, per))
ORDER BY 1 DESC, period, country NULLS LAST, substance, level, currency, per LIMIT :most
"""
_KEYS = ("period", "country", "substance", "level", "currency", "per")


async def prices(session: AsyncSession, question: PriceQuestion, substances: Collection[str]) -> Counted:
    """By period, country of the market, substance, level, currency and what the price is of (a kilogram, or a unit)."""
    equal = {
        "r.country": question.owner,
        "r.place_country": question.country,
        "o.aspect": question.level,
        "o.currency": question.currency,
    }
    found = [f"{column} = :p{n}" for n, (column, value) in enumerate(equal.items()) if value is not None]
    values: dict[str, Any] = {f"p{n}": value for n, value in enumerate(equal.values()) if value is not None}
    if question.substance is not None:
        found.append("o.substance = ANY (:substances)")
        values["substances"] = sorted(substances)
    values |= {"shape": _PERIODS[question.by], "most": MOST + 300}
    values |= {"since": question.since or FIRST, "until": question.until or LAST}
    rows = (await session.execute(text(_PRICES.format(where=" AND ".join(found) or "true")), values)).mappings().all()
    told = [
        {
            **{key: row[key] for key in _KEYS},
            "observations": row["observations"],
            "prices": row["prices"],
            **{name: plain(row[name]) for name in ("low", "typical", "high")},
        }
        for row in rows
        if not row["of_owner"]
    ]
    return Counted(told, {row["owner"]: row["observations"] for row in rows if row["of_owner"]})


_INCIDENTS = text("""
WITH seen AS (
  SELECT r.record_id, r.country AS owner, to_char(r.at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, o.aspect, o.kg
  FROM shared.report r JOIN shared.observation o ON (o.record_id, o.version) = (r.record_id, r.version)
  WHERE r.kind = 'precursor_incident' AND o.kind = 'precursor_incident' AND r.status = 'reported'
    AND r.at >= :since AND r.at < :until AND o.substance = ANY (:substances)
    AND (CAST(:owner AS text) IS NULL OR r.country = :owner))
SELECT owner, month, aspect, count(DISTINCT record_id) AS records, coalesce(sum(kg), 0) AS kg,
  count(*) FILTER (WHERE kg IS NULL) AS unconvertible
FROM seen GROUP BY GROUPING SETS ((month, aspect), (month), (owner)) ORDER BY month, aspect NULLS FIRST
""")
_LABORATORIES = text("""
WITH seen AS (
  SELECT r.record_id, r.country AS owner, to_char(r.at AT TIME ZONE 'UTC', 'YYYY-MM') AS month
  FROM shared.report r JOIN shared.clandestine_site s ON (s.record_id, s.version) = (r.record_id, r.version)
  WHERE r.kind = 'clandestine_laboratory' AND r.status = 'reported' AND r.at >= :since AND r.at < :until
    AND s.makes && CAST(:substances AS text[]) AND (CAST(:owner AS text) IS NULL OR r.country = :owner))
SELECT owner, month, NULL AS aspect, count(DISTINCT record_id) AS records FROM seen
GROUP BY GROUPING SETS ((month), (owner)) ORDER BY month
""")


async def incidents(
    session: AsyncSession, substances: Collection[str], period: tuple[date, date], owner: str | None
) -> Counted:
    """By month, and by what happened (`aspect`; None for the month as a whole): records, kilograms, unconvertible."""
    return await _by_month(session, _INCIDENTS, substances, period, owner)


async def laboratories(
    session: AsyncSession, products: Collection[str], period: tuple[date, date], owner: str | None
) -> Counted:
    """By month: clandestine laboratories that made one of these, where what they made is shared."""
    return await _by_month(session, _LABORATORIES, products, period, owner)


async def _by_month(
    session: AsyncSession, statement: Any, substances: Collection[str], period: tuple[date, date], owner: str | None
) -> Counted:
    values = {"substances": sorted(substances), "since": period[0], "until": period[1], "owner": owner}
    rows: list[Mapping[str, Any]] = [dict(row) for row in (await session.execute(statement, values)).mappings()]
    owners = {row["owner"]: row["records"] for row in rows if row["owner"] is not None}
    return Counted([{k: v for k, v in row.items() if k != "owner"} for row in rows if row["owner"] is None], owners)


def plain(value: Decimal | None) -> str | None:
    """Six significant digits: a price is not known better."""
    return None if value is None else format(SIX.plus(value).normalize(), "f")
