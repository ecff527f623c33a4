"""The calls about attachments: uploads in pieces, what a record has, and the bytes themselves."""

from typing import Any

from sarhad._calls import BYTES, Call, _content, _get, _nothing, _object, _segment, _send


def begin_upload(size: int, sha256: str) -> Call[dict[str, Any]]:
    """Begin to send a file of `size` bytes; `attachments.send` does all of it."""
    return _send("POST", "/v1/uploads", {"size": size, "sha256": sha256}, _object)


def upload(upload_id: str) -> Call[dict[str, Any]]:
    """How far an upload is."""
    return _get(f"/v1/uploads/{_segment(upload_id)}")


def extend_upload(upload_id: str, offset: int, piece: bytes) -> Call[dict[str, Any]]:
    """Send the bytes of a file from `offset` on, as many as the upload takes at once."""
    # not repeatable by itself: whoever lost the answer asks how far the upload is
    path, headers = f"/v1/uploads/{_segment(upload_id)}", {"content-type": BYTES}
    return Call("PATCH", path, _object, params={"offset": offset}, content=piece, headers=headers, repeatable=False)


def give_upload_up(upload_id: str) -> Call[None]:
    """Forget what was sent of a file."""
    return Call("DELETE", f"/v1/uploads/{_segment(upload_id)}", _nothing, repeatable=False)


def own_attachments(**params: Any) -> Call[dict[str, Any]]:
    """What one's own country holds, newest first."""
    return _get("/v1/attachments", params)


def own_attachment(sha256: str) -> Call[bytes]:
    """A file that one's own country holds, whether or not a record names it."""
    return Call("GET", f"/v1/attachments/{_segment(sha256)}", _content)


def attachments(record_id: str, version: int | None = None) -> Call[dict[str, Any]]:
    """The files that a record names and one is given; of its latest version, or of another one of an own record."""
    return _get(f"/v1/records/{_segment(record_id)}/attachments", {"version": version})


def attachment(record_id: str, sha256: str, first: int = 0) -> Call[bytes]:
    """The file from its byte `first` on, not checked; `attachments.fetch` checks it against its hash."""
    headers = {"range": f"bytes={first}-"} if first else {}
    return Call("GET", f"/v1/records/{_segment(record_id)}/attachments/{_segment(sha256)}", _content, headers=headers)
