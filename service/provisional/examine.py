"""Say what is known of a structure: what it is called, whether it is known, what it looks like, who controls it.

Nothing is stored. A structure is known where an entry has its parent's InChIKey, or, with another stereochemistry, its
skeleton (the first block); asked are the catalogue and those provisional entries that the caller may know.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.listings import generic
from service.listings.control import NOTHING_ASKED, control_of, gaps, lists
from service.structures.ask import WARN_FROM, Examined, Structure, examined
from service.structures.rules import TriageRule
from service.substances.catalogue import Catalogue, Entry

TRIAGE = "A suggestion by pattern and not a legal statement; a person decides."


class Question(BaseModel):
    """A structure to examine."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    structure: Structure
    picture: Annotated[bool, Field(description="With a drawing, as SVG.")] = False


async def examine(session: AsyncSession, caller: Caller, question: Question, catalogue: Catalogue) -> dict[str, Any]:
    """Ends the transaction of the session. Raises StructureRefused, FileTooDemanding, ParsersBusy."""
    held = await lists(session, datetime.now(UTC).date())
    await session.close()  # nobody waits for a connection while the sandbox is asked
    found = await examined(question.structure, catalogue, sender=caller.country, draw=question.picture)
    asked = [("", found.identity["parent_smiles"])]
    also = (await generic.fitting(session, asked, held, asker=caller.country)).get("", NOTHING_ASKED)
    known = same(found, catalogue)
    exact = next((entry for entry, how in known if how == "same"), None)
    code, lineage = (exact.code, exact.lineage) if exact else ("", ())
    cells = control_of(code, lineage, held, also)
    return {
        **found.identity,
        "known": [{"code": entry.code, "name": entry.substance.name_en, "match": how} for entry, how in known],
        "triage": told(found.triage),
        "nearest": nearest(found, catalogue),
        "control": cells,
        "gaps": gaps(cells, bool(exact and exact.schedules)),
        **also.told(),
        "svg": found.svg,
    }


def same(found: Examined, catalogue: Catalogue) -> list[tuple[Entry, str]]:
    """Entries with this structure: `same`, or `skeleton` where only the stereochemistry differs."""
    key = found.identity["parent_inchikey"]
    matching = []
    for entry in catalogue.entries.values():
        other = entry.substance.inchikey
        if other == key:
            matching.append((entry, "same"))
        elif other is not None and other[:14] == key[:14]:
            matching.append((entry, "skeleton"))
    return sorted(matching, key=lambda pair: (pair[1], pair[0].code))


def told(rule: TriageRule | None) -> dict[str, Any]:
    """The triage as it is shown: always labelled as what it is."""
    if rule is None:
        return {"nps_group": None, "effect_group": None, "rule": None, "says": TRIAGE}
    return {
        "nps_group": rule.nps_group,
        "effect_group": rule.effect_group or None,
        "parent": rule.parent,
        "rule": rule.rule,
        "title": rule.title,
        "source": rule.source,
        "tested": rule.tested,
        "status": rule.status,
        "says": TRIAGE,
    }


def nearest(found: Examined, catalogue: Catalogue) -> list[dict[str, Any]]:
    """The controlled entries most like it. `look`: alike enough for a person to look; it decides nothing."""
    return [
        {
            **near,
            "name": catalogue.entries[near["code"]].substance.name_en,
            "schedules": [
                {"convention": s.convention, "schedule": s.schedule, "as_of": s.as_of.isoformat()}
                for s in catalogue.entries[near["code"]].schedules
            ],
            "look": float(near["similarity"]) >= WARN_FROM,
        }
        for near in found.nearest
    ]
