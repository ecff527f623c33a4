"""A clock that is wrong and a disk that is full are named as such, and nothing is stored."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from deploy.cluster import Cluster
from tests.awaiting import eventually
from tests.exchange import Exchange
from tests.faults.books import balanced, check_receipts
from tests.faults.conftest import POSTGRESQL
from tests.faults.sending import Sending
from tests.faults.test_kill import Batch
from tests.seizures.wiring import NDJSON, RECORD, Agency, line, refusal, statuses, stored, verdicts
from tests.signing.wire import Wire, send, sign

pytestmark = pytest.mark.xdist_group("faults")
MEGABYTE = 1 << 20
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@pytest.mark.parametrize("age", [600, -600, 3600, -3600])
def test_a_clock_that_is_off_is_told_so(fragile: Exchange, age: float) -> None:
    customs = Agency(fragile, "KZ-CUS")
    before = stored(fragile.settings)
    origin, body = fragile.settings.origin, customs.report().encode()
    wire = sign(customs.request_key, origin, "POST", "/v1/seizures", body, content_type="application/sd-jwt", age=age)
    reply = send(origin, wire)
    assert refusal(reply)[:2] == (401, "signature-refused")
    assert "clock" in reply.json()["detail"] or "expired" in reply.json()["detail"]
    assert isinstance(reply.json()["now"], int)  # the service's own clock, to compare with
    assert stored(fragile.settings) == before


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed")
@pytest.mark.parametrize(
    ("ahead", "filed", "again"),
    [(3600, 201, 200), (-3600, 401, 201)],  # an hour ago the keys of these agencies were not valid yet
)
def test_a_service_whose_clock_is_an_hour_off_refuses_who_is_right_and_loses_nothing(
    fragile: Exchange, ahead: int, filed: int, again: int
) -> None:
    wrong = Exchange.start(
        fragile.settings, fragile.region, workers=1, anew=True,
        LD_PRELOAD=str(FAKETIME), FAKETIME=f"{ahead:+d}", FAKETIME_DONT_FAKE_MONOTONIC="1",
    )  # fmt: skip
    try:
        customs, origin = Agency(wrong, "KZ-CUS"), wrong.settings.origin
        before = stored(wrong.settings)
        reply = customs.post(customs.report())
        assert refusal(reply)[:2] == (401, "signature-refused")
        assert abs(reply.json()["now"] - time.time() - ahead) < 60
        assert stored(wrong.settings) == before
        body = customs.report().encode()
        same = sign(customs.request_key, origin, "POST", "/v1/seizures", body, content_type=RECORD, age=-ahead)
        assert send(origin, same).status == filed  # whose clock is as wrong
    finally:
        wrong.stop()
    customs = Agency(fragile, "KZ-CUS")  # of which another service is right, with the same log, key and checkpoints
    assert customs.post(body).status == again
    assert customs.post(customs.report()).status == 201
    balanced(fragile.settings)


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Path]:
    """A file system of so many bytes in memory."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path, fragile: Exchange) -> Iterator[Path]:
    """A file system of three megabytes that holds the service's key."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    with mounted(folder, 3 * MEGABYTE):
        shutil.copy2(fragile.settings.state_dir / "service-key.pem", folder)
        yield folder


@pytest.fixture
def small_tablespace(fragile: Exchange, cluster: Cluster) -> Iterator[Path]:
    """A file system on which the reports lie, with room for some more."""
    held = int(cluster.psql("SELECT pg_table_size('core.report')", "sarhad"))
    folder = Path(tempfile.mkdtemp(prefix="sarhad-disk-"))  # where the cluster's own user enters
    with mounted(folder, held + 24 * MEGABYTE):
        os.chown(folder, cluster.data.stat().st_uid, -1)
        cluster.psql(f"CREATE TABLESPACE small LOCATION '{folder}'")
        cluster.psql("ALTER TABLE core.report SET TABLESPACE small", "sarhad")
        yield folder
        cluster.psql("ALTER TABLE core.report SET TABLESPACE pg_default", "sarhad")
        cluster.psql("DROP TABLESPACE small")
    folder.rmdir()


@pytest.fixture
def small_wal(fragile: Exchange, cluster: Cluster) -> Iterator[Path]:
    """A file system on which the write-ahead log lies, with room for a few of its segments more."""
    log, folder = cluster.data / "pg_wal", Path(tempfile.mkdtemp(prefix="sarhad-wal-"))
    cluster.stop()
    held = sum(file.stat().st_size for file in log.rglob("*") if file.is_file())
    with mounted(folder, held + 24 * MEGABYTE):
        _move(log, folder / "pg_wal")
        log.symlink_to(folder / "pg_wal")
        os.chmod(folder, 0o755)
        cluster.start(POSTGRESQL)
        fragile.wait_ready()
        yield folder
        cluster.stop()
        log.unlink()
        _move(folder / "pg_wal", log)
    folder.rmdir()
    cluster.start(POSTGRESQL)
    fragile.wait_ready()


def _move(log: Path, place: Path) -> None:
    """To another file system, with its owners."""
    subprocess.run(["cp", "-a", str(log), str(place)], check=True)
    shutil.rmtree(log)


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4_096)):
            pass
    assert os.statvfs(ballast.parent).f_bavail == 0


def _wire(customs: Agency, body: bytes) -> Wire:
    key, origin = customs.request_key, customs.exchange.settings.origin
    return sign(key, origin, "POST", "/v1/batches", body, content_type=NDJSON)


def test_a_batch_that_does_not_fit_on_the_disk_is_refused_whole(fragile: Exchange, small_disk: Path) -> None:
    cramped = Exchange.start(fragile.settings, fragile.region, workers=1, SARHAD_STATE_DIR=str(small_disk))
    try:
        customs = Agency(cramped, "KZ-CUS")
        before = stored(fragile.settings)
        entry = (line(customs.report()) + "\n").encode()
        large = entry * (6 * MEGABYTE // len(entry))
        sending = Sending(cramped.settings.origin, _wire(customs, large))
        sending.run()  # the service may answer and close before it has read everything
        assert sending.status in {507, None}
        assert sending.verdicts is None
        assert stored(fragile.settings) == before
        assert list(small_disk.glob("tmp*")) == []
        assert statuses(verdicts(customs.batch([entry.strip()]))[0]) == [201]  # and there is room again
    finally:
        cramped.stop()


def test_while_the_disk_of_the_database_is_full_nothing_is_kept_and_then_it_goes_on(
    fragile: Exchange, small_tablespace: Path
) -> None:
    batch = Batch(fragile, "KZ-CUS")
    before = stored(fragile.settings)
    ballast = small_tablespace / "ballast"
    _fill(ballast)
    reply = send(fragile.settings.origin, batch.wire())
    assert refusal(reply)[:2] == (503, "unavailable")
    assert reply.headers["retry-after"]
    assert stored(fragile.settings) == before
    assert Agency(fragile, "KG-CUS").get("/v1/seizures").status == 200  # what there is can be read
    ballast.unlink()
    assert verdicts(send(fragile.settings.origin, batch.wire()))[1]["accepted"] == len(batch.references)
    balanced(fragile.settings)


def test_while_the_disk_of_the_write_ahead_log_is_full_nothing_acknowledged_is_lost(
    fragile: Exchange, cluster: Cluster, small_wal: Path
) -> None:
    """PostgreSQL ends where it cannot write ahead, and cannot recover before there is room: what it answered stays."""
    ballast, told = small_wal / "ballast", []
    _fill(ballast)
    while cluster.pid is not None:
        batch = Batch(fragile, "KZ-CUS")
        sending = Sending(fragile.settings.origin, batch.wire())
        sending.run()
        if sending.verdicts is None:
            break
        told.append((batch, sending.verdicts))
    eventually(lambda: cluster.pid is None)
    assert told, "the log was full before anything was answered: the ballast is too large"
    assert refusal(Agency(fragile, "KG-CUS").get("/v1/seizures"))[:2] == (503, "unavailable")
    ballast.unlink()
    cluster.start(POSTGRESQL)
    fragile.wait_ready()
    books = balanced(fragile.settings)
    for acknowledged, answers in told:
        check_receipts(books, acknowledged.references, answers)
    assert not set(batch.references) & set(books.receipts)
    assert verdicts(send(fragile.settings.origin, batch.wire()))[1]["accepted"] == len(batch.references)
