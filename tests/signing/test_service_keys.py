"""One key of the service follows another: announced, vouched for, and both known afterwards."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sarhad import tokens
from sarhad.errors import UnverifiedResponse
from sarhad.keys import PrivateKey, PublicKey
from sarhad.succession import succeeded
from sarhad.transparency import LogKey, open_checkpoint

from service.ledger.checkpoints import CheckpointSigner, verify
from service.settings import Settings
from service.signing import ServiceKey, ServiceKeys
from tests.softhsm import SoftToken

NOW = datetime.now(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state")


def follow(keys: ServiceKeys, name: str = "next.pem") -> ServiceKey:
    """A second key, announced for an hour from now, with a day of overlap."""
    made = ServiceKey.generate()
    made.save(keys._folder / name)
    keys.announce(name, made, begins=NOW + HOUR, overlap=DAY)
    return made


def as_pinned(jwk: dict[str, str]) -> PublicKey:
    return PublicKey.from_jwk({name: jwk[name] for name in ("kty", "crv", "x")})


def test_a_key_is_announced_signs_and_is_remembered(own: Settings) -> None:
    keys = ServiceKeys(own)
    first, secret = keys.current(), keys.secret
    second = follow(keys)
    elsewhere = ServiceKeys(own)  # another process
    assert elsewhere.current().kid == first.kid
    assert [jwk["kid"] for jwk in elsewhere.published()] == [first.kid, second.kid]
    later = NOW + HOUR
    assert elsewhere.current(later).kid == second.kid
    assert [key.kid for key in elsewhere.beside(later)] == [first.kid]
    assert [jwk["kid"] for jwk in elsewhere.published(later)] == [second.kid]
    assert [jwk["kid"] for jwk in elsewhere.former(later + 2 * DAY)] == [first.kid]
    assert elsewhere.beside(later + 2 * DAY) == []
    assert set(elsewhere.known()) == {first.kid, second.kid}
    assert elsewhere.secret == secret


def test_who_pinned_the_old_key_follows_and_nobody_else_is_led(own: Settings) -> None:
    keys = ServiceKeys(own)
    first = keys.current()
    second = follow(keys)
    found = succeeded(as_pinned(first.jwk), keys.successions())
    assert (found.kid, [key.kid for key in found.former]) == (second.kid, [first.kid])
    assert found.begins == int((NOW + HOUR).timestamp())
    stranger = PrivateKey.generate().public
    assert succeeded(stranger, keys.successions()) == stranger
    (word,) = keys.successions()
    with pytest.raises(UnverifiedResponse):
        succeeded(as_pinned(first.jwk), [word[:-6] + ("A" if word[-6] != "A" else "B") + word[-5:]])


def test_of_two_announced_keys_one_is_refused(own: Settings) -> None:
    keys = ServiceKeys(own)
    follow(keys)
    with pytest.raises(ValueError, match="does not sign yet"):
        follow(keys, "third.pem")


def test_a_host_that_has_not_the_new_key_goes_on_with_the_old(own: Settings) -> None:
    keys = ServiceKeys(own)
    first = keys.current()
    follow(keys)
    (own.state_dir / "next.pem").unlink()
    assert ServiceKeys(own).current(NOW + HOUR).kid == first.kid
    assert [ServiceKeys(own).in_turn(moment) for moment in (NOW, NOW + HOUR)] == [True, False]


def test_in_the_overlap_a_checkpoint_is_opened_with_either_key(own: Settings) -> None:
    keys = ServiceKeys(own)
    first = keys.current()
    second = follow(keys)
    beside = [key.private_key for key in keys.beside(NOW + HOUR)]
    note = CheckpointSigner("s/v1/log/records", second.private_key, beside).sign(7, b"\1" * 32)
    for key in (first, second):
        assert open_checkpoint(note, LogKey("s/v1/log/records", key.public_key)).size == 7
    assert verify(note, "s/v1/log/records", [first.public_key, second.public_key]).size == 7
    old = CheckpointSigner("s/v1/log/records", first.private_key).sign(7, b"\1" * 32)
    assert open_checkpoint(old, LogKey("s/v1/log/records", second.public_key, (first.public_key,))).size == 7


def test_a_key_in_a_token_is_the_first_and_never_takes_the_place_of_a_file(own: Settings, token: SoftToken) -> None:
    uri = token.uri("first")
    tokens.generate(uri)
    keys = ServiceKeys(own.model_copy(update={"service_key": uri}))
    first = keys.current()
    assert first.sign(b"twice") == first.sign(b"twice")
    first.public_key.verify(first.sign(b"receipt"), b"receipt")
    assert len(keys.secret) == 32
    assert not (own.state_dir / "service-key.pem").exists()
    assert follow(keys).kid == ServiceKeys(own).current(NOW + HOUR).kid
    filed = own.model_copy(update={"state_dir": own.state_dir / "filed"})
    ServiceKeys(filed).current()
    with pytest.raises(ValueError, match="let another follow it"):
        ServiceKeys(filed.model_copy(update={"service_key": uri})).current()
