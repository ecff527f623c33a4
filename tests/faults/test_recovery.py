"""The drill: load, back up, keep writing, destroy, restore to a moment, read it all again, compare with a witness."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sarhad import PrivateKey
from sarhad.transparency import LogKey
from sarhad.witness import Witness
from typer.testing import CliRunner, Result

from deploy.cluster import Cluster
from service.cli.backup import app as backup
from service.cli.backup import restore_app
from service.cli.fsck import app as fsck
from service.settings import Settings
from tests.attachments.bucket import bucket
from tests.authority import Authority
from tests.awaiting import eventually
from tests.exchange import Exchange, Region, prepare
from tests.faults.books import balanced, check_receipts
from tests.faults.conftest import POSTGRESQL
from tests.faults.test_kill import Batch
from tests.seizures.wiring import verdicts
from tests.signing.wire import send

APART = timedelta(seconds=2)  # pgBackRest counts in whole ones: a moment is after a backup when a second lies between
pytestmark = [
    pytest.mark.xdist_group("faults"),
    pytest.mark.skipif(shutil.which("pgbackrest") is None, reason="pgBackRest is not installed"),
]


@dataclass
class Machine:
    """A cluster with everything that is on its disk, and apart from it a repository and the settings of backups."""

    cluster: Cluster
    settings: Settings
    repository: Path
    config: Path

    def run(self, app: object, *arguments: str) -> Result:
        environment = {
            "SARHAD_DATABASE_URL": self.settings.database_url,
            "SARHAD_STATE_DIR": str(self.settings.state_dir),
            "SARHAD_BACKUP_CONFIG": str(self.config),
            "SARHAD_ORIGIN": self.settings.origin,
        }
        return CliRunner().invoke(app, arguments, env=environment)  # type: ignore[arg-type]

    def do(self, app: object, *arguments: str) -> str:
        done = self.run(app, *arguments)
        assert done.exit_code == 0, done.output
        return done.output

    def archive(self) -> None:
        """What is written so far reaches the repository."""
        self.cluster.psql("SELECT pg_switch_wal()")
        archived = "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM pg_stat_archiver"
        eventually(lambda: self.cluster.psql(archived) == "t")

    def destroy(self) -> None:
        """The machine is gone with its disk; the repository is elsewhere."""
        self.cluster.kill()
        shutil.rmtree(self.cluster.data)

    def recover(self, *moment: str) -> None:
        self.cluster.stop()
        self.do(restore_app, *moment)
        self.cluster.start(POSTGRESQL)
        eventually(lambda: self.cluster.psql("SELECT pg_is_in_recovery()") == "f")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    folder = Path(tempfile.mkdtemp(prefix="sarhad-drill-"))
    folder.chmod(0o755)  # the cluster's own user enters
    cluster = Cluster(folder / "cluster")
    cluster.start(POSTGRESQL)
    cluster.create_database("sarhad")
    state = tmp_path / "state"
    settings = Settings(database_url=cluster.url(database="sarhad"), state_dir=state, requests_per_minute=1_000_000)
    yield Machine(cluster, settings, folder / "repository", folder / "backup.conf")
    cluster.kill()  # it would wait for what a failed test left unarchived
    cluster.remove()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_destroyed_exchange_is_restored_to_a_moment_and_proves_what_is_missing(
    machine: Machine, tmp_path: Path
) -> None:
    asyncio.run(prepare(machine.settings))
    machine.do(backup, "setup", str(machine.repository))
    written = machine.config.read_bytes()
    other = machine.run(backup, "setup", str(machine.repository.with_name("other")))
    assert (other.exit_code, machine.config.read_bytes()) == (2, written)
    assert "another repository" in other.output
    machine.do(backup, "setup", str(machine.repository))
    machine.cluster.stop()
    machine.cluster.start(POSTGRESQL)
    region = asyncio.run(Region.enrol(machine.settings, tmp_path / "keys"))
    exchange = Exchange.start(machine.settings, region, workers=1)
    machine.settings = exchange.settings
    try:
        early, late = Batch(exchange, "KZ-CUS"), Batch(exchange, "KG-CUS")
        promised, _ = verdicts(send(exchange.settings.origin, early.wire()))
        machine.do(backup, "run", "--full")
        backed_up = datetime.now(UTC)
        kept = [file.read_bytes() for file in machine.repository.rglob("*") if file.is_file()]
        assert kept
        assert not any(b"sarhad" in data or b"PostgreSQL" in data for data in kept), "in clear in the cluster's files"
        assert machine.config.stat().st_mode & 0o077 == 0
        before = balanced(machine.settings)
        eventually(lambda: datetime.now(UTC) > backed_up + APART)
        moment = datetime.now(UTC)
        more, _ = verdicts(send(exchange.settings.origin, late.wire()))
        after = balanced(machine.settings)
        client = exchange.client("KZ-CUS")
        log_key = LogKey(client.service()["logs"]["records"], client.service_key.key)
        witness = Witness(tmp_path / "witness", log_key, "witness.example/KZ", PrivateKey.generate())
        witness.consider(client.checkpoint(), lambda *_: [], time=int(moment.timestamp()), first=True)
    finally:
        exchange.stop()
    machine.archive()
    machine.destroy()

    machine.recover("--at", moment.isoformat())
    books = balanced(machine.settings)
    assert books.receipts == before.receipts  # to the moment: all before it, nothing after
    check_receipts(books, early.references, promised)
    looked = machine.run(fsck, "--against", str(witness.file))
    assert looked.exit_code == 1
    assert f"{len(late.references)} are missing" in looked.output  # dummy leaves are off: the log tells how many
    with pytest.raises(RuntimeError, match="ended"):
        Exchange.start(machine.settings, region, workers=1)

    machine.recover()  # another moment: all that reached the repository
    books = balanced(machine.settings)
    assert books.receipts == after.receipts
    check_receipts(books, [*early.references, *late.references], [*promised, *more])
    output = machine.do(fsck, "--against", str(witness.file))
    assert "All holds." in output
    served = Exchange.start(machine.settings, region, workers=1)
    served.stop()


def test_a_repository_lies_in_a_bucket(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with bucket(Authority(machine.config.parent)) as kept:  # where the cluster's own user reads
        for name, value in kept.variables.items():
            monkeypatch.setenv(name, value)
        machine.do(backup, "setup", kept.url)
        machine.cluster.stop()
        machine.cluster.start(POSTGRESQL)
        machine.cluster.psql("CREATE TABLE filed AS SELECT 'before the backup' AS at")
        machine.do(backup, "run", "--full")
        machine.cluster.psql("INSERT INTO filed VALUES ('after it')")
        machine.archive()
        machine.destroy()
        machine.recover()
        assert machine.cluster.psql("SELECT string_agg(at, ', ' ORDER BY at DESC) FROM filed") == (
            "before the backup, after it"
        )
        assert any(name.startswith("sarhad/backup/") for name in kept.names())
        assert not machine.repository.exists()


@pytest.mark.parametrize(
    ("url", "given", "said"),
    [
        ("ftp://host/backups", {}, "neither a folder nor s3://"),
        ("s3://backups", {"AWS_ENDPOINT_URL": "http://store.example"}, "https:// address"),
        ("s3://backups", {"AWS_ENDPOINT_URL": "https://store.example"}, "AWS_REGION and AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_store_that_cannot_be_reached_is_refused(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, url: str, given: dict[str, str], said: str
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    refused = machine.run(backup, "setup", url)
    assert refused.exit_code != 0
    assert said in " ".join(refused.output.split())
    assert not machine.config.exists()
