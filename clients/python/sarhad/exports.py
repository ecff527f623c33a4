"""Take the file of an export part by part, going on where an earlier attempt broke off."""

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import orjson

from sarhad.errors import SarhadError

PART = 64 * 2**20  # bytes asked for at once
_PAUSE = 1.0  # seconds between two looks at an export that is being built


class ExportRefused(SarhadError):
    """The export was not built, or its file is not what the service says it is."""


class Exporting(Protocol):
    """What a client must be able to do."""

    def export(self, export_id: str) -> dict[str, Any]: ...

    def export_part(self, export_id: str, first: int, last: int) -> bytes: ...


def built(
    client: Exporting, export_id: str, progress: Callable[[Mapping[str, Any]], None] | None = None
) -> dict[str, Any]:
    """The export once it is ready. Raises ExportRefused."""
    while True:
        document = client.export(export_id)
        if progress is not None:
            progress(document)
        if document["state"] == "ready":
            return document
        if document["state"] not in ("queued", "running"):
            reason = (document.get("refusal") or {}).get("title", "")
            raise ExportRefused(f"The export is {document['state']}. {reason}".strip())
        time.sleep(_PAUSE)


def take(client: Exporting, document: Mapping[str, Any], path: Path, *, part: int = PART) -> Path:
    """The file at `path`, and its provenance beside it. A `.part` that is there already is completed.

    Raises ExportRefused where the bytes are not those that the service named.
    """
    if "size" not in document:
        raise ExportRefused("Policies have changed since it was built: ask for a new export.")
    partial = path.with_name(path.name + ".part")
    with partial.open("ab") as file:
        while (held := file.tell()) < document["size"]:
            file.write(client.export_part(document["id"], held, min(held + part, document["size"]) - 1))
    with partial.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != document["sha256"]:
            partial.unlink()
            raise ExportRefused("The file is not the one that was announced: take it again.")
    partial.replace(path)
    sheet = path.with_name(path.name + ".provenance.json")
    sheet.write_bytes(orjson.dumps(document["provenance"], option=orjson.OPT_INDENT_2) + b"\n")
    return path
