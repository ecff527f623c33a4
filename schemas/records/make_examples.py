"""Writes `examples/` and `vectors.json`: records signed with the published TEST keys, a forgery per refusal.

Run from the repository: `python schemas/records/make_examples.py`. The output is the same every time: salts
and decoys come from a counter. Never do that, or use these keys, outside a test.
"""

import hashlib
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sarhad.analyses import REVIEW_TYPE, Draft
from sarhad.keys import PrivateKey, b64url
from sarhad.records import TYPE, Record, fill_ladders

FOLDER = Path(__file__).parent

SEED = hashlib.sha256(b"Sarhad TEST key, published: Ed25519").digest()
SCALAR = int.from_bytes(hashlib.sha256(b"Sarhad TEST key, published: P-256").digest(), "big")
ED25519 = PrivateKey(ed25519.Ed25519PrivateKey.from_private_bytes(SEED))
P256 = PrivateKey(ec.derive_private_key(SCALAR, ec.SECP256R1()))

RECORD_ID = "3f0e6c1a-9d1b-4c57-8a42-6a2f0d5b7e10"
ZERO_ID = "b1d7a0c4-2e7f-4b60-9f53-0c8e4a6d9213"
ANALYSIS_ID = "7c2f9a31-58d4-4e0b-b6a7-91d3e5f08c24"


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


SEIZURE: dict[str, Any] = fill_ladders(
    {
        "reference": "KPP-2025-0173",
        "reported": "2025-05-14T09:05:00+05:00",
        "when.instant": "2025-05-14T03:20:00+05:00",
        "where.point": {"lat": "37.2000", "lon": "68.6000", "accuracy_m": 500, "method": "BCP"},
        "where.admin1": {"code": "TJ-KT", "as_reported": "Хатлон", "confidence": "1.00"},
        "where.country": "TJ",
        "items": [
            {
                "line": 1,
                "substance": "SAR-000384",
                "reported": {"substance": "метамфетамин", "quantity": "11840", "unit": "g"},
                "status": "PRES",
                "basis": "RAM",
                "form": "CRY",
                "quantity_kind": "GRS",
            }
        ],
        "transport": {
            "mode": "3",
            "conveyance": "TRK",
            "concealment": ["VSC"],
            "detection": ["RSK", "XRY"],
            "place_type": "BCPR",
            "border": "BCP",
            "direction": "IMP",
            "packaging": {"type": "44", "count": 12},
        },
        "route": [
            {"role": "DEPARTURE", "country": "AF", "certainty": "SUSPECTED", "basis": ["DOC"]},
            {"role": "SEIZURE_POINT", "country": "TJ", "certainty": "KNOWN", "basis": ["DOC"]},
        ],
        "persons": {
            "arrested": 1,
            "groups": [{"n": 1, "role": "DRV", "sex": "1", "age_band": "35-44", "nationality": "UNK"}],
        },
        "case": {"national_reference": "TJ-BG/2025/91", "controlled_delivery": False},
        "narrative": {"text": "Тайник в полу прицепа.", "language": "ru"},
    }
)
CORRECTED = {
    **SEIZURE,
    "reported": "2025-05-20T10:00:00+05:00",
    "items": [
        {
            **SEIZURE["items"][0],
            "reported": {**SEIZURE["items"][0]["reported"], "quantity": "11638.5"},
            "quantity_kind": "NET",
        }
    ],
}
RETRACTED = {
    "reported": "2025-06-02T10:00:00+05:00",
    "narrative": {"text": "Сообщено дважды, см. KPP-2025-0171.", "language": "ru"},
}
ZERO = {
    "reference": "ZERO-2025-06",
    "reported": "2025-07-01T08:00:00+05:00",
    "when.month": "2025-06",
    "where.country": "TJ",
    "where.admin1": {"code": "TJ-GB"},
}
ANALYSIS: dict[str, Any] = {
    "reference": "LAB-884/2",
    "reported": "2025-06-10T16:00:00+05:00",
    "when.day": "2025-06-10",
    "when.month": "2025-06",
    "where.country": "TJ",
    "laboratory": {
        "case": "884",
        "exhibits": [
            {
                "n": 1,
                "number": "TJ-BG/2025-0173/1",
                "received": "2025-05-19",
                "received_from": "TJ-BG",
                "seals": ["A 104477"],
                "seals_intact": True,
            }
        ],
        "techniques": [
            {"n": 1, "technique": "COL", "category": "C", "edition": "8.1", "result": "POS"},
            {"n": 2, "technique": "GC", "category": "B", "edition": "8.1", "result": "POS", "method": "SOP-7"},
            {"n": 3, "technique": "MS", "category": "A", "edition": "8.1", "result": "POS", "method": "SOP-7"},
        ],
        "sampling": [
            {
                "exhibit": 1,
                "plan": "HYPERGEOMETRIC",
                "population": 12,
                "sampled": 9,
                "positive": 9,
                "claim": {"proportion": "0.9", "confidence": "0.95"},
            }
        ],
        "accreditation": {"status": "Y", "certificate": "TJ.T.02.0884", "in_scope": True},
        "proficiency": {"scheme": "UNODC ICE", "round": "2025/1"},
        "issued": "2025-06-10",
        "analyst": ED25519.kid,
        "reviewer": P256.kid,
    },
    "items": [
        {
            "line": 1,
            "exhibit": 1,
            "substance": "SAR-000384",
            "reported": "метамфетамин",
            "role": "MAIN",
            "level": "IDENTIFIED",
            "techniques": [1, 2, 3],
            "isomer": "NAP",
            "stereo": "D",
            "salt": "HCL",
        },
        {
            "line": 2,
            "exhibit": 1,
            "substance": "SAR-000215",
            "reported": "кофеин",
            "role": "ADULTERANT",
            "level": "IDENTIFIED",
            "techniques": [2, 3],
        },
    ],
    "purity": [
        {
            "line": 1,
            "value": "71.4",
            "unit": "%",
            "basis": "AS_BASE",
            "uncertainty": "2.4",
            "k": "2",
            "lod": "0.1",
            "loq": "0.5",
        }
    ],
}
INCIDENT: dict[str, Any] = fill_ladders(
    {
        "reference": "PREC-2025-014",
        "reported": "2025-06-11T09:00:00+05:00",
        "when.day": "2025-06-10",
        "where.admin1": {"code": "TJ-SU"},
        "where.country": "TJ",
        "items": [
            {
                "line": 1,
                "substance": "SAR-000291",
                "reported": {"substance": "уксусный ангидрид", "quantity": "1980", "unit": "kg"},
                "status": "PRES",
                "basis": "DOC",
                "form": "LIQ",
                "incident": "STOPPED",
                "diversion": "MISDECLARED",
                "claimed_use": "крашение тканей",
                "declared_as": "уксусная кислота",
            }
        ],
        "transport": {"mode": "3", "conveyance": "TRK", "place_type": "BCPR", "direction": "TRS"},
        "case": {
            "companies": [{"role": "CONSIGNEE", "country": "AF", "pseudonym": digest_of("AF:0000-EXAMPLE")}],
            "documents": [{"kind": "CUSTOMS_DECLARATION", "number": "10/2025"}],
        },
    }
)
LABORATORY: dict[str, Any] = fill_ladders(
    {
        "reference": "CLAN-2025-003",
        "reported": "2025-06-12T09:00:00+05:00",
        "when.day": "2025-06-11",
        "where.admin1": {"code": "TJ-SU"},
        "where.country": "TJ",
        "laboratory": {
            "types": ["SYNTHESIS", "STORAGE"],
            "stage": "OPERATING",
            "scale": "SMALL",
            "makes": ["SAR-000384"],
            "equipment": [{"type": "REACTOR", "count": 2}, {"type": "HEATING", "count": 1}],
            "waste_kg": "80",
        },
        "items": [
            {
                "line": 1,
                "substance": "SAR-000384",
                "reported": {"substance": "метамфетамин", "quantity": "450", "unit": "g"},
                "status": "PRES",
                "role": "PRODUCT",
            }
        ],
        "persons": {"arrested": 2, "groups": []},
    }
)
PRICE: dict[str, Any] = {
    "reference": "PRICE-2025-06-1",
    "reported": "2025-07-01T09:00:00+05:00",
    "when.month": "2025-06",
    "where.admin1": {"code": "TJ-DU"},
    "where.country": "TJ",
    "items": [
        {
            "line": 1,
            "substance": "SAR-000608",
            "reported": {"substance": "героин", "quantity": "1", "unit": "g"},
            "level": "RETAIL",
            "currency": "TJS",
            "low": "90",
            "typical": "120",
            "high": "200",
            "n": 14,
            "source": "ENFORCEMENT",
        }
    ],
}
OBSERVED = {
    "precursor_incident": (INCIDENT, "d2b5a0de-5a0b-4c6e-9d0e-0f2d7a1c3b11"),
    "clandestine_laboratory": (LABORATORY, "e9c1f4b2-7d3a-4f58-8b21-6a5d4c3b2a10"),
    "price_observation": (PRICE, "f0a7c3d8-1b2e-4a6f-9c5d-8e7f6a5b4c3d"),
}
COARSE = ("when.month", "where.admin1", "where.country", "items")

_counter = count()


def fixed(length: int) -> bytes:
    return hashlib.sha256(f"Sarhad fixed bytes {next(_counter)}".encode()).digest()[:length]


def raw_json(value: Any) -> bytes:
    return value if isinstance(value, bytes) else orjson.dumps(value)


def disclose(facet: str, value: Any) -> str:
    return b64url(raw_json([b64url(fixed(16)), facet, value]))


def digest(text: str) -> str:
    return b64url(hashlib.sha256(text.encode()).digest())


def signature(key: PrivateKey, message: bytes) -> bytes:
    if isinstance(key.key, ed25519.Ed25519PrivateKey):
        return key.key.sign(message)
    r, s = decode_dss_signature(key.key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def header_of(key: PrivateKey) -> dict[str, Any]:
    return {"alg": key.alg, "kid": key.kid, "typ": TYPE}


def payload_of(disclosures: list[str], **claims: Any) -> dict[str, Any]:
    decoys = [b64url(fixed(32)) for _ in range(24 - len(disclosures))]
    payload = {
        "iss": "TJ-BG",
        "jti": RECORD_ID,
        "kind": "seizure",
        "schema": 1,
        "ver": 1,
        "handling": "TLP:AMBER",
        "_sd_alg": "sha-256",
        "_sd": sorted([digest(d) for d in disclosures] + decoys),
        **claims,
    }
    return {name: value for name, value in payload.items() if value is not None}


def assemble(key: PrivateKey, header: Any, payload: Any, disclosures: list[str]) -> str:
    """Signs whatever it is given: dicts are serialised, bytes stand as they are."""
    signed = f"{b64url(raw_json(header))}.{b64url(raw_json(payload))}"
    return "~".join([f"{signed}.{b64url(signature(key, signed.encode()))}", *disclosures, ""])


def sign(facets: dict[str, Any], key: PrivateKey = ED25519, **claims: Any) -> str:
    disclosures = [disclose(facet, value) for facet, value in facets.items()]
    return assemble(key, header_of(key), payload_of(disclosures, **claims), disclosures)


def keep(record: str, facets: tuple[str, ...], order: dict[str, Any]) -> str:
    jwt, *disclosures, _ = record.split("~")
    return "~".join([jwt, *(d for d, f in zip(disclosures, order, strict=True) if f in facets), ""])


def examples() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Name, facets, signed record."""
    first = sign(SEIZURE)
    yield "seizure", SEIZURE, first
    yield "seizure-es256", SEIZURE, sign(SEIZURE, P256)
    yield "seizure-redacted", {f: SEIZURE[f] for f in SEIZURE if f in COARSE}, keep(first, COARSE, SEIZURE)
    second = sign(CORRECTED, ver=2, prev=digest(first.split("~")[0]))
    yield "correction", CORRECTED, second
    yield (
        "retraction",
        RETRACTED,
        sign(RETRACTED, kind="retraction", ver=3, prev=digest(second.split("~")[0])),
    )
    yield "zero", ZERO, sign(ZERO, jti=ZERO_ID, kind="zero")
    yield ("analysis", *reviewed(ANALYSIS, iss="TJ-LAB", jti=ANALYSIS_ID, kind="analysis"))


def reviewed(facets: dict[str, Any], **claims: Any) -> tuple[dict[str, Any], str]:
    """An analysis by the Ed25519 key, countersigned by the P-256 key (`sarhad.analyses` has the three steps)."""
    others = tuple(disclose(facet, value) for facet, value in facets.items() if facet != "laboratory")
    payload = payload_of([*others, ""], **claims)
    payload["_sd"].remove(digest(""))
    draft = Draft(Record(payload["iss"], "analysis", facets), others, payload)
    head = raw_json({**header_of(P256), "typ": REVIEW_TYPE})
    says = raw_json({**{name: payload[name] for name in ("iss", "jti", "ver")}, "content": draft.content})
    signed = f"{b64url(head)}.{b64url(says)}"
    laboratory = {**facets["laboratory"], "review": f"{signed}.{b64url(signature(P256, signed.encode()))}"}
    own = disclose("laboratory", laboratory)
    whole = {**payload, "_sd": sorted([*payload["_sd"], digest(own)])}
    shown = {name: value for name, value in facets.items() if name != "laboratory"} | {"laboratory": laboratory}
    return shown, assemble(ED25519, header_of(ED25519), whole, [*others, own])


Forgery = tuple[str, str, str, str]  # name, record, problem type, pointer


def forged_headers() -> Iterator[Forgery]:
    bad, at = "malformed-header", "/header"
    disclosures = [disclose("when.month", "2025-05")]

    def with_header(header: Any) -> str:
        return assemble(ED25519, header, payload_of(disclosures), disclosures)

    usual = header_of(ED25519)
    yield "alg none", with_header({**usual, "alg": "none"}), bad, f"{at}/alg"
    yield "alg HS256", with_header({**usual, "alg": "HS256"}), bad, f"{at}/alg"
    yield "alg of another key type", with_header({**usual, "alg": "ES256"}), "algorithm-mismatch", f"{at}/alg"
    yield "unknown crit", with_header({**usual, "crit": ["exp"]}), bad, at
    yield "jku", with_header({**usual, "jku": "https://keys.example/jwks"}), bad, at
    yield "x5u", with_header({**usual, "x5u": "https://keys.example/cert"}), bad, at
    yield "embedded jwk", with_header({**usual, "jwk": ED25519.public.jwk}), bad, at
    yield "typ of a receipt", with_header({**usual, "typ": "sarhad-receipt+jwt"}), bad, f"{at}/typ"
    yield "kid that is no thumbprint", with_header({**usual, "kid": "tj-bg-07"}), bad, f"{at}/kid"
    twice = raw_json(usual)[:-1] + b',"alg":"EdDSA"}'
    yield "duplicate member in the header", with_header(twice), bad, at


def forged_payloads() -> Iterator[Forgery]:
    bad = "malformed-claims"
    disclosures = [disclose("when.month", "2025-05")]
    usual = payload_of(disclosures)

    def with_payload(payload: Any) -> str:
        return assemble(ED25519, header_of(ED25519), payload, disclosures)

    def claim(member: str, value: Any) -> Forgery:
        return f"{member} {value!r:.40}", with_payload({**usual, member: value}), bad, f"/payload/{member}"

    yield "byte order mark", with_payload(b"\xef\xbb\xbf" + raw_json(usual)), bad, "/payload"
    yield "UTF-16", with_payload(raw_json(usual).decode().encode("utf-16")), bad, "/payload"
    yield "duplicate member", with_payload(raw_json(usual)[:-1] + b',"iss":"KZ-CUS"}'), bad, "/payload"
    yield "deep nesting", with_payload(b"[" * 900 + b"]" * 900), bad, "/payload"
    yield "an array", with_payload([usual]), bad, "/payload"
    missing = {name: value for name, value in usual.items() if name != "handling"}
    yield "missing handling", with_payload(missing), bad, "/payload"
    yield claim("country", "TJ")
    yield claim("iat", 1_747_180_000)
    yield claim("iss", "ТJ-BG")  # the first letter is Cyrillic
    yield claim("jti", "0196cbe0-0000-7000-8000-000000000000")
    yield claim("kind", "precursor")
    yield claim("schema", 2)
    yield claim("schema", True)
    yield claim("ver", 0)
    yield claim("ver", 1.0)
    yield claim("handling", "TLP:WHITE")
    yield claim("_sd_alg", "sha-512")
    yield claim("_sd", usual["_sd"][1:])
    yield claim("_sd", usual["_sd"][::-1])
    yield claim("_sd", usual["_sd"][:23] + usual["_sd"][22:23])
    yield claim("_sd", [*usual["_sd"][:23], "{}"])
    yield claim("prev", digest("an earlier version"))
    yield "version without prev", with_payload({**usual, "ver": 2}), bad, "/payload/prev"
    yield "retraction of nothing", with_payload({**usual, "kind": "retraction"}), bad, "/payload/ver"


def forged_disclosures() -> Iterator[Forgery]:
    bad = "malformed-disclosure"
    month = disclose("when.month", "2025-05")
    salt = b64url(fixed(16))

    def carrying(*values: Any) -> str:
        disclosures = [b64url(raw_json(value)) for value in values]
        return assemble(ED25519, header_of(ED25519), payload_of(disclosures), disclosures)

    honest = sign({"when.month": "2025-05"})
    yield "facet of another record", honest + month + "~", "unknown-disclosure", "/disclosures/1"
    same = [b64url(fixed(16)), "when.month", "2025-06"]
    two_months = carrying([salt, "when.month", "2025-05"], same)
    yield "one facet twice", two_months, "duplicate-disclosure", "/disclosures/1/1"
    yield (
        "one disclosure twice",
        honest + honest.split("~")[1] + "~",
        "duplicate-disclosure",
        "/disclosures/1/1",
    )
    yield "unknown facet", carrying([salt, "suspect.name", "x"]), "unknown-facet", "/disclosures/0/1"
    yield "no salt", carrying(["when.month", "2025-05"]), bad, "/disclosures/0"
    yield "short salt", carrying([b64url(b"12345678"), "when.month", "2025-05"]), bad, "/disclosures/0/0"
    yield "salt that is a number", carrying([7, "when.month", "2025-05"]), bad, "/disclosures/0"
    one_salt = carrying([salt, "when.month", "2025-05"], [salt, "where.country", "TJ"])
    yield "one salt for two facets", one_salt, bad, "/disclosures"
    yield "salt outside base64url", carrying(["ключ" * 8, "when.month", "2025-05"]), bad, "/disclosures"
    nested = [salt, "case", {"_sd": [digest("x")]}]
    yield "disclosure inside a facet", carrying(nested), bad, "/disclosures/0/2"
    escaped = f'["{salt}","case",{{"\\u005fsd":["x"]}}]'.encode()
    yield "hidden disclosure inside a facet", carrying(escaped), bad, "/disclosures/0/2"
    yield "array element digest", carrying([salt, "items", [{"...": digest("x")}]]), bad, "/disclosures/0/2"
    for name, text in {
        "a floating-point number": b'{"arrested":1.0,"groups":[]}',
        "NaN": b'{"arrested":NaN,"groups":[]}',
        "an infinite number": b'{"arrested":1e999,"groups":[]}',
        "a huge integer": b'{"arrested":' + b"9" * 400 + b',"groups":[]}',
        "an integer beyond 2^53": b'{"arrested":9007199254740993,"groups":[]}',
        "a duplicate member": b'{"arrested":0,"arrested":1,"groups":[]}',
        "a lone surrogate": b'{"arrested":1,"groups":["\\ud800"]}',
        "a NUL": b'{"arrested":1,"groups":["a\\u0000b"]}',
        "deep nesting": b"[" * 40 + b"]" * 40,
    }.items():
        yield (
            f"facet with {name}",
            carrying(f'["{salt}","persons",'.encode() + text + b"]"),
            bad,
            "/disclosures/0",
        )
    split = [f'["{salt}","persons",1],["x"'.encode(), b'"y",2]']
    yield "one value over two disclosures", carrying(*split), bad, "/disclosures/0"


def forged_envelopes() -> Iterator[Forgery]:
    bad, broken = "malformed-record", "record-signature-invalid"
    record = sign({"when.month": "2025-05"})
    jwt, month, _ = record.split("~")
    header, payload, signed = jwt.split(".")
    other = sign({"when.month": "2025-06"}).split(".")[1]
    yield "another payload under the signature", f"{header}.{other}.{signed}~", broken, "/signature"
    yield "another key", assemble(P256, header_of(ED25519), payload_of([]), []), broken, "/signature"
    yield "short signature", f"{header}.{payload}.{signed[:40]}~{month}~", broken, "/signature"
    yield "no signature", f"{header}.{payload}.~{month}~", broken, "/signature"
    yield "padding", f"{header}.{payload}.{signed}==~{month}~", bad, ""
    stray = signed[:-1] + chr(ord(signed[-1]) + 1)
    yield "stray bits in the signature", f"{header}.{payload}.{stray}~{month}~", bad, "/signature"
    yield "no closing tilde", record[:-1], bad, ""
    yield "key binding", record + "aaaa.bbbb.cccc", bad, ""
    yield "empty disclosure", f"{jwt}~~{month}~", bad, ""
    yield "JWT alone", jwt, bad, ""
    yield "line break", record + "\n", bad, ""
    yield "JSON serialisation", '{"payload":"","signatures":[]}', bad, ""
    yield "nothing", "", bad, ""
    yield "too many disclosures", record + "YQ~" * 20, "malformed-disclosure", "/disclosures"


def valid(signed: list[tuple[str, dict[str, Any], str]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "record": record, "facets": list(facets), "digest": digest(record.split("~")[0])}
        for name, facets, record in signed
    ]


def vectors(signed: list[tuple[str, dict[str, Any], str]]) -> dict[str, Any]:
    forgeries = [*forged_headers(), *forged_payloads(), *forged_disclosures(), *forged_envelopes()]
    return {
        "keys": [
            {**ED25519.public.jwk, "kid": ED25519.kid, "d": b64url(SEED)},
            {**P256.public.jwk, "kid": P256.kid, "d": b64url(SCALAR.to_bytes(32, "big"))},
        ],
        "valid": valid(signed),
        "refused": [
            {"name": name, "record": record, "type": f"/problems/{kind}", "pointer": pointer}
            for name, record, kind, pointer in forgeries
        ],
    }


def main() -> None:
    signed = list(examples())
    document = vectors(signed)
    later = [(kind, facets, sign(facets, jti=id_, kind=kind)) for kind, (facets, id_) in OBSERVED.items()]
    document["valid"] += valid(later)
    signed += later
    for name, facets, record in signed:
        (FOLDER / "examples" / f"{name}.json").write_text(
            json.dumps(facets, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        (FOLDER / "examples" / f"{name}.sdjwt").write_text(record, encoding="ascii")
    (FOLDER / "vectors.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
