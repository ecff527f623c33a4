"""`sarhad admin`: the operator begins a country."""

import json
from pathlib import Path

from sarhad.enrolment import enrolment, possession
from sarhad.keys import PrivateKey

from service.cli import admin
from tests.cli.conftest import Command


def requested(path: Path, agency: str, use: str = "request-signing") -> tuple[Path, str]:
    """What `sarhad keys request` prints, for one of the two keys."""
    return _requested(path, agency, use, PrivateKey.generate())


def _requested(path: Path, agency: str, use: str, key: PrivateKey) -> tuple[Path, str]:
    path.write_text(json.dumps([enrolment(agency, use, key)]))
    return path, key.kid


def hyphenated() -> PrivateKey:
    """A key whose thumbprint looks like an option: one of 64 does."""
    return next(key for key in iter(PrivateKey.generate, None) if key.kid.startswith("-"))


def test_a_country_begins_with_an_agency_a_key_and_its_roles(command: Command, tmp_path: Path) -> None:
    command(admin.app, "country", "add", "AM", "Armenia")
    command(admin.app, "agency", "add", "AM-NCP", "National contact point", "--type", "OT")
    file, kid = _requested(tmp_path / "key.json", "AM-NCP", "request-signing", hyphenated())
    use = ("--use", "request-signing", "--role", "key_administrator")
    assert command(admin.app, "key", "enrol", "AM-NCP", file, *use).output.strip() == kid
    command(admin.app, "role", "grant", kid, "policy_officer")
    listed = command(admin.app, "key", "list", "AM-NCP").output
    assert kid in listed
    assert "key_administrator" in listed
    assert "policy_officer" in listed
    command(admin.app, "role", "withdraw", kid, "key_administrator")
    command(admin.app, "key", "revoke", kid, "--reason", "lost")
    listed = command(admin.app, "key", "list", "AM-NCP").output
    assert "revoked" in listed
    assert "key_administrator" not in listed


def test_repeating_what_is_in_force_is_no_error(command: Command) -> None:
    for _ in range(2):
        command(admin.app, "country", "add", "GE", "Georgia")
        command(admin.app, "agency", "add", "GE-CUS", "Customs", "--type", "CU")
    assert command(admin.app, "country", "list").output.count("GE  Georgia") == 1
    assert command(admin.app, "agency", "list").output.count("GE-CUS") == 1


def test_an_observer_is_enrolled_as_one_and_its_status_can_change(command: Command) -> None:
    command(admin.app, "country", "add", "IR", "Iran", "--status", "observer")
    assert "IR  Iran  (observer)" in command(admin.app, "country", "list").output
    assert "enrolled as observer" in command(admin.app, "country", "add", "IR", "Iran", code=1).output
    command(admin.app, "country", "status", "IR", "third", "--reason", "It has left")
    assert "IR  Iran  (third)" in command(admin.app, "country", "list").output
    command(admin.app, "country", "status", "IR", "member", "--reason", "It has joined")
    assert "IR  Iran\n" in command(admin.app, "country", "list").output
    assert "not enrolled" in command(admin.app, "country", "status", "QQ", "member", "--reason", "x", code=1).output


def test_a_group_is_of_enrolled_countries_and_ends_with_the_last(command: Command) -> None:
    for code, name in (("AZ", "Azerbaijan"), ("TM", "Turkmenistan")):
        command(admin.app, "country", "add", code, name)
    command(admin.app, "group", "create", "caspian", "AZ")
    assert "exists, of AZ" in command(admin.app, "group", "create", "caspian", "TM", code=1).output
    command(admin.app, "group", "add", "caspian", "TM", "AZ")
    assert "caspian                  AZ TM\n" in command(admin.app, "group", "list").output
    assert "there is no group aral" in command(admin.app, "group", "add", "aral", "TM", code=1).output
    assert "QQ is not enrolled" in command(admin.app, "group", "add", "caspian", "QQ", code=1).output
    assert "QQ is not in the group" in command(admin.app, "group", "remove", "caspian", "QQ", code=1).output
    for name in ("members", "Caspian", "c"):
        assert "not a name of a group" in command(admin.app, "group", "create", name, "AZ", code=1).output
    command(admin.app, "group", "remove", "caspian", "AZ", "TM")
    assert command(admin.app, "group", "list").output == ""


def test_a_refusal_says_why_and_exits_with_1(command: Command, tmp_path: Path) -> None:
    file, _ = requested(tmp_path / "key.json", "QQ-CUS", "record-signing")
    refused = command(admin.app, "key", "enrol", "QQ-CUS", file, "--use", "record-signing", code=1)
    assert "QQ-CUS is not enrolled" in refused.output


def test_a_private_key_is_refused_before_it_goes_anywhere(command: Command, tmp_path: Path) -> None:
    PrivateKey.generate().save(tmp_path / "request.pem")
    file = tmp_path / "request.pem"
    refused = command(admin.app, "key", "enrol", "KZ-CUS", file, "--use", "request-signing", code=2)
    assert "private key" in refused.output


def test_a_key_that_did_not_sign_its_enrolment_is_refused(command: Command, tmp_path: Path) -> None:
    command(admin.app, "country", "add", "KG", "Kyrgyzstan")
    command(admin.app, "agency", "add", "KG-CUS", "Customs", "--type", "CU")
    key, thief = PrivateKey.generate(), PrivateKey.generate()
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(key.public.jwk))
    enrol = ("key", "enrol", "KG-CUS", bare, "--use", "witness")
    assert "expected a JWS by the key itself" in command(admin.app, *enrol, code=1).output
    forged = possession("KG-CUS", "witness", thief)
    assert "the signature is not of this key" in command(admin.app, *enrol, "--proof", forged, code=1).output
    elsewhere = possession("KZ-CUS", "witness", key)
    assert "another agency" in command(admin.app, *enrol, "--proof", elsewhere, code=1).output
    made = command(admin.app, *enrol, "--proof", possession("KG-CUS", "witness", key)).output
    assert made.strip() == key.kid


def test_a_name_that_hides_characters_is_refused(command: Command) -> None:
    command(admin.app, "country", "add", "MN", "Mongolia")
    refused = command(admin.app, "agency", "add", "MN-CUS", "Customs\u202e", "--type", "CU", code=1)
    assert "U+202E" in refused.output
