"""What a kind of record other than a report brings along: everything else about its way is the same for all.

The features above hand their kinds down (`app.py`), because imports point down.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.record_keys import RecordKey
from service.records.sdjwt import Record
from service.seizures.harmonise import Reference
from service.seizures.row import Candidate, Fresh


class Kind(Protocol):
    """How records of one kind are judged, and what is stored beside them."""

    def judge(
        self, caller: Caller, record: Record, keys: Mapping[str, RecordKey], reference: Reference, now: datetime
    ) -> Candidate:
        """A verified record as it will be stored. `keys` are the agency's. Raises Problem."""

    async def store(self, session: AsyncSession, aside: Mapping[str, Sequence[dict[str, Any]]]) -> None:
        """The rows of `Candidate.aside`, in the transaction of their reports."""


class Beside(Protocol):
    """What is written beside records as they are filed: which files they name, what their imprints look like."""

    async def __call__(self, session: AsyncSession, filed: Sequence[Candidate]) -> None: ...


class Follow(Protocol):
    """What comes of all records of a transaction together, once and last in it, because others wait for its locks:
    exhibits find their analyses, agencies are told.
    """

    async def __call__(self, session: AsyncSession, filed: Sequence[Fresh]) -> None: ...
