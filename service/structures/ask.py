"""Ask the sandbox about a structure: what it is, which triage rule fits, and which entries it resembles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.problems import Problem
from service.sandbox import SECONDS, FileNotUnderstood, FileTooDemanding, parse
from service.structures.rules import TriageRule, triage_rules
from service.substances.catalogue import Catalogue

WARN_FROM = 0.5  # Tanimoto: from here on a person should look; it decides nothing


def _chemistry(name: str) -> Callable[..., Any]:
    """RDKit is large: it comes into the memory of a worker that was asked about a structure, not of every one."""
    function: Callable[..., Any] = getattr(import_module("service.structures.chemistry"), name)
    return function


class StructureRefused(Problem):
    """The structure cannot be read, or is none."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Structure(BaseModel):
    """One of two notations: SMILES, or an MDL MOL block (V2000 or V3000)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    smiles: Annotated[str | None, Field(min_length=1, max_length=2_000, pattern=r"^[!-~]+$")] = None
    mol: Annotated[str | None, Field(min_length=1, max_length=64_000, pattern=r"^[\x09\x0a\x0d\x20-\x7e]+$")] = None

    @model_validator(mode="after")
    def _one(self) -> "Structure":
        if (self.smiles is None) == (self.mol is None):
            raise ValueError("give smiles or mol, and not both")
        return self

    def given(self) -> dict[str, str]:
        return {name: value for name, value in self.model_dump().items() if value is not None}


@dataclass(frozen=True, slots=True)
class Examined:
    """What the sandbox says: identity (see `chemistry.identity`), the triage rule, codes with similarity, a picture."""

    identity: dict[str, Any]
    triage: TriageRule | None
    nearest: list[dict[str, str]]
    svg: str | None


async def examined(structure: Structure, catalogue: Catalogue, *, sender: str, draw: bool = False) -> Examined:
    """`sender` is the country that asks. Raises StructureRefused, FileTooDemanding, ParsersBusy."""
    triage = triage_rules()
    asked = {
        "structure": structure.given(),
        "rules": [{"rule": rule.rule, "smarts": rule.smarts, "unless": rule.unless} for rule in triage],
        "candidates": controlled(catalogue),
        "draw": draw,
    }
    found = await _sandboxed(_chemistry("examine"), asked, sender)
    matched, nearest, svg = found.pop("matched"), found.pop("nearest"), found.pop("svg")
    fitting = next((rule for rule in triage if rule.rule in matched), None)
    return Examined(found, fitting, nearest, svg)


async def picture(structure: Structure, *, sender: str) -> str:
    """SVG. Raises StructureRefused, FileTooDemanding, ParsersBusy."""
    return str(await _sandboxed(_chemistry("draw"), {"structure": structure.given()}, sender))


async def matching(rule: dict[str, Any], structures: Sequence[tuple[str, str]], *, sender: str) -> list[str]:
    """The codes that a generic definition takes in. Raises StructureRefused, FileTooDemanding, ParsersBusy."""
    return list(await _sandboxed(_chemistry("match"), {"rule": rule, "structures": structures}, sender))


async def taking_in(
    rules: Sequence[dict[str, Any]],
    structures: Sequence[tuple[str, str]],
    *,
    sender: str | None,
    cpu_seconds: int = SECONDS,
) -> dict[str, list[str]]:
    """By rule (its name is `rule`), the codes of the structures that it takes in; `sender` None is the operator.

    Raises StructureRefused, FileTooDemanding, ParsersBusy.
    """
    return dict(
        await _sandboxed(_chemistry("matches"), {"rules": rules, "structures": structures}, sender, cpu_seconds)
    )


def controlled(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Entries with a structure that a schedule of the conventions names."""
    return [
        (entry.code, entry.substance.smiles)
        for entry in catalogue.entries.values()
        if entry.substance.smiles and entry.schedules
    ]


async def _sandboxed(parser: Any, asked: dict[str, Any], sender: str | None, cpu_seconds: int = SECONDS) -> Any:
    try:
        return await parse(parser, orjson.dumps(asked), sender=sender, cpu_seconds=cpu_seconds)
    except FileTooDemanding:
        raise
    except FileNotUnderstood as refused:
        raise StructureRefused(refused.detail, pointer="/structure") from None
