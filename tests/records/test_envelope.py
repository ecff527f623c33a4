"""What is accepted as a record, and that everything else is refused for its true reason."""

import json
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from sarhad.keys import PrivateKey, PublicKey, b64url
from sarhad.records import Record, issue, redact

from service.problems import Problem
from service.records import sdjwt
from service.records.refusals import (
    AlgorithmMismatch,
    MalformedRecord,
    RecordSignatureInvalid,
    RecordTooLarge,
)
from service.records.registry import FACETS

KEY = PrivateKey.generate()
ZERO = {
    "reference": "Z-1",
    "reported": "2025-07-01T08:00:00+05:00",
    "when.month": "2025-06",
    "where.country": "TJ",
}
ISSUED = issue(KEY, Record("TJ-BG", "zero", ZERO))


def test_a_genuine_record_verifies_and_opens(genuine: dict[str, Any], published_keys: dict[str, PublicKey]) -> None:
    unverified = sdjwt.parse(genuine["record"])
    record = unverified.verify(published_keys[unverified.kid].key)
    assert list(record.facets) == genuine["facets"]
    assert record.digest == sdjwt.base64url.decode(genuine["digest"].encode())
    assert record.jwt + "~" + "".join(d + "~" for d in record.disclosures.values()) == genuine["record"]


def test_a_forgery_is_refused_where_it_is_wrong(forgery: dict[str, Any], ed25519: Any) -> None:
    with pytest.raises(Problem) as refusal:
        sdjwt.parse(forgery["record"]).verify(ed25519)
    document = refusal.value.as_document()
    assert (document["type"], document["pointer"]) == (forgery["type"], forgery["pointer"])
    assert document["detail"]


def test_text_and_bytes_are_the_same_record() -> None:
    assert sdjwt.parse(ISSUED) == sdjwt.parse(ISSUED.encode())


def test_text_outside_ascii_is_refused() -> None:
    with pytest.raises(MalformedRecord):
        sdjwt.parse(ISSUED.replace("~", "∼"))


def test_size_is_bounded_before_anything_is_read() -> None:
    with pytest.raises(RecordTooLarge):
        sdjwt.parse(b"\xff" * (sdjwt.MAX_RECORD_BYTES + 1))
    with pytest.raises(RecordTooLarge):
        sdjwt.parse("A" * 5_000 + ISSUED)


def test_keys_of_other_kinds_are_refused() -> None:
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(AlgorithmMismatch):
        sdjwt.parse(ISSUED).verify(p384)
    with pytest.raises(AlgorithmMismatch):
        sdjwt.parse(ISSUED).verify(PrivateKey.generate("p256").public.key)


def test_another_key_of_the_same_kind_is_refused() -> None:
    with pytest.raises(RecordSignatureInvalid):
        sdjwt.parse(ISSUED).verify(PrivateKey.generate().public.key)


def test_a_record_in_another_json_style_is_still_a_record(seizure_facets: dict[str, Any]) -> None:
    """Other libraries write spaces and \\u escapes: one meaning is required, not one spelling."""

    def spaced(value: Any) -> str:
        return b64url(json.dumps(value, indent=1, ensure_ascii=True).encode())

    def digest(text: str) -> str:
        return b64url(sha256(text.encode()).digest())

    disclosures = [spaced([b64url(token_bytes(16)), *facet]) for facet in seizure_facets.items()]
    decoys = [b64url(token_bytes(32)) for _ in range(24 - len(disclosures))]
    payload = {
        **sdjwt.parse(ISSUED).payload,
        "kind": "seizure",
        "_sd": sorted(map(digest, disclosures)) + decoys,
    }
    payload["_sd"].sort()
    signed = f"{spaced({'typ': sdjwt.TYPE, 'alg': KEY.alg, 'kid': KEY.kid})}.{spaced(payload)}"
    record = "~".join([f"{signed}.{b64url(KEY.sign(signed.encode()))}", *disclosures, ""])
    assert sdjwt.parse(record).verify(KEY.public.key).facets == seizure_facets


@given(st.integers(0, len(ISSUED) - 1), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(position: int, flip: int) -> None:
    changed = bytearray(ISSUED.encode())
    changed[position] ^= flip
    with pytest.raises(Problem):
        sdjwt.parse(bytes(changed)).verify(KEY.public.key)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_a_problem_and_never_an_accident(raw: bytes) -> None:
    with pytest.raises(Problem):
        sdjwt.parse(raw).verify(KEY.public.key)


JSON = st.recursive(
    st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda child: st.lists(child, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), child, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(FACETS), JSON), st.data())
def test_what_is_issued_is_read_and_any_part_of_it_still_verifies(
    key: PrivateKey, facets: dict[str, Any], data: st.DataObject
) -> None:
    signed = issue(key, Record("TJ-BG", "seizure", facets))
    whole = sdjwt.parse(signed).verify(key.public.key)
    assert whole.facets == facets
    kept = data.draw(st.sets(st.sampled_from(FACETS)))
    part = sdjwt.parse(redact(signed, kept)).verify(key.public.key)
    assert part.facets == {name: value for name, value in facets.items() if name in kept}
    assert (part.digest, part.payload) == (whole.digest, whole.payload)


def test_every_record_has_the_same_number_of_digests() -> None:
    assert len(sdjwt.parse(ISSUED).payload["_sd"]) == 24
    assert len(sdjwt.parse(issue(KEY, Record("TJ-BG", "seizure", {}))).payload["_sd"]) == 24
