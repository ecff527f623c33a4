"""The embedded PostgreSQL cluster: where it may live, who may log in, what it survives."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.cluster import SOCKET_LIMIT, Cluster, ClusterError, clean_abandoned

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "a place with spaces" / "cluster")
    cluster.start({"shared_buffers": "16MB", "fsync": "off"})
    yield cluster
    cluster.remove()
    assert not cluster.home.exists()


def test_checks_pages_and_listens_on_a_unix_socket_only(cluster: Cluster) -> None:
    assert cluster.psql("SHOW data_checksums") == "on"
    assert cluster.psql("SHOW listen_addresses") == ""
    assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700


def test_a_refused_row_is_not_in_the_log(cluster: Cluster) -> None:
    cluster.psql("CREATE TABLE kept (word text, CONSTRAINT short CHECK (length(word) < 9))")
    with pytest.raises(ClusterError, match="kanareika"):
        cluster.psql("INSERT INTO kept VALUES ('kanareika')")
    cluster.stop()  # and with it the log is whole
    said = "".join(file.read_text() for file in (cluster.home / "log").iterdir())
    assert 'violates check constraint "short"' in said
    assert "kanareika" not in said


def test_never_runs_as_root(cluster: Cluster) -> None:
    assert cluster.pid is not None
    assert Path(f"/proc/{cluster.pid}").stat().st_uid != 0


def test_roles_of_the_service_log_in_without_a_password_and_no_other_role_does(cluster: Cluster) -> None:
    cluster.psql("CREATE ROLE sarhad_read LOGIN; CREATE ROLE stranger LOGIN")
    login = ["psql", "-XAtc", "SELECT current_user", "-h", str(cluster.socket), "-d", "postgres", "-U"]
    assert (
        subprocess.run([*login, "sarhad_read"], check=False, capture_output=True, text=True).stdout == "sarhad_read\n"
    )
    refused = subprocess.run([*login, "stranger"], check=False, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "Peer authentication failed" in refused.stderr


def test_committed_rows_survive_kill_and_restart(cluster: Cluster) -> None:
    cluster.psql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    cluster.kill()
    assert cluster.pid is None
    assert cluster.start() is True
    assert cluster.psql("SELECT n FROM kept") == "7"


def test_a_second_start_finds_the_running_server(cluster: Cluster) -> None:
    assert Cluster(cluster.directory).start() is False


def test_a_database_is_made_once(cluster: Cluster) -> None:
    assert cluster.create_database("exchange") is True
    assert cluster.create_database("exchange") is False


def test_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = "import os, signal, sys; from pathlib import Path; from deploy.cluster import Cluster\n"
    code += "cluster = Cluster(Path(sys.argv[1])); cluster.start(); print(cluster.pid, flush=True)\n"
    code += "os.kill(os.getpid(), signal.SIGKILL)"
    directory = tmp_path / "cluster"
    done = subprocess.run(
        [sys.executable, "-c", code, directory], check=False, cwd=ROOT, capture_output=True, text=True
    )
    cluster = Cluster(directory)
    pid = int(done.stdout)
    cluster._await_end(pid, 30)
    assert cluster.pid is None
    cluster.remove()


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / ("long" * 25) / "cluster")
    cluster.start()
    try:
        assert len(os.fsencode(cluster.socket / ".s.PGSQL.5432")) <= SOCKET_LIMIT
        assert cluster.psql("SELECT 1") == "1"
    finally:
        cluster.remove()
    assert not cluster.socket.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the cluster as another user")
def test_a_directory_closed_to_postgres_is_served_from_var_lib_and_cleaned_later(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    cluster = Cluster(private / "cluster")
    cluster.start()
    home = cluster.home
    assert home.parent == Path("/var/lib/sarhad")
    assert Cluster(private / "cluster").home == home
    shutil.rmtree(private / "cluster")
    assert clean_abandoned(private / "cluster") == [home]
    assert not home.exists()


def test_says_what_to_do_when_the_server_cannot_start(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "cluster")
    with pytest.raises(ClusterError, match="shared_buffers"):
        cluster.start({"shared_buffers": "nonsense"})
    cluster.remove()
