"""Register an unknown: a laboratory's provisional code for what the catalogue does not have.

With a structure, its class and group come from the triage, unless the laboratory names a class. Without one they are
what the laboratory says, or unknown. The entry is its country's own until a policy officer publishes it, and two
countries may each have registered the same: only what the caller may know can refuse it.
"""

from http import HTTPStatus
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record
from service.problems import Problem
from service.provisional.examine import same
from service.records.scalars import text as plain_text
from service.structures.ask import Examined, Structure, examined
from service.substances.catalogue import Catalogue

UNKNOWN = "SAR-000086"  # "Unknown substance"
OTHER_NPS = "SAR-000038"  # "New psychoactive substance, unspecified"
_REGISTER = text("SELECT gate.register_provisional(CAST(:given AS jsonb))")


class StructureKnown(Problem):
    """The structure is in the catalogue, or is registered: use that code."""

    status = HTTPStatus.CONFLICT


class ClassUnknown(Problem):
    """The class of a provisional entry is a class of the catalogue."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Registration(BaseModel):
    """`name` is the laboratory's working name, for people; `parent` a class of the catalogue."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Annotated[str, *plain_text(120)]
    structure: Structure | None = None
    parent: Annotated[str | None, Field(pattern=r"^SAR-\d{6}$", description="A class of the catalogue.")] = None
    formula: Annotated[str | None, Field(max_length=60, pattern=r"^([A-Z][a-z]?\d*)+$")] = None
    note: Annotated[str | None, Field(max_length=500, pattern=r"^[^\x00]*$")] = None

    @model_validator(mode="after")
    def _formula_of_structure(self) -> "Registration":
        if self.structure is not None and self.formula is not None:
            raise ValueError("the formula follows from the structure")
        return self


async def register(session: AsyncSession, caller: Caller, wanted: Registration, catalogue: Catalogue) -> str:
    """The new code. Raises StructureRefused, StructureKnown, ClassUnknown, ParsersBusy."""
    found: Examined | None = None
    if wanted.structure is not None:
        found = await examined(wanted.structure, catalogue, sender=caller.country)
        _refuse_known(found, catalogue)
    parent = _parent(wanted, found, catalogue)
    structure = {} if found is None else _of(found)
    entry = catalogue.entries[parent].substance
    given = {
        "name": wanted.name,
        "parent": parent,
        "policy_group": entry.group,
        "nps_group": found.triage.nps_group if found and found.triage else entry.nps_group,
        "formula": wanted.formula,
        "note": wanted.note,
        **structure,
    }
    code: str = await session.scalar(_REGISTER, {"given": orjson.dumps(given).decode()})
    facts = {"code": code, "inchikey": structure.get("inchikey"), "parent": parent}
    await record(session, caller.country, "register-provisional", **facts, agency=caller.agency, by=caller.key_id)
    return code


def _refuse_known(found: Examined, catalogue: Catalogue) -> None:
    for entry, how in same(found, catalogue):
        if how == "same":
            raise StructureKnown(
                f"{entry.code} is {entry.substance.name_en}", pointer="/structure", expected=entry.code
            )


def _parent(wanted: Registration, found: Examined | None, catalogue: Catalogue) -> str:
    if wanted.parent is not None:
        entry = catalogue.get(wanted.parent)
        if entry is None or entry.substance.kind != "class":
            raise ClassUnknown(f"{wanted.parent} is no class of the catalogue", pointer="/parent")
        return wanted.parent
    if found is None:
        return UNKNOWN
    return found.triage.parent if found.triage else OTHER_NPS


def _of(found: Examined) -> dict[str, Any]:
    identity = found.identity
    return {
        "smiles": identity["smiles"],
        "inchikey": identity["inchikey"],
        "parent_inchikey": identity["parent_inchikey"],
        "formula": identity["formula"],
        "triage": found.triage.rule if found.triage else None,
    }
