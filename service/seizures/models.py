"""Reports and their lines as stored, and the masking views through which alone they are read.

Reports are written with one INSERT per chunk (`store.py`) and read through the views of migration 0014; the base tables
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
    Boolean,
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
# Kinds of which there are few: a page of them is not looked for among the seizures.
_RARER = text("latest AND kind IN ('analysis', 'precursor_incident', 'clandestine_laboratory', 'price_observation')")
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
    groups_reported: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("agency", "reference", "version"),
        ForeignKeyConstraint(["scope_id", "country"], [SCOPE.c.id, SCOPE.c.owner]),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("left(agency, 2) = country", name="agency"),
        CheckConstraint("cardinality(disclosures) = 19", name="disclosures"),
        Index("report_received_idx", "agency", "received_at", postgresql_where=text("version = 1")),
        Index("report_scope_idx", "scope_id", postgresql_where=_LATEST),
        Index("report_content_hash_idx", "country", "content_hash", postgresql_where=_LATEST),
        Index("report_reference_idx", "reference", postgresql_where=text("latest AND reference IS NOT NULL")),
        Index("report_instant_idx", at_instant.desc(), "record_id", postgresql_where=_LATEST),
        Index("report_day_idx", at_day.desc(), "record_id", postgresql_where=_LATEST),
        Index("report_month_idx", at_month.desc(), "record_id", postgresql_where=_LATEST),
        Index("report_undated_idx", at_undated.desc(), "record_id", postgresql_where=_LATEST),
        Index("report_rarer_instant_idx", at_instant.desc(), "record_id", postgresql_where=_RARER),
        Index("report_rarer_day_idx", at_day.desc(), "record_id", postgresql_where=_RARER),
        Index("report_rarer_month_idx", at_month.desc(), "record_id", postgresql_where=_RARER),
        Index("report_rarer_undated_idx", at_undated.desc(), "record_id", postgresql_where=_RARER),
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
    """One substance of one report: as harmonised, with the rule that says how.

    `substance` and `status` are what counts. Where a laboratory's result (`result_id`) has changed them, what was
    reported stands beside them in `substance_reported` and `status_reported`, which are NULL otherwise.
    """

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
    exhibit: Mapped[str | None] = mapped_column(Text)
    examined_by: Mapped[str | None] = mapped_column(Text)
    substance_reported: Mapped[str | None] = mapped_column(Text)
    status_reported: Mapped[str | None] = mapped_column(Text)
    result_id: Mapped[UUID | None]
    result_version: Mapped[int | None]

    __table_args__ = (
        ForeignKeyConstraint(["record_id", "version"], [Report.record_id, Report.version]),
        Index(None, "substance", "record_id", "version"),
        Index("report_line_exhibit_idx", "exhibit", postgresql_where=text("latest AND exhibit IS NOT NULL")),
    )


def _leaf(level: str) -> Table:
    return Table(
        f"report_{level}" if level else "report",
        Base.metadata,
        Column("record_id", Uuid),
        Column("version", Integer),
        Column("country", CHAR(2)),  # as the index has it: compared as text it would be asked last, row by row
        *(Column(name, Text) for name in ("kind", "agency", "handling", "status", "jwt", "reference")),
        Column("mask", Integer),
        Column("disclosures", ARRAY(Text)),
        Column("at", _TIME),
        Column("position", _POINT),
        *(Column(name, Text) for name in ("admin1", "place_country", "transport_mode", "conveyance", "place_type")),
        Column("concealment", ARRAY(Text)),
        Column("leaf_hash", LargeBinary),
        Column("log_salt", LargeBinary),
        Column("duties", Integer),
        *([Column("scope_id", Integer)] if level else []),
        schema="shared",
        info={"is_view": True},
    )


SHARED = _leaf("")
LEAVES = {level: _leaf(level) for level in ("instant", "day", "month", "undated", "point", "cell")}

# What has an id already needs no precision level: one view for all.
RECORD = Table(
    "record",
    Base.metadata,
    Column("record_id", Uuid),
    Column("version", Integer),
    *(Column(name, Text) for name in ("kind", "agency", "country", "handling", "status", "jwt")),
    Column("mask", Integer),
    Column("disclosures", ARRAY(Text)),
    Column("duties", Integer),
    Column("leaf_hash", LargeBinary),
    Column("log_salt", LargeBinary),
    Column("recalled", Boolean),
    schema="shared",
    info={"is_view": True},
)

SHARED_LINE = Table(
    "report_line",
    Base.metadata,
    Column("record_id", Uuid),
    Column("version", Integer),
    Column("line", Integer),
    *(Column(name, Text) for name in ("substance", "status", "form", "unit", "rule")),
    *(Column(name, Text) for name in ("substance_reported", "status_reported")),
    *(Column(name, Numeric) for name in ("quantity", "kg", "kg_low", "kg_high")),
    # whose result the status and the substance are, for those who are given both
    Column("analysis_id", Uuid),
    Column("analysis_version", Integer),
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
        if column.name not in ("at_undated", "groups_reported")
    ),
    schema="shared",
    info={"is_view": True},
)

# The owner's records that stand recalled from all others: it alone still reads them.
RECALLED = Table("recalled", Base.metadata, Column("record_id", Uuid), schema="shared", info={"is_view": True})

OWN_LINE = Table(
    "own_line",
    Base.metadata,
    Column("record_id", Uuid),
    Column("version", Integer),
    Column("line", Integer),
    Column("substance", Text),
    Column("kg", Numeric),
    schema="shared",
    info={"is_view": True},
)
