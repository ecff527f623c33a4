"""Every way to bend a signed request is refused precisely, and changes nothing (attacks S1–S17)."""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sarhad import PrivateKey
from sarhad.enrolment import enrolment
from sqlalchemy import create_engine, text

from service.signing import public_key
from service.signing.keys import BadKey
from tests.exchange import Exchange
from tests.identity.enrolment import enrol_now
from tests.signing.wire import BODILESS, WITH_BODY, Reply, Wire, received_for, send, send_bytes, sign, sign_again

Signs = Callable[..., Wire]
Sends = Callable[[Wire], Reply]
BODY = json.dumps({"change": {"kind": "add-agency", "code": "KZ-NEW", "type": "BG", "name": "A new post"}}).encode()


@pytest.fixture
def officer(exchange: Exchange) -> PrivateKey:
    return exchange.region.profiles["KZ-DCA/admin1"].load_request_key()


@pytest.fixture
def reporter(exchange: Exchange) -> PrivateKey:
    return exchange.region.profiles["KZ-CUS"].load_request_key()


@pytest.fixture
def post(exchange: Exchange, officer: PrivateKey) -> Signs:
    """A signed proposal, as it should be or with parts of the signature chosen."""

    def signed(body: bytes = BODY, key: PrivateKey = officer, **parts: object) -> Wire:
        target = str(parts.pop("target", "/v1/changes"))
        return sign(key, exchange.settings.origin, "POST", target, body, **parts)  # type: ignore[arg-type]

    return signed


@pytest.fixture
def get(exchange: Exchange, officer: PrivateKey) -> Signs:
    def signed(target: str = "/v1/keys", **parts: object) -> Wire:
        return sign(officer, exchange.settings.origin, "GET", target, **parts)  # type: ignore[arg-type]

    return signed


@pytest.fixture
def sent(exchange: Exchange) -> Sends:
    return lambda wire: send(exchange.settings.origin, wire)


@pytest.fixture
def stored(exchange: Exchange) -> Callable[[], int]:
    """How many changes are kept: refusals must not add any."""
    engine = create_engine(exchange.settings.database_as())

    def count() -> int:
        with engine.connect() as connection:
            return int(connection.scalar(text("SELECT count(*) FROM core.change")) or 0)

    return count


@pytest.fixture
def bent(post: Signs, officer: PrivateKey) -> Callable[..., Wire]:
    """A proposal whose header was changed and which was then signed as it stands: nothing is wrong with the signature,
    so that whoever refuses it has read what it says.
    """

    def changed(header: str = "signature-input", change: Callable[[str], str] = str) -> Wire:
        return sign_again(post().with_header(header, change), officer.sign)

    return changed


def test_a_request_as_it_should_be_is_accepted(post: Signs, get: Signs, sent: Sends) -> None:
    assert sent(post()).status == 201
    assert sent(get()).status == 200


def test_a_request_signed_by_hand_as_it_stands_is_accepted(bent: Callable[..., Wire], sent: Sends) -> None:
    assert sent(bent()).status == 201


def test_s1_without_a_signature(exchange: Exchange, sent: Sends) -> None:
    host = exchange.settings.origin.split("//")[1]
    reply = sent(Wire("GET", "/v1/keys", (("Host", host),)))
    assert (reply.status, reply.problem) == (401, "signature-refused")
    assert "sarhad-1" in reply.headers["accept-signature"]
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["signature", "signature-input"])
def test_s2_half_a_signature(post: Signs, sent: Sends, name: str) -> None:
    assert sent(post().without(name)).problem == "signature-refused"


def test_s3_another_body(post: Signs, sent: Sends, stored: Callable[[], int]) -> None:
    before = stored()
    wire = post()
    reply = sent(Wire(wire.method, wire.target, wire.headers, BODY.replace(b"NEW", b"OLD")))
    assert (reply.status, reply.problem) == (400, "digest-mismatch")
    assert stored() == before


def test_s3_a_body_on_a_request_signed_without_one(get: Signs, post: Signs, sent: Sends) -> None:
    wire = get()
    assert sent(Wire("GET", wire.target, wire.headers, b"{}")).status in {400, 401}
    assert sent(post(components=BODILESS)).problem == "signature-refused"


def test_s3_a_chunked_body_hidden_from_the_signature(exchange: Exchange, officer: PrivateKey) -> None:
    wire = sign(officer, exchange.settings.origin, "GET", "/v1/keys").with_header("transfer-encoding", "chunked")
    reply = send(exchange.settings.origin, Wire("GET", wire.target, wire.headers, b"2\r\n{}\r\n0\r\n\r\n"))
    assert reply.status in {400, 401}


NOT_OF_THE_BODY = {
    "sha-256=:AAAA:": "full length",
    "sha-256=:" + base64.b64encode(bytes(32)).decode() + ":": "differs",
    "sha-512=:" + base64.b64encode(bytes(64)).decode() + ":": "differs",
    "md5=:" + base64.b64encode(hashlib.md5(BODY).digest()).decode() + ":": "expected sha-256",
    "sha-256": "expected sha-256",
    "nonsense=": "must be a dictionary",
    "": "must name sha-256",
}


@pytest.mark.parametrize("field", NOT_OF_THE_BODY)
def test_s4_a_digest_that_is_not_of_the_body(
    bent: Callable[..., Wire], post: Signs, sent: Sends, stored: Callable[[], int], field: str
) -> None:
    """Signed like this the digest fails; changed in transit the signature does."""
    before = stored()
    refused = sent(bent("content-digest", lambda _: field))
    assert (refused.status, refused.problem) == (400, "digest-mismatch")
    assert NOT_OF_THE_BODY[field] in refused.json()["detail"]
    assert sent(post().with_header("content-digest", field)).problem == "signature-refused"
    assert stored() == before


def test_s4_two_digests_must_both_hold(exchange: Exchange, officer: PrivateKey, sent: Sends) -> None:
    wrong = "sha-512=:" + base64.b64encode(bytes(64)).decode() + ":"
    right = sign(officer, exchange.settings.origin, "POST", "/v1/changes", BODY).header("content-digest")
    wire = sign(
        officer,
        exchange.settings.origin,
        "POST",
        "/v1/changes",
        extra={"Content-Digest": f"{right}, {wrong}", "Content-Type": "application/json"},
        components=WITH_BODY,
    )
    assert sent(Wire(wire.method, wire.target, wire.headers, BODY)).problem == "digest-mismatch"


def test_s4_a_second_digest_line(post: Signs, sent: Sends) -> None:
    wire = post()
    assert sent(wire.and_header("Content-Digest", wire.header("content-digest"))).problem == "ambiguous-request"


@pytest.mark.parametrize("missing", WITH_BODY)
def test_s5_an_uncovered_component(post: Signs, sent: Sends, missing: str) -> None:
    reply = sent(post(components=[name for name in WITH_BODY if name != missing]))
    assert (reply.status, reply.problem) == (401, "signature-refused")
    assert missing in reply.json()["detail"]


def test_s5_an_uncovered_purpose(get: Signs, sent: Sends) -> None:
    reply = sent(get(purpose="analysis", components=BODILESS))
    assert reply.problem == "signature-refused"
    assert "sarhad-purpose" in reply.json()["detail"]


def test_s6_another_method(get: Signs, sent: Sends) -> None:
    wire = get("/v1/changes")
    assert sent(Wire("POST", wire.target, wire.headers)).problem == "signature-refused"
    assert sent(wire.and_header("X-HTTP-Method-Override", "POST")).status == 200  # unsigned headers never matter


@pytest.mark.parametrize(
    "target",
    [
        "/v1/agencies",
        "/v1/%6beys",
        "//v1/keys",
        "/v1/keys/",
        "/v1/./keys",
        "/v1/keys;v=1",
        "/v1/keys?use=witness",
    ],
)
def test_s6_another_target(get: Signs, sent: Sends, target: str) -> None:
    wire = get()
    reply = sent(Wire(wire.method, target, wire.headers))
    assert reply.status in {400, 401, 404}
    assert b'"items"' not in reply.body


def test_s6_an_alias_signed_as_such_is_its_own_request(get: Signs, sent: Sends) -> None:
    """Raw path bytes are what is signed: the alias verifies as the alias, and as nothing else."""
    assert sent(get("/v1/%6beys")).status == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1.:{port}", "localhost", "127.0.0.1:80"])
def test_s6_another_host(exchange: Exchange, get: Signs, sent: Sends, host: str) -> None:
    named = host.format(port=exchange.settings.port)
    reply = sent(get().with_header("host", named))
    assert (reply.status, reply.problem) == (421, "misdirected-request")


def test_s6_what_is_signed_for_one_origin_of_the_service_is_not_signed_for_its_other(
    exchange: Exchange, get: Signs, sent: Sends
) -> None:
    reply = sent(get().with_header("host", exchange.settings.console.partition("//")[2]))
    assert (reply.status, reply.problem) == (401, "signature-refused")


def test_s6_signed_for_another_authority(exchange: Exchange, officer: PrivateKey, sent: Sends) -> None:
    wire = sign(officer, "https://other.example", "GET", "/v1/keys")
    own = exchange.settings.origin.split("//")[1]
    assert sent(wire.with_header("host", own)).problem == "signature-refused"


def _named(algorithm: str) -> Callable[[str], str]:
    return lambda field: field.replace('alg="ed25519"', f'alg="{algorithm}"')


@pytest.mark.parametrize("name", ["hmac-sha256", "ecdsa-p256-sha256", "rsa-pss-sha512", "none", "EdDSA", ""])
def test_s7_another_algorithm_name(bent: Callable[..., Wire], sent: Sends, name: str) -> None:
    assert sent(bent(change=_named(name))).problem == "signature-refused"


@pytest.mark.parametrize("form", ["raw", "der", "pem", "jwk"])
def test_s7_the_public_key_as_the_secret_of_an_hmac(post: Signs, officer: PrivateKey, sent: Sends, form: str) -> None:
    """Whoever knows the public key could sign, if the header said how a signature is to be verified."""
    public = officer.public.key
    secret = {
        "raw": public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(officer.public.jwk, separators=(",", ":"), sort_keys=True).encode(),
    }[form]
    wire = post().with_header("signature-input", _named("hmac-sha256"))
    forged = sign_again(wire, lambda base: hmac.digest(secret, base, "sha256"))
    assert sent(forged).problem == "signature-refused"


def _curves() -> dict[str, dict[str, str]]:
    """Keys of other curves, and keys that claim one while they are of another."""
    point = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    p384 = {
        name: base64.urlsafe_b64encode(n.to_bytes(48, "big")).decode() for name, n in (("x", point.x), ("y", point.y))
    }
    p256, ed25519 = PrivateKey.generate("p256").public.jwk, PrivateKey.generate().public.jwk
    return {
        "P-384": {"kty": "EC", "crv": "P-384", **p384},
        "P-384 that claims P-256": {"kty": "EC", "crv": "P-256", **p384},
        "P-256 that claims P-384": {**p256, "crv": "P-384"},
        "P-256 that claims secp256k1": {**p256, "crv": "secp256k1"},
        "Ed25519 that claims X25519": {**ed25519, "crv": "X25519"},
        "no curve": {name: value for name, value in p256.items() if name != "crv"},
    }


@pytest.mark.parametrize("curve", _curves())
def test_s7_a_key_of_another_curve_is_not_enrolled(
    post: Signs, sent: Sends, stored: Callable[[], int], curve: str
) -> None:
    before = stored()
    change = enrolment("KZ-CUS", "request-signing", PrivateKey.generate()) | {"jwk": _curves()[curve]}
    refused = sent(post(json.dumps({"change": change}).encode()))
    assert (refused.status, refused.problem) == (422, "bad-key")
    assert refused.json()["pointer"] == ("/jwk/x" if curve.endswith("claims P-256") else "/jwk/crv")
    assert stored() == before


def test_s7_another_agencys_keyid(exchange: Exchange, post: Signs, sent: Sends) -> None:
    other = exchange.region.profiles["UZ-DCA/admin1"].load_request_key()
    assert sent(post(keyid=other.public.kid)).problem == "signature-refused"


def test_s7_a_key_of_another_use(exchange: Exchange, post: Signs, sent: Sends) -> None:
    record_key = exchange.region.profiles["KZ-DCA/admin1"].load_record_key()
    reply = sent(post(key=record_key))
    assert (reply.status, reply.problem) == (401, "key-not-usable")
    assert "record-signing" in reply.json()["detail"]


def test_s7_an_unknown_key_and_a_wrong_signature_read_the_same(post: Signs, sent: Sends, officer: PrivateKey) -> None:
    unknown = sent(post(key=PrivateKey.generate()))
    wrong = sent(post(key=PrivateKey.generate(), keyid=officer.public.kid))
    assert (unknown.status, unknown.body) == (wrong.status, wrong.body)


@pytest.mark.parametrize(
    "parts",
    [
        {"age": 400, "lifetime": 300},
        {"age": 200, "lifetime": 100},
        {"age": -120},
        {"lifetime": 301},
        {"lifetime": 0},
        {"lifetime": -5},
        {"age": 10**8, "lifetime": 10**8 + 100},
    ],
)
def test_s8_outside_the_window(post: Signs, sent: Sends, parts: dict[str, float]) -> None:
    assert sent(post(**parts)).problem == "signature-refused"


def test_s8_within_the_skew(post: Signs, sent: Sends) -> None:
    assert sent(post(age=-20)).status == 201


NOT_TIMES = {
    "of the far future": ("999999999999000", "999999999999100", "in the future"),
    "of 17 digits": ("99999999999999000", "99999999999999100", "must be dictionaries"),
    "before 1970": ("-100", "-1", "has expired"),
    "fractions": ("{now}.5", "{then}.5", "must be integers"),
    "texts": ('"{now}"', '"{then}"', "must be integers"),
    "truths": ("?1", "?1", "must be integers"),
    "tokens": ("now", "later", "must be integers"),
}


@pytest.mark.parametrize("kind", NOT_TIMES)
def test_s8_times_that_are_not_times(bent: Callable[..., Wire], sent: Sends, kind: str) -> None:
    created, expires, expected = NOT_TIMES[kind]
    now = int(time.time())

    def change(field: str) -> str:
        for name, value in (("created", created), ("expires", expires)):
            field = re.sub(f"{name}=[^;]+", f"{name}={value.format(now=now, then=now + 60)}", field)
        return field

    refused = sent(bent(change=change))
    assert refused.problem == "signature-refused"
    assert expected in refused.json()["detail"]


@pytest.mark.parametrize("parameter", ["created", "expires", "nonce", "keyid", "alg", "tag"])
def test_s8_a_missing_parameter(bent: Callable[..., Wire], sent: Sends, parameter: str) -> None:
    def drop(field: str) -> str:
        return ";".join(part for part in field.split(";") if not part.startswith(f"{parameter}="))

    refused = sent(bent(change=drop))
    assert refused.problem == "signature-refused"
    assert refused.json()["detail"].startswith(
        "expected one signature with tag" if parameter == "tag" else f"missing signature parameters: {parameter}"
    )


WEAK = {
    "short": "must be base64url",
    "a" * 21: "must be base64url",
    "a" * 129: "must be base64url",
    "with space and more text": "must be base64url",
    ("ключ" * 6).encode().decode("latin-1"): "must be dictionaries",
}


@pytest.mark.parametrize("nonce", WEAK)
def test_s9_a_weak_nonce(bent: Callable[..., Wire], sent: Sends, nonce: str) -> None:
    refused = sent(bent(change=lambda field: re.sub('nonce="[^"]*"', f'nonce="{nonce}"', field)))
    assert (refused.status, refused.problem) == (401, "signature-refused")
    assert WEAK[nonce] in refused.json()["detail"]


def test_s9_the_same_request_twice(post: Signs, get: Signs, sent: Sends, stored: Callable[[], int]) -> None:
    for wire in (post(), get()):
        assert sent(wire).status in {200, 201}
        kept = stored()
        again = sent(wire)
        assert (again.status, again.problem) == (409, "replayed-request")
        assert stored() == kept


def test_s9_another_keys_nonce_is_free(exchange: Exchange, get: Signs, sent: Sends, reporter: PrivateKey) -> None:
    nonce = secrets.token_urlsafe(24)
    assert sent(get(nonce=nonce)).status == 200
    assert sent(sign(reporter, exchange.settings.origin, "GET", "/v1/keys", nonce=nonce)).status == 200


def test_s9_a_refused_write_may_be_sent_again(exchange: Exchange, reporter: PrivateKey, sent: Sends) -> None:
    """The nonce of a write is spent with the write: what was rolled back was never received."""
    wire = sign(reporter, exchange.settings.origin, "POST", "/v1/changes", BODY)
    assert [sent(wire).problem for _ in range(2)] == ["role-required", "role-required"]


def test_s10_too_many_or_doubled_labels(post: Signs, sent: Sends) -> None:
    wire = post()
    signature, given = wire.header("signature"), wire.header("signature-input")
    value = given.removeprefix("sig=")
    twice = wire.with_header("signature-input", f"{given}, sig2={value}").with_header(
        "signature", f"{signature}, {signature.replace('sig=', 'sig2=')}"
    )
    doubled = wire.with_header("signature-input", f"{given}, {given}")
    other = 'x{}=("@method");created=1;keyid="k";tag="other"'
    crowd = wire.with_header("signature-input", ", ".join([given, *(other.format(n) for n in range(4))])).with_header(
        "signature", ", ".join([signature, *(f"x{n}=:AA==:" for n in range(4))])
    )
    for bent in (twice, doubled, crowd):
        assert sent(bent).problem == "signature-refused"


def test_s10_a_signature_of_an_intermediary_beside_ours(post: Signs, sent: Sends) -> None:
    wire = post()
    beside = wire.and_header("Signature-Input", 'proxy=("@method");created=1;keyid="k";tag="proxy"').and_header(
        "Signature", "proxy=:AA==:"
    )
    assert sent(beside).status == 201


def test_s10_a_giant_header_costs_little(post: Signs, sent: Sends) -> None:
    labels = ", ".join(f's{n}=("@method");created=1;keyid="k";tag="t"' for n in range(700))
    started = time.monotonic()
    reply = sent(post().with_header("signature-input", labels))
    assert reply.status in {401, 431}
    assert time.monotonic() - started < 2


def test_s10_too_many_components(post: Signs, sent: Sends) -> None:
    extra = {f"x-{n}": "1" for n in range(12)}
    assert sent(post(components=[*WITH_BODY, *extra], extra=extra)).problem == "signature-refused"


def test_s11_another_tag_or_label(post: Signs, sent: Sends) -> None:
    for parts in ({"tag": "other-1"}, {"tag": None}, {"label": "sig1"}):
        assert sent(post(**parts)).problem == "signature-refused"


def test_s13_injection_into_covered_fields(exchange: Exchange, post: Signs) -> None:
    wire = post()
    for value in (
        "application/json\r\n folded",
        "application/json\x00",
        "application/jsön",
        "application/json\rX: 1",
    ):
        assert send(exchange.settings.origin, wire.with_header("content-type", value)).status in {400, 401}


def test_s13_two_lines_of_a_field_that_means_something(post: Signs, sent: Sends, get: Signs) -> None:
    assert sent(post().and_header("Content-Type", "text/csv")).problem == "ambiguous-request"
    doubled = get(purpose="analysis").and_header("sarhad-purpose", "health")
    assert sent(doubled).problem == "ambiguous-request"


def test_s14_two_lengths(exchange: Exchange, post: Signs, stored: Callable[[], int]) -> None:
    before, wire = stored(), post()
    smuggled = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    bent = Wire(wire.method, wire.target, wire.headers, smuggled)
    bent = bent.and_header("Content-Length", str(len(smuggled))).and_header("Transfer-Encoding", "chunked")
    assert send(exchange.settings.origin, bent).status == 400
    assert stored() == before


def test_s14_an_old_protocol_or_an_absolute_target(exchange: Exchange, get: Signs) -> None:
    wire = get()
    head = "".join(f"{name}: {value}\r\n" for name, value in wire.headers)
    absolute = send_bytes(
        exchange.settings.origin, f"GET http://evil.example/v1/agencies HTTP/1.1\r\n{head}\r\n".encode()
    )
    assert absolute.status in {400, 401, 421}
    old = send_bytes(exchange.settings.origin, f"GET /v1/agencies HTTP/1.0\r\n{head}\r\n".encode())
    assert old.status in {400, 401}


def test_s14_http_2_in_clear_is_not_spoken(exchange: Exchange, get: Signs) -> None:
    """Neither to who begins with its preface (RFC 9113 §3.3) nor to who asks to change to it (RFC 7540 §3.2)."""
    settings_frame = b"\0\0\0\4\0\0\0\0\0"
    received = received_for(exchange.settings.origin, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings_frame)
    assert received == b"" or received.startswith(b"HTTP/1.1 400 ")
    head = "".join(f"{name}: {value}\r\n" for name, value in get().headers)
    change = (
        "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
    )
    asked = received_for(exchange.settings.origin, f"GET /v1/keys HTTP/1.1\r\n{head}{change}\r\n".encode())
    assert asked.startswith(b"HTTP/1.1 200 "), "as if nothing had been asked"
    assert b"upgrade" not in asked.partition(b"\r\n\r\n")[0].lower()


def test_s14_a_compressed_body(post: Signs, sent: Sends) -> None:
    reply = sent(post().with_header("content-encoding", "gzip"))
    assert (reply.status, reply.problem) == (415, "content-encoding-refused")


def test_s16_points_of_small_order_are_no_keys() -> None:
    small = ["00" * 32, "01" + "00" * 31, "01" + "00" * 30 + "80", "ec" + "ff" * 30 + "7f", "ed" + "ff" * 31]
    for point in (bytes.fromhex(value) for value in small):
        x = base64.urlsafe_b64encode(point).rstrip(b"=").decode()
        with pytest.raises(BadKey):
            public_key({"kty": "OKP", "crv": "Ed25519", "x": x})


def test_s16_signatures_that_are_no_signatures(exchange: Exchange, post: Signs, sent: Sends) -> None:
    def replaced(raw: bytes) -> Wire:
        return post().with_header("signature", f"sig=:{base64.b64encode(raw).decode()}:")

    order = (2**252 + 27742317777372353535851937790883648493).to_bytes(32, "little")
    for raw in (bytes(64), bytes(32) + order, b"", bytes(63), bytes(65)):
        assert sent(replaced(raw)).problem == "signature-refused"


def test_s16_p256_takes_raw_signatures_only(exchange: Exchange, sent: Sends) -> None:
    """A P-256 key verifies as r ‖ s; DER, zeros and the group order are refused."""
    key = PrivateKey.generate("p256")
    enrol_now(exchange.settings, key, "KZ-DCA")
    origin = exchange.settings.origin
    assert sent(sign(key, origin, "GET", "/v1/keys")).status == 200
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    assert isinstance(key.key, ec.EllipticCurvePrivateKey)
    der = key.key.sign(b"x", ec.ECDSA(hashes.SHA256()))
    for raw in (der, bytes(64), order.to_bytes(32, "big") + bytes(31) + b"\x01"):
        wire = sign(key, origin, "GET", "/v1/keys")
        bent = wire.with_header("signature", f"sig=:{base64.b64encode(raw).decode()}:")
        assert sent(bent).problem == "signature-refused"


def test_s17_forwarded_headers_change_nothing(get: Signs, sent: Sends) -> None:
    spoofed = get()
    for name in ("X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL", "X-Rewrite-URL"):
        spoofed = spoofed.and_header(name, "https://evil.example/v1/agencies")
    reply = sent(spoofed)
    assert reply.status == 200
    assert "kid" in reply.json()["items"][0]
