"""Reports and their lines as stored, and the masking views through which alone they are read.

Reports are written with one INSERT per chunk (`store.py`) and read through the views of migration 0006; the base tables
stand here so that the drift check sees them.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import (
    CHAR,
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base
from service.policies.models import SCOPE

_TIME = DateTime(timezone=True)
_LATEST = text("latest")
_POINT = Geometry("POINT", srid=4326, spatial_index=False)


class Report(Base):
    """One signed version of one record. Everything after `received_at` is derived from its facets."""

    __tablename__ = "report"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    agency: Mapped[str] = mapped_column(Text, ForeignKey("core.agency.code"))
    country: Mapped[str] = mapped_column(CHAR(2))
    key_id: Mapped[str] = mapped_column(Text)
    handling: Mapped[str] = mapped_column(Text)
    scope_id: Mapped[int]
    latest: Mapped[bool]
    status: Mapped[str] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    jwt: Mapped[str] = mapped_column(Text)
    disclosures: Mapped[list[str | None]] = mapped_column(ARRAY(Text))
    log_salt: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)
    receipt: Mapped[str] = mapped_column(Text)
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    received_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    at_instant: Mapped[datetime] = mapped_column(_TIME)
    at_day: Mapped[datetime] = mapped_column(_TIME)
    at_month: Mapped[datetime] = mapped_column(_TIME)
    at_undated: Mapped[datetime] = mapped_column(_TIME, server_default=text("'-infinity'"))
    month_end: Mapped[date]
    point: Mapped[str | None] = mapped_column(_POINT)
    cell: Mapped[str | None] = mapped_column(_POINT)
    admin1: Mapped[str | None] = mapped_column(Text)
    place_country: Mapped[str | None] = mapped_column(CHAR(2))
    transport_mode: Mapped[str | None] = mapped_column(Text)
    conveyance: Mapped[str | None] = mapped_column(Text)
    place_type: Mapped[str | None] = mapped_column(Text)
    concealment: Mapped[list[str] | None] = mapped_column(ARRAY(Text))

    __table_args__ = (
        UniqueConstraint("agency", "reference", "version"),
        ForeignKeyConstraint(["scope_id", "country"], [SCOPE.c.id, SCOPE.c.owner]),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("left(agency, 2) = country", name="agency"),
        CheckConstraint("cardinality(disclosures) = 19", name="disclosures"),
        Index("report_content_hash_idx", "country", "content_hash", postgresql_where=_LATEST),
        Index("report_reference_idx", "reference", postgresql_where=text("latest AND reference IS NOT NULL")),
        Index("report_instant_idx", at_instant.desc(), "record_id", postgresql_where=_LATEST),
        Index("report_day_idx", at_day.desc(), "record_id", postgresql_where=_LATEST),
        Index("report_month_idx", at_month.desc(), "record_id", postgresql_where=_LATEST),
        Index("report_undated_idx", at_undated.desc(), "record_id", postgresql_where=_LATEST),
        *(
            Index(
                f"report_{name}_idx",
                name,
                postgresql_using="gist",
                postgresql_where=_LATEST,
                postgresql_ops={name: "gate.gist_box"},
            )
            for name in ("point", "cell")
        ),
    )


class ReportLine(Base):
    """One substance of one report: as harmonised, with the rule that says how."""

    __tablename__ = "report_line"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    scope_id: Mapped[int]
    month_end: Mapped[date]
    substance: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    form: Mapped[str | None] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    unit: Mapped[str] = mapped_column(Text)
    kg: Mapped[Decimal | None] = mapped_column(Numeric)
    kg_low: Mapped[Decimal | None] = mapped_column(Numeric)
    kg_high: Mapped[Decimal | None] = mapped_column(Numeric)
    rule: Mapped[str] = mapped_column(Text)
    latest: Mapped[bool] = mapped_column(server_default=text("true"))

    __table_args__ = (
        ForeignKeyConstraint(["record_id", "version"], [Report.record_id, Report.version]),
        Index(None, "substance", "record_id", "version"),
    )


def _leaf(level: str) -> Table:
    return Table(
        f"report_{level}" if level else "report",
        Base.metadata,
        Column("record_id", Uuid),
        Column("version", Integer),
        *(Column(name, Text) for name in ("kind", "agency", "country", "handling", "status", "jwt", "reference")),
        Column("mask", Integer),
        Column("disclosures", ARRAY(Text)),
        Column("at", _TIME),
        Column("position", _POINT),
        *(Column(name, Text) for name in ("admin1", "place_country", "transport_mode", "conveyance", "place_type")),
        Column("concealment", ARRAY(Text)),
        Column("leaf_hash", LargeBinary),
        Column("log_salt", LargeBinary),
        schema="shared",
        info={"is_view": True},
    )


SHARED = _leaf("")
LEAVES = {level: _leaf(level) for level in ("instant", "day", "month", "undated", "point", "cell")}

SHARED_LINE = Table(
    "report_line",
    Base.metadata,
    Column("record_id", Uuid),
    Column("version", Integer),
    Column("line", Integer),
    *(Column(name, Text) for name in ("substance", "status", "form", "unit", "rule")),
    *(Column(name, Numeric) for name in ("quantity", "kg", "kg_low", "kg_high")),
    schema="shared",
    info={"is_view": True},
)

SHARED_REFERENCE = Table(
    "report_reference",
    Base.metadata,
    Column("record_id", Uuid),
    Column("version", Integer),
    Column("reference", Text),
    schema="shared",
    info={"is_view": True},
)

OWN = Table(
    "own_report",
    Base.metadata,
    *(
        Column(column.name, String if column.name in ("point", "cell") else column.type)
        for column in Report.__table__.columns
        if column.name != "at_undated"
    ),
    schema="shared",
    info={"is_view": True},
)
