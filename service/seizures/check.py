"""What a report would be answered with before anyone has signed it: for an officer still writing. Keeps nothing.

Every rule is asked but those of signatures and of what was filed before.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from service.policies.gate import Scope
from service.records.cautions import cautions
from service.records.registry import Handling
from service.records.shapes import Facets
from service.seizures.filing import Filing
from service.seizures.judge import judged
from service.seizures.laboratories import check_enrolled
from service.substances.provisional import known_to


class Unsigned(BaseModel):
    """A report as facets, as its record would disclose them, under its label."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["seizure", "zero"] = "seizure"
    handling: Handling
    facets: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """A report that would be accepted: what its acceptance would say, and the scope that it would have."""

    scope: Scope
    facets: Facets
    derived: dict[str, Any]
    warnings: list[dict[str, str]]


async def check(session: AsyncSession, filing: Filing, asked: Unsigned) -> Checked:
    """Raises the Problem that it would be refused for."""
    agency, country = filing.caller.agency, filing.caller.country
    reference = replace(filing.reference, catalogue=await known_to(session, filing.reference.catalogue))
    typed, harmonised = judged(asked.kind, asked.facets, agency, reference, filing.now)
    if typed.laboratory is not None:
        await check_enrolled(session, typed.laboratory.agency)
    lines = [line.document() for line in harmonised.lines]
    await filing.norms.learn(session, country, {line["substance"] for line in lines})
    warnings = [caution._asdict() for caution in cautions(typed)] + harmonised.warnings
    return Checked(
        scope=Scope.of(asked.kind, harmonised.groups, asked.handling, agency),
        facets=typed,
        derived={"items": lines},
        warnings=warnings + filing.norms.warnings(country, lines),
    )
