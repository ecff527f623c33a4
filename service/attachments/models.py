"""Files that countries hold, what records name, uploads on their way; and the views through which they are read.

Everything is written through functions of the gate or beside a report (migration 0020); the base tables stand here so
that the drift check sees them.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, DOUBLE_PRECISION, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base
from service.seizures.models import Report

_TIME = DateTime(timezone=True)
_NUMBERS = ARRAY(DOUBLE_PRECISION)


class Attachment(Base):
    """A file that a country holds. `object` is its name in the store; `phash` is the perceptual hash of an image."""

    __tablename__ = "attachment"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"))
    agency: Mapped[str] = mapped_column(Text, ForeignKey("core.agency.code"))
    key_id: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    object: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    width: Mapped[int | None]
    height: Mapped[int | None]
    phash: Mapped[str | None] = mapped_column(BIT(64))
    stored_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    kept_until: Mapped[datetime] = mapped_column(_TIME)  # unless a record names it

    __table_args__ = (
        UniqueConstraint("country", "sha256", name="attachment_country_sha256_key"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        CheckConstraint("content IN ('image', 'spectrum', 'document')", name="content"),
        CheckConstraint("left(agency, 2) = country", name="agency"),
        Index("attachment_agency_stored_at_id_idx", "agency", "stored_at", "id"),
    )


class AttachmentRef(Base):
    """One version of one record names a file in one facet, whose bit is `flag`; whether the file is held or not."""

    __tablename__ = "attachment_ref"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    scope_id: Mapped[int]
    month_end: Mapped[date]
    latest: Mapped[bool] = mapped_column(server_default=text("true"))
    country: Mapped[str] = mapped_column(CHAR(2))
    facet: Mapped[str] = mapped_column(Text, primary_key=True)
    flag: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    line: Mapped[int | None]

    __table_args__ = (
        ForeignKeyConstraint(["record_id", "version"], [Report.record_id, Report.version]),
        Index("attachment_ref_country_sha256_idx", "country", "sha256"),
    )


class AttachedSpectrum(Base):
    """A mass spectrum of a file, as the search compares it and as it is drawn (`spectra/prepare.py`)."""

    __tablename__ = "attached_spectrum"

    attachment_id: Mapped[UUID] = mapped_column(ForeignKey("core.attachment.id", ondelete="CASCADE"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    technique: Mapped[str] = mapped_column(Text)
    ion_mode: Mapped[str] = mapped_column(Text)
    precursor_mz: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    collision_energy: Mapped[str] = mapped_column(Text)
    instrument: Mapped[str] = mapped_column(Text)
    mz: Mapped[list[float]] = mapped_column(_NUMBERS)
    weight: Mapped[list[float]] = mapped_column(_NUMBERS)
    drawn_mz: Mapped[list[float]] = mapped_column(_NUMBERS)
    drawn: Mapped[list[float]] = mapped_column(_NUMBERS)

    __table_args__ = (
        CheckConstraint(
            "cardinality(mz) = cardinality(weight) AND cardinality(drawn_mz) = cardinality(drawn)", "peaks"
        ),
        Index("attached_spectrum_precursor_mz_idx", "precursor_mz"),
    )


class Upload(Base):
    """A file on its way, in `pieces`; when it has ended, what was kept or why nothing was."""

    __tablename__ = "upload"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"))
    agency: Mapped[str] = mapped_column(Text, ForeignKey("core.agency.code"))
    key_id: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    received: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    pieces: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    state: Mapped[str] = mapped_column(Text, server_default=text("'receiving'"))
    kept_id: Mapped[UUID | None]
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    begun_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(_TIME)

    __table_args__ = (
        CheckConstraint(
            "state IN ('receiving', 'kept', 'refused') AND (state = 'kept') = (kept_id IS NOT NULL)"
            " AND (state = 'refused') = (refusal IS NOT NULL)",
            name="state",
        ),
        CheckConstraint("received BETWEEN 0 AND size", name="received"),
        CheckConstraint("left(agency, 2) = country", name="agency"),
        Index("upload_agency_idx", "agency"),
        Index("upload_expires_at_idx", "expires_at"),
    )


def _view(name: str, *columns: Column[Any]) -> Table:
    return Table(name, Base.metadata, *columns, schema="shared", info={"is_view": True})


def _file() -> list[Column[Any]]:
    return [
        Column("country", Text),
        Column("sha256", LargeBinary),
        Column("object", Text),
        Column("media_type", Text),
        Column("content", Text),
        Column("size", BigInteger),
        Column("width", Integer),
        Column("height", Integer),
        Column("phash", BIT(64)),
    ]


SHARED_ATTACHMENT = _view(
    "attachment",
    Column("record_id", Uuid),
    Column("version", Integer),
    Column("facet", Text),
    Column("line", Integer),
    *_file(),
)
OWN_VERSION_ATTACHMENT = _view(
    "own_version_attachment",
    Column("record_id", Uuid),
    Column("version", Integer),
    Column("facet", Text),
    Column("line", Integer),
    *_file(),
)
OWN_ATTACHMENT = _view(
    "own_attachment",
    Column("id", Uuid),
    Column("agency", Text),
    *_file(),
    Column("stored_at", _TIME),
    Column("kept_until", _TIME),
    Column("named", Boolean),
)
OWN_UPLOAD = _view(
    "upload",
    Column("id", Uuid),
    Column("country", Text),
    Column("agency", Text),
    Column("size", BigInteger),
    Column("sha256", LargeBinary),
    Column("received", BigInteger),
    Column("pieces", ARRAY(Text)),
    Column("state", Text),
    Column("kept_id", Uuid),
    Column("refusal", JSONB),
    Column("begun_at", _TIME),
    Column("expires_at", _TIME),
)
SHARED_SPECTRUM = _view(
    "spectrum",
    Column("record_id", Uuid),
    Column("version", Integer),
    Column("line", Integer),
    Column("country", Text),
    Column("sha256", LargeBinary),
    Column("n", Integer),
    *(Column(name, Text) for name in ("technique", "ion_mode", "collision_energy", "instrument")),
    Column("precursor_mz", DOUBLE_PRECISION),
    *(Column(name, _NUMBERS) for name in ("mz", "weight", "drawn_mz", "drawn")),
)
