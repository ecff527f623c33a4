"""Which witnesses must have cosigned a checkpoint before one relies on it (C2SP tlog-cosignature, tlog-policy).

A cosignature says that its witness, at that time, knew of no larger tree and had proof that this one begins with every
tree it cosigned before. A quorum of witnesses that do not trust one another leaves no room for two histories.
"""

import re
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sarhad._notes import BadCheckpoint, LogKey, WitnessKey, open_checkpoint, split_note
from sarhad._tree import Checkpoint, NotProven, verify_consistency
from sarhad.errors import ConfigurationError
from sarhad.keys import PrivateKey

__all__ = ["NoQuorum", "Quorum", "Witnessed", "cosign", "cosigned_at"]

NONE = "none"  # the predefined name: nobody need cosign
_TIME = 8  # bytes of a cosignature's time, big-endian
_SIGNATURE = 64


class NoQuorum(NotProven):
    """Fewer witnesses cosigned the checkpoint than the policy asks for."""


def _message(time: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(note: str, name: str, key: PrivateKey, time: int) -> str:
    """The signature line, its newline included, by which `name` cosigns what a note says; `time` in POSIX seconds.

    Judges nothing: `Witness` does. Raises BadCheckpoint, and ConfigurationError unless the key is Ed25519.
    """
    public = key.public.key
    if not isinstance(public, Ed25519PublicKey):
        raise ConfigurationError("The key of a witness is Ed25519.")
    text, _ = split_note(note)
    value = WitnessKey(name, public).id + time.to_bytes(_TIME, "big") + key.sign(_message(time, text))
    return f"— {name} {b64encode(value).decode()}\n"


def cosigned_at(note: str, witness: WitnessKey) -> int | None:
    """When this witness cosigned the note, in POSIX seconds; None where it did not.

    Raises BadCheckpoint for a line that names the witness's key and was not made by it.
    """
    text, signatures = split_note(note)
    ours = [value[4:] for name, value in signatures if name == witness.name and value[:4] == witness.id]
    if not ours:
        return None
    times = []
    for value in ours:
        time = int.from_bytes(value[:_TIME], "big")
        try:
            if len(value) != _TIME + _SIGNATURE or time >= 1 << 63:
                raise InvalidSignature
            witness.key.verify(value[_TIME:], _message(time, text))
        except InvalidSignature:
            raise BadCheckpoint("The cosignature of {name} does not match.", name=witness.name) from None
        times.append(time)
    return max(times)


@dataclass(frozen=True)
class Witnessed:
    """A checkpoint with a quorum: `times` says who cosigned it when, by the names of the policy (POSIX seconds)."""

    checkpoint: Checkpoint
    times: Mapping[str, int]


@dataclass(frozen=True)
class Quorum:
    """A policy: logs (any, where it lists none), witnesses by name, groups as (how many, of which), and the rule."""

    logs: Sequence[LogKey]
    witnesses: Mapping[str, WitnessKey]
    groups: Mapping[str, tuple[int, Sequence[str]]]
    rule: str

    @classmethod
    def parse(cls, text: str) -> "Quorum":
        """From the lines of C2SP tlog-policy. Raises ConfigurationError with the number of the line."""
        reading = _Reading()
        for number, line in enumerate(text.split("\n"), 1):
            try:
                if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line):
                    raise ConfigurationError("control characters are not allowed")
                reading.line(re.findall(r"[^ \t]+", line))
            except (ConfigurationError, BadCheckpoint) as fault:
                raise ConfigurationError(
                    "Line {number} of the quorum policy: {fault}", number=number, fault=fault
                ) from None
        if reading.rule is None:
            raise ConfigurationError("The quorum policy has no line `quorum NAME`.")
        return cls(reading.logs, reading.witnesses, reading.groups, reading.rule)

    def judge(self, note: str, log_key: LogKey) -> Witnessed:
        """That the log signed this checkpoint and a quorum cosigned it. Raises BadCheckpoint or NoQuorum."""
        if self.logs and not any(one in self.logs for one in log_key.all):
            raise NoQuorum("The quorum policy does not list {name} with this key.", name=log_key.name)
        checkpoint = open_checkpoint(note, log_key)
        found = {name: cosigned_at(note, witness) for name, witness in self.witnesses.items()}
        times = {name: time for name, time in found.items() if time is not None}
        if not self.is_met(times):
            raise NoQuorum(
                "The checkpoint of {size} entries is cosigned by {names}: that is not the quorum {rule}.",
                size=checkpoint.size,
                names=", ".join(times) or "no known witness",
                rule=repr(self.rule),
            )
        return Witnessed(checkpoint, times)

    def judge_beginning(self, proven: Checkpoint, note: str, path: Sequence[bytes], log_key: LogKey) -> Witnessed:
        """That a quorum cosigned a checkpoint which begins with the tree `proven` (proof of RFC 6962 §2.1.2): what is
        included there is what the witnesses saw too. Raises BadCheckpoint, NoQuorum or NotConsistent.
        """
        witnessed = self.judge(note, log_key)
        verify_consistency(proven, witnessed.checkpoint, path)
        return witnessed

    def is_met(self, cosigners: Collection[str]) -> bool:
        """Whether these witnesses, by their names in the policy, are enough."""
        return self.rule == NONE or self._holds(self.rule, cosigners)

    def _holds(self, name: str, cosigners: Collection[str]) -> bool:
        if name in self.witnesses:
            return name in cosigners
        count, members = self.groups[name]
        return sum(self._holds(member, cosigners) for member in members) >= count


class _Reading:
    """What the lines so far have said."""

    def __init__(self) -> None:
        self.logs: list[LogKey] = []
        self.witnesses: dict[str, WitnessKey] = {}
        self.groups: dict[str, tuple[int, Sequence[str]]] = {}
        self.rule: str | None = None
        self._members: set[str] = set()

    def line(self, words: list[str]) -> None:
        match words:
            case [] | ["#", *_]:
                pass
            case [first, *_] if first.startswith("#"):
                pass
            case ["log", key] | ["log", key, _]:
                self._log(LogKey.parse(key))
            case ["witness", name, key] | ["witness", name, key, _]:
                self._witness(name, WitnessKey.parse(key))
            case ["group", name, count, *members] if members:
                self._group(name, count, members)
            case ["quorum", name]:
                if self.rule is not None:
                    raise ConfigurationError("there is a quorum already")
                if name != NONE:
                    self._expect_known(name)
                self.rule = name
            case _:
                raise ConfigurationError("expected log, witness, group or quorum with what belongs to it")

    def _log(self, key: LogKey) -> None:
        if any(key.key == known.key and key.name == known.name for known in self.logs):
            raise ConfigurationError("this log is listed already")
        self.logs.append(key)

    def _witness(self, name: str, key: WitnessKey) -> None:
        self._expect_new(name)
        if any(key.key == known.key for known in self.witnesses.values()):
            raise ConfigurationError("this witness is listed already, under another name")
        self.witnesses[name] = key

    def _group(self, name: str, count: str, members: list[str]) -> None:
        self._expect_new(name)
        for member in members:
            self._expect_known(member)
            if member in self._members:
                raise ConfigurationError("{member} is in a group already", member=member)
            self._members.add(member)
        counts = {"any": 1, "all": len(members)}
        if count not in counts and not re.fullmatch(r"[1-9][0-9]{0,3}", count):
            raise ConfigurationError("a group says all, any or how many")
        needed = counts.get(count) or int(count)
        if needed > len(members):
            raise ConfigurationError("{needed} of {members} cannot be met", needed=needed, members=len(members))
        self.groups[name] = (needed, members)

    def _expect_new(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise ConfigurationError("the name {name} is taken", name=name)

    def _expect_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise ConfigurationError("no witness or group {name} stands above", name=name)
