"""The client's verifier against the published vectors, and against every change that must not pass."""

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from sarhad import transparency
from sarhad.keys import PrivateKey, PublicKey, b64url
from sarhad.transparency import Checkpoint, InclusionProof, LogKey

FOLDER = Path(__file__).parents[2] / "schemas/log"
V = json.loads((FOLDER / "vectors.json").read_text())
CT = json.loads((FOLDER / "rfc6962.json").read_text())
LOG_KEY = LogKey.parse(V["verifier_key"])
SERVICE_KEY = PublicKey(Ed25519PublicKey.from_public_bytes(b64decode(V["public_key"])))
ENTRIES = [bytes.fromhex(entry) for entry in V["entries"]]
LEAVES = [transparency.leaf_hash(entry) for entry in ENTRIES]
DIGEST, RECEIPT = bytes.fromhex(V["receipt"]["digest"]), V["receipt"]["jws"]
NOTE = V["checkpoints"]["300"]


def unhex(path: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in path]


def root(first: int, last: int) -> bytes:
    """MTH of RFC 6962 §2.1, word for word, over LEAVES[first:last]."""
    if last == first:
        return sha256(b"").digest()
    if last - first == 1:
        return LEAVES[first]
    split = first + (1 << (last - first - 1).bit_length() - 1)
    return sha256(b"\x01" + root(first, split) + root(split, last)).digest()


def audit_path(index: int, first: int, last: int) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1, word for word."""
    if last - first == 1:
        return []
    split = first + (1 << (last - first - 1).bit_length() - 1)
    if index < split:
        return [*audit_path(index, first, split), root(split, last)]
    return [*audit_path(index, split, last), root(first, split)]


def subproof(old: int, first: int, last: int, known: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2, word for word."""
    if old == last:
        return [] if known else [root(first, last)]
    split = first + (1 << (last - first - 1).bit_length() - 1)
    if old <= split:
        return [*subproof(old, first, split, known), root(split, last)]
    return [*subproof(old, split, last, False), root(first, split)]


def tree(size: int) -> Checkpoint:
    return Checkpoint("a log", size, root(0, size))


def changed(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


@pytest.mark.parametrize("vector", CT["inclusion"] + V["inclusion"], ids=lambda v: f"{v['index']}-in-{v['size']}")
def test_published_inclusion_proofs(vector: dict[str, Any]) -> None:
    index, size = vector["index"], vector["size"]
    of_ct = vector in CT["inclusion"]
    leaf = transparency.leaf_hash(bytes.fromhex(CT["inputs"][index])) if of_ct else LEAVES[index]
    expected = CT["roots"][size] if of_ct else V["roots"][str(size)]
    proof = InclusionProof(index, size, unhex(vector["path"]))
    transparency.verify_inclusion(leaf, proof, bytes.fromhex(expected))


@pytest.mark.parametrize("vector", CT["consistency"], ids=lambda v: f"{v['old']}-to-{v['new']}")
def test_published_consistency_proofs(vector: dict[str, Any]) -> None:
    old, new = (Checkpoint("a log", vector[name], bytes.fromhex(CT["roots"][vector[name]])) for name in ("old", "new"))
    transparency.verify_consistency(old, new, unhex(vector["path"]))


@pytest.mark.parametrize("vector", V["consistency"], ids=lambda v: f"{v['from']}-to-{v['to']}")
def test_own_consistency_vectors(vector: dict[str, Any]) -> None:
    old, new = (
        Checkpoint("a log", vector[name], bytes.fromhex(V["roots"][str(vector[name])])) for name in ("from", "to")
    )
    transparency.verify_consistency(old, new, unhex(vector["path"]))


@st.composite
def inclusions(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(1, 300))
    return draw(st.integers(0, size - 1)), size


@given(inclusions(), st.data())
def test_any_change_to_an_inclusion_proof_is_seen(place: tuple[int, int], data: st.DataObject) -> None:
    index, size = place
    good, head = InclusionProof(index, size, audit_path(index, 0, size)), root(0, size)
    transparency.verify_inclusion(LEAVES[index], good, head)
    byte = data.draw(st.integers(0, 31))
    wrong: list[tuple[bytes, InclusionProof, bytes]] = [
        (changed(LEAVES[index], byte), good, head),
        (LEAVES[index], good, changed(head, byte)),
        (LEAVES[index], replace(good, path=[*good.path, bytes(32)]), head),
        (LEAVES[index], replace(good, index=size), head),
        (LEAVES[index], replace(good, index=-1), head),
    ]
    if good.path:
        at = data.draw(st.integers(0, len(good.path) - 1))
        path = list(good.path)
        other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index))
        wrong += [
            (LEAVES[index], replace(good, path=[*path[:at], changed(path[at], byte), *path[at + 1 :]]), head),
            (LEAVES[index], replace(good, path=path[:at] + path[at + 1 :]), head),
            (LEAVES[index], replace(good, path=[*path[:at], path[at][:31], *path[at + 1 :]]), head),
            (LEAVES[index], replace(good, index=other), head),
            (LEAVES[other], good, head),
        ]
    for leaf, proof, expected in wrong:
        with pytest.raises(transparency.NotIncluded):
            transparency.verify_inclusion(leaf, proof, expected)


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_any_change_to_a_consistency_proof_is_seen(one: int, other: int, data: st.DataObject) -> None:
    old, new = tree(min(one, other)), tree(max(one, other))
    path = subproof(old.size, 0, new.size, True)
    transparency.verify_consistency(old, new, path)
    byte = data.draw(st.integers(0, 31))
    wrong = [
        (replace(old, root=changed(old.root, byte)), new, path),
        (old, replace(new, root=changed(new.root, byte)), path),
        (old, new, [*path, bytes(32)]),
        (replace(old, origin="another log"), new, path),
    ]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        wrong += [
            (old, new, [*path[:at], changed(path[at], byte), *path[at + 1 :]]),
            (old, new, path[:at] + path[at + 1 :]),
            (new, old, path),
        ]
    for earlier, later, proof in wrong:
        with pytest.raises(transparency.NotConsistent):
            transparency.verify_consistency(earlier, later, proof)


def test_every_pair_of_sizes_to_40_is_consistent_only_by_its_own_proof() -> None:
    for new in range(1, 41):
        for old in range(1, new + 1):
            path = subproof(old, 0, new, True)
            transparency.verify_consistency(tree(old), tree(new), path)
            for claimed in range(1, new + 1):
                if claimed != old:
                    with pytest.raises(transparency.NotConsistent):
                        transparency.verify_consistency(replace(tree(old), size=claimed), tree(new), path)


def test_the_empty_tree_begins_every_tree() -> None:
    transparency.verify_consistency(tree(0), tree(7), [])
    with pytest.raises(transparency.NotConsistent, match="another root"):
        transparency.verify_consistency(replace(tree(0), root=bytes(32)), tree(7), [])


@pytest.mark.parametrize("size", ["0", "257", "300"])
def test_published_checkpoints(size: str) -> None:
    found = transparency.open_checkpoint(V["checkpoints"][size], LOG_KEY)
    assert found == Checkpoint(V["origin"], int(size), bytes.fromhex(V["roots"][size]))


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_checkpoint_is_seen(at: int, flip: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[at] ^= flip
    with pytest.raises(transparency.BadCheckpoint):
        transparency.open_checkpoint(raw.decode("utf-8", "surrogateescape"), LOG_KEY)


def signed(text: str, name: str = LOG_KEY.name) -> str:
    """A genuine signature of the log's key over any text."""
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(V["secret_key"]))
    value = LogKey(name, private.public_key()).id + private.sign(text.encode("utf-8", "surrogateescape"))
    return f"{text}\n— {name} {b64encode(value).decode()}\n"


ROOT = b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{LOG_KEY.name}\n01\n{ROOT}\n",
        f"{LOG_KEY.name}\n-1\n{ROOT}\n",
        f"{LOG_KEY.name}\n9223372036854775808\n{ROOT}\n",
        f"{LOG_KEY.name}\n1\n{ROOT[:-2]}B=\n",
        f"{LOG_KEY.name}\n1\n{ROOT}\nextension\n",
        f"{LOG_KEY.name}\n1\n",
        f"sarhad.example/v1/log/access\n1\n{ROOT}\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_of_this_log(text: str) -> None:
    with pytest.raises(transparency.BadCheckpoint):
        transparency.open_checkpoint(signed(text), LOG_KEY)


def test_a_witness_may_sign_beside_the_log_and_never_instead_of_it() -> None:
    witness = "— kz.example/witness " + b64encode(bytes(76)).decode() + "\n"
    assert transparency.open_checkpoint(NOTE + witness, LOG_KEY).size == 300
    text = NOTE.split("\n\n")[0] + "\n"
    for note in (
        text + "\n" + witness,
        signed(text, "kz.example/witness"),
        NOTE + NOTE.split("\n\n")[1],
        text,
    ):
        with pytest.raises(transparency.BadCheckpoint):
            transparency.open_checkpoint(note, LOG_KEY)


@pytest.mark.parametrize("text", ["", "name", "name+00000000+AAAA", V["verifier_key"].replace("records", "access")])
def test_a_verifier_key_whose_parts_do_not_fit(text: str) -> None:
    with pytest.raises(transparency.BadCheckpoint):
        LogKey.parse(text)


def bundle(**changes: Any) -> tuple[transparency.Receipt, Checkpoint]:
    index = V["receipt"]["index"]
    given: dict[str, Any] = {
        "digest": DIGEST,
        "receipt": RECEIPT,
        "proof": InclusionProof(index, 300, audit_path(index, 0, 300)),
        "checkpoint_note": NOTE,
        "service_key": SERVICE_KEY,
        "log_key": LOG_KEY,
    }
    return transparency.verify_receipt_bundle(**{**given, **changes})


def test_the_published_bundle() -> None:
    promised, checkpoint = bundle()
    assert (promised.iss, promised.log, promised.ver, promised.mmd) == (V["origin"], "records", 1, 60)
    assert checkpoint.size == 300


@given(st.integers(0, len(RECEIPT) - 1), st.sampled_from("A_z9.="))
def test_any_changed_character_of_a_receipt_is_seen(at: int, character: str) -> None:
    altered = RECEIPT[:at] + character + RECEIPT[at + 1 :]
    if altered != RECEIPT:
        with pytest.raises(transparency.BadReceipt):
            bundle(receipt=altered)


def receipt(typ: str = "sarhad-receipt+jwt", **changes: Any) -> str:
    """A receipt genuinely signed by the service, with other content."""
    key = PrivateKey(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(V["secret_key"])))
    header = {"alg": "EdDSA", "kid": key.kid, "typ": typ}
    payload = {
        "iss": V["origin"],
        "sub": "r",
        "ver": 1,
        "digest": b64url(DIGEST),
        "log": "records",
        "salt": b64url(bytes.fromhex(V["receipt"]["salt"])),
        "leaf": b64url(bytes.fromhex(V["receipt"]["leaf"])),
        "mmd": 60,
        "iat": 0,
        **changes,
    }
    message = ".".join(b64url(json.dumps(part).encode()) for part in (header, payload))
    return f"{message}.{b64url(key.sign(message.encode()))}"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"digest": sha256(b"another record").digest()}, transparency.ReceiptMismatch),
        ({"receipt": receipt(digest=b64url(bytes(32)))}, transparency.ReceiptMismatch),
        ({"receipt": receipt(salt=b64url(bytes(16)))}, transparency.ReceiptMismatch),
        ({"receipt": receipt(leaf=b64url(LEAVES[0]))}, transparency.ReceiptMismatch),
        ({"receipt": receipt(iss="sarhad.example/v1/log/access")}, transparency.ReceiptMismatch),
        ({"receipt": receipt(typ="sarhad-record+sd-jwt")}, transparency.BadReceipt),
        ({"receipt": receipt(ver="1")}, transparency.BadReceipt),
        ({"receipt": receipt(ver=True)}, transparency.BadReceipt),
        ({"receipt": receipt(salt="AA")}, transparency.BadReceipt),
        ({"receipt": receipt(more=1)}, transparency.BadReceipt),
        ({"receipt": "a.b"}, transparency.BadReceipt),
        ({"service_key": PrivateKey.generate().public}, transparency.BadReceipt),
        ({"service_key": PrivateKey.generate("p256").public}, transparency.BadReceipt),
        ({"checkpoint_note": V["checkpoints"]["257"]}, transparency.NotIncluded),
        ({"proof": InclusionProof(0, 300, audit_path(0, 0, 300))}, transparency.NotIncluded),
    ],
)
def test_a_bundle_whose_parts_do_not_fit(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        bundle(**changes)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"index": 0, "size": 1},
        {"index": "0", "size": 1, "path": []},
        {"index": 0, "size": True, "path": []},
        {"index": 0, "size": 2, "path": "A" * 43},
        {"index": 0, "size": 2, "path": [7]},
        {"index": 0, "size": 2, "path": ["not base64url!"]},
    ],
)
def test_a_malformed_inclusion_document(document: dict[str, Any]) -> None:
    with pytest.raises(transparency.NotIncluded):
        transparency.parse_inclusion(document)
