"""Links and what was said of them, the model that weighs them, and the views of those who may see both records."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base

RELATIONS = ("event", "chemical", "physical")
STATES = ("proposed", "confirmed", "rejected", "undone")
_TIME = DateTime(timezone=True)

# Records that no pass has looked at yet, those that one did not get through with, and what passes compare; written and
# read by the database alone.
QUEUE = Table(
    "link_queue",
    Base.metadata,
    Column("record_id", Uuid, nullable=False),
    Column("country", CHAR(2), nullable=False, index=True),
)
RETRY = Table(
    "link_retry",
    Base.metadata,
    Column("record_id", Uuid, primary_key=True),
    Column("tried", Integer, nullable=False),
    Column("country", CHAR(2), nullable=False),
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Index(None, "country", "id"),
)
FACT = Table(
    "link_fact",
    Base.metadata,
    Column("record_id", Uuid, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("agency", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("place_country", CHAR(2)),
    *(Column(name, Text) for name in ("admin1", "place")),
    *(Column(name, Double) for name in ("lon", "lat")),
    *(Column(name, Text, nullable=False) for name in ("policy_group", "substance")),
    Column("lineage", ARRAY(Text), nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("unit", Text, nullable=False),
    *(Column(name, Numeric) for name in ("kg", "kg_low", "kg_high")),
    Column("weighed", Boolean, nullable=False),
    *(Column(name, Text) for name in ("transport", "origin", "destination")),
    Column("scope_id", Integer, nullable=False),
    Index("link_fact_near_idx", "policy_group", "day", "agency", "scope_id", text("coalesce(kg, quantity)")),
)


class LinkModel(Base):
    """Weights of the levels of agreement, as of one learning. The latest version counts."""

    __tablename__ = "link_model"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    weights: Mapped[dict[str, Any]] = mapped_column(JSONB)
    source: Mapped[str] = mapped_column(Text)
    pairs: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    made_by: Mapped[str] = mapped_column(Text)


class Link(Base):
    """Two records that may belong together. Evidence: `facets`, `weights` and `levels` stand side by side.

    A reader is given, of both records, the facets of `base`, and those of one of `grounds`: why they were compared.
    """

    __tablename__ = "link"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    relation: Mapped[str] = mapped_column(Text)
    a: Mapped[UUID] = mapped_column(Uuid, index=True)
    b: Mapped[UUID] = mapped_column(Uuid, index=True)
    a_agency: Mapped[str] = mapped_column(Text)
    b_agency: Mapped[str] = mapped_column(Text)
    a_scope: Mapped[int]
    b_scope: Mapped[int]
    a_month: Mapped[date]
    b_month: Mapped[date]
    base: Mapped[int]
    grounds: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default=text("'{0}'"))
    facets: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    weights: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    levels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    least: Mapped[float] = mapped_column(REAL)
    score: Mapped[float | None] = mapped_column(REAL)
    method: Mapped[str | None] = mapped_column(Text)
    model: Mapped[int | None]
    state: Mapped[str] = mapped_column(Text, server_default="proposed")
    round: Mapped[int] = mapped_column(server_default=text("1"))
    made_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())

    __table_args__ = (
        UniqueConstraint("relation", "a", "b"),
        CheckConstraint("relation IN ('event', 'chemical', 'physical')", name="relation"),
        CheckConstraint("state IN ('proposed', 'confirmed', 'rejected', 'undone')", name="state"),
        CheckConstraint("a <> b AND a_agency <= b_agency", name="sides"),
        Index("link_confirmed_idx", "relation", postgresql_where=text("state = 'confirmed'")),
    )


class LinkAct(Base):
    """What a party said of a link, in which round. Never changed."""

    __tablename__ = "link_act"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    link_id: Mapped[UUID] = mapped_column(ForeignKey(Link.id, ondelete="CASCADE"), index=True)
    round: Mapped[int]
    act: Mapped[str] = mapped_column(Text)
    agency: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(_TIME, server_default=text("clock_timestamp()"))

    __table_args__ = (CheckConstraint("act IN ('confirm', 'reject', 'undo')", name="act"),)


def _view(name: str, *columns: Column[Any]) -> Table:
    return Table(name, Base.metadata, *columns, schema="shared", info={"is_view": True})


SHARED_LINK = _view(
    "link",
    *(Column(name, Uuid) for name in ("id", "a", "b")),
    *(Column(name, Text) for name in ("relation", "a_agency", "b_agency", "state", "method")),
    *(Column(name, Integer) for name in ("round", "model")),
    *(Column(name, REAL) for name in ("score", "weight")),
    Column("levels", ARRAY(Text)),
    Column("weights", ARRAY(REAL)),
)
SHARED_ACT = _view(
    "link_act",
    Column("link_id", Uuid),
    Column("round", Integer),
    *(Column(name, Text) for name in ("act", "agency", "reason")),
    Column("at", _TIME),
)
# The reports of one event, as far as the reader sees that they are; of each event one is counted.
EVENT_MEMBER = _view("event_member", Column("record_id", Uuid), Column("event", Uuid), Column("counted", Boolean))
