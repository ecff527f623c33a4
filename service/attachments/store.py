"""Where the bytes of attachments lie: a folder under the state directory, or an S3-compatible bucket.

An object is written once under a name that is never used again, and is on the disk when `put` returns.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from service.problems import Problem
from service.settings import Settings


class FilesUnavailable(Problem):
    """The store of attachments does not answer; nothing was changed. Try again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"retry-after": "10"}  # noqa: RUF012 (as Problem declares it)


class Files:
    """Objects by name. Every method raises FilesUnavailable where the store fails."""

    def __init__(self, settings: Settings) -> None:
        self._folder: Path | None = None
        if settings.attachment_store is None:
            self._folder = (settings.state_dir / "attachments").absolute()
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._store = LocalStore(self._folder)
        else:
            self._store = from_url(settings.attachment_store)  # type: ignore[assignment]

    async def put(self, name: str, data: bytes) -> None:
        try:
            await obstore.put_async(self._store, name, data)
            if self._folder is not None:
                await asyncio.to_thread(_settle, self._folder / name)
        except (BaseError, OSError) as fault:
            raise FilesUnavailable("the file could not be written") from fault

    async def get(self, name: str) -> bytes:
        try:
            found = await obstore.get_async(self._store, name)
            return bytes(await found.bytes_async())
        except (BaseError, OSError) as fault:
            raise FilesUnavailable("the file could not be read") from fault

    async def remove(self, names: Iterable[str]) -> None:
        """What is gone already is no fault; what cannot be removed now is removed by a later sweep."""
        for name in names:
            with suppress(BaseError, OSError):
                await obstore.delete_async(self._store, name)

    async def older_than(self, age: timedelta) -> AsyncIterator[list[str]]:
        """The names of objects last written before that, some at a time."""
        before = datetime.now(UTC) - age
        try:
            async for page in obstore.list(self._store):
                if names := [entry["path"] for entry in page if entry["last_modified"] < before]:
                    yield names
        except (BaseError, OSError) as fault:
            raise FilesUnavailable("the files could not be listed") from fault


def _settle(path: Path) -> None:
    """The file and its place in the folder are on the disk."""
    for part in (path, path.parent):
        handle = os.open(part, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
