"""The place tables: reference data that every role may read; loaders and members' own files write them."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from geoalchemy2.shape import to_shape
from sqlalchemy import ARRAY, CheckConstraint, DateTime, Identity, Select, Text, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base
from service.places.tables import AreaRow, CountryRow, CrossingRow, NameRow, Tables, UnitRow

_SOURCES = "source IN ('committed', 'member')"


class PlaceCountry(Base):
    """A country of ISO 3166-1, member or not."""

    __tablename__ = "place_country"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    alpha3: Mapped[str] = mapped_column(Text)
    numeric: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    name_ru: Mapped[str] = mapped_column(Text)
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text))


class PlaceAdmin1(Base):
    """A first-level division of ISO 3166-2, current or former."""

    __tablename__ = "place_admin1"
    __table_args__ = (CheckConstraint("status IN ('current', 'former')", name="status"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    country: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    name_ru: Mapped[str] = mapped_column(Text)
    name_local: Mapped[str] = mapped_column(Text)
    parent: Mapped[str] = mapped_column(Text)
    also_under: Mapped[list[str]] = mapped_column(ARRAY(Text))
    successors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text))


class PlaceBoundary(Base):
    """An area of a country and the units that share it."""

    __tablename__ = "place_boundary"
    __table_args__ = (CheckConstraint(_SOURCES, name="source"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    country: Mapped[str] = mapped_column(Text, index=True)
    units: Mapped[list[str]] = mapped_column(ARRAY(Text))
    source: Mapped[str] = mapped_column(Text)
    boundary: Mapped[Any] = mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=False))


class PlaceName(Base):
    """A district or a town with its spellings."""

    __tablename__ = "place_name"
    __table_args__ = (CheckConstraint("kind IN ('district', 'town')", name="kind"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    country: Mapped[str] = mapped_column(Text)
    admin1: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    population: Mapped[int]
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text))


class PlaceCrossing(Base):
    """A border crossing point, maintained by the members on its two sides."""

    __tablename__ = "place_crossing"
    __table_args__ = (
        CheckConstraint("status IN ('unconfirmed', 'confirmed', 'closed')", name="status"),
        CheckConstraint(_SOURCES, name="source"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    country_a: Mapped[str] = mapped_column(Text)
    country_b: Mapped[str] = mapped_column(Text)
    name_a: Mapped[str] = mapped_column(Text)
    name_b: Mapped[str] = mapped_column(Text)
    aliases_a: Mapped[list[str]] = mapped_column(ARRAY(Text))
    aliases_b: Mapped[list[str]] = mapped_column(ARRAY(Text))
    admin1_a: Mapped[str] = mapped_column(Text)
    admin1_b: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    method: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)


class PlaceSource(Base):
    """What was loaded: the committed tables, or a member's file, by content."""

    __tablename__ = "place_source"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text)
    loaded: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


async def read_tables(session: AsyncSession) -> Tables:
    """All loaded rows; of a country whose member gave its own boundaries, only those."""
    areas = await session.execute(_current_areas())
    return Tables(
        countries=await _rows(session, PlaceCountry, CountryRow),
        units=await _rows(session, PlaceAdmin1, UnitRow),
        areas=[AreaRow(country, units, to_shape(boundary)) for country, units, boundary in areas],
        names=await _rows(session, PlaceName, NameRow),
        crossings=await _rows(session, PlaceCrossing, CrossingRow),
    )


def _current_areas() -> Select[Any]:
    own = select(PlaceBoundary.country).where(PlaceBoundary.source == "member")
    return (
        select(PlaceBoundary.country, PlaceBoundary.units, PlaceBoundary.boundary)
        .where(or_(PlaceBoundary.source == "member", PlaceBoundary.country.not_in(own)))
        .order_by(PlaceBoundary.id)
    )


async def _rows(session: AsyncSession, model: Any, row: Any) -> list[Any]:
    table = model.__table__
    columns = [table.c[field.name] for field in fields(row)]
    found: Sequence[Any] = (await session.execute(select(*columns).order_by(*table.primary_key.columns))).all()
    return [row(*values) for values in found]
