"""Publications, the owners' approvals, and the bytes that were released."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    DateTime,
    ForeignKey,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base

_TIME = DateTime(timezone=True)


class Publication(Base):
    """One version of one publication. `digest`: SHA-256 of the canonical definition, which approvals name."""

    __tablename__ = "publication"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        CheckConstraint("state IN ('proposed', 'released', 'withdrawn')", name="state"),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawal"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"))
    agency: Mapped[str] = mapped_column(Text, ForeignKey("core.agency.code"))
    proposed_by: Mapped[str] = mapped_column(Text)
    proposed_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    state: Mapped[str] = mapped_column(Text, server_default="proposed")
    released_by: Mapped[str | None] = mapped_column(Text)
    released_at: Mapped[datetime | None] = mapped_column(_TIME)
    withdrawn_by: Mapped[str | None] = mapped_column(Text)
    withdrawn_at: Mapped[datetime | None] = mapped_column(_TIME)
    reason: Mapped[str | None] = mapped_column(Text)


class Approval(Base):
    """An owner's approval of its part: its records up to a handling code. Only `gate.approve_publication` writes it."""

    __tablename__ = "publication_approval"

    publication_id: Mapped[UUID] = mapped_column(ForeignKey(Publication.id), primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"), primary_key=True)
    handling: Mapped[int] = mapped_column(SmallInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    approved_by: Mapped[str] = mapped_column(Text)
    approved_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())


class Release(Base):
    """What is served: JSON, CSV, and the service's signed statement about both."""

    __tablename__ = "publication_release"

    publication_id: Mapped[UUID] = mapped_column(ForeignKey(Publication.id), primary_key=True)
    document: Mapped[bytes] = mapped_column(LargeBinary)
    figures: Mapped[bytes] = mapped_column(LargeBinary)
    statement: Mapped[str] = mapped_column(Text)
