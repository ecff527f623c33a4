"""Requests to originators, rules of single records, recalls: as stored, and the views of their parties."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base

_TIME = DateTime(timezone=True)
_COUNTRY, _AGENCY = "core.country.code", "core.agency.code"


class _Written:
    """Writers may insert and not select, so no INSERT may return columns."""

    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012


class ReleaseRequest(_Written, Base):
    """One agency asks the owner of one record for facets of it, for one purpose."""

    __tablename__ = "release_request"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    record_id: Mapped[UUID]
    owner: Mapped[str] = mapped_column(CHAR(2), ForeignKey(_COUNTRY))
    asker_country: Mapped[str] = mapped_column(CHAR(2))
    asker_agency: Mapped[str] = mapped_column(Text, ForeignKey(_AGENCY))
    asked_by: Mapped[str] = mapped_column(Text)  # thumbprint of the request key, as in every `…_by`
    purpose: Mapped[str] = mapped_column(Text)
    case_reference: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    wanted: Mapped[int]  # facet bits
    asked_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    deadline: Mapped[datetime] = mapped_column(_TIME)
    state: Mapped[str] = mapped_column(Text, server_default="open")
    given: Mapped[int] = mapped_column(server_default=text("0"))  # facet bits, some of `wanted`
    given_until: Mapped[datetime | None] = mapped_column(_TIME)
    duties: Mapped[int] = mapped_column(server_default=text("0"))  # bits of OBLIGATIONS
    refusal: Mapped[str | None] = mapped_column(Text)
    said: Mapped[str | None] = mapped_column(Text)
    settled_at: Mapped[datetime | None] = mapped_column(_TIME)
    settled_by: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("state IN ('open', 'answered', 'refused', 'withdrawn')", name="state"),
        CheckConstraint("(state = 'open') = (settled_at IS NULL)", name="settled"),
        CheckConstraint(
            "(state = 'answered') = (given <> 0) AND (given <> 0) = (given_until IS NOT NULL) AND given & ~wanted = 0",
            name="given",
        ),
        CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="refusal"),
        CheckConstraint("left(asker_agency, 2) = asker_country AND asker_country <> owner", name="asker_agency"),
        Index(
            "release_request_open_idx",
            "asker_agency",
            "record_id",
            "purpose",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index(None, "owner", "asked_at", "id"),
        Index(None, "asker_agency", "asked_at", "id"),
    )


class RecordRule(_Written, Base):
    """A grant, block or embargo of one record. What ends keeps its row: it was true for a time."""

    __tablename__ = "record_rule"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    record_id: Mapped[UUID] = mapped_column(Uuid, index=True)
    owner: Mapped[str] = mapped_column(CHAR(2), ForeignKey(_COUNTRY))
    kind: Mapped[str] = mapped_column(Text)
    countries: Mapped[list[str] | None] = mapped_column(ARRAY(Text))  # with `agencies`: any of either; both NULL: all
    agencies: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    purposes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    facets: Mapped[int]
    duties: Mapped[int]
    until: Mapped[datetime | None] = mapped_column(_TIME)
    reason: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)  # what made it: a sharing document, the answer to a request, a recall
    origin_id: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    made_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    made_by: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(_TIME)
    ended_by: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("kind IN ('grant', 'block', 'embargo')", name="kind"),
        CheckConstraint(
            "origin IN ('sharing', 'request', 'recall') AND (origin = 'sharing') = (origin_id IS NULL)", name="origin"
        ),
        CheckConstraint("(kind = 'grant') = (facets <> 0) AND (kind = 'grant' OR duties = 0)", name="grant"),
        CheckConstraint("kind = 'block' OR until IS NOT NULL", name="until"),
        CheckConstraint(
            "CASE kind WHEN 'grant' THEN countries IS NOT NULL OR agencies IS NOT NULL"
            " WHEN 'embargo' THEN countries IS NULL AND agencies IS NULL ELSE true END",
            name="audience",
        ),
    )


class Recall(_Written, Base):
    """An owner takes back records that it has shared."""

    __tablename__ = "recall"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    owner: Mapped[str] = mapped_column(CHAR(2), ForeignKey(_COUNTRY))
    agency: Mapped[str] = mapped_column(Text, ForeignKey(_AGENCY))
    records: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    deadline: Mapped[datetime] = mapped_column(_TIME)
    made_by: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("cardinality(records) > 0", name="records"),
        Index(None, "owner", "at", "id"),
    )


class RecallRecipient(_Written, Base):
    """One agency that has read recalled records: which of them, and what it did with what it had."""

    __tablename__ = "recall_recipient"

    recall_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Recall.id), primary_key=True)
    agency: Mapped[str] = mapped_column(Text, ForeignKey(_AGENCY), primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2))
    owner: Mapped[str] = mapped_column(CHAR(2))
    records: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(_TIME, server_default=func.now())
    deadline: Mapped[datetime] = mapped_column(_TIME)
    done: Mapped[str | None] = mapped_column(Text)
    legal_reference: Mapped[str | None] = mapped_column(Text)
    said: Mapped[str | None] = mapped_column(Text)
    acknowledged_at: Mapped[datetime | None] = mapped_column(_TIME)
    acknowledged_by: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("left(agency, 2) = country AND country <> owner", name="agency"),
        CheckConstraint(
            "done IN ('deleted', 'kept') AND (done IS NULL) = (acknowledged_at IS NULL)"
            " AND (done <> 'kept' OR legal_reference IS NOT NULL)",
            name="done",
        ),
        Index(None, "agency", "at", "recall_id"),
    )


def _view(table: type[Base], *hidden: str) -> Table:
    """The view of the same name in `shared`: what its parties may read."""
    columns = (column for column in table.__table__.columns if column.name not in hidden)
    return Table(
        str(table.__tablename__),
        Base.metadata,
        *(Column(column.name, column.type) for column in columns),
        schema="shared",
        info={"is_view": True},
    )


REQUEST = _view(ReleaseRequest, "asked_by", "settled_by")
RULE = _view(RecordRule)
RECALL = _view(Recall, "made_by")
RECIPIENT = _view(RecallRecipient, "acknowledged_by")

# Which agencies of other countries have read which own records, as the access log has it.
READER = Table(
    "recall_reader",
    Base.metadata,
    Column("country", Text),
    Column("agency", Text),
    Column("record_ids", ARRAY(Uuid)),
    schema="shared",
    info={"is_view": True},
)
