"""Keys and profiles: private to their owner, named by thumbprint, never overwritten."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from sarhad import ConfigurationError, PrivateKey, Profile, PublicKey
from sarhad.keys import BadSignature


def test_the_thumbprint_is_that_of_rfc_8037():
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert PublicKey.from_jwk(jwk).kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_key_survives_its_file_and_signs(kind, tmp_path: Path):
    path = tmp_path / "keys" / "k.pem"
    made = PrivateKey.generate(kind)
    made.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = PrivateKey.load(path)
    assert loaded.kid == made.kid
    signature = loaded.sign(b"message")
    assert len(signature) == 64
    PublicKey.from_jwk(made.public.jwk).verify(signature, b"message")
    with pytest.raises(BadSignature):
        made.public.verify(signature, b"massage")
    assert made.kid in repr(made)


def test_a_key_is_never_overwritten_and_never_read_when_others_may(tmp_path: Path):
    path = tmp_path / "k.pem"
    PrivateKey.generate().save(path)
    with pytest.raises(ConfigurationError, match="not overwritten"):
        PrivateKey.generate().save(path)
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        PrivateKey.load(path)


@pytest.mark.parametrize("content", [b"", b"not PEM"])
def test_what_is_no_key_is_refused(content: bytes, tmp_path: Path):
    path = tmp_path / "k.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="not an unencrypted private key"):
        PrivateKey.load(path)


@pytest.mark.parametrize(
    "jwk",
    [{}, {"kty": "RSA", "crv": "x"}, {"kty": "OKP", "crv": "Ed25519", "x": "AA"}, {"kty": 1, "crv": None}],
)
def test_a_jwk_of_another_kind_is_refused(jwk):
    with pytest.raises(ConfigurationError):
        PublicKey.from_jwk(jwk)


def test_a_profile_is_found_by_name_directory_or_file(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SARHAD_HOME", str(tmp_path))
    profile = Profile(directory=tmp_path / "customs", agency="KZ-CUS", service="https://sarhad.example")
    pinned = profile.pinned(PrivateKey.generate().public)
    pinned.save()
    for name in ("customs", tmp_path / "customs", tmp_path / "customs" / "profile.toml"):
        assert Profile.load(name) == pinned
    monkeypatch.setenv("SARHAD_PROFILE", "customs")
    assert Profile.load().agency == "KZ-CUS"


def test_a_wrong_profile_says_what_is_wrong(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="sarhad keys new"):
        Profile.load(tmp_path / "none")
    profile = Profile(directory=tmp_path, agency="KZ-CUS")
    with pytest.raises(ConfigurationError, match="not an agency code"):
        replace(profile, agency="customs")
    with pytest.raises(ConfigurationError, match="not a service address"):
        replace(profile, service="sarhad.example/")
    profile.file.write_text('agency = "KZ-CUS"\npassword = "x"\n')
    with pytest.raises(ConfigurationError, match="unknown settings: password"):
        Profile.load(tmp_path)
