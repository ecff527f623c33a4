"""Where the files of exports lie, and what is kept beside each: which records it holds, and which facets of them."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self
from uuid import UUID

from service.settings import Settings

_SEEN = struct.Struct("<16sii2s")


class Seen(NamedTuple):
    """What a file holds of one record: `mask` are the facets that were given (`records.registry`)."""

    record: UUID
    version: int
    mask: int
    owner: str


class Place:
    """The files of one export: `file` itself, and `seen`, which never leaves."""

    def __init__(self, settings: Settings, export: UUID) -> None:
        folder = settings.state_dir / "exports"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.file = folder / str(export)
        self.seen = folder / f"{export}.seen"

    def size(self) -> int:
        """Bytes of the file as far as it is written."""
        return self.file.stat().st_size if self.file.exists() else 0

    def remove(self) -> None:
        for path in self.file.parent.glob(f"{self.file.name}*"):
            path.unlink(missing_ok=True)


def places(settings: Settings) -> dict[UUID, Place]:
    """Every export that has files."""
    folder = settings.state_dir / "exports"
    names = {path.name.split(".")[0] for path in folder.iterdir()} if folder.is_dir() else set()
    return {UUID(name): Place(settings, UUID(name)) for name in names}


class SeenWriter:
    """Writes down what a file holds, in its order."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, seen: Seen) -> None:
        self._file.write(_SEEN.pack(seen.record.bytes, seen.version, seen.mask, seen.owner.encode()))


def read_seen(path: Path, chunk: int) -> Iterator[list[Seen]]:
    """Everything, at most `chunk` at a time."""
    with path.open("rb") as file:
        while block := file.read(_SEEN.size * chunk):
            yield [
                Seen(UUID(bytes=record), version, mask, owner.decode())
                for record, version, mask, owner in _SEEN.iter_unpack(block)
            ]
