"""Passkeys of officers, what their country's provider calls them, and the codes with which either is enrolled."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, LargeBinary, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base
from service.identity.models import Person


class EnrolmentCode(Base):
    """What an administrator hands to an officer, who is enrolled once with it; kept as its SHA-256."""

    __tablename__ = "enrolment_code"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person: Mapped[uuid.UUID] = mapped_column(ForeignKey(Person.id), index=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    issued_by: Mapped[str] = mapped_column(Text)  # kid of the administrator, or `operator`


class Passkey(Base):
    """A WebAuthn credential of an officer (Web Authentication Level 3 §4)."""

    __tablename__ = "passkey"

    credential_id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person: Mapped[uuid.UUID] = mapped_column(ForeignKey(Person.id), index=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)  # COSE_Key (RFC 9052)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    enrolled_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class NationalIdentity(Base):
    """Who an officer is at its country's OpenID Connect provider."""

    __tablename__ = "national_identity"

    issuer: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    person: Mapped[uuid.UUID] = mapped_column(ForeignKey(Person.id), index=True)
    enrolled_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
