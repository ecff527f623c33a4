"""The service has one key, made once, whoever starts first."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.jwk import OKPKey

from service.signing import ServiceKey


def test_workers_that_start_together_share_one_key(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with ThreadPoolExecutor(16) as threads:
        kids = {key.kid for key in threads.map(lambda _: ServiceKey.load_or_create(state), range(64))}
    assert len(kids) == 1
    assert [file.name for file in state.iterdir()] == ["service-key.pem"]
    assert (state / "service-key.pem").stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "service-key.pem").write_bytes(pem)
    with pytest.raises(ValueError, match="Ed25519"):
        ServiceKey.load_or_create(tmp_path)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_its_jws_verifies_with_another_library() -> None:
    key = ServiceKey.generate()
    token = key.sign_jws({"sub": "Душанбе"}, "sarhad-receipt+jwt")
    opened = jws.deserialize_compact(token, OKPKey.import_key(key.jwk), algorithms=["EdDSA"])
    assert opened.headers() == {
        "alg": "EdDSA",
        "kid": OKPKey.import_key(key.jwk).thumbprint(),
        "typ": "sarhad-receipt+jwt",
    }
    assert json.loads(opened.payload) == {"sub": "Душанбе"}
