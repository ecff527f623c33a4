"""Policies, suspensions, and the gate's scopes as far as a foreign key must name them; the rest of the gate is SQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base

_TIME = DateTime(timezone=True)


class Policy(Base):
    """One version of one policy as an officer proposed it: the document, and the JWS over it. Never changed."""

    __tablename__ = "policy"
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012 - RETURNING would need SELECT, which writers lack
    __table_args__ = (
        CheckConstraint(
            "layer = 'national' OR layer ~ '^agency:[A-Z]{2}-[A-Z0-9]{2,12}$' AND substr(layer, 8, 2) = country",
            name="layer",
        ),
    )

    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"), primary_key=True)
    layer: Mapped[str] = mapped_column(Text, primary_key=True)  # `national`, or `agency:KZ-CUS`
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    signed: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(Text)  # of the record key that signed it
    proposed_by: Mapped[str | None] = mapped_column(Text)  # request key of the officer
    proposed_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())


class PolicyDecision(Base):
    """How a proposal ended: approved by a second officer, rejected by one, or withdrawn by the first. Never changed."""

    __tablename__ = "policy_decision"
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012
    __table_args__ = (
        ForeignKeyConstraint(["country", "layer", "version"], [Policy.country, Policy.layer, Policy.version]),
        CheckConstraint("decision IN ('approved', 'rejected', 'withdrawn')", name="decision"),
        CheckConstraint("(decision = 'approved') = (effective_at IS NOT NULL)", name="effective"),
        CheckConstraint("(decision = 'approved') = (reason IS NULL)", name="reason"),
    )

    country: Mapped[str] = mapped_column(CHAR(2), primary_key=True)
    layer: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    decision: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    key_id: Mapped[str | None] = mapped_column(Text)
    signed: Mapped[str | None] = mapped_column(Text)  # the approval, a JWS over the proposal's digest
    reason: Mapped[str | None] = mapped_column(Text)
    effective_at: Mapped[datetime | None] = mapped_column(_TIME)


class PolicyDraft(Base):
    """What officers of a country work on before it is proposed. Changed by `gate.change_draft`, ended by
    `gate.discard_draft`.
    """

    __tablename__ = "policy_draft"
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint(
            "layer = 'national' OR layer ~ '^agency:[A-Z]{2}-[A-Z0-9]{2,12}$' AND substr(layer, 8, 2) = country",
            name="layer",
        ),
        CheckConstraint("jsonb_typeof(document) = 'object'", name="document"),
        Index(None, "country", "layer", "changed_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"))
    layer: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    begun_by: Mapped[str] = mapped_column(Text)  # request key of the officer
    begun_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    changed_by: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())


DRAFT = Table(
    "policy_draft",
    Base.metadata,
    *(Column(column.name, column.type) for column in PolicyDraft.__table__.columns),
    schema="shared",
    info={"is_view": True},
)


class OwnPolicy(Base):
    """The policies of the caller's own country with what became of them: the view through which they are read."""

    __tablename__ = "policy"
    __table_args__ = {"schema": "shared", "info": {"is_view": True}}  # noqa: RUF012

    country: Mapped[str] = mapped_column(CHAR(2), primary_key=True)
    layer: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    signed: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str | None] = mapped_column(Text)
    proposed_at: Mapped[datetime] = mapped_column(_TIME)
    decision: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None] = mapped_column(_TIME)
    approval_key_id: Mapped[str | None] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    effective_at: Mapped[datetime | None] = mapped_column(_TIME)


class Suspension(Base):
    """What a country stopped sharing at once, towards whom every member of `towards_*` that is given names.

    Made by `gate.suspend`, ended by `gate.lift`, consulted by `gate.masks`; a country reads its own in `shared`.
    """

    __tablename__ = "suspension"
    __table_args__ = (
        CheckConstraint("left(of_agency, 2) = owner", name="agency"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifting"),
        Index("suspension_owner_idx", "owner", postgresql_where=text("lifted_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    owner: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"))
    of_agency: Mapped[str | None] = mapped_column(Text)
    towards_country: Mapped[str | None] = mapped_column(CHAR(2))
    towards_agency: Mapped[str | None] = mapped_column(Text)
    towards_key: Mapped[str | None] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    lifted_at: Mapped[datetime | None] = mapped_column(_TIME)
    lifted_by: Mapped[str | None] = mapped_column(Text)


OWN_SUSPENSION = Table(
    "suspension",
    Base.metadata,
    Column("id", Uuid),
    *(Column(name, Text) for name in ("owner", "of_agency", "towards_country", "towards_agency", "towards_key")),
    *(Column(name, Text) for name in ("by", "reason", "lifted_by")),
    *(Column(name, _TIME) for name in ("created_at", "lifted_at")),
    schema="shared",
    info={"is_view": True},
)

SCOPE = Table(
    "scope",
    Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", CHAR(2)),
    UniqueConstraint("id", "owner"),
    schema="gate",
)
