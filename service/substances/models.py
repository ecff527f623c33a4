"""The catalogue's tables: reference data that every role may read and only the loader writes."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base


class SubstanceGroup(Base):
    """A group that policies speak of."""

    __tablename__ = "substance_group"
    __table_args__ = (CheckConstraint("bit BETWEEN 0 AND 30", name="bit"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    bit: Mapped[int] = mapped_column(SmallInteger, unique=True)
    name_en: Mapped[str] = mapped_column(Text)
    name_ru: Mapped[str] = mapped_column(Text)


class SubstanceReference(Base):
    """A public source of facts."""

    __tablename__ = "substance_reference"

    ref: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    as_of: Mapped[date | None]


class Substance(Base):
    """An entry: a substance, a class, a preparation, a plant and so on."""

    __tablename__ = "substance"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('substance', 'class', 'preparation', 'plant', 'precursor', 'adulterant', 'provisional')",
            name="kind",
        ),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    parent: Mapped[str | None] = mapped_column(
        ForeignKey("core.substance.code", deferrable=True, initially="DEFERRED"), index=True
    )
    name_en: Mapped[str] = mapped_column(Text)
    name_ru: Mapped[str | None] = mapped_column(Text)
    policy_group: Mapped[str] = mapped_column(ForeignKey(SubstanceGroup.code))
    nps_group: Mapped[str | None] = mapped_column(Text)
    cas: Mapped[str | None] = mapped_column(Text)
    inchikey: Mapped[str | None] = mapped_column(Text)
    smiles: Mapped[str | None] = mapped_column(Text)
    formula: Mapped[str | None] = mapped_column(Text)
    hs: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)


class SubstanceName(Base):
    """Another name of an entry."""

    __tablename__ = "substance_name"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey(Substance.code), index=True)
    language: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(ForeignKey(SubstanceReference.ref))
    count: Mapped[int | None]


class SubstanceSchedule(Base):
    """A schedule of the 1961 or 1971 convention, or a table of the 1988 one, true on a date."""

    __tablename__ = "substance_schedule"
    __table_args__ = (CheckConstraint("convention IN ('1961', '1971', '1988')", name="convention"),)

    code: Mapped[str] = mapped_column(ForeignKey(Substance.code), primary_key=True)
    convention: Mapped[str] = mapped_column(Text, primary_key=True)
    schedule: Mapped[str] = mapped_column(Text, primary_key=True)
    as_of: Mapped[date] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(ForeignKey(SubstanceReference.ref))
    note: Mapped[str | None] = mapped_column(Text)


class SubstanceSource(Base):
    """Where a fact of an entry comes from."""

    __tablename__ = "substance_source"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey(Substance.code), index=True)
    fact: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(ForeignKey(SubstanceReference.ref))
    note: Mapped[str | None] = mapped_column(Text)


class Unit(Base):
    """A unit, its dimension and the factor to that dimension's base unit."""

    __tablename__ = "unit"
    __table_args__ = (CheckConstraint("dimension IN ('mass', 'volume', 'area', 'count')", name="dimension"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    ucum: Mapped[str | None] = mapped_column(Text)
    rec20: Mapped[str | None] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    name_ru: Mapped[str] = mapped_column(Text)
    dimension: Mapped[str] = mapped_column(Text)
    factor: Mapped[Decimal]
    rule: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(ForeignKey(SubstanceReference.ref))


class UnitName(Base):
    """A spelling of a unit."""

    __tablename__ = "unit_name"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(ForeignKey(Unit.code))
    multiplier: Mapped[Decimal]
    language: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(ForeignKey(SubstanceReference.ref))


class ConversionRule(Base):
    """What turns an amount into kilograms, and who says so."""

    __tablename__ = "conversion_rule"
    __table_args__ = (CheckConstraint("kg_low <= kg_typical AND kg_typical <= kg_high", name="range"),)

    rule: Mapped[str] = mapped_column(Text, primary_key=True)
    substance: Mapped[str | None] = mapped_column(ForeignKey(Substance.code))
    unit: Mapped[str | None] = mapped_column(ForeignKey(Unit.code))
    kg_low: Mapped[Decimal | None]
    kg_high: Mapped[Decimal | None]
    kg_typical: Mapped[Decimal | None]
    source: Mapped[str] = mapped_column(ForeignKey(SubstanceReference.ref))
    note: Mapped[str | None] = mapped_column(Text)


class SubstanceCatalogue(Base):
    """Which committed catalogue is loaded: one row."""

    __tablename__ = "substance_catalogue"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(Text)
    loaded: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class ProvisionalSubstance(Base):
    """What a laboratory found and the catalogue does not have. Its country's own until it is published.

    `smiles`, `inchikey` are as entered, `parent_inchikey` and `formula` of the parent without counter-ions. Written by
    functions of the gate only.
    """

    __tablename__ = "provisional_substance"
    __table_args__ = (
        UniqueConstraint("agency", "year", "n"),
        CheckConstraint("left(agency, 2) = owner", name="owner"),
        CheckConstraint("code = 'UNK-' || agency || '-' || year || '-' || n", name="code"),
        CheckConstraint("(published_at IS NULL) = (published_by IS NULL)", name="published"),
        CheckConstraint("(resolved IS NULL) = (resolved_at IS NULL)", name="resolved"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    owner: Mapped[str] = mapped_column(CHAR(2), ForeignKey("core.country.code"))
    agency: Mapped[str] = mapped_column(Text, ForeignKey("core.agency.code"))
    year: Mapped[int] = mapped_column(SmallInteger)
    n: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    parent: Mapped[str] = mapped_column(ForeignKey(Substance.code))
    policy_group: Mapped[str] = mapped_column(ForeignKey(SubstanceGroup.code))
    nps_group: Mapped[str | None] = mapped_column(Text)
    smiles: Mapped[str | None] = mapped_column(Text)
    inchikey: Mapped[str | None] = mapped_column(Text)
    parent_inchikey: Mapped[str | None] = mapped_column(Text, index=True)
    formula: Mapped[str | None] = mapped_column(Text)
    triage: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    registered_by: Mapped[str] = mapped_column(Text)
    registered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    published_by: Mapped[str | None] = mapped_column(Text)
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolved: Mapped[str | None] = mapped_column(ForeignKey(Substance.code))
    resolved_by: Mapped[str | None] = mapped_column(Text)
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str | None] = mapped_column(Text)


# What the caller may know of provisional entries: its own country's, and those that were published.
PROVISIONAL = Table(
    "provisional_substance",
    Base.metadata,
    *(
        Column(column.name, column.type)
        for column in ProvisionalSubstance.__table__.columns
        if column.name not in ("year", "n", "published_by", "resolved_by")
    ),
    schema="shared",
    info={"is_view": True},
)
