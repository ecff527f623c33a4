"""tests/bench NAME [--rows N] [--seconds S]."""

import argparse
import asyncio
import importlib
import json
import shutil
import tempfile
from pathlib import Path

from deploy.cluster import Cluster
from service.settings import Settings
from tests.exchange import Region, prepare

NAMES = (
    *("access", "console", "duplicates", "export", "ha", "import", "ingest", "policy"),
    *("profiles", "reads", "replica", "soak", "spectra", "tiles", "trends"),
)
MODULES = {"import": "imports"}  # `import` is no name of a module
DATA = Path(__file__).parents[2].parent / "shared" / "data"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tests/bench",
        description="Measures one thing against a bound measured beside it; the last line is one JSON object.",
        epilog="examples: tests/bench ingest --rows 50000    tests/bench reads --rows 1000000    tests/bench access    "
        "tests/bench ha --fault killed --fault cut",
    )
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--rows", type=int, help="records (ingest: 50000, reads: 1000000)")
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="time for each repeated question; soak: of the whole"
    )
    parser.add_argument("--data", type=Path, default=DATA, help="reference data kept outside the repository")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        help="ha: killed, frozen, cut, full, etcd, proxy, restarted, upgraded; may be repeated; without it, all",
    )
    options = parser.parse_args()
    if options.name == "ha":  # it has databases of its own: deploy/ha/lab
        print(json.dumps({"bench": "ha", **importlib.import_module("tests.benchmarks.ha").measure(options.fault)}))
        return
    directory = Path(tempfile.mkdtemp(prefix="sarhad-bench-"))
    cluster = Cluster(directory / "cluster")
    cluster.start()
    try:
        cluster.create_database()
        settings = Settings(database_url=cluster.url(), state_dir=directory / "state", requests_per_minute=10_000_000)
        asyncio.run(prepare(settings))
        region = asyncio.run(Region.enrol(settings, directory / "keys"))
        bench = importlib.import_module(f"tests.benchmarks.{MODULES.get(options.name, options.name)}")
        figures = bench.measure(settings, region, rows=options.rows, seconds=options.seconds, data=options.data)
    finally:
        cluster.stop()
        cluster.remove()
        shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps({"bench": options.name, **figures}))


main()
