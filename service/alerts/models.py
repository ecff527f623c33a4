"""Orders, candidates, alerts with what they rest on and the answers to them, and deliveries; and the views of them."""

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
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base
from service.identity.models import Agency, Country

_TIME = DateTime(timezone=True)
_NOW = text("now()")


class Subscription(Base):
    """A standing order of an agency: whose eyes look (`key_id`, `purpose`), for what, and how it is delivered."""

    __tablename__ = "subscription"
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012 - RETURNING would need SELECT, which writers lack
    __table_args__ = (
        CheckConstraint("left(agency, 2) = country", name="agency"),
        CheckConstraint("delivery IN ('stream', 'webhook', 'digest')", name="delivery"),
        CheckConstraint("(delivery = 'webhook') = (url IS NOT NULL)", name="url"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        Index("subscription_agency_idx", "agency", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey(Country.code))
    agency: Mapped[str] = mapped_column(Text, ForeignKey(Agency.code))
    key_id: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    rules: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    groups: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    delivery: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    ordered_at: Mapped[datetime] = mapped_column(_TIME, server_default=text("clock_timestamp()"))
    ended_at: Mapped[datetime | None] = mapped_column(_TIME)
    ended_by: Mapped[str | None] = mapped_column(Text)


class StoredCandidate(Base):
    """What a rule found in the eyes of an agency. `needs`: the facets (bits) of `record_id` that it rests on; `policy`:
    for what rests on figures, the policies under which they were counted; `owners`: how many records of each country
    they are of.
    """

    __tablename__ = "alert_candidate"
    __table_args__ = (
        UniqueConstraint("agency", "purpose", "rule", "key"),
        CheckConstraint("state IN ('candidate', 'raised', 'dismissed')", name="state"),
        CheckConstraint("(state = 'candidate') = (settled_at IS NULL)", name="settled"),
        CheckConstraint("record_id IS NOT NULL OR policy IS NOT NULL", name="basis"),
        Index("alert_candidate_agency_at_idx", "agency", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey(Country.code))
    agency: Mapped[str] = mapped_column(Text, ForeignKey(Agency.code))
    purpose: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    substance: Mapped[str | None] = mapped_column(Text)
    record_id: Mapped[UUID | None]
    needs: Mapped[int]
    policy: Mapped[str | None] = mapped_column(Text)
    owners: Mapped[dict[str, int]] = mapped_column(JSONB, server_default=text("'{}'"))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(_TIME)
    state: Mapped[str] = mapped_column(Text, server_default="candidate")
    settled_by: Mapped[str | None] = mapped_column(Text)
    settled_at: Mapped[datetime | None] = mapped_column(_TIME)


class Alert(Base):
    """What people made of it: reviewed by one, issued by another with level and handling, closed or retracted."""

    __tablename__ = "alert"
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("left(agency, 2) = country", name="agency"),
        CheckConstraint("state IN ('reviewed', 'issued', 'closed', 'retracted')", name="state"),
        CheckConstraint("level IN ('INFO', 'ADVISORY', 'URGENT')", name="level"),
        CheckConstraint(
            "(issued_at IS NULL) = (level IS NULL) AND (issued_at IS NULL) = (handling IS NULL)"
            " AND (issued_at IS NULL) = (issued_by IS NULL) AND (state <> 'issued' OR issued_at IS NOT NULL)",
            name="issued",
        ),
        CheckConstraint("issued_by <> reviewed_by", name="eyes"),
        CheckConstraint("(state IN ('closed', 'retracted')) = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("handling <> 'TLP:RED' OR countries IS NOT NULL", name="named"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey(Country.code))
    agency: Mapped[str] = mapped_column(Text, ForeignKey(Agency.code))
    rule: Mapped[str] = mapped_column(Text)
    substance: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    candidate_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(Text, server_default="reviewed")
    reviewed_by: Mapped[str] = mapped_column(Text)
    reviewed_at: Mapped[datetime] = mapped_column(_TIME)
    level: Mapped[str | None] = mapped_column(Text)
    handling: Mapped[str | None] = mapped_column(Text)
    countries: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    issued_by: Mapped[str | None] = mapped_column(Text)
    issued_at: Mapped[datetime | None] = mapped_column(_TIME, index=True)
    reason: Mapped[str | None] = mapped_column(Text)
    ended_by: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(_TIME)


class AlertBasis(Base):
    """A record that an alert rests on, and in which facets (bits)."""

    __tablename__ = "alert_basis"

    alert_id: Mapped[UUID] = mapped_column(ForeignKey(Alert.id), primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    needs: Mapped[int]


class AlertAnswer(Base):
    """One country's acknowledgement of an alert, and later what it did and whether the alert was of use."""

    __tablename__ = "alert_answer"
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint(
            "(feedback_at IS NULL) = (action IS NULL) AND (feedback_at IS NULL) = (useful IS NULL)", name="feedback"
        ),
    )

    alert_id: Mapped[UUID] = mapped_column(ForeignKey(Alert.id), primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey(Country.code), primary_key=True)
    issuer: Mapped[str] = mapped_column(CHAR(2))
    acknowledged_by: Mapped[str] = mapped_column(Text)
    acknowledged_agency: Mapped[str] = mapped_column(Text)
    acknowledged_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    action: Mapped[str | None] = mapped_column(Text)
    useful: Mapped[bool | None]
    feedback_by: Mapped[str | None] = mapped_column(Text)
    feedback_at: Mapped[datetime | None] = mapped_column(_TIME)


class AlertTold(Base):
    """An agency into whose inbox the alert was put when it was issued, or when the agency came to see it."""

    __tablename__ = "alert_told"

    alert_id: Mapped[UUID] = mapped_column(ForeignKey(Alert.id), primary_key=True)
    agency: Mapped[str] = mapped_column(Text, ForeignKey(Agency.code), primary_key=True)


class Delivery(Base):
    """What became of one event towards one webhook. `fault` is the name of the last one."""

    __tablename__ = "alert_delivery"
    __table_args__ = (CheckConstraint("state IN ('waiting', 'sent', 'dead')", name="state"),)

    subscription_id: Mapped[UUID] = mapped_column(ForeignKey(Subscription.id), primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    fault: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)


class Unjudged(Base):
    """What one transaction filed or linked, until the rules have looked at it in the eyes of the country `reader`.
    `country` filed it; `tried`: how often it was taken; `looked`: the orders that need not look again.
    """

    __tablename__ = "alert_queue"
    __table_args__ = (Index(None, "reader", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    reader: Mapped[str] = mapped_column(CHAR(2), ForeignKey(Country.code))
    country: Mapped[str | None] = mapped_column(CHAR(2))
    records: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    links: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    tried: Mapped[int] = mapped_column(server_default=text("0"))
    looked: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    filed_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)
    due_at: Mapped[datetime] = mapped_column(_TIME, server_default=_NOW)


def _view(table: type[Base], *hidden: str, more: tuple[Column[Any], ...] = ()) -> Table:
    columns = (column for column in table.__table__.columns if column.name not in hidden)
    return Table(
        str(table.__tablename__),
        Base.metadata,
        *(Column(column.name, column.type) for column in columns),
        *more,
        schema="shared",
        info={"is_view": True},
    )


SUBSCRIPTION = _view(Subscription, "ended_by")
CANDIDATE = _view(StoredCandidate, "country", "needs", "policy", "settled_by")
ALERT = _view(Alert, "issued_by", "ended_by", more=(Column("records", ARRAY(Uuid)),))
ANSWER = _view(AlertAnswer, "issuer", "acknowledged_by", "feedback_by")
DELIVERY = _view(Delivery)
OWN_ALERT = Table(
    "own_alert",
    Base.metadata,
    Column("id", Uuid),
    *(Column(name, Text) for name in ("agency", "state", "reviewed_by")),
    Column("issued_at", _TIME),
    schema="shared",
    info={"is_view": True},
)
