"""The policy table, and the gate's scopes as far as a foreign key must name them. The rest of the gate is SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Column, DateTime, ForeignKey, Integer, Table, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base


class Policy(Base):
    """One version of one country's policy: the document, and the JWS as its officer signed it."""

    __tablename__ = "policy"
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012 - RETURNING would need SELECT, which writers lack

    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    signed: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(Text)
    adopted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class OwnPolicy(Base):
    """The policies of the caller's own country: the view through which they are read."""

    __tablename__ = "policy"
    __table_args__ = {"schema": "shared", "info": {"is_view": True}}  # noqa: RUF012

    country: Mapped[str] = mapped_column(CHAR(2), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    signed: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(Text)
    adopted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


SCOPE = Table(
    "scope",
    Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", CHAR(2)),
    UniqueConstraint("id", "owner"),
    schema="gate",
)
