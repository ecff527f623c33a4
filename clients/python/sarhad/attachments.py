"""Attachments: files that a record names by their SHA-256.

    kept = attachments.send(client, Path("tablet.jpg").read_bytes())
    record = seizure(…, marks=[{"kind": "LOGO", "image_sha256": kept["sha256"]}])

Photographs are drawn anew by the service, without the camera's notes: the hash to name is that of what was kept, which
`send` answers with. Spectra and PDF are kept as they are.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from sarhad._client import Client
from sarhad.errors import ProblemError, ServiceUnreachable, UnverifiedResponse

TRIES = 5
Begun = Callable[[str], None]
"""Told the id of the upload, so that it can go on later."""
Progress = Callable[[int, int], None]
"""Told how many bytes have been received, and how many there are in all: at the beginning, and after each piece."""


def send(
    client: Client,
    data: bytes,
    *,
    upload_id: str | None = None,
    begun: Begun | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Send a file in pieces, going on where an interrupted upload stands; answers with what was kept.

    One that shall not go on is given up with `client.give_upload_up`, and forgotten after a day anyhow. Of a file of
    spectra `spectra` says how many were read, and how many of them the search will find.
    Raises ProblemError with the reason when the service refuses the file.
    """
    state = _resumed(client, upload_id) if upload_id is not None else None
    if state is None:
        state = client.begin_upload(len(data), hashlib.sha256(data).hexdigest())
    if begun is not None:
        begun(state["id"])
    lost = 0
    while True:
        if progress is not None:
            progress(state["received"], len(data))
        if state["state"] != "receiving":
            break
        offset = state["received"]
        piece = data[offset : offset + state["piece_bytes"]]
        try:
            state = client.extend_upload(state["id"], offset, piece)
        except (ServiceUnreachable, ProblemError) as fault:
            lost += 1
            again = isinstance(fault, ServiceUnreachable) or fault.status in (409, 503)
            if not again or lost >= TRIES:
                raise
            state = client.upload(state["id"])
    if state["state"] == "refused":
        raise ProblemError(state["problem"], state["problem"]["status"])
    kept: dict[str, Any] = state["attachment"]
    return kept | {"spectra": state["spectra"]} if "spectra" in state else kept


def _resumed(client: Client, upload_id: str) -> dict[str, Any] | None:
    try:
        return client.upload(upload_id)
    except ProblemError as fault:
        if fault.status == 404:  # forgotten meanwhile
            return None
        raise


def fetch(client: Client, record_id: str, sha256: str, have: bytes = b"") -> bytes:
    """An attachment of a record, whole and checked against its hash; `have` are its first bytes, fetched before."""
    data = have + client.attachment(record_id, sha256, len(have))
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UnverifiedResponse("The file is not the one with the hash {sha256}.", sha256=sha256)
    return data
