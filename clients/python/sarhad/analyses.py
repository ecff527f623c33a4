"""Analyses: what a laboratory finds, signed by the analyst and countersigned by a reviewer.

    record = analysis("KZ-LAB", reference="LAB-884/2", country="KZ", day="2026-03-20", laboratory=…, items=[finding(…)])
    draft = prepare(record, analyst=analyst_key.public, reviewer=reviewer_kid)    # at the analyst's desk
    review = countersign(reviewer_key, draft)                                     # at the reviewer's
    signed = complete(analyst_key, draft, review)

The review covers every facet by its salted digest, and the laboratory facet in full. A corrected analysis is reviewed
again. Retractions are made with `records.retraction`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Self

import orjson

from sarhad import records
from sarhad.errors import InputError
from sarhad.keys import BadSignature, PrivateKey, PublicKey, b64url, b64url_decode
from sarhad.records import DEFAULT_HANDLING, Record

REVIEW_TYPE = "sarhad-review+jwt"
_NO_DIGEST = "-"  # takes the place of the laboratory facet until it is reviewed


def analysis(
    agency: str,
    *,
    reference: str,
    country: str,
    laboratory: Mapping[str, Any],
    items: Iterable[Mapping[str, Any]],
    instant: datetime | str | None = None,
    day: date | str | None = None,
    month: str | None = None,
    reported: datetime | str | None = None,
    handling: str = DEFAULT_HANDLING,
    **facets: Any,
) -> Record:
    """An analysis of a laboratory. `when` is when it was completed; findings are numbered in their order.

    `laboratory` is given without analyst, reviewer and review, which `prepare` and `complete` fill in.
    """
    content = {
        "reference": reference,
        "reported": records.timestamp(reported or datetime.now(UTC)),
        "when.instant": records.timestamp(instant),
        "when.day": day.isoformat() if isinstance(day, date) else day,
        "when.month": month,
        "where.country": country,
        "laboratory": dict(laboratory),
        "items": [{"line": line, **entry} for line, entry in enumerate(items, start=1)],
        **{records.facet_name(name): value for name, value in facets.items()},
    }
    return Record(agency, "analysis", records.fill_ladders(content), handling)


def finding(
    substance: str | None,
    reported: str,
    *,
    techniques: Iterable[int],
    role: str = "MAIN",
    level: str = "IDENTIFIED",
    exhibit: int = 1,
    **members: Any,
) -> dict[str, Any]:
    """One finding: catalogue code, the laboratory's words, and the numbers of the techniques it rests on."""
    given = {} if substance is None else {"substance": substance}
    rests = {"exhibit": exhibit, "role": role, "level": level, "techniques": list(techniques)}
    return {**given, "reported": reported, **rests, **members}


@dataclass(frozen=True)
class Draft:
    """An analysis on its way from the analyst to the reviewer: everything is fixed but the review itself.

    `others` are the encoded disclosures of every facet but `laboratory`, `decoys` the digests that fill the rest.
    """

    record: Record
    others: tuple[str, ...]
    payload: Mapping[str, Any]

    @property
    def content(self) -> str:
        """What the reviewer signs (base64url SHA-256); the form is that of `schemas/records/README.md`."""
        whole = {
            **{name: self.payload[name] for name in ("iss", "jti", "kind", "ver", "handling")},
            "_sd": self.payload["_sd"],
            "laboratory": self.record.facets["laboratory"],
        }
        canonical = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
        return b64url(hashlib.sha256(canonical).digest())

    def to_json(self) -> bytes:
        """For the way to the reviewer. It holds the whole analysis: protect it as such."""
        document = {
            "payload": dict(self.payload),
            "laboratory": self.record.facets["laboratory"],
            "disclosures": list(self.others),
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, source: bytes) -> Self:
        """Raises InputError, also where a facet is not the one that the digests name."""
        try:
            document = orjson.loads(source)
            payload, others = document["payload"], tuple(document["disclosures"])
            opened = [orjson.loads(b64url_decode(disclosure)) for disclosure in others]
            facets = {name: value for _, name, value in opened} | {"laboratory": document["laboratory"]}
            record = Record(
                agency=payload["iss"],
                kind="analysis",
                facets=facets,
                handling=payload["handling"],
                id=payload["jti"],
                version=payload["ver"],
                previous=payload.get("prev"),
            )
        except (ValueError, KeyError, TypeError) as fault:
            raise InputError("This is no draft of an analysis: {fault}.", fault=fault) from None
        if not {records.digest(disclosure) for disclosure in others} <= set(payload["_sd"]):
            raise InputError("A facet of the draft is not the one that its digests name.")
        return cls(record, others, payload)


def prepare(record: Record, *, analyst: PublicKey, reviewer: str) -> Draft:
    """Fix the analysis for review. `reviewer` is the thumbprint of another record-signing key of the laboratory."""
    if record.kind != "analysis" or "laboratory" not in record.facets:
        raise InputError("Only an analysis is reviewed, and it has a laboratory facet.")
    if reviewer == analyst.kid:
        raise InputError("The reviewer signs with another key than the analyst.")
    given = {name: value for name, value in record.facets["laboratory"].items() if name != "review"}
    laboratory = {**given, "analyst": analyst.kid, "reviewer": reviewer}
    fixed = replace(record, facets={**record.facets, "laboratory": laboratory})
    others = tuple(records.disclose(name, value) for name, value in fixed.facets.items() if name != "laboratory")
    payload = records.claims(fixed, [*(records.digest(disclosure) for disclosure in others), _NO_DIGEST])
    payload["_sd"].remove(_NO_DIGEST)
    return Draft(fixed, others, payload)


def countersign(key: PrivateKey, draft: Draft) -> str:
    """The reviewer's signature over the draft. Raises InputError unless the draft names this key as the reviewer's."""
    if draft.record.facets["laboratory"]["reviewer"] != key.kid:
        raise InputError("The draft names another reviewer than the key {kid}.", kid=key.kid)
    header = {"alg": key.alg, "kid": key.kid, "typ": REVIEW_TYPE}
    claims = {**{name: draft.payload[name] for name in ("iss", "jti", "ver")}, "content": draft.content}
    signed = f"{b64url(orjson.dumps(header))}.{b64url(orjson.dumps(claims))}"
    return f"{signed}.{b64url(key.sign(signed.encode()))}"


def complete(key: PrivateKey, draft: Draft, review: str) -> str:
    """The analysis with its review, signed by the analyst."""
    if draft.record.facets["laboratory"]["analyst"] != key.kid:
        raise InputError("The draft names another analyst than the key {kid}.", kid=key.kid)
    laboratory = records.disclose("laboratory", {**draft.record.facets["laboratory"], "review": review})
    digests = sorted([*draft.payload["_sd"], records.digest(laboratory)])
    return records.assemble(key, {**draft.payload, "_sd": digests}, [*draft.others, laboratory])


def issue_reviewed(analyst: PrivateKey, reviewer: PrivateKey, record: Record) -> str:
    """All three steps, where one system holds both keys."""
    draft = prepare(record, analyst=analyst.public, reviewer=reviewer.kid)
    return complete(analyst, draft, countersign(reviewer, draft))


def verify_review(sd_jwt: str, reviewer: PublicKey) -> None:
    """Check the review in a record whose laboratory facet is disclosed, redacted or not. Raises BadSignature."""
    record = records.read(sd_jwt)
    laboratory = dict(record.facets.get("laboratory", {}))
    review = laboratory.pop("review", "")
    try:
        header, claims, signature = review.split(".")
        payload = {**record.payload, "_sd": list(record.payload["_sd"])}
        payload["_sd"].remove(records.digest(record.disclosures["laboratory"]))
        content = Draft(Record(payload["iss"], "analysis", {"laboratory": laboratory}), (), payload).content
        says = orjson.loads(b64url_decode(claims))
        head = orjson.loads(b64url_decode(header))
        raw = b64url_decode(signature)
    except (ValueError, KeyError) as fault:
        raise BadSignature("There is no review to verify: {fault}.", fault=fault) from None
    if head != {"alg": reviewer.alg, "kid": reviewer.kid, "typ": REVIEW_TYPE}:
        raise BadSignature("The review is of another key.")
    if says != {**{name: payload[name] for name in ("iss", "jti", "ver")}, "content": content}:
        raise BadSignature("The review is of other content.")
    reviewer.verify(raw, f"{header}.{claims}".encode())
