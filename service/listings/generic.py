"""Generic definitions asked about structures: those of the catalogue, whose answers are kept, and others as they come.

A catalogue that has grown is asked about again (`load`), or an entry that a definition takes in would stand as not
listed, and as a gap. What is provisional is asked about each time: nothing of it is kept where others could read it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from service.listings.control import Asked, Lists
from service.listings.models import Listing, ListingMatch
from service.sandbox import SECONDS, FileTooDemanding, ParsersBusy, turn
from service.structures.ask import StructureRefused, taking_in
from service.substances.models import Substance

Structures = Sequence[tuple[str, str]]  # code, SMILES
Key = tuple[str, str]  # country, entry

CPU_SECONDS = 3  # for one member's definitions: they answered about the whole catalogue before they were entered
WITHIN = 30.0  # seconds for all members' together; whose turn has not come by then is not asked
_questions: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(1))


async def fitting(session: AsyncSession, structures: Structures, held: Lists, *, asker: str) -> dict[str, Asked]:
    """By code, what the definitions in force say of the structure, asked for each member by itself and in a lane of its
    definitions: a demanding one keeps neither other members from an answer nor who asks from the sandbox.

    `asker` is the country that asks, one question at a time. Ends the transaction of the session: nobody waits for a
    connection meanwhile. Raises ParsersBusy where the country's own questions take too long.
    """
    if not structures or not held.definers():
        return {}
    await session.close()
    taken: dict[Key, set[str]] = {}
    unasked: set[str] = set()
    async with turn(_questions[asker]):
        ends = asyncio.get_running_loop().time() + WITHIN
        for country in sorted(held.definers()):
            own = [one for one in held.generics() if one.country == country]
            try:
                async with asyncio.timeout_at(ends):
                    taken |= await _asked(own, structures, f"definitions of {country}", CPU_SECONDS)
            except (FileTooDemanding, StructureRefused, ParsersBusy, TimeoutError):
                unasked.add(country)
    return {
        code: Asked(frozenset(key for key, codes in taken.items() if code in codes), frozenset(unasked))
        for code, _ in structures
    }


async def of_catalogue(connection: AsyncSession | AsyncConnection) -> Structures:
    """The structures of the committed entries, as they are loaded now."""
    query = select(Substance.code, Substance.smiles).where(Substance.kind != "provisional").order_by(Substance.code)
    return [(code, smiles) for code, smiles in await connection.execute(query) if smiles]


async def load(connection: AsyncConnection) -> bool:
    """Asks the latest version of every definition about the loaded catalogue; True if anything is taken in, or no more.

    One that cannot be asked in time keeps the answers it has. The caller commits, as the owner of the tables.
    """
    latest = select(Listing.country, Listing.entry, func.max(Listing.version)).group_by(Listing.country, Listing.entry)
    place = tuple_(Listing.country, Listing.entry, Listing.version)
    query = select(Listing.country, Listing.entry, Listing.version, Listing.generic)
    definitions = (await connection.execute(query.where(Listing.generic.is_not(None), place.in_(latest)))).all()
    versions = {(one.country, one.entry): one.version for one in definitions}
    changed = False
    for key, codes in (await _as_far_as_possible(definitions, await of_catalogue(connection))).items():
        of = {"country": key[0], "entry": key[1], "version": versions[key]}
        same = [getattr(ListingMatch, name) == value for name, value in of.items()]
        before = set(await connection.scalars(select(ListingMatch.substance).where(*same)))
        if gone := before - codes:
            await connection.execute(delete(ListingMatch).where(*same, ListingMatch.substance.in_(gone)))
        if new := sorted(codes - before):
            await connection.execute(insert(ListingMatch), [{**of, "substance": code} for code in new])
        changed |= bool(gone or new)
    return changed


async def _as_far_as_possible(definitions: Sequence[Any], structures: Structures) -> dict[Key, set[str]]:
    """All at once; where that is too much, each by itself."""
    try:
        return await _asked(definitions, structures, None)
    except (FileTooDemanding, StructureRefused):
        found: dict[Key, set[str]] = {}
        for definition in definitions if len(definitions) > 1 else ():
            found |= await _as_far_as_possible([definition], structures)
        return found


async def _asked(
    definitions: Iterable[Any], structures: Structures, sender: str | None, cpu_seconds: int = SECONDS
) -> dict[Key, set[str]]:
    """By definition, the codes that it takes in. Raises StructureRefused, FileTooDemanding, ParsersBusy."""
    named = {f"{one.country}/{one.entry}": one for one in definitions}
    if not named or not structures:
        return {(one.country, one.entry): set() for one in named.values()}
    rules = [{"rule": name, **(one.generic or {})} for name, one in named.items()]
    found = await taking_in(rules, structures, sender=sender, cpu_seconds=cpu_seconds)
    return {(named[name].country, named[name].entry): set(codes) for name, codes in found.items()}
