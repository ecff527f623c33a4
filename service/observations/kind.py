"""What observed kinds of record have in common: how one is judged, and what is stored beside it.

A kind is a shape (`records/observed_shapes.py`), the facets it requires and allows (`records/registry.py`), and a class
of a few lines here that says what its own rules are, and which word of each item a question looks at. The rest of the
way is that of every record (`seizures/submit.py`).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.record_keys import RecordKey
from service.observations import store
from service.policies.gate import Scope
from service.records import facets
from service.records.rules import check_distinct
from service.records.sdjwt import Record
from service.records.shapes import Common, Placed
from service.seizures.harmonise import Amount, Line, Reference, UnknownPlace, check_place, harmonise_amounts
from service.seizures.row import Candidate, columns_of, placed_columns

F = TypeVar("F", bound=Common)
UNKNOWN_GROUP = "unknown"  # of a record that names no substance


class ObservedKind(ABC, Generic[F]):
    """`service.seizures.kinds.Kind` for observed kinds. `path` is where its records are, `title` their name."""

    name: ClassVar[str]
    path: ClassVar[str]
    title: ClassVar[str]
    shape: type[F]

    @abstractmethod
    def amounts(self, typed: F) -> Sequence[Amount]:
        """The items of the record, to be made comparable."""

    @abstractmethod
    def aspects(self, typed: F) -> Sequence[dict[str, Any]]:
        """For each item the columns of `core.observation` that are its own: at least `aspect`."""

    def check(self, typed: F, reference: Reference) -> list[dict[str, str]]:
        """The rules of this kind. Returns warnings; raises Problem."""
        return []

    def beside(self, typed: F) -> dict[str, list[dict[str, Any]]]:
        """Rows of further tables, without their key."""
        return {}

    def judge(
        self, caller: Caller, record: Record, keys: Mapping[str, RecordKey], reference: Reference, now: datetime
    ) -> Candidate:
        typed = facets.validate_as(self.name, self.shape, record.facets, now)
        amounts = self.amounts(typed)
        check_distinct(item.line for item in amounts)
        columns = columns_of(record, typed)
        if isinstance(typed, Placed):
            check_place(typed, reference.atlas)
            columns |= placed_columns(typed)
        elif typed.admin1 is not None and not reference.atlas.has_admin1(typed.admin1.code):
            raise UnknownPlace(f"{typed.admin1.code} is no ISO 3166-2 code of the atlas", pointer="/where.admin1/code")
        harmonised = harmonise_amounts(amounts, reference)
        warnings = self.check(typed, reference)
        groups = harmonised.groups or 1 << reference.catalogue.groups[UNKNOWN_GROUP].bit
        key = {"record_id": record.claims.jti, "version": record.claims.ver, "month_end": columns["month_end"]}
        return Candidate(
            record=record,
            scope=Scope.of(self.name, groups, record.claims.handling, record.claims.iss),
            columns=columns,
            lines=[],
            warnings=[*warnings, *harmonised.warnings],
            derived={"items": [line.document() for line in harmonised.lines]} if harmonised.lines else {},
            aside={
                "observation": [
                    {**key, "kind": self.name, **_columns(line), **own}
                    for line, own in zip(harmonised.lines, self.aspects(typed), strict=True)
                ],
                **{table: [{**key, **row} for row in rows] for table, rows in self.beside(typed).items()},
            },
        )

    async def store(self, session: AsyncSession, aside: Mapping[str, Sequence[dict[str, Any]]]) -> None:
        await store.insert(session, aside)


def _columns(line: Line) -> dict[str, Any]:
    return {name: value for name, value in line.document().items() if name != "status"}
