"""The aggregate questions to the lake, written once with Ibis: a program of its own, in an environment of its own.

It imports nothing of the service and has no access to the database. A job comes as JSON on standard input: the engine,
the files that may be opened, the questions in the words of the trends. The cells of each go as JSON to standard output,
decimals as text.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import ibis
from ibis import _
from ibis.expr.types import Column, Table

Question = Mapping[str, Any]
EXACT = ("mass", "named-mass", "measured-mass")
MONTHS_OF_QUARTER = {"01": "1", "02": "1", "03": "1", "04": "2", "05": "2", "06": "2",
                     "07": "3", "08": "3", "09": "3", "10": "4", "11": "4", "12": "4"}  # fmt: skip


def duckdb(files: Sequence[str], _master: str) -> Table:
    """In this process, on all cores."""
    return ibis.duckdb.connect().read_parquet(list(files), hive_partitioning=False)


def spark(files: Sequence[str], master: str) -> Table:
    """As an application of the cluster at `master`, which sees the files, or in this machine at `local[*]`."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  (DuckDB's environment has none)

    building = SparkSession.builder.appName("sarhad lake").master(master).config("spark.ui.enabled", "false")
    if master.startswith("local"):
        building = building.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
        building = building.config("spark.sql.shuffle.partitions", "8")
    session = building.getOrCreate()
    session.read.parquet(*files).createOrReplaceTempView("lake")
    return ibis.pyspark.connect(session).table("lake")


ENGINES = {"duckdb": duckdb, "spark": spark}


def lines(lake: Table, question: Question) -> Table:
    """What the question is about, by line; of a record without disclosed items one, where it asks of no substances."""
    found = lake.filter(_.kind == "seizure").mutate(month=_.time[:7])
    if question["apart"]:
        found = found.filter(_.record_id.notin(question["apart"]))
    for name, value in question["equal"].items():
        found = found.filter(_[name] == value)
    if question["since"]:
        found = found.filter(_.month >= question["since"])
    if question["until"]:
        found = found.filter(_.month < question["until"])
    if question["about_lines"]:
        found = found.filter(_.line.notnull())
    if question["kept"] is not None:
        found = found.filter(_.substance.isin(question["kept"]))
    if question["names"]:
        names = ibis.memtable({"code": list(question["names"]), "called": list(question["names"].values())})
        found = found.left_join(names, found.substance == names.code)
        return found.mutate(name=ibis.coalesce(_.called, _.substance))
    return found.mutate(name=_.substance)


def key(dimension: str) -> Column:
    """What a line is called in one dimension. NULL: not disclosed."""
    if dimension == "year":
        return _.month[:4]
    if dimension == "quarter":
        return _.month[:4] + "-Q" + _.month[5:7].substitute(MONTHS_OF_QUARTER)
    return _["name" if dimension in ("substance", "group") else dimension]


def summed(found: Table, keys: Mapping[str, Column]) -> list[dict[str, Any]]:
    """One row a cell: its keys, its counts and its sums, in the words of the trends."""
    exact = _.rule.isin(EXACT)
    sums = {
        "kg_exact": _.kg.sum(where=exact),
        "kg_converted": _.kg.sum(where=~exact),
        "kg_low": _.kg_low.sum(),
        "kg_high": _.kg_high.sum(),
        "tablets": _.quantity.sum(where=_.unit == "tablet"),
        "quantity": _.quantity.sum(),
    }
    counts = {
        "events": _.record_id.nunique(),
        "lines": _.line.count(),
        "confirmed": (_.status == "CONF").sum(),
        "unconvertible": (_.line.notnull() & _.kg.isnull()).sum(),
    }
    by = {f"d{n}": of for n, of in enumerate(keys.values())}
    rows = (found.group_by(**by) if keys else found).aggregate(**counts, **sums).to_pyarrow().to_pylist()
    return [
        {
            "key": [row[name] for name in by],
            "counts": {name: int(row[name] or 0) for name in counts},
            "sums": {name: format(row[name] or 0, "f") for name in sums},
        }
        for row in rows
    ]


def answer(job: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """The cells of each question."""
    lake = ENGINES[job["engine"]](job["files"], job["spark"])
    return [summed(lines(lake, asked), {name: key(name) for name in asked["by"]}) for asked in job["questions"]]


if __name__ == "__main__":
    said, sys.stdout = sys.stdout, sys.stderr  # whatever the engines say is no answer
    json.dump(answer(json.load(sys.stdin)), said)
