"""The reference spectra in a worker's memory, indexed; made anew when they have changed.

They are the same for every member, so one index serves all. Spectra of records are never in it: those are compared in
the database, under the reader's mask.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, overload
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.library.models import LibrarySpectrum
from service.spectra.confidence import Search
from service.spectra.library import Candidate, Library
from service.spectra.spectrum import Spectrum

_TABLE = LibrarySpectrum.__table__
_STATE = select(func.count(), func.max(_TABLE.c.added_at))
_CHUNK = 2_000
Packed = tuple[UUID, dict[str, Any], NDArray[np.float64]]


class _Entries(Sequence[Spectrum]):
    """Spectra kept as arrays, a tenth of the room: unpacked when one is looked at."""

    def __init__(self, packed: list[Packed]) -> None:
        self._packed = packed

    def __len__(self) -> int:
        return len(self._packed)

    @overload
    def __getitem__(self, index: int) -> Spectrum: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Spectrum]: ...
    def __getitem__(self, index: int | slice) -> Spectrum | Sequence[Spectrum]:
        if isinstance(index, slice):
            return _Entries(self._packed[index])
        _, members, peaks = self._packed[index]
        return Spectrum(peaks=tuple(map(tuple, peaks.tolist())), **members)

    def __iter__(self) -> Iterator[Spectrum]:
        return (self[index] for index in range(len(self)))


class Shelf:
    """One for each worker."""

    def __init__(self) -> None:
        self._state: tuple[int, datetime | None] | None = None
        self._packed: list[Packed] = []
        self._library = Library([])
        self._renewing = asyncio.Lock()

    async def search(
        self, session: AsyncSession, query: Spectrum, how: Search, limit: int
    ) -> list[tuple[UUID, Candidate, Spectrum]]:
        """(id, candidate, entry), best first."""
        async with self._renewing:
            await self._renew(session)
            library, packed = self._library, self._packed
        found = await asyncio.to_thread(library.search, query, how, limit)
        return [(packed[one.index][0], one, library.entries[one.index]) for one in found]

    def __len__(self) -> int:
        return len(self._packed)

    async def _renew(self, session: AsyncSession) -> None:
        state = (await session.execute(_STATE)).one()
        if self._state == tuple(state):
            return
        packed = []
        stream = await session.stream(select(_TABLE).order_by(_TABLE.c.id), execution_options={"yield_per": _CHUNK})
        async for row in stream.mappings():
            packed.append(_pack(row))
        library = await asyncio.to_thread(Library, _Entries(packed))
        self._state, self._packed, self._library = (state[0], state[1]), packed, library


def _pack(row: Any) -> Packed:
    members = {
        name: row[name]
        for name in ("technique", "name", "precursor_mz", "ion_mode", "instrument", "collision_energy", "inchikey")
    }
    return row["id"], members, np.array([row["mz"], row["intensity"]], dtype=np.float64).T
