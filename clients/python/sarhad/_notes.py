"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint): what a log signed, read strictly."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sarhad._tree import MAX_SIZE, Checkpoint, NotProven


class BadCheckpoint(NotProven):
    """The checkpoint is malformed, of another log, or not signed by the log's key."""


@dataclass(frozen=True)
class _NoteKey:
    """An Ed25519 key with its name, as signature lines name it; `type` is the signature's (C2SP signed-note)."""

    type: ClassVar[bytes]
    name: str
    key: Ed25519PublicKey

    @property
    def id(self) -> bytes:
        """The 4 bytes by which a signature line names the key (C2SP signed-note)."""
        return sha256(self.name.encode() + b"\n" + self.type + self.key.public_bytes_raw()).digest()[:4]

    @property
    def text(self) -> str:
        """`name+hex key id+base64(type ‖ key)`: the inverse of `parse`."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.type + self.key.public_bytes_raw()).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `name+hex key id+base64(type ‖ key)`; raises BadCheckpoint."""
        name, _, rest = text.strip().partition("+")
        stated, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
            found = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]))
        except ValueError as fault:
            raise BadCheckpoint("This is not a verifier key.") from fault
        if not _is_key_name(name) or raw[:1] != cls.type or stated != found.id.hex():
            raise BadCheckpoint("The verifier key is of another type, or its key id does not fit.")
        return found


@dataclass(frozen=True)
class LogKey(_NoteKey):
    """The key of a log, as a service publishes it: `name` is the log's origin, `former` the keys it had before."""

    type = b"\x01"
    former: tuple[Ed25519PublicKey, ...] = field(default=(), compare=False)

    @property
    def all(self) -> "list[LogKey]":
        """The key itself first."""
        return [LogKey(self.name, key) for key in (self.key, *self.former)]


class WitnessKey(_NoteKey):
    """The key of a witness (C2SP tlog-cosignature, Ed25519): `name` is `service authority/witness/agency`."""

    type = b"\x04"


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The signed text, its last newline included, and (name, key id ‖ signature) of each line; raises BadCheckpoint."""
    text, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise BadCheckpoint("This is not a signed note.")
    return f"{text}\n", [_signature(line) for line in tail[:-1].split("\n")]


def open_checkpoint(note: str, log_key: LogKey) -> Checkpoint:
    """The checkpoint that a signed note states, its signature by `log_key` or one it succeeded verified; raises
    BadCheckpoint.

    Signatures of other keys (witnesses: `Quorum`) are allowed beside it and not judged; lines of extension after the
    root are refused, as this service writes none.
    """
    text, signatures = split_note(note)
    by_key = [
        (one, [value for name, value in signatures if (name, value[:4]) == (one.name, one.id)]) for one in log_key.all
    ]
    signer, ours = next(((one, found) for one, found in by_key if found), by_key[0])
    if len(ours) != 1:
        raise BadCheckpoint("The note does not carry exactly one signature of {name}.", name=log_key.name)
    try:
        signer.key.verify(ours[0][4:], text.encode())
    except InvalidSignature:
        raise BadCheckpoint("The signature of the checkpoint does not match.") from None
    except UnicodeEncodeError:  # a lone surrogate, as JSON can carry
        raise BadCheckpoint("The note is not UTF-8.") from None
    checkpoint = _checkpoint(text)
    if checkpoint.origin != log_key.name:
        raise BadCheckpoint(
            "The checkpoint is of {origin}, not of {name}.", origin=checkpoint.origin, name=log_key.name
        )
    return checkpoint


def _is_key_name(name: str) -> bool:
    return bool(re.fullmatch(r"[^\s+]+", name))


def _signature(line: str) -> tuple[str, bytes]:
    found = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
    if not found:
        raise BadCheckpoint("A signature line of the note is malformed.")
    try:
        value = base64.b64decode(found[2], validate=True)
    except binascii.Error as fault:
        raise BadCheckpoint("A signature line of the note is malformed.") from fault
    if base64.b64encode(value).decode() != found[2]:
        raise BadCheckpoint("A signature of the note is not canonical base64.")
    return found[1], value


def _checkpoint(text: str) -> Checkpoint:
    found = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n", text)
    if not found:
        raise BadCheckpoint("The note does not state origin, size and root.")
    root = base64.b64decode(found[3])
    if base64.b64encode(root).decode() != found[3] or int(found[2]) > MAX_SIZE:
        raise BadCheckpoint("The checkpoint's root or size is out of form.")
    return Checkpoint(found[1], int(found[2]), root)
