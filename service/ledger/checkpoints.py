"""Checkpoints: a log's size and root as a signed note (C2SP tlog-checkpoint), and the last kept."""

import base64
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.ledger.models import Log

_ED25519 = b"\x01"  # the signature type of signed-note
_CHECKPOINT = re.compile(r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n\n")


@dataclass(frozen=True)
class Checkpoint:
    """What a log was: its origin (also the name of its key), how many leaves, the root hash (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The signed text: three lines, the last newline included."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin_of(service_origin: str, log: Log) -> str:
    """A log's origin: the service's authority and the log's path, without a scheme (C2SP tlog-checkpoint)."""
    return f"{service_origin.split('://', 1)[-1]}/v1/log/{log.value}"


def key_id(name: str, public_key: Ed25519PublicKey) -> bytes:
    """The 4 bytes by which a signature line names its key (C2SP signed-note)."""
    return sha256(name.encode() + b"\n" + _ED25519 + public_key.public_bytes_raw()).digest()[:4]


def verifier_key(name: str, public_key: Ed25519PublicKey) -> str:
    """The key as members configure it: `name+hex key id+base64(0x01 ‖ public key)` (C2SP signed-note)."""
    encoded = base64.b64encode(_ED25519 + public_key.public_bytes_raw()).decode()
    return f"{name}+{key_id(name, public_key).hex()}+{encoded}"


@dataclass(frozen=True)
class CheckpointSigner:
    """A log's own voice: its origin with the key that signs for it, and former keys that sign beside it."""

    origin: str
    private_key: Ed25519PrivateKey
    beside: Sequence[Ed25519PrivateKey] = ()

    def sign(self, size: int, root: bytes) -> str:
        """A checkpoint as a signed note: its text, an empty line, one signature line for each key."""
        text = Checkpoint(self.origin, size, root).text()
        lines = [self._line(key, text) for key in (self.private_key, *self.beside)]
        return f"{text}\n{''.join(lines)}"

    def _line(self, key: Ed25519PrivateKey, text: str) -> str:
        signature = key_id(self.origin, key.public_key()) + key.sign(text.encode())
        return f"— {self.origin} {base64.b64encode(signature).decode()}\n"


def parse(note: str) -> Checkpoint:
    """The checkpoint a note of our own states, unverified; raises ValueError when it is none."""
    found = _CHECKPOINT.match(note)
    if not found:
        raise ValueError("not a checkpoint of C2SP tlog-checkpoint")
    return Checkpoint(found["origin"], int(found["size"]), base64.b64decode(found["root"]))


def verify(note: str, origin: str, public_keys: Collection[Ed25519PublicKey]) -> Checkpoint:
    """The checkpoint that the log of this origin signed with one of these keys; raises ValueError for any other note.

    The lines of former keys and cosignatures may follow the log's own line.
    """
    checkpoint = parse(note)
    own = re.search(rf"\n\n— {re.escape(checkpoint.origin)} ([A-Za-z0-9+/]+={{0,2}})\n", note)
    value = base64.b64decode(own[1]) if own else b""
    public_key = next((key for key in public_keys if value[:4] == key_id(origin, key)), None)
    if checkpoint.origin != origin or public_key is None:
        raise ValueError("it is not signed by this log's key")
    try:
        public_key.verify(value[4:], checkpoint.text().encode())
    except InvalidSignature:
        raise ValueError("its signature does not match") from None
    return checkpoint


class KeptCheckpoints:
    """The last checkpoint signed of each log, outside the database.

    A database restored from an old backup would otherwise sign a second history. It is written after COMMIT:
    a crash in between leaves it behind the database, never ahead.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, log: Log) -> Path:
        return self._directory / f"log-{log.value}.checkpoint"

    def last(self, log: Log) -> Checkpoint | None:
        """The last one kept; raises ValueError when the file is damaged."""
        try:
            return parse(self.path(log).read_text())
        except FileNotFoundError:
            return None

    def keep(self, log: Log, note: str) -> None:
        """Keep this note unless a tree as large is kept already; durable on return."""
        last = self.last(log)
        if last and last.size >= parse(note).size:
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path(log).with_suffix(f".{os.getpid()}")
        with draft.open("w") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path(log))
