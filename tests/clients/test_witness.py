"""A witness cosigns a log that only grows, and keeps evidence against one that does not."""

import json
from base64 import b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sarhad.errors import ConfigurationError
from sarhad.keys import PrivateKey
from sarhad.quorum import NoQuorum, Quorum, cosign, cosigned_at
from sarhad.transparency import BadCheckpoint, LogKey, NotConsistent, WitnessKey, leaf_hash, open_checkpoint
from sarhad.witness import FirstSight, LogContradictsItself, Witness

V = json.loads((Path(__file__).parents[2] / "schemas/log/vectors.json").read_text())
LOG_KEY = LogKey.parse(V["verifier_key"])
COSIGNED = V["cosigned"]["note"]
KEYS = {agency: of["verifier_key"] for agency, of in V["witnesses"].items()}
LINES = "".join(f"witness {agency} {key}\n" for agency, key in KEYS.items())
NAME = "sarhad.example/witness/KZ-DCA"
NOW = 1_800_000_000


@dataclass(frozen=True)
class Tree:
    """A log of these entries that signs whatever it is; word for word RFC 6962 §2.1."""

    entries: tuple[bytes, ...]
    key: Ed25519PrivateKey = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(V["secret_key"]))  # noqa: RUF009

    def root(self, first: int, last: int) -> bytes:
        if last == first:
            return sha256(b"").digest()
        if last - first == 1:
            return leaf_hash(self.entries[first])
        split = first + (1 << (last - first - 1).bit_length() - 1)
        return sha256(b"\x01" + self.root(first, split) + self.root(split, last)).digest()

    def proof(self, old: int, new: int) -> list[bytes]:
        return self._subproof(old, 0, new, True)

    def _subproof(self, old: int, first: int, last: int, known: bool) -> list[bytes]:
        if first + old == last:
            return [] if known else [self.root(first, last)]
        half = 1 << (last - first - 1).bit_length() - 1
        if old <= half:
            return [*self._subproof(old, first, first + half, known), self.root(first + half, last)]
        return [*self._subproof(old - half, first + half, last, False), self.root(first, first + half)]

    def note(self, size: int) -> str:
        root = b64encode(self.root(0, size)).decode()
        text = f"{LOG_KEY.name}\n{size}\n{root}\n"
        value = b64encode(LOG_KEY.id + self.key.sign(text.encode())).decode()
        return f"{text}\n— {LOG_KEY.name} {value}\n"


def entries(count: int, world: str = "") -> tuple[bytes, ...]:
    return tuple(sha256(f"{world}{n}".encode()).digest() for n in range(count))


HONEST = Tree(entries(40))
FORKED = Tree(entries(20) + entries(40, "another ")[20:])


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness", LOG_KEY, NAME, PrivateKey.generate())


def watch(witness: Witness, tree: Tree, size: int, *, first: bool = False) -> str:
    return tree.note(size) + witness.consider(tree.note(size), tree.proof, time=NOW, first=first)


def test_every_growth_is_cosigned_and_remembered(witness: Witness) -> None:
    key = WitnessKey(NAME, witness.key.key.public_key())
    for size in (1, 1, 2, 7, 20, 32, 33, 40):
        cosigned = watch(witness, HONEST, size, first=size == 1)
        assert cosigned_at(cosigned, key) == NOW
        again = replace(witness)  # another process
        assert again.last() == open_checkpoint(HONEST.note(size), LOG_KEY)
    assert list(witness.directory.glob("evidence-*")) == []


def test_the_first_checkpoint_is_trusted_only_when_one_says_so(witness: Witness) -> None:
    with pytest.raises(FirstSight):
        watch(witness, HONEST, 20)
    assert witness.last() is None


@pytest.mark.parametrize(
    ("tree", "size", "says"),
    [(FORKED, 40, "rewritten"), (FORKED, 30, "forked"), (HONEST, 29, "shorter"), (FORKED, 10, "shorter")],
)
def test_a_fork_and_a_roll_back_are_refused_with_evidence(witness: Witness, tree: Tree, size: int, says: str) -> None:
    watch(witness, HONEST, 30, first=True)
    with pytest.raises(LogContradictsItself, match=says) as refused:
        watch(witness, tree, size)
    assert witness.last() == open_checkpoint(HONEST.note(30), LOG_KEY)  # nothing else was cosigned
    evidence = json.loads(refused.value.evidence.read_text())
    both = [open_checkpoint(evidence[name], LOG_KEY) for name in ("cosigned", "refused")]  # the log signed both
    assert [checkpoint.size for checkpoint in both] == [30, size]


def test_two_worlds_are_never_both_cosigned(tmp_path: Path) -> None:
    """Two halves of the witnesses are shown two histories: no third tree has a quorum of both."""
    watchers = [Witness(tmp_path / str(n), LOG_KEY, NAME, PrivateKey.generate()) for n in range(4)]
    for n, watcher in enumerate(watchers):
        watch(watcher, (HONEST, FORKED)[n % 2], 30, first=True)
    for tree, dupes in ((HONEST, watchers[1::2]), (FORKED, watchers[0::2])):
        for watcher in dupes:
            with pytest.raises(NotConsistent):
                watch(watcher, tree, 40)


def test_runs_at_the_same_time_never_go_back(witness: Witness) -> None:
    watch(witness, HONEST, 1, first=True)
    refused: list[int] = []

    def run(size: int) -> None:
        try:
            watch(replace(witness), HONEST, size)
        except LogContradictsItself:
            refused.append(size)

    runs = [Thread(target=run, args=(size,)) for size in range(2, 40)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    last = witness.last()
    assert last is not None
    assert last.size == 39
    assert len(list(witness.directory.glob("evidence-*"))) == len(refused)


def test_a_damaged_memory_is_no_first_sight(witness: Witness) -> None:
    watch(witness, HONEST, 20, first=True)
    witness.file.write_text(HONEST.note(20)[:-9])
    with pytest.raises(BadCheckpoint):
        watch(witness, HONEST, 30, first=True)


@pytest.mark.parametrize(
    ("rule", "enough"),
    [
        ("quorum none", True),
        ("quorum KZ-DCA", True),
        ("quorum TJ-DCA", False),
        ("group all-of all KZ-DCA KG-DCA TJ-DCA\nquorum all-of", False),
        ("group two 2 KZ-DCA KG-DCA TJ-DCA\nquorum two", True),
        ("group one any TJ-DCA\nquorum one", False),
        ("group inner any KG-DCA TJ-DCA\ngroup outer all KZ-DCA inner\nquorum outer", True),
    ],
)
def test_a_policy_says_who_is_enough(rule: str, enough: bool) -> None:
    policy = Quorum.parse(f"# ours\n\nlog {V['verifier_key']}\n{LINES}{rule}\n")
    if enough:
        witnessed = policy.judge(COSIGNED, LOG_KEY)
        assert witnessed.times == dict.fromkeys(V["cosigned"]["by"], V["cosigned"]["time"])
    else:
        with pytest.raises(NoQuorum):
            policy.judge(COSIGNED, LOG_KEY)


@pytest.mark.parametrize(
    "policy",
    [
        "",
        f"{LINES}",
        f"{LINES}quorum XX\n",
        f"{LINES}quorum none\nquorum none\n",
        f"{LINES}group g 0 KZ-DCA\nquorum g\n",
        f"{LINES}group g 4 KZ-DCA KG-DCA TJ-DCA\nquorum g\n",
        f"{LINES}group g any KZ-DCA KZ-DCA\nquorum g\n",
        f"{LINES}group none any KZ-DCA\nquorum none\n",
        f"{LINES}witness again {KEYS['KZ-DCA']}\nquorum none\n",
        f"witness log {V['verifier_key']}\nquorum log\n",
        "group g any g\nquorum g\n",
        "quorum\tnone\r\n",
        "trust everybody\nquorum none\n",
    ],
)
def test_a_policy_that_is_not_one_is_refused_by_line(policy: str) -> None:
    with pytest.raises(ConfigurationError, match="quorum policy"):
        Quorum.parse(policy)


def test_a_log_that_the_policy_does_not_list_has_no_quorum() -> None:
    other = LogKey(LOG_KEY.name, Ed25519PrivateKey.generate().public_key())
    with pytest.raises(NoQuorum):
        Quorum.parse(f"log {other.text}\nquorum none\n").judge(COSIGNED, LOG_KEY)


def test_no_changed_byte_of_a_cosignature_passes() -> None:
    key = WitnessKey.parse(KEYS["KZ-DCA"])
    begin = COSIGNED.index(key.name) + len(key.name) + 1
    for at in range(begin + 8, begin + 100, 7):  # behind the key id, which says whose it is
        changed = COSIGNED[:at] + ("B" if COSIGNED[at] == "A" else "A") + COSIGNED[at + 1 :]
        with pytest.raises(BadCheckpoint):
            cosigned_at(changed, key)


def test_the_client_cosigns_as_the_vectors_do() -> None:
    note, line = V["checkpoints"]["300"], COSIGNED.splitlines(keepends=True)[-2]
    secret = bytes.fromhex(V["witnesses"]["KZ-DCA"]["secret_key"])
    key = PrivateKey(Ed25519PrivateKey.from_private_bytes(secret))
    assert cosign(note, NAME, key, V["cosigned"]["time"]) == line
    assert WitnessKey.parse(KEYS["KZ-DCA"]).text == KEYS["KZ-DCA"]
