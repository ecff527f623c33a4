"""A key in a PKCS#11 token signs as one in a file does, and says neither itself nor its PIN."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pkcs11 import KeyType
from sarhad import Client, PrivateKey, Profile, tokens
from sarhad.cli import app
from sarhad.errors import ConfigurationError
from sarhad.tokens import Location
from typer.testing import CliRunner

from tests.clients.echo import Answer, SignedService, running
from tests.softhsm import SoftToken


@pytest.mark.parametrize("kind", [KeyType.EC_EDWARDS, KeyType.EC])
def test_an_agency_signs_with_a_key_in_a_token(kind: KeyType, agency: Profile, token: SoftToken) -> None:
    uri = token.uri(f"request-{kind.name}")
    tokens.generate(uri, kind)
    replace(agency, request_key=uri).save()
    profile = Profile.load(agency.directory)
    key = profile.load_request_key()
    service = SignedService(keys={key.kid: key.public.jwk}, handler=lambda _: Answer(200, {"items": [], "next": None}))
    with running(service) as service, Client(replace(profile, service=service.origin)) as client:
        client.search(country="KZ")
    assert service.seen[-1].presented.key_id == key.kid
    with pytest.raises(TypeError, match="stays in its token"):
        key.save(agency.directory / "taken.pem")
    key.public.verify(key.sign(b"a record"), b"a record")
    with pytest.raises(ConfigurationError, match="not overwritten"):
        tokens.generate(uri, kind)


def test_a_profile_is_made_with_its_keys_in_a_token(token: SoftToken, tmp_path: Path) -> None:
    arguments = ["keys", "new", "--agency", "KZ-CUS", "--profile", f"{tmp_path}/kz"]
    for use in ("request", "record"):
        arguments += [f"--{use}-key", token.uri(f"new-{use}")]
    made = CliRunner().invoke(app, arguments)
    assert made.exit_code == 0, made.output
    profile = Profile.load(tmp_path / "kz")
    assert profile.load_request_key().kid != profile.load_record_key().kid
    assert [file.name for file in (tmp_path / "kz").iterdir()] == ["profile.toml"]
    shown = CliRunner().invoke(app, ["keys", "show", "--profile", f"{tmp_path}/kz", "--json"])
    assert json.loads(shown.output)["record_key"] == profile.load_record_key().kid


def test_a_pin_stands_in_a_file_of_its_owner_and_nowhere_else(token: SoftToken, tmp_path: Path) -> None:
    spoken = "pkcs11:token=sarhad;object=k?module-path=/m.so&pin-value=4711-0815"
    with pytest.raises(ConfigurationError, match="in the file that pin-source names") as refusal:
        PrivateKey.load(spoken)
    assert "4711" not in str(refusal.value)
    with pytest.raises(ConfigurationError, match="names a token, a key and the module"):
        PrivateKey.load("pkcs11:token=sarhad")
    wrong = replace(token, pin_file=tmp_path / "pin")
    wrong.pin_file.write_text("0000\n")
    wrong.pin_file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="Others can read"):
        Location.parse(wrong.uri("k")).pin()


def test_what_is_not_there_is_said(token: SoftToken) -> None:
    with pytest.raises(ConfigurationError, match="no such key"):
        PrivateKey.load(token.uri("nobody"))
    with pytest.raises(ConfigurationError, match="does not serve"):
        PrivateKey.load(replace(token, name="elsewhere").uri("k"))
    with pytest.raises(ConfigurationError, match="does not serve"):
        PrivateKey.load(token.uri("k").replace("libsofthsm2", "nothing"))
