"""What an officer signs: one entry of the country's own list (`sarhad-listing/1`)."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Words = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*$")]
Code = Annotated[str, Field(max_length=40, pattern=r"^(SAR-\d{6}|UNK-[A-Z]{2}-[A-Z0-9]{2,12}-\d{4}-\d{1,6})$")]
Smarts = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[!-~]+$")]
Smiles = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[!-~]+$")]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Generic(_Document):
    """A definition of a class, as far as a program can hold it: any of `smarts`, none of `unless`, on the parent
    structure, within the bounds. `matches` and `spares` are the officer's own test structures; a definition that fails
    one is refused. The law's own words stand in `definition`, and they alone are the law.
    """

    definition: Annotated[str, Field(min_length=1, max_length=4_000, pattern=r"^[^\x00]*$")]
    smarts: Annotated[tuple[Smarts, ...], Field(min_length=1, max_length=40)]
    unless: Annotated[tuple[Smarts, ...], Field(max_length=40)] = ()
    max_mass: Annotated[float | None, Field(gt=0, le=5_000, description="Molar mass of the parent, g/mol.")] = None
    elements: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Z][a-z]?$")], ...], Field(max_length=30)] = ()
    matches: Annotated[tuple[Smiles, ...], Field(min_length=1, max_length=20)]
    spares: Annotated[tuple[Smiles, ...], Field(min_length=1, max_length=20)]

    def rule(self) -> dict[str, Any]:
        """As the sandbox asks it."""
        return self.model_dump(exclude={"definition"}, mode="json")


class ListingDocument(_Document):
    """`entry` is the country's own name of the entry (`KZ-470-II-12`); `version` counts from 1. An entry that was
    made by mistake is withdrawn by a next version that says why; one that ends gets `valid_until`.
    """

    listing: Literal["sarhad-listing/1"]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    entry: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
    version: Annotated[int, Field(ge=1, le=10_000)]
    substance: Code | None = None
    generic: Generic | None = None
    schedule: Words
    legal_basis: Words
    valid_from: date
    valid_until: Annotated[date | None, Field(description="The first day on which it holds no more.")] = None
    source: Words | None = None
    withdrawn: Words | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "ListingDocument":
        if (self.substance is None) == (self.generic is None):
            raise ValueError("give a substance or a generic definition, and not both")
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("valid_until is the first day after, so later than valid_from")
        return self
