"""Witnesses of three countries watch a running exchange: what they cosign is served, and a quorum is proven offline."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from sarhad import PrivateKey, ProblemError, Profile, quorum
from sarhad.cli import app
from sarhad.keys import PublicKey
from sarhad.transparency import LogKey, open_checkpoint
from sqlalchemy import create_engine, text
from typer.testing import CliRunner, Result

from service.ledger.checkpoints import CheckpointSigner
from service.signing import ServiceKey
from tests.awaiting import once_merged
from tests.exchange import Exchange, heroin

ROOT = Path(__file__).parents[2]
COUNTRIES = ("KZ", "KG", "TJ")


@dataclass(frozen=True)
class Watch:
    """A profile of the drug control agency of a country, beside it the witness's key, enrolled by two officers."""

    profile: Profile

    @classmethod
    def enrol(cls, exchange: Exchange, country: str, folder: Path) -> "Watch":
        made = Profile(directory=folder / country, agency=f"{country}-DCA", service=exchange.settings.origin)
        made.save()
        request = exchange.region.profiles[f"{country}-DCA"].load_request_key()
        request.save(made.directory / made.request_key)
        watch = cls(made)
        (asked,) = json.loads(watch.run("key").output)
        change = exchange.client(f"{country}-DCA/admin1").propose_change(asked)["id"]
        exchange.client(f"{country}-DCA/admin2").approve_change(change)
        return watch

    def run(self, *arguments: str) -> Result:
        return sarhad("witness", *arguments, "--profile", str(self.profile.directory))


def sarhad(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "400"})


@pytest.fixture(scope="module")
def watches(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> list[Watch]:
    folder = tmp_path_factory.mktemp("witnesses")
    return [Watch.enrol(exchange, country, folder) for country in COUNTRIES]


def log_key(exchange: Exchange) -> LogKey:
    client = exchange.client("KZ-CUS")
    return LogKey(client.service()["logs"]["records"], client.service_key.key)


def test_a_quorum_cosigns_and_a_record_is_proven_under_it(
    exchange: Exchange, watches: list[Watch], tmp_path: Path
) -> None:
    client = exchange.client("KZ-CUS")
    for watch in watches:
        refused = watch.run("run")
        assert refused.exit_code != 0
        assert "--first" in refused.output
    evidence = tmp_path / "evidence.sarhad.json"
    record = exchange.sign(heroin())
    receipt = client.submit(record)
    signer = exchange.region.profiles["KZ-CUS"].load_record_key().public
    proof = _merged(exchange, receipt.id)
    for watch in watches:
        watched = watch.run("run", "--first")
        assert watched.exit_code == 0, watched.output
        assert watch.run("run").exit_code == 0
    drafted = watches[0].run("policy", "--countries", "3")
    assert drafted.exit_code == 0, drafted.output
    policy = tmp_path / "quorum.txt"
    policy.write_text(drafted.output)
    rule, key = quorum.Quorum.parse(drafted.output), log_key(exchange)
    note = client.cosigned(countries=1)
    size = open_checkpoint(note, key).size
    witnessed = rule.judge(client.cosigned(countries=3), key)
    assert len(witnessed.times) == 3
    assert size >= witnessed.checkpoint.size
    # under the cosigned checkpoint, whichever of the two is older
    evidence.write_text(
        json.dumps(
            {
                "record": record,
                "receipt": receipt.receipt,
                "record_key": signer.jwk,
                "service_key": client.service_key.jwk,
                "proof": proof,
                "witnessed": _witnessed(exchange, proof, watches),
            }
        )
    )
    proven = sarhad(
        "verify", str(evidence), "--service-key", json.dumps(client.service_key.jwk), "--quorum", str(policy)
    )
    assert proven.exit_code == 0, proven.output
    assert "was cosigned by" in proven.output
    assert _other_verifier(evidence, tmp_path, signer, client.service_key, policy).returncode == 0
    stripped = json.loads(evidence.read_text())
    stripped["witnessed"]["checkpoint"] = "".join(
        line for line in stripped["witnessed"]["checkpoint"].splitlines(keepends=True) if "/witness/TJ" not in line
    )
    evidence.write_text(json.dumps(stripped))
    assert _other_verifier(evidence, tmp_path, signer, client.service_key, policy).returncode == 4
    assert isinstance(sarhad("verify", str(evidence), "--quorum", str(policy)).exception, quorum.NoQuorum)


def test_a_cosignature_is_taken_only_from_a_witness_of_the_caller_s_country(
    exchange: Exchange, watches: list[Watch]
) -> None:
    watch = watches[0]
    client, neighbour = exchange.client("KZ-CUS"), exchange.client("KG-CUS")
    _merged(exchange, client.submit(exchange.sign(heroin())).id)  # a checkpoint that nobody has cosigned yet
    note, key = client.checkpoint(), log_key(exchange)
    size = open_checkpoint(note, key).size
    own = PrivateKey.load(watch.profile.directory / "witness.pem")
    name = f"{exchange.settings.origin.split('://')[1]}/witness/KZ-DCA"
    line = quorum.cosign(note, name, own, 1_800_000_000)
    refused = [
        (neighbour, size, line),
        (client, size, quorum.cosign(note, name, PrivateKey.generate(), 1_800_000_000)),
        (client, size, quorum.cosign(note, name.replace("KZ", "KG"), own, 1_800_000_000)),
        (client, size, quorum.cosign(note.replace(f"\n{size}\n", f"\n{size + 1}\n"), name, own, 1_800_000_000)),
        (client, size, line.replace("— ", "- ")),
        (client, 10**12, line),
    ]
    for who, of, what in refused:
        with pytest.raises(ProblemError) as refusal:
            who.hand_in_cosignature("records", of, what)
        assert refusal.value.kind == "cosignature-refused"
    kept = client.hand_in_cosignature("records", size, line)
    assert kept == client.hand_in_cosignature("records", size, line) == {"log": "records", "size": size, "kid": own.kid}
    assert line in client.cosigned()


def test_an_agency_has_one_line_whatever_keys_it_enrols(
    exchange: Exchange, watches: list[Watch], tmp_path: Path
) -> None:
    client, again = exchange.client("KZ-CUS"), Watch.enrol(exchange, "KZ", tmp_path)
    _merged(exchange, client.submit(exchange.sign(heroin())).id)
    note = client.checkpoint()
    first, second = (_hand_in(exchange, watch, note) for watch in (watches[0], again))
    assert first["kid"] == second["kid"] == PrivateKey.load(watches[0].profile.directory / "witness.pem").kid
    assert client.cosigned().count("/witness/KZ-DCA ") == 1


def test_an_old_checkpoint_is_cosigned_no_more_unless_it_is_the_newest(
    exchange: Exchange, watches: list[Watch]
) -> None:
    client = exchange.client("KZ-CUS")
    old = client.checkpoint()
    _merged(exchange, client.submit(exchange.sign(heroin())).id)
    newest = client.checkpoint()
    _change(exchange, "UPDATE core.log_checkpoint SET at = at - interval '1 hour' WHERE log = 'records'")
    with pytest.raises(ProblemError) as refusal:
        _hand_in(exchange, watches[0], old)
    assert refusal.value.kind == "cosignature-refused"
    assert refusal.value.pointer == "/size"
    _hand_in(exchange, watches[0], newest)


def test_what_is_asked_for_is_bounded(exchange: Exchange, watches: list[Watch]) -> None:
    """By the countries there are, and by the newest lines: an agency that fed the log makes nobody read them all."""
    client = exchange.client("KZ-CUS")
    note = client.checkpoint()
    for watch in watches:
        _hand_in(exchange, watch, note)
    assert client.cosigned(countries=3).startswith(note)
    with pytest.raises(ProblemError, match="cannot cosign") as refusal:
        client.cosigned(countries=250)
    assert refusal.value.kind == "not-yet-cosigned"
    _change(
        exchange,
        "INSERT INTO core.log_cosignature (log, size, agency, kid, line)"
        " SELECT log, 10^9 + n, agency, kid, line FROM generate_series(1, 10000) n,"
        " (SELECT * FROM core.log_cosignature WHERE log = 'records' LIMIT 1) one",
    )
    try:
        with pytest.raises(ProblemError) as refusal:
            client.cosigned(countries=3)
    finally:
        _change(exchange, "DELETE FROM core.log_cosignature WHERE size > 10^9")
    assert refusal.value.kind == "not-yet-cosigned"
    assert client.cosigned(countries=3).startswith(note)


def test_a_witness_refuses_the_exchange_when_its_log_does_not_continue(
    exchange: Exchange, watches: list[Watch]
) -> None:
    """As after a roll-back: the witness remembers more than the log has."""
    watch = watches[1]
    state = watch.profile.directory / "witness"
    (kept,) = [file for file in state.glob("*.checkpoint") if "governance" in file.name]
    client = exchange.client("KG-CUS")
    longer = _signed_by_the_log(exchange, client.service()["logs"]["governance"], 10**6)
    kept.write_text(longer)
    watched = watch.run("run")
    assert "shorter" in str(watched.exception)
    (evidence,) = state.glob("evidence-*.json")
    assert json.loads(evidence.read_text())["cosigned"] == longer
    assert kept.read_text() == longer


def test_a_key_that_is_no_witness_s_any_more_is_refused(exchange: Exchange, tmp_path: Path) -> None:
    watch = Watch.enrol(exchange, "UZ", tmp_path)
    assert watch.run("run", "--first").exit_code == 0
    own = PrivateKey.load(watch.profile.directory / "witness.pem")
    client = exchange.client("KZ-CUS")
    _hand_in(exchange, watch, client.checkpoint())
    exchange.client("UZ-DCA/admin1").revoke_key(own.kid, "lost")
    assert "/witness/UZ-DCA " in client.cosigned()  # given before
    _change(exchange, f"UPDATE core.agency_key SET revoked_at = not_before WHERE kid = '{own.kid}'")
    assert "/witness/UZ-DCA " not in client.cosigned()
    watched = watch.run("run")
    assert isinstance(watched.exception, ProblemError)
    assert watched.exception.kind == "cosignature-refused"


def _merged(exchange: Exchange, record_id: str) -> dict[str, object]:
    client = exchange.client("KZ-CUS")
    return once_merged(lambda: client.proof(record_id), 60)


def _witnessed(exchange: Exchange, proof: dict[str, object], watches: list[Watch]) -> dict[str, object]:
    """The newest checkpoint, cosigned by all: what the next minute would bring."""
    client, key = exchange.client("KZ-CUS"), log_key(exchange)
    note = client.checkpoint()
    for watch in watches:
        _hand_in(exchange, watch, note)
    cosigned = client.cosigned(countries=3)
    old, new = int(str(proof["size"])), open_checkpoint(cosigned, key).size
    return {"checkpoint": cosigned, "path": client.consistency("records", old, new)["path"]}


def _hand_in(exchange: Exchange, watch: Watch, note: str) -> dict[str, object]:
    agency, own = watch.profile.agency, PrivateKey.load(watch.profile.directory / "witness.pem")
    name = f"{exchange.settings.origin.split('://')[1]}/witness/{agency}"
    size = open_checkpoint(note, log_key(exchange)).size
    line = quorum.cosign(note, name, own, 1_800_000_000)
    return exchange.client(agency).hand_in_cosignature("records", size, line)


def _change(exchange: Exchange, change: str) -> None:
    engine = create_engine(exchange.settings.database_as())
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))  # as one who is above every rule
        connection.execute(text(change))
    engine.dispose()


def _other_verifier(
    evidence: Path, folder: Path, signer: PublicKey, service: PublicKey, policy: Path
) -> subprocess.CompletedProcess[str]:
    for name, key in (("record.jwk", signer), ("service.jwk", service)):
        (folder / name).write_text(json.dumps(key.jwk))
    return subprocess.run(
        ["node", ROOT / "clients/node/verify.mjs", evidence, folder / "record.jwk", folder / "service.jwk", policy],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _signed_by_the_log(exchange: Exchange, origin: str, size: int) -> str:
    key = ServiceKey.load(exchange.settings.state_dir / "service-key.pem").private_key
    return CheckpointSigner(origin, key).sign(size, b"\1" * 32)
