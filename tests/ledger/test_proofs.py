"""The logs over HTTP, verified by the client's own code."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sarhad import transparency
from sarhad.keys import PublicKey, b64url, b64url_decode

from service import web
from service.database import Database
from service.ledger import routes, sequence
from service.ledger.append import PendingLeaf, append, append_many
from service.ledger.checkpoints import origin_of, verifier_key
from service.ledger.models import Log
from service.ledger.receipts import issue
from service.settings import Settings
from service.signing import ServiceKey

Grow = Callable[[int], Awaitable[list[PendingLeaf]]]


@pytest.fixture
async def http(log_settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.settings, app.state.database = log_settings, database

    async def settle(scope: Mapping[str, Any], status: int, answer: bytes) -> None:
        assert "account" not in scope["state"], "the log's hashes are nobody's records"

    web.install(app, settle)
    app.include_router(routes.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=log_settings.origin) as client:
        yield client


@pytest.fixture
def grow(database: Database, log_settings: Settings, key: Ed25519PrivateKey) -> Grow:
    async def grow(count: int) -> list[PendingLeaf]:
        async with database.writing() as session:
            leaves = await append_many(session, Log.RECORDS, [os.urandom(32) for _ in range(count)])
        await sequence.drain(database, log_settings, key, Log.RECORDS)
        return leaves

    return grow


@pytest.fixture
def log_key(log_settings: Settings, key: Ed25519PrivateKey) -> transparency.LogKey:
    return transparency.LogKey.parse(verifier_key(origin_of(log_settings.origin, Log.RECORDS), key.public_key()))


async def checkpoint(http: httpx.AsyncClient, log_key: transparency.LogKey) -> transparency.Checkpoint:
    answer = await http.get("/v1/log/records/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return transparency.open_checkpoint(answer.text, log_key)


async def test_a_record_its_receipt_and_its_place_in_the_log(
    http: httpx.AsyncClient,
    grow: Grow,
    database: Database,
    log_settings: Settings,
    key: Ed25519PrivateKey,
    log_key: transparency.LogKey,
) -> None:
    digest, service_key = sha256(b"signed bytes").digest(), ServiceKey(key)
    await grow(270)
    async with database.writing() as session:
        leaf = await append(session, Log.RECORDS, digest, subject="record")
    receipt = issue(
        service_key,
        leaf,
        origin=log_key.name,
        record_id="r",
        version=1,
        merge_delay=60,
        now=datetime.now(UTC),
    )
    await grow(50)
    document = (await http.get("/v1/log/records/proof", params={"leaf": b64url(leaf.leaf_hash)})).json()
    promised, seen = transparency.verify_receipt_bundle(
        digest,
        receipt,
        transparency.parse_inclusion(document),
        document["checkpoint"],
        service_key=PublicKey.from_jwk({name: service_key.jwk[name] for name in ("kty", "crv", "x")}),
        log_key=log_key,
    )
    assert (promised.sub, promised.ver, promised.mmd, seen.size) == ("r", 1, 60, 321)


async def test_every_leaf_is_proven_at_every_growth(
    http: httpx.AsyncClient, grow: Grow, log_key: transparency.LogKey
) -> None:
    seen: list[transparency.Checkpoint] = []
    leaves: list[PendingLeaf] = []
    for count in (1, 1, 5, 249, 1, 43):
        leaves += await grow(count)
        seen.append(await checkpoint(http, log_key))
        assert seen[-1].size == len(leaves)
    for index in (0, 1, 6, 7, 255, 256, 299):
        wanted = b64url(leaves[index].leaf_hash)
        document = (await http.get("/v1/log/records/proof", params={"leaf": wanted})).json()
        found = transparency.parse_inclusion(document)
        assert found.index == index
        transparency.verify_inclusion(leaves[index].leaf_hash, found, seen[-1].root)
    for old in seen:
        for new in seen:
            if old.size <= new.size:
                sizes = {"from": old.size, "to": new.size}
                document = (await http.get("/v1/log/records/consistency", params=sizes)).json()
                assert (document["from"], document["to"]) == (old.size, new.size)
                path = [b64url_decode(value) for value in document["path"]]
                transparency.verify_consistency(old, new, path)


async def test_tiles_hold_the_leaf_hashes(http: httpx.AsyncClient, grow: Grow) -> None:
    leaves = b"".join(leaf.leaf_hash for leaf in await grow(300))
    full = await http.get("/v1/log/records/tile/0/000")
    assert full.headers["content-type"] == "application/octet-stream"
    assert full.content == leaves[: 256 * 32]
    assert (await http.get("/v1/log/records/tile/0/001.p/44")).content == leaves[256 * 32 :]
    assert (await http.get("/v1/log/records/tile/0/001.p/7")).content == leaves[256 * 32 : 263 * 32]
    assert len((await http.get("/v1/log/records/tile/1/000.p/1")).content) == 32


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("records/tile/0/001", 404, "/problems/not-found"),
        ("records/tile/0/000.p/4", 404, "/problems/not-found"),
        ("records/tile/0/0", 404, "/problems/invalid-tile-name"),
        ("records/tile/0/x000/000", 404, "/problems/invalid-tile-name"),
        ("records/proof?leaf=" + "A" * 43, 404, "/problems/leaf-not-yet-merged"),
        ("records/proof?leaf=" + "A" * 42 + "B", 422, "/problems/invalid-leaf"),
        ("records/proof?leaf=%2B%2F", 422, "/problems/invalid-leaf"),
        ("records/consistency?from=2&to=1", 422, "/problems/no-such-tree-size"),
        ("records/consistency?from=0&to=4", 422, "/problems/no-such-tree-size"),
        ("access/checkpoint", 404, "/problems/log-not-started"),
        ("access/proof?leaf=" + "A" * 43, 404, "/problems/log-not-started"),
    ],
)
async def test_what_is_not_there_is_refused_precisely(
    path: str, status: int, kind: str, http: httpx.AsyncClient, grow: Grow
) -> None:
    await grow(3)
    answer = await http.get(f"/v1/log/{path}")
    assert (answer.status_code, answer.json()["type"]) == (status, kind)


async def test_a_leaf_that_waits_is_not_yet_merged(http: httpx.AsyncClient, grow: Grow, database: Database) -> None:
    await grow(1)
    async with database.writing() as session:
        leaf = await append(session, Log.RECORDS, os.urandom(32), subject="waits")
    wanted = {"leaf": b64url(leaf.leaf_hash)}
    assert (await http.get("/v1/log/records/proof", params=wanted)).status_code == 404
    await grow(0)
    assert (await http.get("/v1/log/records/proof", params=wanted)).status_code == 200
    assert (await http.get("/v1/log/governance/proof", params=wanted)).status_code == 404
