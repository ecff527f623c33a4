"""The code lists of `schemas/codes/`, and their use as pydantic types.

A list is one CSV (code, label_en, label_ru, source). Codes are never reused; a withdrawn code stays listed.
"""

import csv
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import GetPydanticSchema
from pydantic_core import core_schema

FOLDER = Path(__file__).parents[2] / "schemas" / "codes"


class Code(NamedTuple):
    code: str
    label_en: str
    label_ru: str
    source: str


@cache
def code_list(name: str) -> dict[str, Code]:
    """The codes of one list in file order, by code. Raises FileNotFoundError for an unknown list."""
    with (FOLDER / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return {row["code"]: Code(**row) for row in csv.DictReader(file)}


def list_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.csv"))


def code(name: str, *also: str) -> Any:
    """Annotation for a string that must stand in the list `name` (or be one of `also`)."""
    allowed: list[Any] = [*code_list(name), *also]
    return GetPydanticSchema(
        lambda _source, _handler: core_schema.literal_schema(allowed, metadata={"code_list": name})
    )
