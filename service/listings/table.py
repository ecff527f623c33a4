"""The harmonised listing: substances by members, with the gaps. One page of rows at a time, in the order of codes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from service.listings.control import NOTHING_ASKED, Asked, Lists, control_of, conventions, gaps, lists
from service.listings.generic import fitting
from service.substances.catalogue import Catalogue, Entry

CAVEAT = (
    "What members have entered, on this day. A generic entry is a program's reading of a definition and no legal"
    " statement; no-data means that a member has entered no list, not-asked that its definitions could not be asked."
)


class Compared(BaseModel):
    """Which rows of the table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: Annotated[date | None, Field(description="The day; today where it is not given.")] = None
    substance: Annotated[str | None, Field(max_length=40, description="An entry and everything below it.")] = None
    group: Annotated[str | None, Field(max_length=40, description="Policy group.")] = None
    gaps: Annotated[bool, Field(description="Only rows with a gap.")] = False
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    after: Annotated[str | None, Field(max_length=40, description="Code of the last row read.")] = None


async def table(session: AsyncSession, question: Compared, catalogue: Catalogue, *, asker: str) -> dict[str, Any]:
    """A row for every substance that a member lists or a convention schedules, and that the question keeps.

    `asker` is the country that asks. May end the transaction of the session. Raises ParsersBusy.
    """
    held = await lists(session, question.on or datetime.now(UTC).date())
    rows: list[dict[str, Any]] = []
    entries = _kept(question, catalogue)
    for provisional in (False, True):  # in the order of their codes
        if len(rows) > question.limit:
            break
        some = [entry for entry in entries if (entry.substance.kind == "provisional") is provisional]
        also = await taken_in(session, some, held, catalogue, asker=asker)
        found = (_row(entry, held, catalogue, also[entry.code]) for entry in some)
        told = (row for row in found if row is not None and (row["gaps"] or not question.gaps))
        rows += islice(told, question.limit + 1 - len(rows))
    shown = rows[: question.limit]
    return {
        "on": held.on.isoformat(),
        "members": [{"country": code, "list": code in held.heard} for code in held.members],
        "items": shown,
        "next": shown[-1]["substance"] if len(rows) > question.limit else None,
        "caveat": CAVEAT,
    }


def _kept(question: Compared, catalogue: Catalogue) -> list[Entry]:
    kept = catalogue.descendants(question.substance) if question.substance is not None else None
    return [
        entry
        for code, entry in sorted(catalogue.entries.items())
        if (question.after is None or code > question.after)
        and (kept is None or code in kept)
        and (question.group is None or entry.substance.group == question.group)
    ]


async def taken_in(
    session: AsyncSession, entries: Sequence[Entry], held: Lists, catalogue: Catalogue, *, asker: str
) -> dict[str, Asked]:
    """By code, what definitions say of an unknown, asked now; none can be where it has no structure. Of what is known,
    and of an unknown by what it turned out to be, the answers are kept. May end the transaction of the session.
    Raises ParsersBusy.
    """
    found = {entry.code: NOTHING_ASKED for entry in entries}
    unknown = {e.code: e.substance.smiles for e in entries if e.substance.kind == "provisional"}
    unknown = {code: smiles for code, smiles in unknown.items() if catalogue.resolution(code) is None}
    undrawn = dict.fromkeys(unknown, Asked(unasked=held.definers()))
    drawn = [(code, smiles) for code, smiles in unknown.items() if smiles]
    return found | undrawn | await fitting(session, drawn, held, asker=asker)


def _row(entry: Entry, held: Lists, catalogue: Catalogue, also: Asked) -> dict[str, Any] | None:
    cells = control_of(entry.code, entry.lineage, held, also)
    scheduled = conventions(entry.code, entry.lineage, catalogue)
    if not scheduled and not any(cell["entries"] for cell in cells.values()):
        return None
    return {
        "substance": entry.code,
        "name": entry.substance.name_en,
        "group": entry.substance.group,
        "conventions": scheduled,
        "countries": cells,
        "gaps": gaps(cells, bool(scheduled)),
    }
