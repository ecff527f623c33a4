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

    def destroy(self) -> None:
        """The machine is gone with its disk; the repository is elsewhere."""
        self.cluster.kill()
        shutil.rmtree(self.cluster.data)

    def recover(self, *moment: str) -> None:
        self.cluster.stop()
        self.do(restore_app, *moment)
        self.cluster.start(POSTGRESQL)
        eventually(lambda: self.cluster.psql("SELECT pg_is_in_recovery()") == "f")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = Path(tempfile.mkdtemp(prefix="sarhad-drill-"))
    folder.chmod(0o755)  # the cluster's own user enters
    cluster = Cluster(folder / "cluster")
    cluster.start(POSTGRESQL)
    cluster.create_database("sarhad")
    settings = Settings(
        database_url=cluster.url(database="sarhad"),
        state_dir=tmp_path_factory.mktemp("state"),
        requests_per_minute=1_000_000,
    )
    asyncio.run(prepare(settings))
    yield Machine(cluster, settings, folder / "repository", folder / "backup.conf")
    cluster.remove()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_destroyed_exchange_is_restored_to_a_moment_and_proves_what_is_missing(
    machine: Machine, tmp_path: Path
) -> None:
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
    machine.cluster.psql("SELECT pg_switch_wal()")
    eventually(lambda: machine.cluster.psql(
        "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM pg_stat_archiver") == "t"
    )  # fmt: skip
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


def test_nothing_in_the_repository_can_be_read_without_the_passphrase(machine: Machine) -> None:
    """Runs after the drill: SD-JWTs and names of agencies stand in the files of the cluster in clear."""
    files = [file for file in machine.repository.rglob("*") if file.is_file()]
    assert files
    assert not any(b"sarhad" in file.read_bytes() or b"PostgreSQL" in file.read_bytes() for file in files)
    assert machine.config.stat().st_mode & 0o077 == 0
