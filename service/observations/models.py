"""What is stored beside observed records, and the views of it: each table holds what one facet discloses.

The record itself is a row of `core.report` like any other. Rows here follow its scope and its place among the versions
by a trigger (migration 0018), so that whatever changes there holds here.
"""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, Numeric, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base
from service.seizures.models import Report


class _Beside:
    """One version of one record, with what row security needs."""

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    scope_id: Mapped[int]
    month_end: Mapped[date]
    latest: Mapped[bool] = mapped_column(server_default=text("true"))


def _of_report() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["record_id", "version"], [Report.record_id, Report.version])


class Observation(_Beside, Base):
    """Of the facet `items`: one substance. Masses are kilograms, prices are money of `currency` for the amount.

    `aspect` is the kind's own word: what happened to a chemical, the role of a find, the level of a market; `detail`
    the method of diversion, or where a price is from.
    """

    __tablename__ = "observation"

    line: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    aspect: Mapped[str] = mapped_column(Text)
    detail: Mapped[str | None] = mapped_column(Text)
    substance: Mapped[str] = mapped_column(Text)
    form: Mapped[str | None] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    unit: Mapped[str] = mapped_column(Text)
    kg: Mapped[Decimal | None] = mapped_column(Numeric)
    kg_low: Mapped[Decimal | None] = mapped_column(Numeric)
    kg_high: Mapped[Decimal | None] = mapped_column(Numeric)
    rule: Mapped[str] = mapped_column(Text)
    currency: Mapped[str | None] = mapped_column(Text)
    price: Mapped[Decimal | None] = mapped_column(Numeric)
    price_low: Mapped[Decimal | None] = mapped_column(Numeric)
    price_high: Mapped[Decimal | None] = mapped_column(Numeric)
    prices: Mapped[int | None]

    __table_args__ = (_of_report(), Index(None, "substance", "record_id", "version"))


class ClandestineSite(_Beside, Base):
    """Of the facet `laboratory` of a clandestine laboratory: what it was, and what it made."""

    __tablename__ = "clandestine_site"

    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    stage: Mapped[str] = mapped_column(Text)
    scale: Mapped[str | None] = mapped_column(Text)
    makes: Mapped[list[str]] = mapped_column(ARRAY(Text))

    __table_args__ = (_of_report(),)


def _view(name: str, *columns: Column[Any]) -> Table:
    return Table(
        name,
        Base.metadata,
        Column("record_id", Uuid),
        Column("version", Integer),
        *columns,
        schema="shared",
        info={"is_view": True},
    )


OBSERVATION = _view(
    "observation",
    Column("line", Integer),
    *(Column(n, Text) for n in ("kind", "aspect", "detail", "substance", "form", "unit", "rule", "currency")),
    *(Column(n, Numeric) for n in ("quantity", "kg", "kg_low", "kg_high", "price", "price_low", "price_high")),
    Column("prices", Integer),
)
CLANDESTINE_SITE = _view(
    "clandestine_site",
    Column("types", ARRAY(Text)),
    Column("stage", Text),
    Column("scale", Text),
    Column("makes", ARRAY(Text)),
)
