"""An agency with fresh keys, and a place for its profile."""

import socket
from pathlib import Path

import pytest
from sarhad import PrivateKey, Profile


@pytest.fixture
def agency(tmp_path: Path) -> Profile:
    """A profile with two Ed25519 keys; its service address is set by the test."""
    profile = Profile(directory=tmp_path / "agency", agency="KZ-CUS")
    profile.save()
    PrivateKey.generate().save(profile.directory / profile.request_key)
    PrivateKey.generate().save(profile.directory / profile.record_key)
    return profile


@pytest.fixture
def unused_address() -> str:
    """The address of a loopback port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"
