"""National listings: what a member says it controls. Versions are added and never changed."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CHAR, CheckConstraint, DateTime, ForeignKey, ForeignKeyConstraint, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base
from service.identity.models import Country
from service.substances.models import Substance


class Listing(Base):
    """One version of one entry of a country's list: a substance by its code, or a generic definition."""

    __tablename__ = "national_listing"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("valid_until > valid_from", name="period"),
        CheckConstraint("(substance IS NULL) <> (generic IS NULL)", name="covers"),
    )

    country: Mapped[str] = mapped_column(CHAR(2), ForeignKey(Country.code), primary_key=True)
    entry: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    substance: Mapped[str | None] = mapped_column(ForeignKey(Substance.code), index=True)
    generic: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    schedule: Mapped[str] = mapped_column(Text)
    legal_basis: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    source: Mapped[str | None] = mapped_column(Text)
    withdrawn: Mapped[str | None] = mapped_column(Text)
    signed: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(Text)
    entered_by: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class ListingMatch(Base):
    """An entry of the catalogue that a generic definition takes in."""

    __tablename__ = "listing_match"
    __table_args__ = (
        ForeignKeyConstraint(["country", "entry", "version"], [Listing.country, Listing.entry, Listing.version]),
    )

    country: Mapped[str] = mapped_column(CHAR(2), primary_key=True)
    entry: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    substance: Mapped[str] = mapped_column(ForeignKey(Substance.code), primary_key=True, index=True)
