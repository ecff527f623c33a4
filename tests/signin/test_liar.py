"""A provider may say what it likes: it leads the service to no address, unpacks nothing there and names nobody else."""

import gzip
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.base64url import encode
from service.settings import Provider
from service.signin.hearing import LARGEST
from service.signin.providers import IdentityRefused, Providers, ProviderUnavailable
from tests.signin.liar import Liar, liar

NONCE = b"n" * 32
CONSOLE = "https://exchange.example"


@pytest.fixture
def lying() -> Iterator[Liar]:
    with liar() as running:
        running.claims["nonce"] = encode(NONCE)
        yield running


async def identified(lying: Liar, **settings: Any) -> str:
    """Whom the service takes it to have identified."""
    known = Providers([lying.configured.model_copy(update=settings)], CONSOLE)
    return (await known.identify("KZ", "x", None, NONCE, b"v")).subject


async def unheard(lying: Liar, **settings: Any) -> str:
    """What somebody who asks from outside is told where nothing is heard of it."""
    with pytest.raises(ProviderUnavailable) as told:
        await identified(lying, **settings)
    return str(told.value.as_document())


async def test_what_a_provider_says_of_itself_leads_to_no_address_that_is_not_its_own_or_public(lying: Liar) -> None:
    right = lying.metadata
    port = urlsplit(lying.issuer).port
    with liar() as inside:
        private = (inside.issuer, f"http://localhost:{port}", f"https://127.0.0.1:{port}", "https://10.1.2.3",
                   "https://169.254.169.254")  # fmt: skip
        false = ("http://id.example", "https://id.example:22", "ftp://id.example", "https://user@id.example",
                 "javascript:alert(1)", "https://[", "https://", "")  # fmt: skip
        tried = [("authorization_endpoint", at) for at in false]
        tried += [(name, at) for name in ("jwks_uri", "token_endpoint") for at in private + false]
        told = set()
        for name, at in tried:
            lying.metadata = right | {name: at}
            told.add(await unheard(lying))
        assert inside.asked == []
    assert len(told) == 1, "nobody learns from the answer what is where"
    lying.metadata = right
    assert await identified(lying) == "s"


async def test_a_private_address_is_reached_by_the_word_of_the_operator_alone(
    lying: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads inside is not followed, unless the settings name the network."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **options: real("127.0.0.1", *more, **options))
    port = urlsplit(lying.issuer).port
    lying.issuer = f"http://id.example:{port}"
    lying.metadata = {name: value.replace("127.0.0.1", "id.example") for name, value in lying.metadata.items()}
    known = Provider.model_construct(**lying.settings, networks=())
    with pytest.raises(ProviderUnavailable):
        await Providers([known], CONSOLE).address("KZ", b"t", NONCE, b"v")
    assert lying.asked == []
    told = known.model_copy(update={"networks": ("127.0.0.0/8",)})
    assert "id.example" in await Providers([told], CONSOLE).address("KZ", b"t", NONCE, b"v")


async def test_what_is_packed_is_not_unpacked(lying: Liar) -> None:
    """A few bytes may be many, and packed twice a great many."""
    lying.headers, lying.packed = {"content-encoding": "gzip"}, gzip.compress
    await unheard(lying)


async def test_no_more_is_read_than_a_provider_has_to_say(lying: Liar) -> None:
    lying.metadata["more"] = "x" * LARGEST
    await unheard(lying)


async def test_keys_that_nobody_understands_hinder_none_that_are(lying: Liar) -> None:
    """A provider publishes beside its keys one of an algorithm of tomorrow (RFC 7517 §5)."""
    right = lying.keys["keys"]
    strange = [
        right[0] | {"crv": "P-1024", "kid": "two"}, {"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}, {"kty": "EC"}, {},
        {"kty": "RSA", "n": 1, "e": []}, {"kty": "OKP", "crv": "Ed25519", "x": "!"}, {"kty": ["EC"]}, None, "x", 7,
    ]  # fmt: skip
    lying.keys = {"keys": [*strange, *right]}
    assert await identified(lying) == "s"
    for nothing in ({"keys": strange}, {"keys": "x"}, {}):
        lying.keys = nothing
        await unheard(lying)


@pytest.mark.parametrize("sub", ["", "x" * 256, "a\x00", "\ud800", "Р", "a\n", 7, None, ["s"]], ids=ascii)
async def test_a_name_that_is_none_identifies_nobody(lying: Liar, sub: Any) -> None:
    lying.claims["sub"] = sub
    with pytest.raises(IdentityRefused):
        await identified(lying)


async def test_the_longest_name_is_one(lying: Liar) -> None:
    lying.claims["sub"] = "~ " + "x" * 253
    assert await identified(lying) == lying.claims["sub"]
