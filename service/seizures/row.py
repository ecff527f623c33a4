"""The stored form of a verified record: the columns that questions ask about, derived from its facets."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from service.geometry import cell_centre
from service.policies.gate import Scope
from service.records import sealing
from service.records.registry import FACETS
from service.records.sdjwt import Record
from service.records.shapes import Common, Facets, Placed
from service.seizures.harmonise import Harmonised


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that passed every rule that needs no look at other records.

    `aside` are the rows of its kind's own tables, by table; they get the record's scope when it is filed.
    """

    record: Record
    scope: Scope
    columns: dict[str, Any]
    lines: list[dict[str, Any]]
    warnings: list[dict[str, str]]
    derived: dict[str, Any]
    aside: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


class Fresh(NamedTuple):
    """What is remembered of a filed record to the end of its transaction: a batch has up to 50,000 of them."""

    record: UUID
    kind: str
    exhibits: bool  # whether laboratories may have something to say of it, or it of what they said


def candidate(record: Record, facets: Facets, harmonised: Harmonised, warnings: list[dict[str, str]]) -> Candidate:
    """The row of a seizure or zero-report; a retraction takes its columns from the version it replaces."""
    claims = record.claims
    columns = {**columns_of(record, facets), **placed_columns(facets)}
    lines = [
        {
            "record_id": claims.jti,
            "version": claims.ver,
            "month_end": columns["month_end"],
            "status": line.status,
            "form": line.form,
            "exhibit": item.exhibit,
            "examined_by": facets.laboratory and facets.laboratory.agency,
            **line.document(),
        }
        for line, item in zip(harmonised.lines, facets.items or (), strict=True)
    ]
    return Candidate(
        record=record,
        scope=Scope.of(claims.kind, harmonised.groups, claims.handling, claims.iss),
        columns=columns,
        lines=lines,
        warnings=[*warnings, *harmonised.warnings],
        derived={"items": [line.document() for line in harmonised.lines]},
    )


def columns_of(record: Record, facets: Common) -> dict[str, Any]:
    """The columns that records of every kind have; those of place and transport are empty. Raises what sealing does."""
    claims, country = record.claims, record.claims.iss[:2]
    clear = [record.disclosures.get(facet) for facet in FACETS]
    sealed = sealing.ring().seal(clear, country, claims.jti, claims.ver)
    content = sealing.ring().blind(_content_hash(record), clear, country)
    return {
        "record_id": claims.jti,
        "version": claims.ver,
        "kind": claims.kind,
        "agency": claims.iss,
        "country": country,
        "key_id": record.header.kid,
        "handling": claims.handling,
        "status": "retracted" if claims.kind == "retraction" else "reported",
        "reference": facets.reference,
        "digest": "\\x" + record.digest.hex(),
        "content_hash": "\\x" + content.hex(),
        "jwt": record.jwt,
        "disclosures": sealed,
        **_times(facets),
        "admin1": facets.admin1.code if facets.admin1 else None,
        "place_country": facets.country,
    }


def _times(facets: Common) -> dict[str, str]:
    """The sort key at each level: a coarser reader sorts by the start of the day or month it is given (UTC)."""
    month = facets.month or date(1970, 1, 1)
    at_month = datetime(month.year, month.month, 1, tzinfo=UTC)
    at_day = datetime.combine(facets.day, datetime.min.time(), UTC) if facets.day else at_month
    following = (at_month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return {
        "at_instant": (facets.instant or at_day).isoformat(),
        "at_day": at_day.isoformat(),
        "at_month": at_month.isoformat(),
        "month_end": (following - timedelta(days=1)).date().isoformat(),
    }


def placed_columns(facets: Placed) -> dict[str, Any]:
    """The columns of place and transport."""
    return {**_place(facets), **_transport(facets)}


def _place(facets: Placed) -> dict[str, Any]:
    point = facets.point
    located = point is not None and point.lat is not None
    centre = cell_centre(facets.cell) if facets.cell else None
    return {
        "point": f"SRID=4326;POINT({point.lon} {point.lat})" if located and point else None,
        "cell": f"SRID=4326;POINT({centre[0]:.6f} {centre[1]:.6f})" if centre else None,
    }


def _transport(facets: Placed) -> dict[str, Any]:
    transport = facets.transport
    return {
        "transport_mode": transport and transport.mode,
        "conveyance": transport and transport.conveyance,
        "place_type": transport and transport.place_type,
        "concealment": transport and transport.concealment,
    }


def _content_hash(record: Record) -> bytes:
    """What two reports of the same event have in common: everything but who counts it and when it was written."""
    facts = {name: value for name, value in record.facets.items() if name not in ("reference", "reported")}
    said = orjson.dumps([record.claims.iss, facts], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(said).digest()[: sealing.HASH]
