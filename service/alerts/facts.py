"""What records say to the reader of this transaction: the facts that exact rules look at, from the masking views."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.rules import Candidate, Seen
from service.analyses.appearance import imprint, plain
from service.analyses.models import CONTENT, FINDING
from service.links.models import SHARED_LINK
from service.records.registry import BITS
from service.seizures import present
from service.seizures.models import SHARED, SHARED_LINE
from service.substances.catalogue import Catalogue

_IDS = bindparam("ids", type_=ARRAY(Uuid))
_STANDING = and_(SHARED.c.status == "reported", SHARED.c.record_id == func.any(_IDS))
_RECORDS = select(
    SHARED.c.record_id, SHARED.c.country, SHARED.c.place_country, SHARED.c.mask, SHARED.c.disclosures
).where(_STANDING)
_LINES = select(SHARED_LINE.c.record_id, SHARED_LINE.c.substance).where(
    SHARED_LINE.c.record_id == func.any(_IDS), SHARED_LINE.c.status != "NEGA"
)
_FINDINGS = select(FINDING.c.record_id, FINDING.c.line, FINDING.c.substance, FINDING.c.level).where(
    FINDING.c.record_id == func.any(_IDS), FINDING.c.substance.is_not(None), FINDING.c.level != "NOT_DETECTED"
)
_CONTENTS = select(CONTENT.c.record_id, CONTENT.c.line, CONTENT.c.unit, CONTENT.c.basis, CONTENT.c.value).where(
    CONTENT.c.record_id == func.any(_IDS)
)
_TENTATIVE = ("CONSISTENT_WITH", "CLASS_ONLY")
_BASES = ("substance", "precursor")
_SPOKEN_OF = (*_BASES, "provisional", "adulterant", "plant", "preparation")


async def seen(session: AsyncSession, ids: Sequence[UUID], catalogue: Catalogue) -> list[Seen]:
    """Those of the records that this reader sees, in the order given."""
    if not ids:
        return []
    given = {"ids": list(ids)}
    records = {row.record_id: row for row in await session.execute(_RECORDS, given)}
    substances: dict[UUID, list[str]] = defaultdict(list)
    for row in await session.execute(_LINES, given):
        substances[row.record_id].append(row.substance)
    tentative: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    named: dict[tuple[UUID, int], str] = {}
    for finding in await session.execute(_FINDINGS, given):
        named[finding.record_id, finding.line] = _resolved(finding.substance, catalogue)
        if finding.level == "IDENTIFIED":
            substances[finding.record_id].append(finding.substance)
        elif finding.level in _TENTATIVE:
            tentative[finding.record_id].append((named[finding.record_id, finding.line], finding.level))
    contents: dict[UUID, list[tuple[str, str, str, float]]] = defaultdict(list)
    for content in await session.execute(_CONTENTS, given):
        if (code := named.get((content.record_id, content.line))) is not None:
            contents[content.record_id].append((code, content.unit, content.basis, float(content.value)))
    return [
        Seen(
            record_id=str(id_),
            owner=records[id_].country,
            country=records[id_].place_country,
            substances=tuple(spoken_of(substances[id_], catalogue)),
            tentative=tuple(tentative[id_]),
            contents=tuple(contents[id_]),
            logos=logos(records[id_].disclosures),
        )
        for id_ in ids
        if id_ in records
    ]


def among(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether it is one of these: one parameter, however many there are. A statement has 65,535 at most."""
    return column == func.any(literal(list(values), ARRAY(column.type)))


async def matches_of(session: AsyncSession, records: Iterable[Seen]) -> list[Candidate]:
    """The matches that rest on one of the records."""
    ids = [UUID(record.record_id) for record in records]
    sides = (SHARED_LINK.c.a, SHARED_LINK.c.b)
    return await matches(session, or_(*(among(side, ids) for side in sides))) if ids else []


async def matches(session: AsyncSession, which: ColumnElement[bool]) -> list[Candidate]:
    """Records whose impurity profiles are alike, as proposed or confirmed, where this reader sees both of them."""
    link = SHARED_LINK.c
    query = select(link.id, link.a, link.b, link.state, link.score, link.method).where(
        link.relation == "chemical", link.state.in_(("proposed", "confirmed")), which
    )
    return [
        Candidate(
            "PROFILE_MATCH",
            str(row.id),
            None,
            str(row.a),
            {"other": str(row.b), "state": row.state, "score": f"{row.score:.3f}", "method": row.method},
        )
        for row in (await session.execute(query)).all()
    ]


def logos(disclosures: Sequence[str | None] | None) -> tuple[str, ...]:
    """The logos that a record's marks name, as disclosed, in one spelling."""
    disclosure = disclosures[BITS["marks"]] if disclosures else None
    return _logos_in(present.value(disclosure)) if disclosure else ()


def _logos_in(marks: object) -> tuple[str, ...]:
    if not isinstance(marks, list):
        return ()
    found = [m.get(name) for m in marks if isinstance(m, Mapping) for name in ("logo", "logo_back")]
    found += [m.get("text") for m in marks if isinstance(m, Mapping) and imprint(m)]
    return tuple(dict.fromkeys(logo for words in found if isinstance(words, str) and (logo := plain(words))))


def _resolved(code: str, catalogue: Catalogue) -> str:
    return catalogue.resolution(code) or code


def spoken_of(codes: Iterable[str], catalogue: Catalogue) -> list[str]:
    """What rules speak of, each once: no classes, and nothing that says only that it is unknown. A preparation is what
    it lies below, where that is a substance or a precursor: heroin hydrochloride is heroin. Where it lies below a plant
    or a class, as opium and cannabis resin, it is a thing of its own.
    """
    found: dict[str, None] = {}
    for code in codes:
        entry = catalogue.get(_resolved(code, catalogue))
        if entry is None or entry.substance.kind not in _SPOKEN_OF:
            continue
        prepared = entry.substance.kind == "preparation"
        bases = [above for above in entry.lineage if catalogue.entries[above].substance.kind in _BASES]
        found[bases[0] if prepared and bases else entry.code] = None
    return list(found)
