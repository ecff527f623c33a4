"""The same question answered from the records a reader sees, one by one, without the cube.

Reads `shared.report` and `shared.report_line` under the reader's token, and everything else from the disclosed facets.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import h3
from sqlalchemy import Connection, text

from service.records.registry import FACETS
from service.substances.catalogue import Catalogue
from service.trends.question import Trend

EXACT = {"mass", "named-mass", "measured-mass"}


@dataclass
class Seen:
    """One record as the reader sees it: facets given (whether the record has them or not), values, lines."""

    id: UUID
    owner: str
    agency: str
    gives: set[str]
    facets: dict[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)


def seen(connection: Connection) -> list[Seen]:
    """Every seizure that stands, as far as it is disclosed in this connection's context."""
    found = {}
    rows = connection.execute(
        text(
            """SELECT record_id, country, agency, mask, disclosures FROM shared.report
             WHERE kind = 'seizure' AND status = 'reported'"""
        )
    ).mappings()
    for row in rows:
        values = {name: _value(d) for name, d in zip(FACETS, row["disclosures"], strict=True) if d}
        gives = {name for bit, name in enumerate(FACETS) if row["mask"] >> bit & 1}
        found[row["record_id"]] = Seen(row["record_id"], row["country"], row["agency"], gives, values)
    for line in connection.execute(text("SELECT * FROM shared.report_line ORDER BY line")).mappings():
        if line["record_id"] in found:
            found[line["record_id"]].lines.append(dict(line))
    return list(found.values())


def _value(disclosure: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(disclosure + "=" * (-len(disclosure) % 4)))[2]


def repeated(connection: Connection, records: Iterable[Seen]) -> set[UUID]:
    """Of reports of one event, by the links that are shown, all but that which a laboratory has confirmed, then the
    heaviest, then that of the smallest id.
    """
    of = {record.id: record for record in records}
    events: dict[UUID, set[UUID]] = {}
    query = "SELECT a, b FROM shared.link WHERE relation = 'event' AND state = 'confirmed'"
    for a, b in connection.execute(text(query)):
        event = events.get(a, {a}) | events.get(b, {b})
        events |= dict.fromkeys(event, event)

    def rank(id_: UUID) -> tuple[Any, ...]:
        lines = of[id_].lines if id_ in of else []
        masses = [line["kg"] for line in lines if line["kg"] is not None]
        confirmed = any(line["status"] == "CONF" for line in lines)
        return not lines, not confirmed, not masses, -sum(masses, Decimal(0)), id_

    return {id_ for event in events.values() for id_ in event - {min(event, key=rank)}}


def counted_once(
    records: Sequence[Seen], again: Set[UUID], question: Trend, catalogue: Catalogue
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """`recount` without what was reported again; the first record of a cell is that of all."""
    whole = recount(records, question, catalogue)
    found = recount([record for record in records if record.id not in again], question, catalogue)
    return {key: cell | {"first": whole[key]["first"]} for key, cell in found.items()}


def recount(records: Sequence[Seen], question: Trend, catalogue: Catalogue) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Per cell, and under () for the whole question, what an answer says of it."""
    cells: dict[tuple[Any, ...], list[tuple[int, dict[str, Any] | None]]] = {}
    for number, record in enumerate(records):
        if not _kept(record, question):
            continue
        lines = [line for line in record.lines if _line_kept(line, question, catalogue)]
        if question.about_lines:
            if not lines:
                continue
            for line in lines:
                for key in _keys(record, line, question, catalogue):
                    cells.setdefault(key, []).append((number, line))
                cells.setdefault((), []).append((number, line))
        else:
            for key in [*_keys(record, None, question, catalogue), ()]:
                cells.setdefault(key, []).extend([(number, line) for line in lines] or [(number, None)])
    months = {number: record.facets.get("when.month") for number, record in enumerate(records)}
    return {key: _summed(members, months) for key, members in cells.items()}


def _kept(record: Seen, question: Trend) -> bool:
    if question.about_lines and "items" not in record.gives:
        return False
    if question.period is not None:
        since, until = question.period
        month = record.facets.get("when.month")
        if month is None:
            return False
        day = record.facets.get("when.day", f"{month}-01")
        if not str(since) <= day < str(until):
            return False
    transport = record.facets.get("transport", {})
    looked_at = {
        "owner": record.owner,
        "agency": record.agency,
        "country": record.facets.get("where.country"),
        "admin1": record.facets.get("where.admin1", {}).get("code"),
        "transport": transport.get("mode"),
        "place_type": transport.get("place_type"),
    }
    if any(getattr(question, name) not in (None, value) for name, value in looked_at.items()):
        return False
    return question.concealment is None or question.concealment in transport.get("concealment", ())


def _line_kept(line: dict[str, Any], question: Trend, catalogue: Catalogue) -> bool:
    if question.status not in (None, line["status"]):
        return False
    if question.group not in (None, catalogue.group(line["substance"])):
        return False
    return question.substance is None or question.substance in catalogue.entries[line["substance"]].lineage


def _keys(record: Seen, line: dict[str, Any] | None, question: Trend, catalogue: Catalogue) -> list[tuple[Any, ...]]:
    keys: list[tuple[Any, ...]] = [()]
    for name in question.dimensions:
        values = _named(record, line, name, question, catalogue)
        keys = [(*key, value) for key in keys for value in values]
    return keys


def _named(record: Seen, line: dict[str, Any] | None, name: str, question: Trend, catalogue: Catalogue) -> list[Any]:
    month = record.facets.get("when.month")
    quarter = f"{month[:4]}-Q{(int(month[5:]) + 2) // 3}" if month else None
    transport = record.facets.get("transport", {})

    def disclosed(facet: str, value: Any) -> Any:
        return (value or "") if facet in record.gives else None

    match name:
        case "month":
            return [month]
        case "quarter":
            return [quarter]
        case "year":
            return [month and month[:4]]
        case "day":
            return [record.facets.get("when.day", month)]
        case "owner":
            return [record.owner]
        case "agency":
            return [record.agency]
        case "country":
            return [disclosed("where.country", record.facets.get("where.country"))]
        case "admin1":
            return [disclosed("where.admin1", record.facets.get("where.admin1", {}).get("code"))]
        case "cell":
            cell = disclosed("where.cell", record.facets.get("where.cell"))
            return [h3.cell_to_parent(cell, question.resolution) if cell else cell]
        case "transport":
            return [disclosed("transport", transport.get("mode"))]
        case "place_type":
            return [disclosed("transport", transport.get("place_type"))]
        case "concealment":
            return list(transport.get("concealment", ())) or [disclosed("transport", "")]
        case "agency_type":
            return [{"CUS": "CU", "LAB": "LAB", "DCA": "DC"}[record.agency[3:]]]
        case "origin" | "transit" | "destination" | "certainty":
            return [disclosed("route", _leg(record.facets.get("route", []), name))]
    assert line is not None
    if name in ("role", "sex", "age_band"):
        return [line.get(name)]
    if name == "group":
        return [catalogue.group(line["substance"])]
    if name == "substance" and question.level is not None:
        lineage = catalogue.entries[line["substance"]].lineage
        return [lineage[max(0, len(lineage) - 1 - question.level)]]
    return [line[name]]


def _summed(members: list[tuple[int, dict[str, Any] | None]], months: Mapping[int, str | None]) -> dict[str, Any]:
    lines = [line for _, line in members if line is not None]
    exact = [line for line in lines if line["rule"] in EXACT]
    converted = [line for line in lines if line["rule"] not in EXACT]

    def total(name: str, chosen: list[dict[str, Any]]) -> str:
        value = sum((line[name] for line in chosen if line[name] is not None), Decimal(0))
        written = format(value, "f")
        return written.rstrip("0").rstrip(".") if "." in written else written

    confirmed = sum(line["status"] == "CONF" for line in lines)
    return {
        "seizures": len({number for number, _ in members}),
        "items": len(lines),
        "kg": total("kg", lines),
        "kg_low": total("kg_low", lines),
        "kg_high": total("kg_high", lines),
        "first": min((month for number, _ in members if (month := months[number])), default=None),
        "tablets": total("quantity", [line for line in lines if line["unit"] == "tablet"]),
        "kg_exact": total("kg", exact),
        "kg_converted": total("kg", converted),
        "n_unconvertible": sum(line["kg"] is None for line in lines),
        "pct_confirmed": None if not lines else f"{round(Decimal(100 * confirmed) / len(lines), 1)}",
    }


def _leg(route: Sequence[Mapping[str, Any]], name: str) -> str | None:
    if name == "certainty":
        told = {leg["certainty"] for leg in route if leg["role"] != "SEIZURE_POINT"}
        return next((word for word in ("SUSPECTED", "DECLARED") if word in told), "KNOWN") if route else None
    roles = {"origin": ("DEPARTURE", "PRODUCTION"), "transit": ("TRANSIT",), "destination": ("DESTINATION",)}[name]
    found = [leg["country"] for role in roles for leg in route if leg["role"] == role]
    if name == "transit":
        return ">".join(found) or None
    return (found[0] if name == "origin" else found[-1]) if found else None


def people(
    records: Sequence[Seen], again: Set[UUID], question: Trend, catalogue: Catalogue
) -> dict[tuple[Any, ...], int]:
    """Persons by cell, of the records that count."""
    found: dict[tuple[Any, ...], int] = {}
    for record in records:
        if record.id in again or not _kept(record, question):
            continue
        for group in record.facets.get("persons", {}).get("groups", ()):
            for key in _keys(record, group, question, catalogue):
                found[key] = found.get(key, 0) + group["n"]
    return found
