"""Judge records, each by itself: its signature, its facets, codes, quantities and place, and whether the agency may
file it. What other records say about it comes later (`decide.py`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.record_keys import RecordKey, record_signing_keys, record_signing_keys_of
from service.problems import Problem
from service.records import facets, sdjwt
from service.records.cautions import cautions
from service.records.shapes import Facets
from service.seizures.exhibits import check_exhibits
from service.seizures.filing import Filing
from service.seizures.harmonise import Harmonised, Reference, harmonise
from service.seizures.row import Candidate, candidate
from service.substances.provisional import known_to

TURN = 16  # records judged before others have their turn: about ten milliseconds


class RecordKeyUnknown(Problem):
    """The record is not signed by a valid record-signing key of the agency it names."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ForeignRecord(Problem):
    """An agency files its own records only."""

    status = HTTPStatus.FORBIDDEN


class KindElsewhere(Problem):
    """Records of this kind are filed elsewhere."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def start_judging(
    session: AsyncSession, filing: Filing, presentations: Sequence[bytes]
) -> "asyncio.Task[list[Candidate | Problem]]":
    """Look the keys up, and judge the records while the caller goes on and waits for the database."""
    unverified = [_parse(presentation) for presentation in presentations]
    catalogue = await known_to(session, filing.reference.catalogue)
    filing = replace(filing, reference=replace(filing.reference, catalogue=catalogue))
    kids = {record.kid for record in unverified if not isinstance(record, Problem)}
    keys = await record_signing_keys(session, kids, filing.now)
    if any(not isinstance(record, Problem) and record.claims.kind in filing.kinds for record in unverified):
        keys |= await record_signing_keys_of(session, filing.caller.agency, filing.now)  # of whoever countersigned
    return asyncio.create_task(_judge_all(filing, unverified, keys))


def _parse(presentation: bytes) -> sdjwt.UnverifiedRecord | Problem:
    try:
        return sdjwt.parse(presentation)
    except Problem as problem:
        return problem


async def _judge_all(
    filing: Filing, records: Sequence[sdjwt.UnverifiedRecord | Problem], keys: dict[str, RecordKey]
) -> list[Candidate | Problem]:
    """In turns with everyone else on this worker. A thread would contend for the interpreter: a quarter slower."""
    judged: list[Candidate | Problem] = []
    for record in records:
        if len(judged) % TURN == TURN - 1:
            await asyncio.sleep(0)
        judged.append(record if isinstance(record, Problem) else _judged(filing, record, keys))
    return judged


def _judged(filing: Filing, record: sdjwt.UnverifiedRecord, keys: dict[str, RecordKey]) -> Candidate | Problem:
    try:
        return judge(filing, record, keys)
    except Problem as problem:
        return problem


def judge(filing: Filing, unverified: sdjwt.UnverifiedRecord, keys: Mapping[str, RecordKey]) -> Candidate:
    """Steps 2 to 5, on one record by itself."""
    key = keys.get(unverified.kid)
    if key is None or key.agency != unverified.iss:
        raise RecordKeyUnknown(f"expected a valid record-signing key of {unverified.iss}", pointer="/header/kid")
    if unverified.iss != filing.caller.agency:
        raise ForeignRecord(
            f"{filing.caller.agency} files its own records",
            pointer="/payload/iss",
            expected=filing.caller.agency,
        )
    if filing.accepts is not None and unverified.claims.kind not in filing.accepts:
        expected = sorted(filing.accepts)
        raise KindElsewhere(f"this route takes {', '.join(expected)}", pointer="/payload/kind", expected=expected)
    record = sdjwt.verify(unverified, key.public_key)
    if (kind := filing.kinds.get(record.claims.kind)) is not None:
        return kind.judge(filing.caller, record, keys, filing.reference, filing.now)
    typed, harmonised = judged(record.claims.kind, record.facets, record.claims.iss, filing.reference, filing.now)
    return candidate(record, typed, harmonised, [caution._asdict() for caution in cautions(typed)])


def judged(
    kind: str, given: Mapping[str, Any], agency: str, reference: Reference, now: datetime
) -> tuple[Facets, Harmonised]:
    """Steps 3 and 4: what a report of the agency says, held against every rule but those of signatures.

    Raises the first refusal.
    """
    typed = facets.validate(kind, given, now)
    check_exhibits(typed, agency)
    return typed, harmonise(typed, reference)
