"""The verifier in JavaScript says what the one in Python says, of the published vectors and of changes to them."""

import json
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sarhad import PrivateKey
from sarhad.keys import b64url
from sarhad.transparency import LogKey

ROOT = Path(__file__).parents[2]
V = json.loads((ROOT / "schemas/log/vectors.json").read_text())
RECORDS = json.loads((ROOT / "schemas/records/vectors.json").read_text())
LINES = "".join(f"witness {agency} {of['verifier_key']}\n" for agency, of in V["witnesses"].items())
LOG = V["verifier_key"]
NOTE, COSIGNED = V["checkpoints"]["300"], V["cosigned"]["note"]
RECEIPT = V["receipt"]
SERVICE = {"kty": "OKP", "crv": "Ed25519", "x": b64url(LogKey.parse(LOG).key.public_bytes_raw())}


def answers(cases: list[list[Any]]) -> list[Any]:
    done = subprocess.run(
        ["node", ROOT / "tests/node/verify_cases.mjs"],
        input=json.dumps(cases), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def leaf(index: int) -> str:
    return sha256(b"\0" + bytes.fromhex(V["entries"][index])).hexdigest()


def tree(size: int) -> dict[str, Any]:
    return {"origin": V["origin"], "size": size, "root": V["roots"][str(size)]}


def flipped(text: str, at: int) -> str:
    return text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1 :]


def test_every_vector_is_proven() -> None:
    keys = {key["kid"]: key for key in RECORDS["keys"]}
    cases: list[list[Any]] = [
        ["inclusion", leaf(v["index"]), v["index"], v["size"], v["path"], V["roots"][str(v["size"])]]
        for v in V["inclusion"]
    ]
    cases += [["consistency", tree(v["from"]), tree(v["to"]), v["path"]] for v in V["consistency"]]
    cases += [["checkpoint", note, LOG] for note in V["checkpoints"].values()]
    cases += [["receipt", RECEIPT["jws"], RECEIPT["digest"], SERVICE]]
    cases += [["quorum", COSIGNED, LOG, f"log {LOG}\n{LINES}group two 2 KZ-DCA KG-DCA TJ-DCA\nquorum two\n"]]
    for valid in RECORDS["valid"]:
        header = json.loads(_b64(valid["record"].split(".")[0]))
        cases.append(["record", valid["record"], _public(keys[header["kid"]])])
    assert answers(cases) == [True] * len(cases)


def test_no_change_of_a_vector_is_proven() -> None:
    cases: list[list[Any]] = []
    for v in V["inclusion"]:
        good = [leaf(v["index"]), v["index"], v["size"], v["path"], V["roots"][str(v["size"])]]
        cases.append(["inclusion", leaf((v["index"] + 1) % 300), *good[1:]])
        cases.append(["inclusion", *good[:3], [*v["path"], "00" * 32], good[4]])
        cases.append(["inclusion", *good[:4], "00" * 32])
        if v["path"]:
            cases.append(["inclusion", *good[:3], v["path"][:-1], good[4]])
    for v in V["consistency"]:
        cases.append(["consistency", tree(v["from"]), tree(v["to"]), [*v["path"], "00" * 32]])
        cases.append(["consistency", tree(v["from"]), {**tree(v["to"]), "root": "11" * 32}, v["path"]])
        cases.append(["consistency", tree(v["from"]), {**tree(v["to"]), "origin": "another"}, v["path"]])
        if v["from"] != v["to"]:
            cases.append(["consistency", tree(v["to"]), tree(v["from"]), v["path"]])
    cases += [["checkpoint", NOTE.replace("\n300\n", "\n301\n"), LOG], ["checkpoint", NOTE[:-1], LOG]]
    cases += [["checkpoint", flipped(NOTE, at), LOG] for at in range(NOTE.rindex(" ") + 1, len(NOTE) - 4, 9)]
    jws = RECEIPT["jws"]
    cases += [
        ["receipt", flipped(jws, at), RECEIPT["digest"], SERVICE] for at in range(2, len(jws), 41) if jws[at] != "."
    ]
    cases += [["receipt", jws, "00" * 32, SERVICE]]
    cases += [["quorum", COSIGNED, LOG, f"{LINES}quorum TJ-DCA\n"], ["quorum", NOTE, LOG, f"{LINES}quorum KZ-DCA\n"]]
    cases += [["policy", text] for text in ("", LINES, f"{LINES}{LINES}quorum none\n", "group g any g\nquorum g\n")]
    proven = [case for case, answer in zip(cases, answers(cases), strict=True) if answer is True]
    assert proven == []


#  What a record may say (its claims, facets, sizes) is the service's to judge; a signature or form that fails is not.
FORM = {
    "record-signature-invalid",
    "algorithm-mismatch",
    "malformed-header",
    "unknown-disclosure",
    "duplicate-disclosure",
}


def test_records_refused_for_their_form_are_refused_here_too() -> None:
    keys = {key["kid"]: _public(key) for key in RECORDS["keys"]}
    refused = [v for v in RECORDS["refused"] if v["type"].rsplit("/", 1)[-1] in FORM]
    assert len(refused) >= 5
    cases = [["record", v["record"], key] for v in refused for key in keys.values()]
    proven = [case for case, answer in zip(cases, answers(cases), strict=True) if answer is True]
    assert proven == []


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_another_key_than_the_one_named_proves_nothing(kind: Any) -> None:
    record = RECORDS["valid"][0]["record"]
    (answer,) = answers([["record", record, PrivateKey.generate(kind).public.jwk]])
    assert answer is not True


def _b64(text: str) -> bytes:
    import base64  # noqa: PLC0415

    return base64.urlsafe_b64decode(text + "==")


def _public(jwk: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in jwk.items() if name in {"kty", "crv", "x", "y"}}
