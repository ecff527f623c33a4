"""The same store, in a folder or in an S3-compatible bucket: written whole, read back, listed, removed."""

import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from service.attachments.store import Files, FilesUnavailable
from service.settings import Settings
from tests.attachments.bucket import bucket, unused_port
from tests.attachments.files import pdf
from tests.attachments.sender import Sender
from tests.exchange import Exchange, Region
from tests.seizures.wiring import refusal


@pytest.fixture(params=["folder", "bucket"])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    if request.param == "folder":
        yield Files(Settings(state_dir=tmp_path))
        return
    with bucket() as kept:
        for name, value in kept.variables.items():
            monkeypatch.setenv(name, value)
        yield Files(Settings(state_dir=tmp_path, attachment_store=kept.url))


async def test_an_object_is_written_read_and_removed(files: Files) -> None:
    name, data = "files/KZ/ab/abcd.0123", bytes(range(256)) * 1_000
    await files.put(name, data)
    assert await files.get(name) == data
    assert [found async for page in files.older_than(timedelta(0)) for found in page] == [name]
    await files.remove([name, "files/never/there"])
    with pytest.raises(FilesUnavailable):
        await files.get(name)
    assert [found async for page in files.older_than(timedelta(0)) for found in page] == []


async def test_a_folder_is_for_the_service_alone(tmp_path: Path) -> None:
    Files(Settings(state_dir=tmp_path))
    assert (tmp_path / "attachments").stat().st_mode & 0o777 == 0o700


async def test_names_do_not_leave_the_store(tmp_path: Path) -> None:
    files = Files(Settings(state_dir=tmp_path))
    with pytest.raises((FilesUnavailable, ValueError)):
        await files.put("../outside", b"x")
    assert not (tmp_path / "outside").exists()


def test_an_exchange_keeps_its_files_in_a_bucket(settings: Settings, region: Region) -> None:
    data = pdf(b"/Filler<%s>" % os.urandom(100_000).hex().encode())
    with bucket() as kept:
        exchange = Exchange.start(settings, region, SARHAD_ATTACHMENT_STORE=kept.url, **kept.variables)
        try:
            customs = Sender(exchange, "KZ-CUS")
            upload = customs.begin(data).json()["id"]
            assert customs.piece(upload, 0, data[:70_000]).json()["received"] == 70_000
            assert customs.piece(upload, 70_000, data[70_000:]).json()["state"] == "kept"
            digest = hashlib.sha256(data).hexdigest()
            path = f"/v1/attachments/{digest}"
            assert customs.get(path).body == data
            part = customs.part(path, "bytes=70000-70099")
            assert (part.status, part.body) == (206, data[70_000:70_100])
            assert [name for name in kept.names() if digest in name]
            assert not list((settings.state_dir / "attachments").rglob(f"*{digest}*"))
        finally:
            exchange.stop()


def test_while_the_store_is_down_nothing_is_kept_and_the_same_pieces_are_taken_later(
    settings: Settings, region: Region
) -> None:
    data = pdf(b"/Filler<%s>" % os.urandom(50_000).hex().encode())
    path = f"/v1/attachments/{hashlib.sha256(data).hexdigest()}"
    port = unused_port()
    with bucket(port=port) as kept:
        exchange = Exchange.start(settings, region, SARHAD_ATTACHMENT_STORE=kept.url, **kept.variables)
    try:
        customs = Sender(exchange, "KZ-CUS")
        upload = customs.begin(data).json()["id"]
        refused = customs.piece(upload, 0, data)
        assert refusal(refused)[:2] == (503, "files-unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert customs.get(f"/v1/uploads/{upload}").json()["received"] == 0
        assert customs.get(path).status == 404
        with bucket(port=port):
            assert customs.piece(upload, 0, data).json()["state"] == "kept"
            assert customs.get(path).body == data
        assert refusal(customs.get(path))[:2] == (503, "files-unavailable")
    finally:
        exchange.stop()
