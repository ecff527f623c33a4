"""The registry: countries, agencies, keys, roles, proposed changes, and the openings of governance leaves."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base

AGENCY_TYPES = (
    *("BG", "CU", "PO", "DC", "SS", "FI", "CG", "MI", "PS", "PR", "OT"),
    *("LAB", "COURT", "CENTRE", "OBSERVER"),
)
KEY_USES = ("request-signing", "record-signing", "witness")
ALGORITHMS = ("EdDSA", "ES256")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Country(Base):
    """A member state."""

    __tablename__ = "country"
    __table_args__ = (CheckConstraint("code ~ '^[A-Z]{2}$'", name="code"),)

    code: Mapped[str] = mapped_column(CHAR(2), primary_key=True)  # ISO 3166-1 alpha-2
    name: Mapped[str] = mapped_column(Text)


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


class RoleGrant(Base):
    """A role that a request-signing key holds; the governance log keeps those withdrawn."""

    __tablename__ = "role_grant"

    kid: Mapped[str] = mapped_column(ForeignKey(AgencyKey.kid), primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    granted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Change(Base):
    """A change of a country's registry that one officer proposed and another approves."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'applied')", name="state"),
        CheckConstraint("(state = 'applied') = (approved_by IS NOT NULL)", name="approval"),
        CheckConstraint("approved_by <> proposed_by", name="two_officers"),
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
