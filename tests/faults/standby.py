"""A streaming replica of a cluster of the project's own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.cluster import Cluster, program


@contextmanager
def followed(leader: Cluster, settings: Mapping[str, str]) -> Iterator[Cluster]:
    """A copy of a running cluster that follows it, started with what the leader was started with."""
    with (leader.data / "pg_hba.conf").open("a") as logins:
        logins.write("local replication all peer map=sarhad\n")
    leader.psql("SELECT pg_reload_conf()")
    directory = Path(tempfile.mkdtemp(prefix="sarhad-standby-"))
    standby = Cluster(directory / "cluster")
    copy = (program("pg_basebackup"), "-h", str(leader.socket), "-U", "postgres", "-D", str(standby.data))
    try:
        subprocess.run([*copy, "-R", "-c", "fast"], cwd="/", check=True, **leader.identity())
        standby.start(settings)
        yield standby
    finally:
        standby.remove()
        shutil.rmtree(directory, ignore_errors=True)
