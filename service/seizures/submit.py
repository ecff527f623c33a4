"""File signed reports. Reads as an argument; many at once, because a batch is a submission of many.

(1) The caller dependency has verified who sends. For each record, by itself: (2) its own signature over the bytes
received; (3) its facets, parsed from the verified bytes; (4) codes, quantities and place; (5) the agency may file it.
Then, together: (6) it is new, the same again, or the successor of the latest version; (7) rows and log leaves go into
one transaction, and each accepted record gets its receipt.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.record_keys import RecordKey, record_signing_keys
from service.ledger.append import append_many
from service.ledger.models import Log
from service.ledger.receipts import issue
from service.policies.gate import Scope
from service.problems import Problem
from service.records import facets, sdjwt
from service.records.base64url import encode
from service.records.cautions import cautions
from service.seizures import store
from service.seizures.harmonise import Reference, harmonise
from service.seizures.norms import Norms
from service.seizures.row import Candidate, candidate
from service.seizures.scopes import ScopeIds
from service.signing import ServiceKey

_POSSIBLE_DUPLICATE = "/warnings/possible-duplicate"


TURN = 16  # records judged before others have their turn: about ten milliseconds


class RecordKeyUnknown(Problem):
    """The record is not signed by a valid record-signing key of the agency it names."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ForeignRecord(Problem):
    """An agency files its own records only."""

    status = HTTPStatus.FORBIDDEN


class DuplicateReference(Problem):
    """A record of this agency already carries this reference, with other content."""

    status = HTTPStatus.CONFLICT


class RecordIdTaken(Problem):
    """The record id is in use."""

    status = HTTPStatus.CONFLICT


class VersionConflict(Problem):
    """The version does not follow the latest version of this record."""

    status = HTTPStatus.CONFLICT


@dataclass(frozen=True, slots=True)
class Filing:
    """What submission needs besides the session: who files, when, and the reference data."""

    caller: Caller
    now: datetime
    reference: Reference
    scope_ids: ScopeIds
    norms: Norms
    service_key: ServiceKey
    log_origin: str
    merge_delay: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted record: `fresh` is false when the same bytes had been accepted before."""

    record_id: str
    version: int
    digest: bytes
    receipt: str
    warnings: list[dict[str, str]]
    derived: list[dict[str, Any]]
    fresh: bool

    def document(self) -> dict[str, Any]:
        return {
            "id": self.record_id,
            "version": self.version,
            "digest": encode(self.digest),
            "receipt": self.receipt,
            "warnings": self.warnings,
            "derived": {"items": self.derived},
        }


Verdict = Accepted | Problem


async def submit(session: AsyncSession, filing: Filing, presentations: Sequence[bytes]) -> list[Verdict]:
    """A verdict for each record, in order; the accepted ones are in the session's transaction when this returns."""
    return await file_judged(session, filing, await start_judging(session, filing, presentations))


async def start_judging(
    session: AsyncSession, filing: Filing, presentations: Sequence[bytes]
) -> "asyncio.Task[list[Candidate | Problem]]":
    """Look the keys up, and judge the records while the caller goes on and waits for the database."""
    unverified = [_parse(presentation) for presentation in presentations]
    kids = {record.kid for record in unverified if not isinstance(record, Problem)}
    keys = await record_signing_keys(session, kids, filing.now)
    return asyncio.create_task(_judge_all(filing, unverified, keys))


async def file_judged(
    session: AsyncSession, filing: Filing, judging: "asyncio.Task[list[Candidate | Problem]]"
) -> list[Verdict]:
    """A verdict for each record that was judged, in order."""
    return [verdict for wave in _waves(await judging) for verdict in await _file(session, filing, wave)]


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
        return judge(filing, record, keys.get(record.kid))
    except Problem as problem:
        return problem


def judge(filing: Filing, unverified: sdjwt.UnverifiedRecord, key: RecordKey | None) -> Candidate:
    """Steps 2 to 5, on one record by itself."""
    if key is None or key.agency != unverified.iss:
        raise RecordKeyUnknown(f"expected a valid record-signing key of {unverified.iss}", pointer="/header/kid")
    if unverified.iss != filing.caller.agency:
        raise ForeignRecord(
            f"{filing.caller.agency} files its own records",
            pointer="/payload/iss",
            expected=filing.caller.agency,
        )
    record = sdjwt.verify(unverified, key.public_key)
    typed = facets.validate(record.claims.kind, record.facets, filing.now)
    return candidate(
        record, typed, harmonise(typed, filing.reference), [caution._asdict() for caution in cautions(typed)]
    )


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
    """Steps 6 and 7; record by record when another transaction filed one of them in between."""
    scopes = {e.scope for e in wave if isinstance(e, Candidate) and e.record.claims.kind != "retraction"}
    ids = await filing.scope_ids.of(session, filing.caller.country, scopes)
    try:
        async with session.begin_nested():
            return await _file_together(session, filing, wave, ids)
    except IntegrityError:
        if len(wave) > 1:
            return [verdict for entry in wave for verdict in await _file(session, filing, [entry])]
    decision = (await _decisions(session, filing, wave))[0]
    if isinstance(decision, Candidate):  # nothing of ours is in the way: the id belongs to another owner
        return [RecordIdTaken("choose a new random id (UUID version 4)", pointer="/payload/jti")]
    return [decision]


async def _file_together(
    session: AsyncSession, filing: Filing, judged: list[Candidate | Problem], ids: dict[Scope, int]
) -> list[Verdict]:
    decisions = await _decisions(session, filing, judged)
    fresh = [decision for decision in decisions if isinstance(decision, Candidate)]
    await _flag_unusual(session, filing, fresh)
    leaves = await append_many(session, Log.RECORDS, [entry.record.digest for entry in fresh])
    rows, lines = [], []
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
        inherited = await _replace(session, entry)
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
    if rows:
        await store.insert(session, rows, lines)
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


async def _replace(session: AsyncSession, entry: Candidate) -> dict[str, Any]:
    """The version before gives way; a retraction keeps its place and scope, so that its readers learn of it."""
    claims = entry.record.claims
    if claims.ver == 1:
        return {}
    inherited = await store.columns_of(session, claims.jti, claims.ver - 1) if claims.kind == "retraction" else {}
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
            _flag_twin(decision, known, seen)
        decisions.append(decision)
    return decisions


def _decided(entry: Candidate | Problem, known: store.Filed) -> Candidate | Verdict:
    if isinstance(entry, Problem):
        return entry
    try:
        return decide(entry, known)
    except Problem as problem:
        return problem


def decide(entry: Candidate, known: store.Filed) -> Candidate | Accepted:
    """Whether a record is new, the same again, or the rightful successor of a version. Pure."""
    claims = entry.record.claims
    reference = entry.columns["reference"]
    same = known.by_version.get((claims.jti, claims.ver)) or known.by_reference.get((claims.iss, reference, claims.ver))
    if same is not None:
        if same.digest == entry.record.digest and same.disclosures == entry.columns["disclosures"]:
            return Accepted(
                str(same.record_id),
                same.version,
                same.digest,
                same.receipt,
                same.warnings,
                entry.derived,
                False,
            )
        if claims.ver == 1:
            raise DuplicateReference(
                "to correct a record, file its next version", pointer="/reference", reference=reference
            )
        raise VersionConflict(f"version {claims.ver} has been filed with other content", pointer="/payload/ver")
    if claims.ver > 1:
        _check_succession(entry, known.latest(claims.jti))
    return entry


def _flag_twin(entry: Candidate, known: store.Filed, seen: dict[str, str | None]) -> None:
    """Warn where a record filed before, or earlier in this wave, says the same. `seen`: hash → reference."""
    entry.warnings[:] = [warning for warning in entry.warnings if warning["type"] != _POSSIBLE_DUPLICATE]
    content = entry.columns["content_hash"]
    if entry.record.claims.kind == "retraction":  # the same reason may end many records
        return
    twin = known.by_content.get(content)
    if twin is not None and str(twin.record_id) != entry.record.claims.jti:
        seen.setdefault(content, twin.reference)
    if content in seen:
        detail = f"the same content stands under reference {seen[content]}; both are kept"
        entry.warnings.append({"type": _POSSIBLE_DUPLICATE, "pointer": "", "detail": detail})
    seen.setdefault(content, entry.columns["reference"])


def _check_succession(entry: Candidate, latest: Row[Any] | None) -> None:
    claims = entry.record.claims
    if latest is None or latest.agency != claims.iss:
        raise VersionConflict("there is no earlier version of this record of yours", pointer="/payload/jti")
    if latest.status == "retracted":
        raise VersionConflict("the record has been retracted; file a new one", pointer="/payload/ver")
    if claims.ver != latest.version + 1 or claims.prev != encode(latest.digest):
        raise VersionConflict(
            f"expected version {latest.version + 1} with the hash of version {latest.version}",
            pointer="/payload/prev",
            expected={"ver": latest.version + 1, "prev": encode(latest.digest)},
        )
    if claims.kind not in ("retraction", latest.kind):
        raise VersionConflict(f"the record is of kind {latest.kind}", pointer="/payload/kind", expected=latest.kind)
    if claims.kind == "retraction" and claims.handling != latest.handling:
        raise VersionConflict(
            "a retraction goes to the readers of the record, under its label; correct the label first",
            pointer="/payload/handling",
            expected=latest.handling,
        )
    if claims.kind != "retraction" and entry.columns["reference"] != latest.reference:
        raise VersionConflict("a correction keeps the reference", pointer="/reference", expected=latest.reference)


def _accepted(entry: Candidate, receipt: str) -> Accepted:
    claims = entry.record.claims
    return Accepted(claims.jti, claims.ver, entry.record.digest, receipt, entry.warnings, entry.derived, fresh=True)
