"""Methods and their calibrations, the points of profiles, and the view through which points are compared."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    REAL,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from service.database import Base
from service.seizures.models import Report

_TIME = DateTime(timezone=True)


class Cube(UserDefinedType[str]):
    """PostgreSQL's contrib type `cube`, as its text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "cube"


ischema_names["cube"] = Cube  # so that the drift check knows the type


class ProfileMethod(Base):
    """A method as its laboratory declared it: the markers in their order are its identity, and never change."""

    __tablename__ = "profile_method"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    agency: Mapped[str] = mapped_column(Text, ForeignKey("core.agency.code"))
    substance: Mapped[str] = mapped_column(Text, ForeignKey("core.substance.code"))
    technique: Mapped[str] = mapped_column(Text)
    markers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    description: Mapped[str] = mapped_column(Text)
    declared_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    declared_by: Mapped[str] = mapped_column(Text)

    __table_args__ = (CheckConstraint("cardinality(markers) BETWEEN 5 AND 98", name="markers"),)


class ProfileCalibration(Base):
    """What scores of a method are worth, learned from its own pairs (`calibrate.py`). The latest version counts."""

    __tablename__ = "profile_calibration"

    method: Mapped[str] = mapped_column(Text, ForeignKey(ProfileMethod.code), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    agency: Mapped[str] = mapped_column(Text)
    batches: Mapped[int]
    linked: Mapped[int]
    unlinked: Mapped[int]
    auc: Mapped[float] = mapped_column(REAL)
    cllr: Mapped[float] = mapped_column(REAL)
    scores: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    log10lr: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    low: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    high: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    least: Mapped[float | None] = mapped_column(REAL)
    made_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    made_by: Mapped[str] = mapped_column(Text)


class StoredProfile(Base):
    """The point of one profile of one version of one analysis, under the facet spectra."""

    __tablename__ = "profile"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    scope_id: Mapped[int]
    month_end: Mapped[date]
    latest: Mapped[bool] = mapped_column(server_default=text("true"))
    line: Mapped[int]
    method: Mapped[str] = mapped_column(Text, ForeignKey(ProfileMethod.code))
    unit: Mapped[str] = mapped_column(Cube)
    owner: Mapped[str] = mapped_column(CHAR(2))

    __table_args__ = (
        ForeignKeyConstraint(["record_id", "version"], [Report.record_id, Report.version]),
        Index(
            "profile_method_owner_unit_idx",
            "method",
            "owner",
            "unit",
            postgresql_using="gist",
            postgresql_where=text("latest"),
        ),
    )


PROFILE = Table(
    "profile",
    Base.metadata,
    Column("record_id", Uuid),
    Column("version", Integer),
    Column("n", Integer),
    Column("line", Integer),
    Column("method", Text),
    Column("unit", Cube),
    schema="shared",
    info={"is_view": True},
)
