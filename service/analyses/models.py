"""What is stored beside an analysis, and the views of it: each table holds what one facet discloses.

The record itself is a row of `core.report` like any other. Rows here follow its scope and its place among the versions
by triggers (migration 0018), so that whatever changes there holds here.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base
from service.seizures.models import Report


class _Beside:
    """One version of one analysis, with what row security needs."""

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    scope_id: Mapped[int]
    month_end: Mapped[date]
    latest: Mapped[bool] = mapped_column(server_default=text("true"))


def _of_report() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["record_id", "version"], [Report.record_id, Report.version])


class Analysis(_Beside, Base):
    """Of the facet `laboratory`: the techniques used and the exhibits examined."""

    __tablename__ = "analysis"

    techniques: Mapped[list[str]] = mapped_column(ARRAY(Text))
    exhibits: Mapped[list[str]] = mapped_column(ARRAY(Text))

    __table_args__ = (_of_report(), Index(None, "exhibits", postgresql_using="gin"))


class Finding(_Beside, Base):
    """Of the facet `items`: one substance found, or looked for. None: unknown."""

    __tablename__ = "finding"

    line: Mapped[int] = mapped_column(primary_key=True)
    substance: Mapped[str | None] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)

    __table_args__ = (_of_report(), Index(None, "substance", "record_id", "version"))


class Content(_Beside, Base):
    """Of the facet `purity`: one measured content of a finding."""

    __tablename__ = "content"

    n: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[int]
    value: Mapped[Decimal] = mapped_column(Numeric)
    unit: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)

    __table_args__ = (_of_report(),)


class ExhibitLink(_Beside, Base):
    """What an analysis says of one exhibit, waiting for the line of a report that has its number, or linked to it.

    `status` is CONF, NEGA or NULL (nothing that changes a line); `substances` are those confirmed.
    """

    __tablename__ = "exhibit_link"

    exhibit: Mapped[str] = mapped_column(Text, primary_key=True)
    filed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()"))
    status: Mapped[str | None] = mapped_column(Text)
    substances: Mapped[list[str]] = mapped_column(ARRAY(Text))

    __table_args__ = (_of_report(), Index(None, "exhibit"))


class StoredAppearance(_Beside, Base):
    """Of the facet `marks`: what the units of one exhibit look like, in one spelling (`appearance.py`); or, without an
    exhibit, an imprint that another record than an analysis names.

    `logo_hash` is stated by the laboratory; `picture_hash` is that of the photograph `image_sha256`, where it is held.
    """

    __tablename__ = "appearance"

    n: Mapped[int] = mapped_column(primary_key=True)
    exhibit: Mapped[int | None]
    logo: Mapped[str | None] = mapped_column(Text)
    logo_back: Mapped[str | None] = mapped_column(Text)
    logo_hash: Mapped[int | None] = mapped_column(BigInteger)
    shape: Mapped[str | None] = mapped_column(Text)
    score: Mapped[str | None] = mapped_column(Text)
    diameter_mm: Mapped[Decimal | None] = mapped_column(Numeric)
    thickness_mm: Mapped[Decimal | None] = mapped_column(Numeric)
    length_mm: Mapped[Decimal | None] = mapped_column(Numeric)
    width_mm: Mapped[Decimal | None] = mapped_column(Numeric)
    image_sha256: Mapped[str | None] = mapped_column(Text)
    picture_hash: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        _of_report(),
        Index("appearance_logo_idx", "logo", postgresql_where=text("latest AND logo IS NOT NULL")),
        Index("appearance_logo_back_idx", "logo_back", postgresql_where=text("latest AND logo_back IS NOT NULL")),
        Index(
            "appearance_image_sha256_idx",
            "image_sha256",
            postgresql_where=text("latest AND image_sha256 IS NOT NULL"),
        ),
        Index("appearance_hashed_idx", "record_id", postgresql_where=text("latest AND logo_hash IS NOT NULL")),
    )


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


ANALYSIS = _view("analysis", Column("techniques", ARRAY(Text)), Column("exhibits", ARRAY(Text)))
FINDING = _view("finding", Column("line", Integer), *(Column(n, Text) for n in ("substance", "role", "level")))
APPEARANCE = _view("appearance", *(Column(name, Text) for name in ("logo", "logo_back")))
CONTENT = _view(
    "content",
    Column("n", Integer),
    Column("line", Integer),
    Column("value", Numeric),
    *(Column(name, Text) for name in ("unit", "basis")),
)
