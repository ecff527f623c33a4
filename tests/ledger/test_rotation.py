"""The service's key changes while members file and read: no request fails, and what the old key signed stays true."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from sarhad import Client, Profile, receipts, tokens
from sarhad.records import issue
from sarhad.transparency import LogKey, open_checkpoint, signer_of
from typer.testing import CliRunner

from service.cli.admin import app as admin
from service.cli.fsck import app as fsck
from service.settings import Settings
from tests.exchange import Exchange, Region, heroin
from tests.softhsm import SoftToken


@pytest.fixture(scope="module")
def held(apart: tuple[Settings, Region], token: SoftToken) -> Iterator[Exchange]:
    """A service whose key is in a token."""
    settings, region = apart
    tokens.generate(token.uri("service"))
    running = Exchange.start(settings, region, SARHAD_SERVICE_KEY=token.uri("service"))
    yield running
    running.stop()


def file_and_read(profile: Profile, begun: Event, turned: Event) -> set[str]:
    """File and read with the profile as it is until some time after the keys turned; which keys signed receipts."""
    seen: set[str] = set()
    after, deadline = 0, time.monotonic() + 90
    with Client(profile, purpose="operational") as client:
        while after < 3:
            assert time.monotonic() < deadline
            signed = issue(profile.load_record_key(), heroin(profile.agency))
            receipt = client.submit(signed)
            receipts.check(signed, receipt, client.service_key)
            client.search()
            seen.add(signer_of(receipt.receipt, client.service_key).kid)
            begun.set()
            after += turned.is_set() and len(seen) > 1
    return seen


def test_keys_change_while_requests_run(held: Exchange, token: SoftToken) -> None:
    settings = held.settings
    environment = {
        "SARHAD_DATABASE_URL": settings.database_url,
        "SARHAD_STATE_DIR": str(settings.state_dir),
        "SARHAD_ORIGIN": settings.origin,
        "SARHAD_SERVICE_KEY": token.uri("service"),
    }
    client = held.client("KZ-CUS")
    old, signed = client.service_key, held.sign(heroin())
    first = client.submit(signed)
    profiles = [
        replace(held.region.profiles[name], service=settings.origin).pinned(old)
        for name in ("KZ-CUS", "UZ-CUS", "KG-CUS")
    ]
    turned = Event()
    with ThreadPoolExecutor(len(profiles)) as threads:
        begun = [Event() for _ in profiles]
        work = [threads.submit(file_and_read, *both, turned) for both in zip(profiles, begun, strict=True)]
        assert all(event.wait(60) for event in begun)
        said = CliRunner().invoke(
            admin, ["service-key", "rotate", "--key", token.uri("next"), "--in-hours", "0.001"], env=environment
        )
        assert said.exit_code == 0, said.output
        kid = said.output.split()[0]
        assert {jwk["kid"] for jwk in client.service()["keys"]} >= {kid}
        turned.set()
        assert all(one.result() == {old.kid, kid} for one in work)
    kept = Profile.load(profiles[0].directory).service_key
    assert kept is not None
    assert (kept.kid, kept.former) == (kid, (old,))

    described = client.service()
    assert [jwk["kid"] for jwk in described["former_keys"]] == [old.kid]
    assert (client.service_key.kid, client.service_key.former) == (kid, (old,))
    receipts.check(signed, first, client.service_key)
    log = LogKey(described["logs"]["records"], old.key)  # type: ignore[arg-type]
    assert open_checkpoint(client.checkpoint("records"), log).size > 0
    audited = CliRunner().invoke(fsck, ["--json"], env=environment)
    assert (audited.exit_code, json.loads(audited.stdout)["faults"]) == (0, [])
