"""The table of notices, and the view through which an agency reads its own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, Column, DateTime, ForeignKey, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base


class StoredNotice(Base):
    """One notice. It is never changed but for the one acknowledgement, and its time where the same is told again."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("to_agency IS NULL OR left(to_agency, 2) = to_country", name="to_agency"),
        CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged"),
        Index(None, "to_country", "at", "id"),
        Index("notice_subject_idx", "subject", postgresql_where=text("acknowledged_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    from_country: Mapped[str | None] = mapped_column(CHAR(2))  # NULL: the service itself
    to_country: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"))
    to_agency: Mapped[str | None] = mapped_column(Text, ForeignKey("core.agency.code"))  # NULL: every agency of it
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)  # the path of what it is about: `/v1/requests/…`
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    acknowledged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    acknowledged_by: Mapped[str | None] = mapped_column(Text)  # thumbprint of the request key


NOTICE = Table(
    "notice",
    Base.metadata,
    Column("id", Uuid),
    *(Column(name, Text) for name in ("from_country", "to_country", "to_agency", "kind", "subject")),
    Column("facts", JSONB),
    Column("at", DateTime(timezone=True)),
    Column("acknowledged_at", DateTime(timezone=True)),
    schema="shared",
    info={"is_view": True},
)
