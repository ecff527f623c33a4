"""The committed examples and vectors, and keys of our own for everything that must vary."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sarhad.keys import PrivateKey, PublicKey

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.fixture(scope="session")
def schemas() -> Path:
    return SCHEMAS


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    return json.loads((SCHEMAS / "records" / "vectors.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def published_keys(vectors: dict[str, Any]) -> dict[str, PublicKey]:
    return {jwk["kid"]: PublicKey.from_jwk(jwk) for jwk in vectors["keys"]}


@pytest.fixture(scope="session")
def ed25519(published_keys: dict[str, PublicKey]) -> Any:
    return next(k.key for k in published_keys.values() if isinstance(k.key, Ed25519PublicKey))


@pytest.fixture(scope="session", params=["ed25519", "p256"])
def key(request: pytest.FixtureRequest) -> PrivateKey:
    return PrivateKey.generate(request.param)


@pytest.fixture
def seizure_facets() -> dict[str, Any]:
    return json.loads((SCHEMAS / "records" / "examples" / "seizure.json").read_text(encoding="utf-8"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `forgery` (or `genuine`) runs once for each committed vector."""
    document = json.loads((SCHEMAS / "records" / "vectors.json").read_text(encoding="utf-8"))
    for name, part in (("forgery", "refused"), ("genuine", "valid")):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, document[part], ids=[vector["name"] for vector in document[part]])
