"""The cube as stored, for the drift check, and its masking views, through which alone it is read."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from service.database import Base
from service.trends.grains import COUNTS, EVENT, GRAINS, MEASURES, Grain, measures

_TYPES: dict[str, type[TypeEngine[Any]] | TypeEngine[Any]] = {
    "day": Date,
    "place_country": CHAR(2),
    "concealment": ARRAY(Text),
    "record_id": Uuid,
    "version": Integer,
    "sign": SmallInteger,
    "contents": ARRAY(Double),
}
_FRESH = (
    *("entry", "kind", *EVENT, "substance_group", "substance", "status", "unit", "rule"),
    *("before_groups", "before_substances", "before_reported", "person_role", "sex", "age_band"),
)


class ReportFact(Base):
    """What questions ask of one version of a record beside its lines; it outlives the record's disclosures."""

    __tablename__ = "report_fact"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    scope_id: Mapped[int]
    month_end: Mapped[date]
    latest: Mapped[bool]
    kind: Mapped[str] = mapped_column(Text)
    day: Mapped[date | None]
    cell: Mapped[str | None] = mapped_column(Text)
    place_country: Mapped[str | None] = mapped_column(CHAR(2))
    admin1: Mapped[str | None] = mapped_column(Text)
    transport_mode: Mapped[str | None] = mapped_column(Text)
    place_type: Mapped[str | None] = mapped_column(Text)
    origin: Mapped[str | None] = mapped_column(Text)
    transit: Mapped[str | None] = mapped_column(Text)
    destination: Mapped[str | None] = mapped_column(Text)
    certainty: Mapped[str | None] = mapped_column(Text)
    concealment: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    persons: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)

    __table_args__ = (Index("report_fact_month_end_idx", "month_end", postgresql_where=text("latest")),)


class CubeCheck(Base):
    """When the cube was compared with the reports, and in how many cells they differed."""

    __tablename__ = "cube_check"

    checked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    cells: Mapped[int] = mapped_column(BigInteger)
    differing: Mapped[int] = mapped_column(BigInteger)


class CubeMap(Base):
    """The map's grain: per H3 cell of four resolutions, by month (`m`), year (`y`) and all of time (`a`).

    Migrations 0015 and 0032.
    """

    __tablename__ = "cube_map"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    scope_id: Mapped[int]
    month_end: Mapped[date]
    substance_group: Mapped[str | None] = mapped_column(Text)
    span: Mapped[str] = mapped_column(Text)
    resolution: Mapped[int] = mapped_column(SmallInteger)
    cell: Mapped[str] = mapped_column(Text)
    events: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    lines: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    confirmed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    kg: Mapped[Decimal] = mapped_column(Numeric, server_default=text("0"))

    __table_args__ = (
        Index(
            "cube_map_key",
            *("substance_group", "span", "resolution", "cell", "month_end", "scope_id"),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )


class CubeContent(Base):
    """What laboratories measured, per scope, month and substance: the values themselves. Migration 0028."""

    __tablename__ = "cube_content"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    scope_id: Mapped[int]
    month_end: Mapped[date]
    place_country: Mapped[str | None] = mapped_column(CHAR(2))
    substance: Mapped[str | None] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    folded: Mapped[bool] = mapped_column(server_default=text("false"))
    sign: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    contents: Mapped[list[float]] = mapped_column(ARRAY(Double))

    __table_args__ = (
        Index("cube_content_substance_month_end_idx", "substance", "month_end"),
        Index("cube_content_scope_id_month_end_idx", "scope_id", "month_end"),
        Index("cube_content_scope_id_idx", "scope_id", postgresql_where=text("NOT folded")),
    )


def _dimension(name: str, **options: Any) -> Column[Any]:
    return Column(name, _TYPES.get(name, Text), **options)


def _measure(name: str) -> Column[Any]:
    return Column(name, BigInteger if name in COUNTS else Numeric, nullable=False, server_default=text("0"))


def _stored(name: str, dimensions: tuple[str, ...], sums: tuple[str, ...]) -> Table:
    return Table(
        name,
        Base.metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("scope_id", Integer, nullable=False),
        Column("month_end", Date, nullable=False),
        *(_dimension(d, nullable=d not in ("entry", "kind") or name == "cube_kind") for d in dimensions),
        *(_measure(measure) for measure in sums),
    )


def _grain(grain: Grain) -> Table:
    before = ("before",) if grain.before else ()
    table = _stored(grain.table, (*grain.columns, *before), measures(grain))
    others = [column for column in grain.columns if column != grain.label]
    keys = (*((grain.label,) if grain.label else ()), "month_end", "scope_id", *others)
    unique: list[ColumnElement[Any]] = [table.c[key] for key in keys]
    if grain.before:
        unique.append(func.md5(table.c.before))
    Index(f"{grain.table}_key", *unique, unique=True, postgresql_nulls_not_distinct=True)
    if grain.name == "substance":
        Index(f"{grain.table}_month_end_idx", table.c.month_end)
    return table


# What the reports say while the cube is rebuilt or checked; empty in between, and read by nobody. Migration 0015.
WORK_TABLE = Table(
    "cube_work",
    Base.metadata,
    Column("scope_id", Integer, nullable=False),
    Column("month_end", Date, nullable=False),
    *(_dimension(d, nullable=d not in ("entry", "kind")) for d in _FRESH),
    *(_measure(measure) for measure in MEASURES),
    prefixes=["UNLOGGED"],
)
FRESH_TABLE = _stored("cube_fresh", _FRESH, MEASURES)
TABLES = {grain.name: _grain(grain) for grain in GRAINS}


def _view(name: str, dimensions: tuple[str, ...], sums: tuple[str, ...]) -> dict[bool, Table]:
    """By whether the scopes give a time."""
    return {
        dated: Table(
            name if dated else f"{name}_undated",
            Base.metadata,
            Column("owner", Text),
            Column("agency", Text),
            Column("month_end", Date),
            *(_dimension(d) for d in dimensions),
            *(_measure(m) for m in sums),
            schema="shared",
            info={"is_view": True},
        )
        for dated in (True, False)
    }


CUBE = {
    grain.name: _view(grain.table, (*grain.columns, *(("before",) if grain.before else ())), measures(grain))
    for grain in GRAINS
}
FRESH = _view("cube_fresh", _FRESH, MEASURES)
PERSONS = _view("report_person", ("record_id", "place_country", "person_role", "sex", "age_band"), ("persons",))
FACTS = _view("report_fact", ("record_id", "version", "kind", *EVENT, "concealment"), ())
CONTENTS = _view("cube_content", ("place_country", "substance", "unit", "basis", "before", "sign", "contents"), ())
