"""`sarhad admin`: the operator begins a country."""

import json
from pathlib import Path

from sarhad.keys import PrivateKey

from service.cli import admin
from tests.cli.conftest import Command


def public(path: Path) -> tuple[Path, str]:
    key = PrivateKey.generate()
    path.write_text(json.dumps(key.public.jwk))
    return path, key.kid


def test_a_country_begins_with_an_agency_a_key_and_its_roles(command: Command, tmp_path: Path) -> None:
    command(admin.app, "country", "add", "AM", "Armenia")
    command(admin.app, "agency", "add", "AM-NCP", "National contact point", "--type", "OT")
    file, kid = public(tmp_path / "key.json")
    use = ("--use", "request-signing", "--role", "key_administrator")
    assert command(admin.app, "key", "enrol", "AM-NCP", file, *use).output.strip() == kid
    listed = command(admin.app, "key", "list", "AM-NCP").output
    assert kid in listed
    assert "key_administrator" in listed
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


def test_a_refusal_says_why_and_exits_with_1(command: Command, tmp_path: Path) -> None:
    file, _ = public(tmp_path / "key.json")
    refused = command(admin.app, "key", "enrol", "QQ-CUS", file, "--use", "record-signing", code=1)
    assert "QQ-CUS is not enrolled" in refused.output


def test_a_private_key_is_refused_before_it_goes_anywhere(command: Command, tmp_path: Path) -> None:
    PrivateKey.generate().save(tmp_path / "request.pem")
    file = tmp_path / "request.pem"
    refused = command(admin.app, "key", "enrol", "KZ-CUS", file, "--use", "request-signing", code=2)
    assert "private key" in refused.output
