"""What proposers and officers send, and what members see of a publication."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.disclosure import hierarchies
from service.records.registry import Handling
from service.records.scalars import MonthName

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$", examples=["quarterly-seizures"])]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the definition, hexadecimal.")]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Table(_Document):
    """A level of each hierarchy."""

    time: hierarchies.Time
    place: hierarchies.Place
    substance: hierarchies.Substance


class Definition(_Document):
    """A publication as proposed: whole quarters, and the tables that it will have."""

    name: Name
    title: Annotated[str, Field(min_length=1, max_length=200)]
    first_month: MonthName
    last_month: MonthName
    tables: Annotated[tuple[Table, ...], Field(min_length=1, max_length=12, strict=False)]

    @model_validator(mode="after")
    def _consistent(self) -> "Definition":
        if self.first_month > self.last_month:
            raise ValueError("first_month is after last_month")
        if int(self.first_month[5:]) % 3 != 1 or int(self.last_month[5:]) % 3 != 0:
            raise ValueError("a publication covers whole quarters")
        if any(table.time == "year" for table in self.tables) and (
            not self.first_month.endswith("-01") or not self.last_month.endswith("-12")
        ):
            raise ValueError("a table by year needs whole years")
        if len(set(self.tables)) != len(self.tables):
            raise ValueError("a table is named twice")
        return self

    def months(self) -> tuple[date, date]:
        """The first days of the first and the last month."""
        return date.fromisoformat(self.first_month + "-01"), date.fromisoformat(self.last_month + "-01")


class ApprovalRequest(_Document):
    """An officer's approval: of exactly this definition, for records marked up to `handling_up_to`."""

    digest: Digest
    handling_up_to: Handling = "TLP:GREEN"


class Withdrawal(_Document):
    """Why a publication is withdrawn; public once it was released."""

    reason: Annotated[str, Field(min_length=1, max_length=300)]


class ApprovalView(BaseModel):
    country: str
    handling_up_to: Handling
    approved_at: datetime


class PublicationView(BaseModel):
    """One version, with its approvals. `digest` is what an approval names."""

    id: UUID
    name: str
    version: int
    state: Literal["proposed", "released", "withdrawn"]
    definition: Definition
    digest: str
    proposed_by: str
    proposed_at: datetime
    approvals: list[ApprovalView]
    released_at: datetime | None
    withdrawn_at: datetime | None
    reason: str | None


class Page(BaseModel):
    """How much of a list, newest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512, description="`next` of the page before.")] = None


class Publications(BaseModel):
    items: list[PublicationView]
    next: str | None


class ReleaseView(BaseModel):
    """A released version: where its bytes are, their hashes, and the service's signed statement about them."""

    name: str
    version: int
    title: str
    first_month: str
    last_month: str
    state: Literal["released", "withdrawn"]
    released_at: datetime
    json_url: str | None
    csv_url: str | None
    sha256: str | None
    statement: str | None
    withdrawn_at: datetime | None
    reason: str | None


class Releases(BaseModel):
    items: list[ReleaseView]
    next: str | None
