"""Forms as data: `schemas/packs/*.toml`, each with its sources named, checked when it is read. See its README."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = Path(__file__).parents[2] / "schemas" / "packs"
Each = Literal["record", "item", "finding", "content", "persons"]
Measure = Literal["records", "rows", "sum", "min", "max", "median"]
NameOf = Literal["substance", "admin1", "country", "alpha3", "nps_group", "cas", "formula"]
Where = dict[str, list[str]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Part):
    """One column: where its value is, and how it is said. A measure makes the others its groups."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    path: str | list[str] = []
    name_of: NameOf | None = None
    label: str | None = None
    codes: str | None = None
    strict: bool = False
    number: bool = False
    measure: Measure | None = None
    where: Where = {}
    form_name: bool = False

    @property
    def paths(self) -> list[str]:
        return [self.path] if isinstance(self.path, str) else self.path

    @property
    def numeric(self) -> bool:
        return self.number or self.measure is not None

    @model_validator(mode="after")
    def _has_a_source(self) -> "Column":
        if not self.paths and self.measure not in ("records", "rows"):
            raise ValueError(f"column {self.name} says nowhere where its value is")
        return self


class Sheet(_Part):
    """One sheet, from records of these kinds, one row each record, item, finding, content or group of persons."""

    name: Annotated[str, Field(min_length=1, max_length=31)]
    note: str = ""
    records: Annotated[list[str], Field(min_length=1)]
    each: Each
    where: Where = {}
    columns: Annotated[list[Column], Field(min_length=1)]

    @property
    def totals(self) -> bool:
        return any(column.measure for column in self.columns)


class Form(_Part):
    """One form. `sha256` is of the file: a pack names the mapping that made it."""

    form: Annotated[str, Field(pattern=r"^[a-z0-9-]{3,30}$")]
    title: str
    sources: Annotated[list[str], Field(min_length=1)]
    status: str
    sheets: Annotated[list[Sheet], Field(min_length=1)]
    codes: dict[str, dict[str, str]] = {}
    sha256: str = ""

    @model_validator(mode="after")
    def _names_its_tables(self) -> "Form":
        for sheet in self.sheets:
            for column in sheet.columns:
                if column.codes is not None and column.codes not in self.codes:
                    raise ValueError(f"there is no table [codes.{column.codes}]")
        return self


@cache
def forms() -> dict[str, Form]:
    """Every form by name. Raises ValueError for a file that is none."""
    read = [form_of(path.read_bytes()) for path in sorted(FOLDER.glob("*.toml"))]
    return {form.form: form for form in read}


def form_of(source: bytes) -> Form:
    """The form that a file describes."""
    values = tomllib.loads(source.decode())
    return Form.model_validate({**values, "sha256": hashlib.sha256(source).hexdigest()})
