"""A country's own records of a period, as the contexts that forms look into: nothing of any other country.

Read through the views of the owner (`shared.own_report`) and of the masked items, under the caller's context. A record
counts in the month of its event, latest version, unless retracted; of several that are confirmed to be of one event,
one counts (`trends/repeats.py`).
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Context as Digits
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.base64url import encode
from service.records import sealing
from service.seizures.present import FacetUnreadable, facets
from service.substances.catalogue import Catalogue
from service.trends.repeats import repeated_at_home

CHUNK = 500
SIX = Digits(prec=6)

_RECORDS = text("""
SELECT r.record_id, r.version, r.kind, r.agency, a.type AS agency_type, r.country, r.digest, r.disclosures, r.month_end
FROM shared.own_report r JOIN core.agency a ON a.code = r.agency
WHERE r.latest AND r.status = 'reported' AND r.month_end >= :first AND r.month_end <= :last
  AND (r.month_end, r.record_id) > (:month_end, :after)
ORDER BY r.month_end, r.record_id LIMIT :chunk
""")


def _of_records(sql: str) -> Any:
    return text(sql).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


_LINES = _of_records("""
SELECT record_id, line, substance, status, form, quantity, unit, kg, rule, NULL AS aspect, NULL AS detail,
  NULL AS currency, NULL::numeric AS price, NULL::numeric AS price_low, NULL::numeric AS price_high
FROM shared.report_line WHERE record_id = ANY (:ids)
UNION ALL
SELECT record_id, line, substance, NULL, form, quantity, unit, kg, rule, aspect, detail, currency, price, price_low,
  price_high
FROM shared.observation WHERE record_id = ANY (:ids)
UNION ALL
SELECT record_id, line, substance, NULL, NULL, NULL, NULL, NULL, NULL, role, NULL, NULL, NULL, NULL, NULL
FROM shared.finding WHERE record_id = ANY (:ids)
""")


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """One record: who filed it, what it says, and what is harmonised of its items; whether another counts its event."""

    id: str
    version: int
    kind: str
    agency: str
    agency_type: str
    country: str
    digest: str
    month: str
    facets: Mapping[str, Any]
    lines: Mapping[int, Mapping[str, Any]]
    repeats: bool


async def own_records(session: AsyncSession, first: date, last: date) -> AsyncIterator[OwnRecord]:
    """In the order of their months and ids. `first` and `last` are ends of months, both inclusive."""
    after: tuple[date, UUID] = (date(1, 1, 1), UUID(int=0))
    repeats = frozenset(await repeated_at_home(session))
    while True:
        values = {"first": first, "last": last, "month_end": after[0], "after": after[1], "chunk": CHUNK}
        rows = (await session.execute(_RECORDS, values)).mappings().all()
        lines: dict[UUID, dict[int, Mapping[str, Any]]] = defaultdict(dict)
        for line in (await session.execute(_LINES, {"ids": [row["record_id"] for row in rows]})).mappings():
            lines[line["record_id"]][line["line"]] = dict(line)
        for row in rows:
            yield OwnRecord(
                id=str(row["record_id"]),
                version=row["version"],
                kind=row["kind"],
                agency=row["agency"],
                agency_type=row["agency_type"],
                country=row["country"],
                digest=encode(row["digest"]),
                month=row["month_end"].isoformat()[:7],
                facets=facets(_whole(dict(row))),
                lines=lines[row["record_id"]],
                repeats=row["record_id"] in repeats,
            )
        if len(rows) < CHUNK:
            return
        after = rows[-1]["month_end"], rows[-1]["record_id"]


def _whole(row: Mapping[str, Any]) -> list[str | None]:
    """Raises FacetUnreadable: what is reported to others is whole."""
    said = sealing.opened(row)
    if said.unreadable:
        raise FacetUnreadable("a pack holds what was filed or is not drafted", facets=said.unreadable)
    return said.disclosures


def contexts(record: OwnRecord, each: str, catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    """What one row looks at: the facets by name, and `record`, `legs`, and per row `item`, `line`, `group`, …"""
    whole: dict[str, Any] = {
        **record.facets,
        "record": {
            "id": record.id,
            "kind": record.kind,
            "agency": record.agency,
            "agency_type": record.agency_type,
            "country": record.country,
        },
        "legs": _legs(record.facets),
    }
    if each == "record":
        yield whole
    elif each == "persons":
        for person in record.facets.get("persons", {}).get("groups", ()):
            yield {**whole, "person": person}
    elif each == "content":
        findings = {finding["line"]: finding for finding in record.facets.get("items", ())}
        for content in record.facets.get("purity", ()):
            line = content["line"]
            yield {**whole, "item": findings.get(line, {}), "content": content, **_line(record, line, catalogue)}
    else:
        for item in record.facets.get("items", ()):
            yield {**whole, "item": item, **_line(record, item["line"], catalogue)}


def _legs(given: Mapping[str, Any]) -> dict[str, list[str]]:
    legs: dict[str, list[str]] = defaultdict(list)
    for leg in given.get("route", ()):
        if leg["country"] != "XX":
            legs[leg["role"]].append(leg["country"])
    return legs


def _line(record: OwnRecord, number: int, catalogue: Catalogue) -> dict[str, Any]:
    line = dict(record.lines.get(number, {}))
    code = line.get("substance") or ""
    if (turned_out := catalogue.resolution(code)) is not None:
        code = line["substance"] = turned_out  # a form asks for what it is
    entry = catalogue.get(code)
    if line.get("price") is not None:
        base, amount = ("kg", line["kg"]) if line["kg"] else (line["unit"], line["quantity"])
        line["per"] = base
        for name, column in (("low", "price_low"), ("typical", "price"), ("high", "price_high")):
            if line[column] is not None:
                line[name] = SIX.divide(line[column], amount)
    return {
        "line": line,
        "group": catalogue.group(code) if entry else "unknown",
        "nps": "yes" if entry and entry.substance.nps_group else "no",
    }
