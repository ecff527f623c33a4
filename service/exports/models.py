"""The table of exports, and the view through which a key sees its own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base

_TIME = DateTime(timezone=True)
STATES = ("queued", "running", "ready", "refused", "failed", "deleted", "expired")


class Export(Base):
    """One export. `asked` is the digest of the request, for the access log; `digest` the SHA-256 of the file."""

    __tablename__ = "export"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint(
            "(state IN ('ready', 'deleted', 'expired') OR size IS NULL)"
            " AND (state <> 'ready' OR size IS NOT NULL AND digest IS NOT NULL AND provenance IS NOT NULL)",
            name="ready",
        ),
        Index(None, "key_id", "made_at", "id"),
        Index(None, "country", "expires_at"),
        Index(None, "country", "made_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    key_id: Mapped[str] = mapped_column(Text, ForeignKey("core.agency_key.kid"))
    country: Mapped[str] = mapped_column(CHAR(2))
    agency: Mapped[str] = mapped_column(Text, ForeignKey("core.agency.code"))
    purpose: Mapped[str] = mapped_column(Text)
    case_reference: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)  # what is exported: one of `subjects.SUBJECTS`
    format: Mapped[str] = mapped_column(Text)
    question: Mapped[dict[str, Any]] = mapped_column(JSONB)
    asked: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text, server_default=text("'queued'"))
    made_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    started_at: Mapped[datetime | None] = mapped_column(_TIME)
    finished_at: Mapped[datetime | None] = mapped_column(_TIME)
    expires_at: Mapped[datetime] = mapped_column(_TIME)
    so_far: Mapped[int] = mapped_column(server_default=text("0"))
    policy: Mapped[str] = mapped_column(Text, server_default=text("''"))
    size: Mapped[int | None] = mapped_column(BigInteger)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    provenance: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


EXPORT = Table(
    "export",
    Base.metadata,
    *(Column(column.name, column.type) for column in Export.__table__.columns),
    schema="shared",
    info={"is_view": True},
)
