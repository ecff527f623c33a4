"""Which member controls a substance on a day, by which entry of its list. Pure: the lists are values.

An entry names a substance, or a class above it in the catalogue, or defines a class in general terms. A member that has
entered no list at all is `no-data`: its silence says nothing; one whose definitions could not be asked is `not-asked`.
A gap is a member that has a list, without this substance, while another member or a convention controls it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.groups import members
from service.listings.models import Listing, ListingMatch
from service.substances.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Lists:
    """The entries in force on a day, the codes that generic ones take in, and the members in order."""

    on: date
    members: tuple[str, ...]
    entries: tuple[Listing, ...]
    matches: Mapping[tuple[str, str], frozenset[str]]
    heard: frozenset[str] = field(default_factory=frozenset)  # members that have entered any list

    def generics(self) -> list[Listing]:
        return [entry for entry in self.entries if entry.generic is not None]

    def definers(self) -> frozenset[str]:
        return frozenset(entry.country for entry in self.generics())


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of definitions just now: the generic entries that take a substance in, and the countries whose
    definitions could not be asked.
    """

    taking_in: frozenset[tuple[str, str]] = frozenset()  # country, entry
    unasked: frozenset[str] = frozenset()

    def told(self) -> dict[str, Any]:
        """As it stands in answers."""
        return {"definitions_asked": not self.unasked, "definitions_not_asked": sorted(self.unasked)}


NOTHING_ASKED = Asked()


async def lists(session: AsyncSession, on: date) -> Lists:
    """The latest version of each entry, where it is not withdrawn and holds on this day."""
    latest = (
        select(Listing.country, Listing.entry, func.max(Listing.version).label("version"))
        .group_by(Listing.country, Listing.entry)
        .subquery()
    )
    same = (
        (Listing.country == latest.c.country)
        & (Listing.entry == latest.c.entry)
        & (Listing.version == latest.c.version)
    )
    query = select(Listing).join(latest, same).order_by(Listing.country, Listing.entry)
    known = list(await session.scalars(query))
    rows = await session.execute(
        select(ListingMatch.country, ListingMatch.entry, ListingMatch.substance).join(
            latest,
            (ListingMatch.country == latest.c.country)
            & (ListingMatch.entry == latest.c.entry)
            & (ListingMatch.version == latest.c.version),
        )
    )
    matches: dict[tuple[str, str], set[str]] = defaultdict(set)
    for country, entry, substance in rows:
        matches[country, entry].add(substance)
    return Lists(
        on,
        tuple(await members(session)),
        tuple(entry for entry in known if _holds(entry, on)),
        {key: frozenset(codes) for key, codes in matches.items()},
        frozenset(entry.country for entry in known if entry.withdrawn is None),
    )


def _holds(entry: Listing, on: date) -> bool:
    ended = entry.valid_until is not None and entry.valid_until <= on
    return entry.withdrawn is None and entry.valid_from <= on and not ended


def control_of(
    code: str, lineage: Sequence[str], held: Lists, also: Asked = NOTHING_ASKED
) -> dict[str, dict[str, Any]]:
    """By member: `status` and the entries that say so."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in held.entries:
        key = entry.country, entry.entry
        if entry.substance == code:
            found[entry.country].append(told(entry, "listed"))
        elif entry.substance is not None and entry.substance in lineage:
            found[entry.country].append(told(entry, "class"))
        elif entry.generic is not None and (key in also.taking_in or held.matches.get(key, frozenset()) & {*lineage}):
            found[entry.country].append(told(entry, "generic"))
    silent = {
        c: "not-asked" if c in also.unasked else "not-listed" if c in held.heard else "no-data" for c in held.members
    }
    return {country: _cell(found.get(country, []), silent.get(country, "")) for country in _columns(held, found)}


def _columns(held: Lists, found: Mapping[str, Any]) -> list[str]:
    return sorted({*held.members, *found})


def _cell(entries: list[dict[str, Any]], silent: str) -> dict[str, Any]:
    best = min((entry["by"] for entry in entries), key=("listed", "class", "generic").index, default=silent)
    return {"status": best, "entries": entries}


def told(entry: Listing, by: str) -> dict[str, Any]:
    return {
        "country": entry.country,
        "entry": entry.entry,
        "version": entry.version,
        "by": by,
        "schedule": entry.schedule,
        "legal_basis": entry.legal_basis,
        "valid_from": entry.valid_from.isoformat(),
        "valid_until": entry.valid_until.isoformat() if entry.valid_until else None,
    }


def conventions(code: str, lineage: Sequence[str], catalogue: Catalogue) -> list[dict[str, str]]:
    """The schedules of the three conventions as the catalogue has them, with the day they are true of."""
    return [
        {"convention": s.convention, "schedule": s.schedule, "as_of": s.as_of.isoformat(), "source": s.source}
        for above in lineage
        if (entry := catalogue.get(above)) is not None and (above == code or entry.substance.kind == "substance")
        for s in entry.schedules
    ]


def gaps(cells: Mapping[str, Mapping[str, Any]], scheduled: bool) -> list[str]:
    """The members with a list that does not name what another, or a convention, controls."""
    controlled = scheduled or any(cell["entries"] for cell in cells.values())
    return [country for country, cell in cells.items() if controlled and cell["status"] == "not-listed"]
