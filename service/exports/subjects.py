"""What a file may be of: reports, or records of another kind; each with its columns, its formats and its filters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

from sqlalchemy import Select, Table, Uuid, bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from service.analyses.models import FINDING
from service.exports import kinds
from service.exports.columns import COLUMNS, Column, Row
from service.exports.formats import FORMATS
from service.exports.pieces import Findings, Items, Said, columns
from service.exports.rows import Flat, Record
from service.observations.models import OBSERVATION
from service.observations.query import ITEMS
from service.policies.gate import Reach
from service.problems import Problem
from service.seizures.query import LINES, Conditions, every
from service.substances.catalogue import Catalogue

TABLES = tuple(made.name for made in FORMATS.values() if made.table)
_COMMON = frozenset({"since", "until", "owner", "agency", "country", "admin1", "substance", "reference", "retracted"})
_FINDINGS = (
    select(FINDING)
    .where(FINDING.c.record_id == func.any(bindparam("record_ids", type_=ARRAY(Uuid))))
    .order_by(FINDING.c.record_id, FINDING.c.line)
)


class NotOfSubject(Problem):
    """What is exported has no such format, or no such filter."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Rows(Protocol):
    def rows(self, records: Iterable[Record]) -> list[Row]: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """`kind` None: reports, as a search finds them. `lines` are what stands beside the records, by `record_ids`."""

    name: str
    columns: tuple[Column, ...]
    lines: Select[Any]
    rows: Callable[[Catalogue, str], Rows]
    kind: str | None = None
    beside: Table | None = None
    formats: tuple[str, ...] = TABLES
    filters: frozenset[str] = _COMMON

    def check(self, format_: str, question: Conditions) -> None:
        """Raises NotOfSubject."""
        if format_ not in self.formats:
            raise NotOfSubject(f"{self.name} come in other formats", pointer="/format", expected=list(self.formats))
        if other := question.model_fields_set - self.filters:
            name = Conditions.model_fields[min(other)].alias or min(other)
            raise NotOfSubject(f"{self.name} are not asked for by it", pointer=f"/filter/{name}")

    def query(self, question: Conditions, reach: Reach, substances: frozenset[str]) -> Select[Any]:
        """The disclosed columns of the records that are asked for; to be read as a stream."""
        if self.kind is None or self.beside is None:
            return every(question, reach, substances)
        found = every(question.model_copy(update={"substance": None}), reach, frozenset(), kind=self.kind)
        if question.substance is not None:
            record = found.selected_columns
            same = (self.beside.c.record_id == record.record_id) & (self.beside.c.version == record.version)
            found = found.where(exists().where(same, self.beside.c.substance.in_(sorted(substances))))
        return found


def _observed(name: str, kind: str, said: tuple[Said, ...]) -> Subject:
    return Subject(name, columns(said), ITEMS, partial(Items, said), kind, OBSERVATION)


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("records", COLUMNS, LINES, Flat, formats=tuple(FORMATS), filters=frozenset(Conditions.model_fields)),
        Subject(
            "analyses",
            columns(kinds.ANALYSIS),
            _FINDINGS,
            partial(Findings, kinds.ANALYSIS),
            "analysis",
            FINDING,
        ),
        _observed("precursor-incidents", "precursor_incident", kinds.INCIDENT),
        _observed("clandestine-laboratories", "clandestine_laboratory", kinds.SITE),
        _observed("price-observations", "price_observation", kinds.PRICE),
    )
}
