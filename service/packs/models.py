"""Packs as stored, and the view through which a country sees its own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base

_TIME = DateTime(timezone=True)


class Pack(Base):
    """One version of what a country reports on one form for a period. `digest`: SHA-256 of `content`, hexadecimal.

    Approved, it has its workbook, and nothing of it changes any more.
    """

    __tablename__ = "pack"
    __table_args__ = (
        UniqueConstraint("country", "form", "first_month", "last_month", "version"),
        CheckConstraint("state IN ('drafted', 'approved', 'discarded')", name="state"),
        CheckConstraint("(state = 'approved') = (workbook IS NOT NULL)", name="frozen"),
        CheckConstraint("approved_by <> drafted_by", name="four_eyes"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"))
    form: Mapped[str] = mapped_column(Text)
    first_month: Mapped[str] = mapped_column(Text)
    last_month: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="drafted")
    drafted_by: Mapped[str] = mapped_column(Text)
    drafted_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    approved_by: Mapped[str | None] = mapped_column(Text)
    approved_at: Mapped[datetime | None] = mapped_column(_TIME)
    workbook: Mapped[bytes | None] = mapped_column(LargeBinary)


PACK = Table(
    "pack",
    Base.metadata,
    Column("id", Uuid),
    Column("country", Text),
    *(Column(name, Text) for name in ("form", "first_month", "last_month", "digest", "state")),
    Column("version", Integer),
    Column("content", LargeBinary),
    *(Column(name, Text) for name in ("drafted_by", "approved_by")),
    *(Column(name, _TIME) for name in ("drafted_at", "approved_at")),
    Column("workbook", LargeBinary),
    schema="shared",
    info={"is_view": True},
)
