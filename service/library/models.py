"""Reference spectra that every member may read. Those of records are beside their files (`attachments/models.py`)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base


class LibrarySpectrum(Base):
    """One reference spectrum, openly licensed (no `agency`) or of a member's laboratory; with its attribution."""

    __tablename__ = "library_spectrum"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agency: Mapped[str | None] = mapped_column(Text, ForeignKey("core.agency.code"))
    key_id: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    substance: Mapped[str | None] = mapped_column(Text)  # code of the catalogue, where it has the substance
    name: Mapped[str] = mapped_column(Text)
    inchikey: Mapped[str] = mapped_column(Text)
    technique: Mapped[str] = mapped_column(Text)
    ion_mode: Mapped[str] = mapped_column(Text)
    precursor_mz: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    instrument: Mapped[str] = mapped_column(Text)
    collision_energy: Mapped[str] = mapped_column(Text)
    mz: Mapped[list[float]] = mapped_column(ARRAY(DOUBLE_PRECISION))
    intensity: Mapped[list[float]] = mapped_column(ARRAY(DOUBLE_PRECISION))
    licence: Mapped[str] = mapped_column(Text)
    attribution: Mapped[dict[str, Any]] = mapped_column(JSONB)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())

    __table_args__ = (
        UniqueConstraint("digest", name="library_spectrum_digest_key"),
        CheckConstraint("cardinality(mz) = cardinality(intensity) AND cardinality(mz) > 0", name="peaks"),
        Index("library_spectrum_agency_idx", "agency"),
        Index("library_spectrum_added_at_id_idx", "added_at", "id"),
    )
