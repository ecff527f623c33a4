"""The registry: countries, agencies, keys, roles, proposed changes, and the openings of governance leaves."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    ColumnElement,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    func,
    or_,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base

AGENCY_TYPES = (
    *("BG", "CU", "PO", "DC", "SS", "FI", "CG", "MI", "PS", "PR", "OT"),
    *("LAB", "COURT", "CENTRE", "OBSERVER"),
)
STATUSES = ("member", "observer", "third")
KEY_USES = ("request-signing", "record-signing", "witness")
ALGORITHMS = ("EdDSA", "ES256")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Country(Base):
    """A member state, an observer, or a third country; rules share with the latter two only by name, for a year."""

    __tablename__ = "country"
    __table_args__ = (
        CheckConstraint("code ~ '^[A-Z]{2}$'", name="code"),
        CheckConstraint(_one_of("status", STATUSES), name="status"),
    )

    code: Mapped[str] = mapped_column(CHAR(2), primary_key=True)  # ISO 3166-1 alpha-2
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="member")


class CountryGroup(Base):
    """A country in a group that rules may name; the group `members` is every member state and stands nowhere."""

    __tablename__ = "country_group"
    __table_args__ = (CheckConstraint("code ~ '^[a-z][a-z0-9-]{1,39}$' AND code <> 'members'", name="code"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey(Country.code), primary_key=True)


class Agency(Base):
    """An authority of a country that holds keys."""

    __tablename__ = "agency"
    __table_args__ = (
        CheckConstraint("code ~ '^[A-Z]{2}-[A-Z0-9]{2,12}$' AND left(code, 2) = country", name="code"),
        CheckConstraint(_one_of("type", AGENCY_TYPES), name="type"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)  # `KZ-CUS`
    country: Mapped[str] = mapped_column(ForeignKey(Country.code), index=True)
    type: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)


class AgencyKey(Base):
    """A public key of one agency, for one use. Rows are never deleted: old evidence needs them."""

    __tablename__ = "agency_key"
    __table_args__ = (
        CheckConstraint("length(kid) = 43", name="kid"),
        CheckConstraint(_one_of("use", KEY_USES), name="use"),
        CheckConstraint(_one_of("alg", ALGORITHMS), name="alg"),
        CheckConstraint("not_after IS NULL OR not_after > not_before", name="validity"),
        CheckConstraint("(revoked_at IS NULL) = (revocation_reason IS NULL)", name="revocation"),
    )

    kid: Mapped[str] = mapped_column(Text, primary_key=True)  # RFC 7638 thumbprint
    agency: Mapped[str] = mapped_column(ForeignKey(Agency.code), index=True)
    use: Mapped[str] = mapped_column(Text)
    alg: Mapped[str] = mapped_column(Text)  # JWS name
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    not_before: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    not_after: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revocation_reason: Mapped[str | None] = mapped_column(Text)
    enrolled_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    enrolled_by: Mapped[str] = mapped_column(Text)  # kid of the proposer, or `operator`
    approved_by: Mapped[str] = mapped_column(Text)  # kid of the second officer, or `operator`


def in_force(moment: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a key holds at this moment: begun, not over, not revoked; as `gate.in_force` of the database says now."""
    ends = AgencyKey.not_after
    return and_(AgencyKey.revoked_at.is_(None), AgencyKey.not_before <= moment, or_(ends.is_(None), ends > moment))


class RoleGrant(Base):
    """A role that a request-signing key holds; the governance log keeps those withdrawn."""

    __tablename__ = "role_grant"

    kid: Mapped[str] = mapped_column(ForeignKey(AgencyKey.kid), primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    granted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Person(Base):
    """An officer who signs in at the console, by a handle that is nobody's name; a key of that sign-in signs."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("handle ~ '^[a-z0-9][a-z0-9-]{1,39}$'", name="handle"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="end"),
        UniqueConstraint("agency", "handle"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4)
    agency: Mapped[str] = mapped_column(ForeignKey(Agency.code))
    handle: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    end_reason: Mapped[str | None] = mapped_column(Text)


class SessionKey(Base):
    """Which sign-in of which person brought a key: requests and records are signed by two of one session."""

    __tablename__ = "session_key"

    kid: Mapped[str] = mapped_column(ForeignKey(AgencyKey.kid), primary_key=True)
    person: Mapped[uuid.UUID] = mapped_column(ForeignKey(Person.id), index=True)
    session: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)


class Change(Base):
    """A change of a country's registry that one officer proposed and another approves."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'applied', 'rejected')", name="state"),
        CheckConstraint("(state = 'applied') = (approved_by IS NOT NULL)", name="approval"),
        CheckConstraint("approved_by <> proposed_by", name="two_officers"),
        CheckConstraint(
            "(state = 'rejected') = (rejected_by IS NOT NULL AND rejection_reason IS NOT NULL)", name="rejection"
        ),
        Index(None, "country", "proposed_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4)
    country: Mapped[str] = mapped_column(ForeignKey(Country.code))
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text, server_default="proposed")
    proposed_by: Mapped[str] = mapped_column(ForeignKey(AgencyKey.kid))
    proposed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    approved_by: Mapped[str | None] = mapped_column(ForeignKey(AgencyKey.kid))
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    rejected_by: Mapped[str | None] = mapped_column(ForeignKey(AgencyKey.kid))
    rejected_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    rejection_reason: Mapped[str | None] = mapped_column(Text)


class GovernanceEvent(Base):
    """What opens a leaf of the governance log: SHA-256(salt ‖ SHA-256(document)) is its entry."""

    __tablename__ = "governance_event"
    __table_args__ = (Index(None, "country", "at"),)

    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    country: Mapped[str | None] = mapped_column(ForeignKey(Country.code))
    document: Mapped[str] = mapped_column(Text)  # canonical JSON (RFC 8785), the bytes that were hashed
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Nonce(Base):
    """A nonce that was spent. Logged: a crash forgets none. Partitioned by time: forgetting is a DROP."""

    __tablename__ = "nonce"
    __table_args__ = ({"postgresql_partition_by": "RANGE (expires_at)"},)

    kid: Mapped[str] = mapped_column(Text, primary_key=True)
    nonce: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
