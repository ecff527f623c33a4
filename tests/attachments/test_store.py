"""The same store, in a folder or in an S3-compatible bucket: written whole, read back, listed, removed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from service.attachments.store import Files, FilesUnavailable
from service.settings import Settings
from tests.attachments.bucket import bucket


@pytest.fixture(params=["folder", "bucket"])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    if request.param == "folder":
        yield Files(Settings(state_dir=tmp_path))
        return
    with bucket() as (endpoint, _):
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "local",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield Files(Settings(state_dir=tmp_path, attachment_store="s3://bucket/evidence"))


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
