"""We are not our own only reader: libraries of others verify records, full and redacted, refuse forgeries."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from jwcrypto.jws import InvalidJWSSignature
from sarhad.keys import PrivateKey
from sarhad.records import Record, issue, read, redact
from sd_jwt.verifier import SDJWTVerifier

NODE = Path(__file__).parents[1] / "node"
COARSE = {"when.month", "where.admin1", "where.country", "items"}


def python_reads(record: str, jwk: dict[str, str]) -> Any:
    """The payload with its disclosures, as the library `sd-jwt` (on jwcrypto) verifies it."""
    return SDJWTVerifier(record, lambda _issuer, _header: JWK(**jwk)).get_verified_payload()


def node_reads(record: str, jwk: dict[str, str]) -> Any:
    """The same from the npm library `@sd-jwt/core`. Raises CalledProcessError when it refuses."""
    answer = subprocess.run(
        ["node", "verify_sd_jwt.mjs"],
        cwd=NODE,
        input=json.dumps({"record": record, "jwk": jwk}).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(answer.stdout)


READERS = pytest.mark.parametrize("reads", [python_reads, node_reads])


def expected(record: str) -> dict[str, Any]:
    """Clear claims and facets side by side: what RFC 9901 §7.1 leaves when all digests are resolved."""
    disclosed = read(record)
    clear = {name: value for name, value in disclosed.payload.items() if name not in ("_sd", "_sd_alg")}
    return {**clear, **disclosed.facets}


@READERS
def test_a_full_and_a_redacted_record_verify(reads: Any, key: PrivateKey, seizure_facets: dict[str, Any]) -> None:
    full = issue(key, Record("TJ-BG", "seizure", seizure_facets))
    redacted = redact(full, COARSE)
    assert reads(full, key.public.jwk) == expected(full)
    assert reads(redacted, key.public.jwk) == expected(redacted)
    assert expected(redacted).keys() & seizure_facets.keys() == COARSE


@READERS
def test_a_forged_facet_and_another_key_are_refused(
    reads: Any, key: PrivateKey, seizure_facets: dict[str, Any]
) -> None:
    record = issue(key, Record("TJ-BG", "seizure", seizure_facets))
    stranger = PrivateKey.generate("ed25519" if key.alg == "EdDSA" else "p256")
    assert reads(record, key.public.jwk) == expected(record)
    with pytest.raises((InvalidJWSSignature, subprocess.CalledProcessError)):
        reads(record, stranger.public.jwk)
    foreign = issue(key, Record("TJ-BG", "seizure", {"narrative": seizure_facets["narrative"]})).split("~")[1]
    try:
        read_back = reads(redact(record, COARSE) + foreign + "~", key.public.jwk)
    except (ValueError, subprocess.CalledProcessError):
        return
    assert "narrative" not in read_back


def test_the_committed_examples_verify_elsewhere(genuine: dict[str, Any], vectors: dict[str, Any]) -> None:
    kid = read(genuine["record"]).header["kid"]
    jwk = next(k for k in vectors["keys"] if k["kid"] == kid)
    public = {name: value for name, value in jwk.items() if name not in ("d", "kid")}
    assert python_reads(genuine["record"], public) == expected(genuine["record"])
