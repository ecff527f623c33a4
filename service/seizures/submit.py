"""File signed reports. Reads as an argument; many at once, because a batch is a submission of many.

(1) The caller dependency has verified who sends. For each record, by itself: (2) its own signature over the bytes
received; (3) its facets, parsed from the verified bytes; (4) codes, quantities and place; (5) the agency may file it.
Then, together: (6) it is new, the same again, or the successor of the latest version; (7) rows and log leaves go into
one transaction, and each accepted record gets its receipt.
"""

import asyncio
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import violated
from service.ledger.append import append_many
from service.ledger.models import Log
from service.ledger.receipts import issue
from service.policies.gate import Scope
from service.problems import Problem
from service.seizures import store
from service.seizures.decide import Accepted, Verdict, decide, flag_twin
from service.seizures.filing import Filing
from service.seizures.judge import start_judging
from service.seizures.laboratories import hold_to_enrolled
from service.seizures.row import Candidate, Fresh

_NO_SCOPE = "SG005"  # the gate's: no scope of the record's own has these labels and this month


class RecordIdTaken(Problem):
    """The record id is in use."""

    status = HTTPStatus.CONFLICT


class NoRoomForCorrection(Problem):
    """The record has rules of its own, and your country has as many labels of such records as the exchange holds."""

    status = HTTPStatus.CONFLICT


class PathMismatch(Problem):
    """The record in the body is another one than the path names."""


def held_to(verdict: Verdict, record_id: UUID) -> Verdict:
    """The verdict on a record that the path names. Raises PathMismatch where the record names another."""
    if isinstance(verdict, Accepted) and verdict.record_id != str(record_id):
        raise PathMismatch(f"the record says {verdict.record_id}", pointer="/payload/jti", expected=str(record_id))
    return verdict


async def submit(session: AsyncSession, filing: Filing, presentations: Sequence[bytes]) -> list[Verdict]:
    """A verdict for each record, in order; the accepted ones are in the session's transaction when this returns."""
    verdicts = await file_judged(session, filing, await start_judging(session, filing, presentations))
    await filing.follow(session, [v.fresh for v in verdicts if isinstance(v, Accepted) and v.fresh is not None])
    return verdicts


async def file_judged(
    session: AsyncSession, filing: Filing, judging: "asyncio.Task[list[Candidate | Problem]]"
) -> list[Verdict]:
    """A verdict for each record that was judged, in order. What follows (`filing.follow`) is the caller's to do."""
    judged = await hold_to_enrolled(session, await judging)
    return [verdict for wave in _waves(judged) for verdict in await _file(session, filing, wave)]


def _waves(judged: Sequence[Candidate | Problem]) -> Iterator[list[Candidate | Problem]]:
    """Runs of records that do not touch one another: a second version, or a repeat, waits for the first."""
    wave: list[Candidate | Problem] = []
    touched: set[str] = set()
    for entry in judged:
        names = set()
        if isinstance(entry, Candidate):
            names = {entry.record.claims.jti, f"reference {entry.columns['reference']}"} - {"reference None"}
        if names & touched:
            yield wave
            wave, touched = [], set()
        wave.append(entry)
        touched |= names
    if wave:
        yield wave


async def _file(session: AsyncSession, filing: Filing, wave: list[Candidate | Problem]) -> list[Verdict]:
    """Steps 6 and 7; record by record when another transaction filed one of them in between, or one is refused."""
    scopes = {e.scope for e in wave if isinstance(e, Candidate) and e.record.claims.kind != "retraction"}
    ids = await filing.scope_ids.of(session, filing.caller.country, scopes)
    if corrected := _corrected(wave, ids):
        await filing.scope_ids.keep(session, corrected)
    try:
        async with session.begin_nested():
            return await _file_together(session, filing, wave, ids)
    except (DBAPIError, Problem) as refused:
        fault = refused
        if getattr(getattr(fault, "orig", None), "sqlstate", None) == _NO_SCOPE:
            fault = NoRoomForCorrection("correct it under the labels and in the month that it had", pointer="/payload")
        elif isinstance(fault, DBAPIError) and not (
            isinstance(fault, IntegrityError) and violated(fault, "report_pkey", "report_agency_reference_version_key")
        ):
            raise
        if len(wave) > 1:
            return [verdict for entry in wave for verdict in await _file(session, filing, [entry])]
        if isinstance(fault, Problem):  # what only its kind's tables can tell: of this record alone
            return [fault]
    decision = (await _decisions(session, filing, wave))[0]
    if isinstance(decision, Candidate):  # nothing of ours is in the way: the id belongs to another owner
        return [RecordIdTaken("choose a new random id (UUID version 4)", pointer="/payload/jti")]
    return [decision]


def _corrected(wave: list[Candidate | Problem], ids: dict[Scope, int]) -> dict[str, tuple[int, str]]:
    """By record, for those of which a later version is here, what its scope is in general, and its month's end. A
    retraction keeps both.
    """
    claims = [(entry.record.claims, entry) for entry in wave if isinstance(entry, Candidate)]
    return {
        said.jti: (ids[entry.scope], entry.columns["month_end"])
        for said, entry in claims
        if said.ver > 1 and said.kind != "retraction"
    }


async def _file_together(
    session: AsyncSession, filing: Filing, judged: list[Candidate | Problem], ids: dict[Scope, int]
) -> list[Verdict]:
    decisions = await _decisions(session, filing, judged)
    fresh = [decision for decision in decisions if isinstance(decision, Candidate)]
    await _flag_unusual(session, filing, fresh)
    leaves = await append_many(session, Log.RECORDS, [entry.record.digest for entry in fresh])
    rows, lines = [], []
    aside: dict[str, dict[str, list[dict[str, Any]]]] = {}
    receipts: dict[int, str] = {}
    for entry, leaf in zip(fresh, leaves, strict=True):
        claims = entry.record.claims
        receipt = issue(
            filing.service_key,
            leaf,
            origin=filing.log_origin,
            record_id=claims.jti,
            version=claims.ver,
            merge_delay=filing.merge_delay,
            now=filing.now,
        )
        receipts[id(entry)] = receipt
        inherited = await _replace(session, filing, entry)
        scope_id = inherited.get("scope_id", ids.get(entry.scope))
        rows.append(
            {
                **entry.columns,
                **inherited,
                "scope_id": scope_id,
                "latest": True,
                "log_salt": "\\x" + leaf.salt.hex(),
                "leaf_hash": "\\x" + leaf.leaf_hash.hex(),
                "receipt": receipt,
                "warnings": entry.warnings,
            }
        )
        lines += [{**line, "scope_id": scope_id} for line in entry.lines]
        for table, beside in entry.aside.items():
            of_kind = aside.setdefault(claims.kind, {})
            of_kind.setdefault(table, []).extend({**row, "scope_id": scope_id} for row in beside)
    if rows:
        await store.insert(session, rows, lines)
        for kind, tables in aside.items():
            await filing.kinds[kind].store(session, tables)
        await filing.beside(session, fresh)
    return [
        _accepted(decision, receipts[id(decision)]) if isinstance(decision, Candidate) else decision
        for decision in decisions
    ]


async def _flag_unusual(session: AsyncSession, filing: Filing, fresh: list[Candidate]) -> None:
    country = filing.caller.country
    await filing.norms.learn(session, country, {line["substance"] for entry in fresh for line in entry.lines})
    for entry in fresh:
        unusual = filing.norms.warnings(country, entry.lines)
        entry.warnings.extend(warning for warning in unusual if warning not in entry.warnings)


async def _replace(session: AsyncSession, filing: Filing, entry: Candidate) -> dict[str, Any]:
    """The version before gives way; a retraction keeps its place and scope, so that its readers learn of it.

    A retraction of a kind of its own stays of that kind, and is found where the record was.
    """
    claims = entry.record.claims
    if claims.ver == 1:
        return {}
    inherited = await store.columns_of(session, claims.jti, claims.ver - 1) if claims.kind == "retraction" else {}
    if inherited.get("kind") not in filing.kinds:
        inherited.pop("kind", None)
    await store.supersede(session, claims.jti, claims.ver - 1)
    return inherited


async def _decisions(
    session: AsyncSession, filing: Filing, wave: Sequence[Candidate | Problem]
) -> list[Candidate | Verdict]:
    """For each record: itself, if it is to be filed now; what it got the first time; or why not."""
    candidates = [entry for entry in wave if isinstance(entry, Candidate)]
    known = await store.filed(
        session,
        {entry.record.claims.jti for entry in candidates},
        filing.caller.agency,
        {entry.columns["reference"] for entry in candidates if entry.columns["reference"]},
        [entry.columns["content_hash"] for entry in candidates],
    )
    seen: dict[str, str | None] = {}
    decisions = []
    for entry in wave:
        decision = _decided(entry, known)
        if isinstance(decision, Candidate):
            flag_twin(decision, known, seen)
        decisions.append(decision)
    return decisions


def _decided(entry: Candidate | Problem, known: store.Filed) -> Candidate | Verdict:
    if isinstance(entry, Problem):
        return entry
    try:
        return decide(entry, known)
    except Problem as problem:
        return problem


def _accepted(entry: Candidate, receipt: str) -> Accepted:
    claims = entry.record.claims
    exhibits = claims.kind in ("analysis", "retraction") or any(line["exhibit"] is not None for line in entry.lines)
    fresh = Fresh(UUID(claims.jti), claims.kind, exhibits)
    return Accepted(claims.jti, claims.ver, entry.record.digest, receipt, entry.warnings, entry.derived, fresh)
