"""The table of saved questions, and the view through which each is seen by whom it is shared with."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Numeric,
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


class Question(Base):
    """One saved question. `told` is what it last said to its asker: kept to find a change, shown to nobody."""

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint("shared IN ('key', 'agency', 'country', 'members')", name="shared"),
        CheckConstraint("schedule IN ('daily', 'weekly', 'monthly')", name="schedule"),
        CheckConstraint("(schedule IS NULL) = (next_at IS NULL)", name="next"),
        Index(None, "key_id", "made_at", "id"),
        Index(None, "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    key_id: Mapped[str] = mapped_column(Text, ForeignKey("core.agency_key.kid"))
    country: Mapped[str] = mapped_column(CHAR(2))
    agency: Mapped[str] = mapped_column(Text, ForeignKey("core.agency.code"))
    purpose: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    asks: Mapped[dict[str, Any]] = mapped_column(JSONB)
    view: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    shared: Mapped[str] = mapped_column(Text)
    schedule: Mapped[str | None] = mapped_column(Text)
    threshold: Mapped[Decimal | None] = mapped_column(Numeric)  # percent
    made_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    next_at: Mapped[datetime | None] = mapped_column(_TIME)
    asked_at: Mapped[datetime | None] = mapped_column(_TIME)  # when it was queued to be asked again
    told_at: Mapped[datetime | None] = mapped_column(_TIME)
    changed_at: Mapped[datetime | None] = mapped_column(_TIME)
    told: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


QUESTION = Table(
    "question",
    Base.metadata,
    Column("id", Uuid),
    *(Column(name, Text) for name in ("agency", "purpose", "name")),
    Column("asks", JSONB),
    Column("shared", Text),
    Column("made_at", _TIME),
    Column("mine", Boolean),
    Column("schedule", Text),
    Column("threshold", Numeric),
    *(Column(name, _TIME) for name in ("next_at", "told_at", "changed_at")),
    Column("view", JSONB),
    schema="shared",
    info={"is_view": True},
)
