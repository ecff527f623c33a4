"""`sarhad demo`: the region that a first start offers."""

import stat
from pathlib import Path

import pytest
from sarhad.profile import Profile

from service.cli import admin, demo
from service.cli.demo_region import DATA, read_region
from service.policies.document import PolicyDocument
from tests.cli.conftest import Command

REGION = read_region()


@pytest.fixture(scope="module")
def keys(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("region") / "demo"
    output = command(demo.app, "load", directory).output
    assert "default policies adopted: AZ KG KZ RU TJ TM UZ" in output
    return directory


def test_every_agency_has_keys_that_only_their_owner_reads(keys: Path) -> None:
    for agency in REGION.agencies:
        for holder in agency.holders:
            profile = Profile.load(keys / holder.directory)
            assert profile.agency == agency.code
            assert profile.service_key is not None
            assert stat.S_IMODE((profile.directory / profile.request_key).stat().st_mode) == 0o600


def test_officers_are_two_for_keys_and_none_of_them_files_records() -> None:
    for country in REGION.members:
        officers = [h for agency in REGION.agencies_of(country) for h in agency.holders if h.officer]
        assert sum("key_administrator" in holder.roles for holder in officers) == 2
        assert not any("reporter" in holder.roles for holder in officers)


def test_a_laboratory_has_two_pairs_of_eyes(command: Command, keys: Path) -> None:
    for country in REGION.members:
        analyst, reviewer = (Profile.load(keys / f"{country}-LAB" / who) for who in ("", "reviewer"))
        assert analyst.agency == reviewer.agency == f"{country}-LAB"
        listed = command(admin.app, "key", "list", analyst.agency).output
        assert {profile.load_record_key().kid in listed for profile in (analyst, reviewer)} == {True}
        assert analyst.load_record_key().kid != reviewer.load_record_key().kid


def test_observers_are_no_members_also_where_an_earlier_load_made_them_such(command: Command, keys: Path) -> None:
    assert "AF  Afghanistan  (observer)" in command(admin.app, "country", "list").output
    command(admin.app, "country", "status", "AF", "member", "--reason", "An earlier load")
    command(demo.app, "load", keys)
    listed = command(admin.app, "country", "list").output
    assert listed.count("(observer)") == len(REGION.countries) - len(REGION.members)
    assert "KZ  Kazakhstan\n" in listed


def test_a_second_load_changes_nothing(command: Command, keys: Path) -> None:
    before = {path: path.read_bytes() for path in keys.rglob("*") if path.is_file()}
    assert command(demo.app, "load", keys).output == ""
    assert {path: path.read_bytes() for path in keys.rglob("*") if path.is_file()} == before


def test_lost_keys_are_made_and_enrolled_anew(command: Command, keys: Path) -> None:
    profile = Profile.load(keys / "TM-BG")
    lost = profile.load_request_key().kid
    (profile.directory / profile.request_key).unlink()
    command(demo.app, "load", keys)
    fresh = profile.load_request_key().kid
    assert fresh != lost
    assert fresh in command(admin.app, "key", "list", "TM-BG").output


@pytest.mark.parametrize("country", sorted(REGION.members))
def test_default_policies_are_of_their_country_and_reach_members_only(country: str) -> None:
    policy = PolicyDocument.model_validate_json((DATA / "policies" / f"{country}.json").read_bytes())
    assert (policy.country, policy.version) == (country, 1)
    for rule in policy.rules:
        if rule.effect == "permit":
            assert set(rule.audience.countries or ()) <= REGION.members - {country}
            assert rule.audience.countries
