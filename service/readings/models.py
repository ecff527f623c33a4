"""The access log's table, and the views through which owners and auditors read it."""

import uuid
from datetime import datetime

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy import Uuid as Id
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base


class Access(Base):
    """What one answer showed of one owner's records; without an owner, an answer that showed none.

    Partitioned by month. `reading` is the same for all parts of one answer. `seal` salts the digests of question and
    answer where another than the reader's country sees them.
    """

    __tablename__ = "access"
    __table_args__ = (
        CheckConstraint("records >= 0 AND (records = 0 OR owner IS NOT NULL)", name="records"),
        CheckConstraint(
            "octet_length(question) = 32 AND octet_length(answer) = 32 AND octet_length(leaf_hash) = 32"
            " AND octet_length(seal) = 16 AND octet_length(salt) = 16",
            name="digests",
        ),
        Index(None, "owner", "at", "id"),
        Index(None, "country", "at", "id"),
        Index(
            "access_compared_idx",
            "country",
            "at",
            postgresql_where=text("route IN ('/v1/profiles/search', '/v1/profiles/{record_id}/{n}/neighbours')"),
        ),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    id: Mapped[uuid.UUID] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    reading: Mapped[uuid.UUID] = mapped_column(Id)
    country: Mapped[str] = mapped_column(CHAR(2))  # of who read, as the next four
    agency: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    purpose: Mapped[str | None] = mapped_column(Text)
    case_reference: Mapped[str | None] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    route: Mapped[str] = mapped_column(Text)  # the template, `/v1/seizures/{record_id}`
    policy: Mapped[str] = mapped_column(Text)  # version of the policies that applied; empty before the gate
    status: Mapped[int] = mapped_column(SmallInteger)
    owner: Mapped[str | None] = mapped_column(CHAR(2))
    records: Mapped[int] = mapped_column(Integer)
    record_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Id))
    unseen: Mapped[bool] = mapped_column(server_default=text("false"))  # told to the owner, not to who read
    question: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    seal: Mapped[bytes] = mapped_column(LargeBinary)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)


def _view(name: str, *others: "Column[object]") -> Table:
    """The columns that both views have, and others."""
    return Table(
        name,
        Base.metadata,
        Column("id", Id, primary_key=True),
        Column("at", DateTime(timezone=True)),
        *(Column(column, Text) for column in ("country", "agency", "key_id")),
        Column("roles", ARRAY(Text)),
        *(Column(column, Text) for column in ("purpose", "case_reference", "method", "route", "policy", "owner")),
        Column("records", Integer),
        Column("question", LargeBinary),
        Column("answer", LargeBinary),
        *others,
        schema="shared",
        info={"is_view": True},
    )


STATEMENT = _view(
    "statement", Column("record_ids", ARRAY(Id)), Column("salt", LargeBinary), Column("leaf_hash", LargeBinary)
)
"""Who read the records of the caller's own country, for its auditors and policy officers."""

READING = _view("reading", Column("reading", Id), Column("status", SmallInteger), Column("seal", LargeBinary))
"""What the people of the caller's own country read, for its auditors."""

TAKEN = Table(
    "reading_taken",
    Base.metadata,
    Column("at", DateTime(timezone=True)),
    Column("owner", Text),
    Column("records", Integer),
    schema="shared",
    info={"is_view": True},
)
"""How much of whose the people of the caller's own country read."""
