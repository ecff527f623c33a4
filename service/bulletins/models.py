"""Bulletins that were asked for, and their PDF once a job has made it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, LargeBinary, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base
from service.publications.models import Publication

_TIME = DateTime(timezone=True)


class Bulletin(Base):
    """One release in one language. `sha256` is of `pdf`, hexadecimal; both are empty until it is made."""

    __tablename__ = "bulletin"
    __table_args__ = (
        CheckConstraint("language IN ('en', 'ru', 'kk', 'ky', 'tg', 'tk', 'uz', 'az')", name="language"),
        CheckConstraint("(pdf IS NULL) = (sha256 IS NULL)", name="made"),
    )

    publication_id: Mapped[UUID] = mapped_column(ForeignKey(Publication.id), primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    made_at: Mapped[datetime | None] = mapped_column(_TIME)
    sha256: Mapped[str | None] = mapped_column(Text)
    pdf: Mapped[bytes | None] = mapped_column(LargeBinary)
