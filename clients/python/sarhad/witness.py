"""A witness: it remembers the last checkpoint it cosigned, and cosigns the next only with proof that the log grew.

C2SP tlog-witness, in pull mode: the witness asks the log, so that it needs no open port. What it cosigned is on disk
before the cosignature leaves; two runs at once wait for each other. A log that was forked or rolled back is refused,
with both signed checkpoints kept as evidence: whoever has the log's key can verify that it contradicted itself.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from sarhad._notes import LogKey, open_checkpoint
from sarhad._tree import Checkpoint, NotConsistent, verify_consistency
from sarhad.errors import ConfigurationError
from sarhad.keys import PrivateKey, b64url
from sarhad.quorum import cosign

__all__ = ["FirstSight", "LogContradictsItself", "Witness"]

Prove = Callable[[int, int], Sequence[bytes]]
"""The proof of consistency between two sizes, RFC 6962 §2.1.2."""


class FirstSight(ConfigurationError):
    """The witness has no checkpoint of this log yet: the first is taken on trust, and only when one says so."""


class LogContradictsItself(NotConsistent):
    """The log signed what does not continue what this witness cosigned: it was forked or rolled back."""

    def __init__(self, reason: str, evidence: Path) -> None:
        super().__init__(
            "{reason} Not cosigned; both checkpoints are kept in {evidence}.", reason=reason, evidence=evidence
        )
        self.evidence = evidence


@dataclass(frozen=True)
class Witness:
    """One log's witness. `directory` keeps `<log's digest>.checkpoint` and the evidence; `name` goes on its lines."""

    directory: Path
    log_key: LogKey
    name: str
    key: PrivateKey

    @property
    def file(self) -> Path:
        """The note of the last checkpoint cosigned, of this origin."""
        return self.directory / f"{self.log_key.name.replace('/', '_').replace(':', '_')}.checkpoint"

    def last(self) -> Checkpoint | None:
        """The last checkpoint cosigned; raises BadCheckpoint when the file is damaged."""
        note = self._kept()
        return open_checkpoint(note, self.log_key) if note is not None else None

    def consider(self, note: str, prove: Prove, *, time: int, first: bool = False) -> str:
        """The cosignature line for a checkpoint of the log, which by then is the one kept; `time` in POSIX seconds.

        (1) the log's key signed the note; (2) it is not smaller than the last one; (3) the proof shows that it begins
        with that one; (4) it is kept, durably; (5) it is cosigned.
        Raises BadCheckpoint, LogContradictsItself, and FirstSight where nothing is kept and `first` is not said.
        """
        seen = open_checkpoint(note, self.log_key)
        with self._alone():
            kept = self._kept()
            if kept is None and not first:
                raise FirstSight(
                    "No checkpoint of {name} is kept in {directory}: begin with --first.",
                    name=self.log_key.name,
                    directory=self.directory,
                )
            if kept is not None:
                self._compare(kept, note, seen, prove)
            line = cosign(note, self.name, self.key, time)
            _write(self.file, note.encode())
        return line

    def _compare(self, kept: str, note: str, seen: Checkpoint, prove: Prove) -> None:
        last = open_checkpoint(kept, self.log_key)
        path = prove(last.size, seen.size) if 0 < last.size < seen.size else []
        try:
            verify_consistency(last, seen, path)
        except NotConsistent as fault:
            raise LogContradictsItself(str(fault), self._keep_evidence(kept, note, path, str(fault))) from None

    def _keep_evidence(self, kept: str, note: str, path: Sequence[bytes], reason: str) -> Path:
        document = {"reason": reason, "cosigned": kept, "refused": note, "path": [b64url(value) for value in path]}
        content = orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
        file = self.directory / f"evidence-{hashlib.sha256(content).hexdigest()[:16]}.json"
        _write(file, content)
        return file

    def _kept(self) -> str | None:
        try:
            return self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Between reading the last checkpoint and keeping the next no other run may do the same."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and on disk on return, its name too."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
