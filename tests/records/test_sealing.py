"""A sealed facet opens with its country's key, in its own place, and nowhere else."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from service.base64url import decode, encode
from service.records import sealing
from service.records.registry import BITS, FACETS
from service.records.sealing import MARK, FacetKeyUnavailable, Keyring, Opened
from tests.softhsm import SoftToken

RECORD, OTHER = "3f0e6c1a-9d1b-4c57-8a42-6a2f0d5b7e10", "00000000-0000-4000-8000-000000000000"
COUNTED = {"n": 2, "role": "CUR", "sex": "1", "age_band": "25-34"}
PERSONS = {"arrested": 2, "groups": [{**COUNTED, "nationality": "AF"}]}
DISCLOSURES = [encode(orjson.dumps(["salt", facet, PERSONS if facet == "persons" else "Тайна"])) for facet in FACETS]
HASH = bytes(range(16))


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    for country in ("KZ", "UZ"):
        sealing.make(f"{country}.key", tmp_path)
    return Keyring({"KZ": ("KZ.key",), "UZ": ("UZ.key",)}, tmp_path)


def test_what_is_sensitive_is_sealed_and_opens_as_it_was_sent(ring: Keyring) -> None:
    sealed = ring.seal(DISCLOSURES, "KZ", RECORD, 1)
    assert [facet for facet in FACETS if sealed[BITS[facet]].startswith(MARK)] == list(sealing.SENSITIVE)  # type: ignore[union-attr]
    assert ring.seal(DISCLOSURES, "KZ", RECORD, 1) != sealed  # a data key and a nonce of its own each time
    opened = ring.open(sealed, "KZ", RECORD, 1)
    assert (opened.disclosures, opened.unreadable) == (DISCLOSURES, {})
    assert ring.seal(DISCLOSURES, "TJ", RECORD, 1) == DISCLOSURES  # that country has no key


def test_what_the_cube_counts_stays_and_nothing_else(ring: Keyring) -> None:
    sealed = ring.seal(DISCLOSURES, "KZ", RECORD, 1)
    shown = {facet: orjson.loads(decode((sealed[BITS[facet]] or "").encode()))[2] for facet in sealing.SENSITIVE}
    assert shown == {"persons": {"groups": [COUNTED]}, "case": None, "narrative": None}


def test_the_hash_of_the_content_says_nothing_of_what_is_sealed(ring: Keyring) -> None:
    blind = ring.blind(HASH, DISCLOSURES, "KZ")
    assert (blind, len(blind)) == (ring.blind(HASH, DISCLOSURES, "KZ"), 24)  # a twin is found
    assert blind != ring.blind(HASH, DISCLOSURES, "UZ")
    open_ones = [d if f not in sealing.SENSITIVE else None for f, d in zip(FACETS, DISCLOSURES, strict=True)]
    assert ring.blind(HASH, open_ones, "KZ") == ring.blind(HASH, DISCLOSURES, "TJ") == HASH


@pytest.mark.parametrize(
    ("country", "record", "version", "why"),
    [
        ("KZ", OTHER, 1, "changed"),
        ("KZ", RECORD, 2, "changed"),
        ("UZ", RECORD, 1, "no-key"),
        ("TJ", RECORD, 1, "no-key"),
    ],
)
def test_in_another_row_or_country_nothing_opens(
    ring: Keyring, country: str, record: str, version: int, why: str
) -> None:
    found = ring.open(ring.seal(DISCLOSURES, "KZ", RECORD, 1), country, record, version)
    assert found.unreadable == dict.fromkeys(sealing.SENSITIVE, why)
    assert [found.disclosures[BITS[facet]] for facet in sealing.SENSITIVE] == [None] * 3
    assert found.disclosures[BITS["items"]] == DISCLOSURES[BITS["items"]]


def test_swapped_facets_and_changed_bytes_do_not_open(ring: Keyring) -> None:
    sealed = ring.seal(DISCLOSURES, "KZ", RECORD, 1)
    one, other = BITS["case"], BITS["narrative"]
    sealed[one], sealed[other] = sealed[other], sealed[one]
    assert ring.open(sealed, "KZ", RECORD, 1).unreadable == {"case": "changed", "narrative": "changed"}
    for byte, why in ((0, "no-key"), (39, "no-key"), (40, "changed"), (-1, "changed")):
        sealed = ring.seal(DISCLOSURES, "KZ", RECORD, 1)
        one, said, counted = orjson.loads(decode((sealed[other] or "").encode()))
        content = bytearray(decode(said.encode()))
        content[byte] ^= 1
        sealed[other] = encode(orjson.dumps([one, encode(bytes(content)), counted]))
        assert ring.open(sealed, "KZ", RECORD, 1).unreadable == {"narrative": why}
    for nonsense in (b"[1,", b"[1,2,null]", b'[1,"",null]', b'[1,"AAAA",null]', b'[1,"!",null]'):
        sealed[other] = encode(nonsense)
        assert ring.open(sealed, "KZ", RECORD, 1).unreadable.keys() == {"narrative"}
    sealed[other] = MARK + "!"
    assert ring.open(sealed, "KZ", RECORD, 1).unreadable == {"narrative": "changed"}


def test_a_new_key_seals_and_the_old_one_opens(ring: Keyring, tmp_path: Path) -> None:
    before = ring.seal(DISCLOSURES, "KZ", RECORD, 1)
    sealing.make("KZ-2.key", tmp_path)
    followed = Keyring({"KZ": ("KZ-2.key", "KZ.key")}, tmp_path)
    after = followed.seal(DISCLOSURES, "KZ", RECORD, 1)
    assert followed.open(before, "KZ", RECORD, 1).disclosures == DISCLOSURES
    assert followed.open(after, "KZ", RECORD, 1).disclosures == DISCLOSURES
    assert ring.open(after, "KZ", RECORD, 1).unreadable == dict.fromkeys(sealing.SENSITIVE, "no-key")
    alone = Keyring({"KZ": ("KZ-2.key",)}, tmp_path)
    for found in (DISCLOSURES, before):  # filed before there was a key, or under the old one
        renewed = followed.renew(found, ring.blind(HASH, found, "KZ") if found is before else HASH, "KZ", RECORD, 1)
        assert renewed is not None
        assert alone.open(renewed[0], "KZ", RECORD, 1) == Opened(DISCLOSURES)
        assert renewed[1] == alone.blind(HASH, DISCLOSURES, "KZ")
        assert followed.renew(*renewed, "KZ", RECORD, 1) is None
    assert alone.renew(before, HASH, "KZ", RECORD, 1) is None  # what no key opens stays


def test_a_key_is_not_shown(ring: Keyring, tmp_path: Path) -> None:
    ring.seal(DISCLOSURES, "KZ", RECORD, 1)
    secret = (tmp_path / "KZ.key").read_bytes()
    assert all(repr(secret) not in repr(held) for held in ring._held.values())


def test_without_its_key_a_country_files_nothing_in_clear(ring: Keyring, tmp_path: Path) -> None:
    (tmp_path / "KZ.key").unlink()
    with pytest.raises(FacetKeyUnavailable):
        ring.seal(DISCLOSURES, "KZ", RECORD, 1)
    assert ring.open(ring.seal(DISCLOSURES, "UZ", RECORD, 1), "UZ", RECORD, 1).disclosures == DISCLOSURES
    (tmp_path / "UZ.key").chmod(0o644)
    with pytest.raises(FacetKeyUnavailable):
        Keyring({"UZ": ("UZ.key",)}, tmp_path).seal(DISCLOSURES, "UZ", RECORD, 1)


def test_a_countrys_key_may_stay_in_a_token(token: SoftToken, tmp_path: Path) -> None:
    for country in ("KZ", "UZ"):
        sealing.make(token.uri(f"facets-{country}"), tmp_path)
    held = Keyring({country: (token.uri(f"facets-{country}"),) for country in ("KZ", "UZ")}, tmp_path)
    sealed = held.seal(DISCLOSURES, "KZ", RECORD, 1)
    assert held.open(sealed, "KZ", RECORD, 1).disclosures == DISCLOSURES
    assert held.open(sealed, "UZ", RECORD, 1).unreadable == dict.fromkeys(sealing.SENSITIVE, "no-key")
    away = Keyring({"KZ": (replace(token, name="away").uri("facets-KZ"),)}, tmp_path)
    assert away.open(sealed, "KZ", RECORD, 1).unreadable == dict.fromkeys(sealing.SENSITIVE, "no-key")
