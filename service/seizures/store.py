"""Reports in and out of storage: what the owner has under a reference or id, and one INSERT for many rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, LargeBinary, Row, Text, Uuid, bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from service.seizures.models import OWN

_REPORT_COLUMNS = """record_id uuid, version integer, kind text, agency text, country char(2), key_id text,
  handling text, scope_id integer, latest boolean, status text, reference text, digest bytea, content_hash bytea,
  jwt text, disclosures text[], log_salt bytea, leaf_hash bytea, receipt text, warnings json, at_instant timestamptz,
  at_day timestamptz, at_month timestamptz, month_end date, point public.geometry, cell public.geometry, admin1 text,
  place_country char(2), transport_mode text, conveyance text, place_type text, concealment text[]"""
_LINE_COLUMNS = """record_id uuid, version integer, line integer, scope_id integer, month_end date, substance text,
  status text, form text, quantity numeric, unit text, kg numeric, kg_low numeric, kg_high numeric,
  rule text, exhibit text, examined_by text"""


def insert_into(table: str, columns: str) -> str:
    """One INSERT of many rows, sent as JSON: `columns` with their types."""
    names = ", ".join(column.split()[0] for column in columns.split(","))
    rows = f"json_to_recordset(CAST(:rows AS json)) AS r({columns})"
    return f"INSERT INTO core.{table} ({names}) SELECT {names} FROM {rows}"


_INSERT_REPORTS = text(insert_into("report", _REPORT_COLUMNS))
_INSERT_LINES = text(insert_into("report_line", _LINE_COLUMNS))
_SUPERSEDE = text("SELECT gate.supersede(:record, :version)")


@dataclass(frozen=True, slots=True)
class Filed:
    """What the owner already has: by (record id, version), by (agency, reference, version), and by content."""

    by_version: dict[tuple[str, int], Row[Any]]
    by_reference: dict[tuple[str, str, int], Row[Any]]
    by_content: dict[str, Row[Any]]

    def latest(self, record_id: str) -> Row[Any] | None:
        return next((row for (id_, _), row in self.by_version.items() if id_ == record_id and row.latest), None)


async def filed(
    session: AsyncSession, ids: Iterable[str], agency: str, references: Iterable[str], contents: Sequence[str]
) -> Filed:
    """One look at the caller's own records, in every version."""
    wanted = or_(
        OWN.c.record_id == _any(Uuid, [UUID(id_) for id_ in ids]),
        (OWN.c.agency == agency) & (OWN.c.reference == _any(Text, references)),
        (OWN.c.country == agency[:2])
        & OWN.c.latest
        & (OWN.c.content_hash == _any(LargeBinary, [bytes.fromhex(c[2:]) for c in contents])),
    )
    columns = (
        OWN.c.record_id, OWN.c.version, OWN.c.agency, OWN.c.kind, OWN.c.reference, OWN.c.digest, OWN.c.latest,
        OWN.c.handling, OWN.c.status, OWN.c.receipt, OWN.c.warnings, OWN.c.content_hash, OWN.c.disclosures,
    )  # fmt: skip
    rows: Sequence[Any] = (await session.execute(select(*columns).where(wanted))).all()
    return Filed(
        by_version={(str(row.record_id), row.version): row for row in rows},
        by_reference={(row.agency, row.reference, row.version): row for row in rows if row.reference is not None},
        by_content={"\\x" + row.content_hash.hex(): row for row in rows if row.latest},
    )


def _any(kind: type[TypeEngine[Any]], values: Iterable[Any]) -> ColumnElement[Any]:
    """One array instead of a parameter for each value: the statement stays the same, and prepared."""
    return func.any(bindparam(None, list(values), ARRAY(kind)))


async def columns_of(session: AsyncSession, record_id: str, version: int) -> dict[str, Any]:
    """The derived columns of one own version, in the form that `insert` takes: a retraction repeats them."""
    names = ("at_instant", "at_day", "at_month", "month_end", "point", "cell", "admin1", "place_country",
             "transport_mode", "conveyance", "place_type", "concealment", "scope_id", "reference", "kind")  # fmt: skip
    geometry = {"point", "cell"}  # read as text, the form in which a row is inserted
    columns = (func.ST_AsEWKT(OWN.c[n]).label(n) if n in geometry else OWN.c[n] for n in names)
    query = select(*columns).where(OWN.c.record_id == UUID(record_id), OWN.c.version == version)
    row = (await session.execute(query)).one()
    return dict(zip(names, row, strict=True))


async def insert(session: AsyncSession, reports: list[dict[str, Any]], lines: list[dict[str, Any]]) -> None:
    """Every row or, on a conflict with a row there, IntegrityError."""
    await session.execute(_INSERT_REPORTS, {"rows": orjson.dumps(reports).decode()})
    if lines:
        await session.execute(_INSERT_LINES, {"rows": orjson.dumps(lines).decode()})


async def supersede(session: AsyncSession, record_id: str, version: int) -> bool:
    """Whether `version` was the latest until now."""
    return bool(await session.scalar(_SUPERSEDE, {"record": UUID(record_id), "version": version}))
