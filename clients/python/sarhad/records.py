"""Records: describe a seizure, sign it as an SD-JWT (RFC 9901), redact a copy, read one back.

A record is a JWT in clear for what every reader may know, and one salted disclosure for each facet. Whoever
holds the record can drop disclosures; what remains still verifies with the agency's key.

    record = seizure("TJ-BG", reference="KPP-2025-0173", country="TJ", instant="2025-05-14T03:20:00+05:00",
                     items=[item("METH", "метамфетамин", "11840", "g", status="PRES")])
    signed = issue(key, record)
    partner_copy = redact(signed, {"when.month", "where.country", "items"})
"""

import hashlib
import json
import secrets
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal, Self

import h3
import orjson

from sarhad.errors import InputError, SarhadError
from sarhad.keys import BadSignature, PrivateKey, PublicKey, b64url, b64url_decode

Kind = Literal[
    "seizure",
    "zero",
    "analysis",
    "precursor_incident",
    "clandestine_laboratory",
    "price_observation",
    "retraction",
]
# Where records of a kind are; the others are among the seizures.
PATHS: Mapping[str, str] = {
    "analysis": "/v1/analyses",
    "precursor_incident": "/v1/precursor-incidents",
    "clandestine_laboratory": "/v1/clandestine-laboratories",
    "price_observation": "/v1/price-observations",
}

TYPE = "sarhad-record+sd-jwt"
DIGESTS = 24  # every record carries this many; decoys fill up, so that nobody can count the facets
SALT_BYTES = 16
H3_RESOLUTION = 5
DEFAULT_HANDLING = "TLP:AMBER"

_IMPLIED = {
    "when.instant": ("when.day", "when.month"),
    "when.day": ("when.month",),
    "where.point": ("where.cell",),
}


class NotARecord(SarhadError):
    """The text is not a record in compact SD-JWT form."""


@dataclass(frozen=True)
class Record:
    """A record to be signed. `facets` are JSON values by facet name; `previous` is the digest it replaces."""

    agency: str
    kind: Kind
    facets: Mapping[str, Any]
    handling: str = DEFAULT_HANDLING
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    version: int = 1
    previous: str | None = None

    def with_facets(self, **facets: Any) -> Self:
        """A copy with other facets (`when_day=…` is `when.day`); None removes one.

        Coarser values that a changed one implied are derived again, unless they are given too.
        """
        changes = {facet_name(name): value for name, value in facets.items()}
        stale = {coarse for name in changes for coarse in _IMPLIED.get(name, ())}
        kept = {name: value for name, value in self.facets.items() if name not in stale}
        return replace(self, facets=fill_ladders({**kept, **changes}))


@dataclass(frozen=True)
class Disclosed:
    """A record as read: `payload` in clear, the disclosed `facets`, and the encoded `disclosures` by facet.

    `digest` is the base64url SHA-256 of the signed part, the name of this version in receipts and in `prev`.
    """

    jwt: str
    header: dict[str, Any]
    payload: dict[str, Any]
    facets: dict[str, Any]
    disclosures: dict[str, str]

    @property
    def digest(self) -> str:
        return digest(self.jwt)


def seizure(
    agency: str,
    *,
    reference: str,
    country: str,
    items: Iterable[Mapping[str, Any]],
    instant: datetime | str | None = None,
    day: date | str | None = None,
    month: str | None = None,
    reported: datetime | str | None = None,
    handling: str = DEFAULT_HANDLING,
    **facets: Any,
) -> Record:
    """A seizure report. Give the finest time known; other facets by keyword (`where_point=…`, `persons=…`).

    `reported` is now unless given. Times carry an offset: the local calendar decides day and month. A `route` that
    does not name the place of seizure gets it (`complete`).
    """
    when = {"when.instant": timestamp(instant), "when.day": _text(day), "when.month": month}
    content = {
        "reference": reference,
        "reported": timestamp(reported or datetime.now(UTC)),
        **when,
        "where.country": country,
        "items": [{"line": line, **entry} for line, entry in enumerate(items, start=1)],
        **{facet_name(name): value for name, value in facets.items()},
    }
    return Record(agency, "seizure", complete("seizure", content), handling)


def item(
    substance: str | None, reported: str, quantity: str, unit: str, *, status: str = "SUSP", **members: Any
) -> dict[str, Any]:
    """One item: catalogue code, the words and unit of the report, and the quantity as a decimal string.

    Without a code the service goes by the words.
    """
    words = {"substance": reported, "quantity": quantity, "unit": unit}
    given = {} if substance is None else {"substance": substance}
    return {**given, "reported": words, "status": status, **members}


def zero(
    agency: str,
    *,
    reference: str,
    country: str,
    month: str,
    admin1: Mapping[str, Any] | None = None,
    reported: datetime | str | None = None,
    handling: str = DEFAULT_HANDLING,
) -> Record:
    """A zero-report: this agency seized nothing here in this month ("2025-05"). Zero is not silence."""
    content = {
        "reference": reference,
        "reported": timestamp(reported or datetime.now(UTC)),
        "when.month": month,
        "where.country": country,
        "where.admin1": admin1,
    }
    return Record(agency, "zero", fill_ladders(content), handling)


def correction(previous: str, **facets: Any) -> Record:
    """The next version of a record the agency holds in full, with these facets changed; None removes one."""
    old = read(previous)
    changes = {"reported": timestamp(datetime.now(UTC)), **facets}
    return _next_version(old, old.payload["kind"], old.facets).with_facets(**changes)


def retraction(previous: str, *, reason: str, language: str, reported: datetime | str | None = None) -> Record:
    """The version that withdraws a record. The reason is a facet, shared only under the owner's rules."""
    content = {
        "reported": timestamp(reported or datetime.now(UTC)),
        "narrative": {"text": reason, "language": language},
    }
    return _next_version(read(previous), "retraction", content)


def _next_version(old: Disclosed, kind: Kind, facets: Mapping[str, Any]) -> Record:
    claims = old.payload
    return Record(
        agency=claims["iss"],
        kind=kind,
        facets=facets,
        handling=claims["handling"],
        id=claims["jti"],
        version=claims["ver"] + 1,
        previous=old.digest,
    )


def fill_ladders(facets: Mapping[str, Any]) -> dict[str, Any]:
    """Adds the coarser values that finer ones imply: day of an instant, month of a day, cell of a point.

    Facets that are None are dropped. Values already given stay, right or wrong: the service compares them.
    """
    filled = {name: value for name, value in facets.items() if value is not None}
    if "when.instant" in filled:
        filled.setdefault("when.day", filled["when.instant"][:10])
    if "when.day" in filled:
        filled.setdefault("when.month", filled["when.day"][:7])
    point = filled.get("where.point", {})
    if "lat" in point and "lon" in point:
        try:
            cell = h3.latlng_to_cell(float(point["lat"]), float(point["lon"]), H3_RESOLUTION)
        except ValueError as fault:
            raise InputError(
                "{lat}, {lon} is not a position.", lat=repr(point["lat"]), lon=repr(point["lon"])
            ) from fault
        filled.setdefault("where.cell", cell)
    return filled


def complete(kind: Kind, facets: Mapping[str, Any]) -> dict[str, Any]:
    """Adds what a record of this kind says twice: the ladders (`fill_ladders`), and in the route of a seizure that does
    not name the place of seizure its country, before the destination.
    """
    filled = fill_ladders(facets)
    return _through_place_of_seizure(filled) if kind == "seizure" else filled


def _through_place_of_seizure(facets: dict[str, Any]) -> dict[str, Any]:
    route, country = facets.get("route"), facets.get("where.country")
    if not route or country is None or any(leg.get("role") == "SEIZURE_POINT" for leg in route):
        return facets
    onward = next((n for n, leg in enumerate(route) if leg.get("role") == "DESTINATION"), len(route))
    here = {"role": "SEIZURE_POINT", "country": country, "certainty": "KNOWN"}
    return {**facets, "route": [*route[:onward], here, *route[onward:]]}


def issue(key: PrivateKey, record: Record) -> str:
    """Sign the record. Two calls give two different texts: salts and decoys are fresh."""
    disclosures = [disclose(name, value) for name, value in record.facets.items()]
    return assemble(key, claims(record, [digest(disclosure) for disclosure in disclosures]), disclosures)


def claims(record: Record, digests: list[str]) -> dict[str, Any]:
    """The clear members of the record, its digests filled up with decoys."""
    decoys = [b64url(secrets.token_bytes(32)) for _ in range(DIGESTS - len(digests))]
    return {
        "iss": record.agency,
        "jti": record.id,
        "kind": record.kind,
        "schema": 1,
        "ver": record.version,
        **({"prev": record.previous} if record.previous else {}),
        "handling": record.handling,
        "_sd_alg": "sha-256",
        "_sd": sorted(digests + decoys),
    }


def assemble(key: PrivateKey, payload: Mapping[str, Any], disclosures: Iterable[str]) -> str:
    """The compact SD-JWT of these clear members and disclosures, signed."""
    header = {"alg": key.alg, "kid": key.kid, "typ": TYPE}
    signed = f"{b64url(orjson.dumps(header))}.{b64url(orjson.dumps(payload))}"
    jwt = f"{signed}.{b64url(key.sign(signed.encode()))}"
    return "~".join([jwt, *disclosures, ""])


def redact(sd_jwt: str, facets: Collection[str]) -> str:
    """A copy that discloses only these facets. Nothing is signed again: the signature still holds."""
    jwt, disclosures = _split(sd_jwt)
    kept = [disclosure for disclosure in disclosures if _open(disclosure)[1] in facets]
    return "~".join([jwt, *kept, ""])


def kind(sd_jwt: str) -> str | None:
    """What a record says it is: only where to send it; the service judges the rest. Raises NotARecord."""
    payload = _json(_split(sd_jwt)[0].split(".")[1])
    return payload.get("kind") if isinstance(payload, dict) else None


def read(sd_jwt: str) -> Disclosed:
    """Open a record without verifying its signature. Raises NotARecord.

    Every disclosure is checked against the signed digests, so a facet of another record is refused even here.
    """
    jwt, disclosures = _split(sd_jwt)
    header, payload = (_json(part) for part in jwt.split(".")[:2])
    if not isinstance(header, dict) or not isinstance(payload, dict) or header.get("typ") != TYPE:
        raise NotARecord("The header does not say {type}.", type=TYPE)
    digests = payload.get("_sd", ())
    facets: dict[str, Any] = {}
    encoded: dict[str, str] = {}
    for disclosure in disclosures:
        _, name, value = _open(disclosure)
        if digest(disclosure) not in digests or name in facets:
            raise NotARecord("The disclosure of {name} does not belong to this record.", name=name)
        facets[name] = value
        encoded[name] = disclosure
    return Disclosed(jwt, header, payload, facets, encoded)


def verify(sd_jwt: str, key: PublicKey) -> Disclosed:
    """Like `read`, after verifying the agency's signature. Raises NotARecord and BadSignature."""
    record = read(sd_jwt)
    if (record.header.get("alg"), record.header.get("kid")) != (key.alg, key.kid):
        raise BadSignature(
            "The record was signed with key {used}, not {kid}.", used=record.header.get("kid"), kid=key.kid
        )
    signed, _, signature = record.jwt.rpartition(".")
    try:
        key.verify(b64url_decode(signature), signed.encode())
    except ValueError:
        raise NotARecord("The signature is not base64url.") from None
    return record


def disclose(name: str, value: Any) -> str:
    """A facet with a fresh salt, encoded."""
    return b64url(orjson.dumps([b64url(secrets.token_bytes(SALT_BYTES)), name, value]))


def digest(text: str) -> str:
    """Base64url SHA-256 of ASCII text."""
    return b64url(hashlib.sha256(text.encode("ascii")).digest())


def _split(sd_jwt: str) -> tuple[str, list[str]]:
    jwt, *rest = sd_jwt.strip().split("~")
    if not rest or rest.pop() or jwt.count(".") != 2 or not sd_jwt.isascii():
        raise NotARecord("Expected <header>.<payload>.<signature>~<disclosure>~…~")
    return jwt, rest


def _open(disclosure: str) -> tuple[str, str, Any]:
    match _json(disclosure):
        case [str(salt), str(name), value]:
            return salt, name, value
    raise NotARecord("A disclosure is [salt, facet, value].")


def _json(encoded: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(members := dict(pairs)) != len(pairs):
            raise ValueError("duplicate member")
        return members

    try:
        return json.loads(b64url_decode(encoded), object_pairs_hook=unique)
    except (ValueError, RecursionError) as fault:
        raise NotARecord("A part is not JSON in base64url: {fault}.", fault=fault) from fault


def facet_name(keyword: str) -> str:
    group, _, rest = keyword.partition("_")
    return f"{group}.{rest}" if group in ("when", "where") else keyword


def timestamp(moment: datetime | str | None) -> str | None:
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise InputError("{moment} has no time zone; the local calendar of the seizure is not known.", moment=moment)
    return moment.isoformat(timespec="seconds")


def _text(day: date | str | None) -> str | None:
    return day.isoformat() if isinstance(day, date) else day
