"""Whether a record is new, the same again, or the rightful successor of a version, by what was filed before. Pure."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy import Row

from service.base64url import encode
from service.problems import Problem
from service.records import sealing
from service.records.registry import FACETS
from service.seizures import store
from service.seizures.row import Candidate, Fresh

_POSSIBLE_DUPLICATE = "/warnings/possible-duplicate"


class DuplicateReference(Problem):
    """A record of this agency already carries this reference, with other content."""

    status = HTTPStatus.CONFLICT


class VersionConflict(Problem):
    """The version does not follow the latest version of this record."""

    status = HTTPStatus.CONFLICT


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted record: `fresh` is None when the same bytes had been accepted before."""

    record_id: str
    version: int
    digest: bytes
    receipt: str
    warnings: list[dict[str, str]]
    derived: dict[str, Any]
    fresh: Fresh | None

    def document(self) -> dict[str, Any]:
        return {
            "id": self.record_id,
            "version": self.version,
            "digest": encode(self.digest),
            "receipt": self.receipt,
            "warnings": self.warnings,
            "derived": self.derived,
        }


Verdict = Accepted | Problem


def _same_disclosures(row: Row[Any], entry: Candidate) -> bool:
    """Of what cannot be opened it is known only that it is there: the digest that was signed says the rest."""
    kept = sealing.ring().open(row.disclosures, row.agency[:2], row.record_id, row.version)
    return all(
        given is not None if facet in kept.unreadable else given == disclosure
        for facet, disclosure in zip(FACETS, kept.disclosures, strict=True)
        for given in [entry.record.disclosures.get(facet)]
    )


def decide(entry: Candidate, known: store.Filed) -> Candidate | Accepted:
    """The record itself where it is to be filed now, or what it got the first time.

    Raises DuplicateReference, VersionConflict.
    """
    claims = entry.record.claims
    reference = entry.columns["reference"]
    same = known.by_version.get((claims.jti, claims.ver)) or known.by_reference.get((claims.iss, reference, claims.ver))
    if same is not None:
        if same.digest == entry.record.digest and _same_disclosures(same, entry):
            return Accepted(
                str(same.record_id),
                same.version,
                same.digest,
                same.receipt,
                same.warnings,
                entry.derived,
                None,
            )
        if claims.ver == 1:
            raise DuplicateReference(
                "to correct a record, file its next version", pointer="/reference", reference=reference
            )
        raise VersionConflict(f"version {claims.ver} has been filed with other content", pointer="/payload/ver")
    if claims.ver > 1:
        _check_succession(entry, known.latest(claims.jti))
    return entry


def flag_twin(entry: Candidate, known: store.Filed, seen: dict[str, str | None]) -> None:
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
