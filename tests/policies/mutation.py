"""Every condition of the gate left out, one at a time: the tests must notice each.

`python -m tests.policies.mutation [--only NAME] [--seeds N] [--jobs N] [--journal FILE]` takes about half an hour on
two quiet cores; SARHAD_DATABASE_URL may name a cluster (as a superuser), or it starts one. Each worker makes a
database, replaces one function, view or policy of the gate by a copy without one of its conditions, and takes it back.

Most is noticed where a situation of `random_gate.py`, or the doors of `doors.py`, `affairs.py` and `features.py`, stand
already and are only looked at; what is not, where the situation is played anew. It prints what nobody noticed, and the
score; it ends with 1 unless all that is left is listed, with a reason, in `equivalent.py`. With a journal it goes on
where it stopped.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from time import monotonic

from alembic import command
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from deploy.cluster import Cluster
from service.cli.db import ROLES_SQL, alembic_config
from service.settings import Settings
from tests.policies import figures
from tests.policies.affairs import open_affairs
from tests.policies.conjuncts import mutants
from tests.policies.counted import counted
from tests.policies.doors import open_doors, situation
from tests.policies.equivalent import EQUIVALENT
from tests.policies.features import open_feature, open_features
from tests.policies.random_gate import PARTS, Situation, Stage, draw

# What only reads: where it stands already, the situation tells as much as where it is played anew.
READING = {
    *("claim", "context_id", "key", "roles", "country", "agency", "country_as", "token", "renew", "trying", "reach"),
    *("masks", "delays", "duties", "windows_from", "windows_until", "policy_version", "shared_now", "sharers"),
    *("publication_scopes", "substance_classes", "record_key", "aggregate_owners", "disclose"),
}
COUNTED = ("cube_", "report_fact", "report.aggregate", "report_line.aggregate")
CHANGED_BY_PLAY = {"report", "report_line", "suspension"}  # tables into which a situation is filed


@dataclass(frozen=True)
class Change:
    """What to run, to have the gate without `condition`."""

    place: str
    condition: str
    statement: str
    line: int = 1

    @property
    def name(self) -> str:
        return f"{self.place}:{self.line}: {self.condition}"

    @property
    def counts(self) -> bool:
        """Whether only figures can show it."""
        return self.place.removeprefix("shared.").startswith(COUNTED)

    @property
    def shapes(self) -> bool:
        """Whether it may change what is stored, and so what only a play from the beginning shows."""
        if self.place.startswith("gate."):
            return self.place.removeprefix("gate.") not in READING
        return self.place.partition(".")[0] in CHANGED_BY_PLAY


def of_functions(connection: Connection) -> Iterator[Change]:
    # a body that was parsed when it was made (BEGIN ATOMIC) is spelt by the catalogue alone
    rows = connection.execute(
        text("""SELECT p.proname, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), pg_get_functiondef(p.oid)
                FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
                WHERE p.pronamespace = 'gate'::regnamespace AND l.lanname IN ('sql', 'plpgsql') ORDER BY 1, p.oid""")
    )
    for name, source, definition in rows:
        for mutant in mutants(source):
            yield Change(f"gate.{name}", mutant.condition, definition.replace(source, mutant.text), mutant.line)


def of_views(connection: Connection) -> Iterator[Change]:
    """The views that readers select from: which rows, and which columns of them."""
    rows = connection.execute(
        text("""SELECT relname, pg_get_viewdef(oid), array_to_string(reloptions, ', ') FROM pg_class
                WHERE relkind = 'v' AND relnamespace = 'shared'::regnamespace ORDER BY 1""")
    )
    for name, definition, options in rows:
        within = f" WITH ({options})" if options else ""
        for mutant in mutants(definition):
            statement = f"CREATE OR REPLACE VIEW shared.{name}{within} AS {mutant.text}"
            yield Change(f"shared.{name}", mutant.condition, statement, mutant.line)


def of_policies(connection: Connection) -> Iterator[Change]:
    rows = connection.execute(
        text("""SELECT tablename, policyname, qual, with_check FROM pg_policies
                WHERE schemaname = 'core' ORDER BY 1, 2""")
    )
    for table, policy, using, check in rows:
        for clause, condition in (("USING", using), ("WITH CHECK", check)):
            if condition is None:
                continue
            for mutant in mutants(f"WHERE {condition}"):
                changed = mutant.text.removeprefix("WHERE ")
                statement = f"ALTER POLICY {policy} ON core.{table} {clause} ({changed})"
                yield Change(f"{table}.{policy} {clause}", mutant.condition, statement)


STANDS = 240.0  # seconds: of one transaction, in which trials lapse after ten minutes and would be noticed for that
# Tables of which no situation has a row: the affairs have.
BETWEEN_PARTIES = (
    *("notice", "release_request", "record_rule", "recall", "policy", "publication", "access", "suspension"),
    *("gate.acknowledge", "gate.settle", "gate.end_record", "gate.approve", "gate.publication"),
)


def looked_at(change: Change) -> tuple[str, ...]:
    """Where in a situation the change must show, if it does."""
    if change.counts:
        return ("figures",)
    if not change.place.startswith("gate."):
        return ("rows",)
    return ("arrays",) if change.place.removeprefix("gate.") in READING else ("arrays", "trials")


Probe = Callable[[Stage, Change], Iterator[str]]


def _differences(stage: Stage, change: Change) -> Iterator[str]:
    if change.place.startswith(BETWEEN_PARTIES):
        return iter(())
    return stage.look(stage.scopes(), looked_at(change))


def _figures(stage: Stage, change: Change) -> Iterator[str]:
    return _differences(stage, change) if change.counts else iter(())


def _doors(stage: Stage, change: Change) -> Iterator[str]:
    return iter(()) if change.counts else open_doors(stage)


def _affairs(stage: Stage, change: Change) -> Iterator[str]:
    return iter(()) if change.counts else open_affairs(stage)


def _features(stage: Stage, change: Change) -> Iterator[str]:
    return open_feature(stage, change.place)


def probes(seeds: int) -> dict[str, tuple[Situation, Probe]]:
    """By name: a situation, and what is looked at in it. The cheap ones first."""
    drawn = [(f"situation {seed}", (draw(seed), _differences)) for seed in range(seeds)]
    drawn.insert(1, ("situation of figures", (counted(), _figures)))
    parts = (("features", _features), ("doors", _doors), ("affairs", _affairs))
    return dict([*drawn[:3], *((name, (situation(), probe)) for name, probe in parts), *drawn[3:]])


class Judge:
    """One database, and the changes that are tried in it."""

    def __init__(self, connection: Connection, seeds: int) -> None:
        self.connection, self.tests = connection, probes(seeds)

    def judged(self, changes: list[Change]) -> Iterator[tuple[Change, str | None]]:
        """Each change and the test that noticed it: `invalid` where the copy is no SQL, None where nobody did."""
        left = changes
        for name, (drawn, probe) in self.tests.items():
            waiting, open_ = deque(left), []
            while waiting:
                stage, began = self._stand(name, drawn), monotonic()
                while waiting and monotonic() < began + STANDS:
                    change = waiting.popleft()
                    by = self._noticed(change, name, partial(self._look, stage, probe, change))
                    if by is None:
                        open_.append(change)
                    else:
                        yield change, by
                self.connection.rollback()
            left = open_
        useful = Counter[tuple[str, str]]()
        for change in left:
            by = None
            self.connection.rollback()
            self._limit()
            ordered = sorted(self.tests, key=lambda test: -useful[change.place, test] - useful["", test] / 1000)
            for name in ordered if change.shapes else ():
                if by := self._noticed(change, f"{name}, played", partial(self._play, name, change)):
                    useful[change.place, name] += 1
                    useful["", name] += 1
                    break
            yield change, by

    def _limit(self) -> None:
        self.connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")

    def _stand(self, name: str, drawn: Situation) -> Stage:
        """The situation in a transaction of its own. Raises SystemExit where it fails without any change."""
        self._limit()
        stage = self._stage(drawn)
        doors = chain(open_doors(stage), open_affairs(stage), open_features(stage))
        if found := next(stage.look(stage.scopes(), PARTS) if name.startswith("situation") else doors, None):
            raise SystemExit(f"{name} fails without any change: {found}")
        return stage

    def _stage(self, drawn: Situation) -> Stage:
        stage = Stage(self.connection, drawn)
        stage.play()
        figures.stand(stage)
        return stage

    def _look(self, stage: Stage, probe: Probe, change: Change) -> bool:
        return next(probe(stage, change), None) is not None

    def _play(self, name: str, change: Change) -> bool:
        drawn, probe = self.tests[name]
        return self._look(self._stage(drawn), probe, change)

    def _noticed(self, change: Change, name: str, look: Callable[[], bool]) -> str | None:
        within = self.connection.begin_nested()
        try:
            try:
                self.connection.exec_driver_sql(change.statement.replace("%", "%%"))
            except DBAPIError:
                return "invalid"
            try:
                return name if look() else None
            except (SQLAlchemyError, AssertionError, ArithmeticError, LookupError, TypeError, ValueError):
                return name
        finally:
            within.rollback()


def work(url: str, share: tuple[int, int], arguments: argparse.Namespace) -> None:
    """Judge one of so many shares of all changes, and write each verdict down."""
    number, of = share
    known = verdicts(arguments.journal)
    engine = create_engine(Settings(database_url=url).database_as())
    with engine.connect() as connection, arguments.journal.open("a", encoding="utf-8") as journal:
        listed = [
            c
            for c in (*of_functions(connection), *of_views(connection), *of_policies(connection))
            if arguments.only in c.place
        ]
        mine = [change for change in listed[number::of] if change.name not in known]
        for change, by in Judge(connection, arguments.seeds).judged(mine):
            journal.write(json.dumps([change.name, by]) + "\n")
            journal.flush()
        connection.rollback()
    engine.dispose()


def verdicts(journal: Path) -> dict[str, str | None]:
    if not journal.exists():
        return {}
    return dict(json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines())


def report(found: dict[str, str | None]) -> int:
    unnoticed = sorted(name for name, by in found.items() if by is None and name not in EQUIVALENT)
    for name in unnoticed:
        print(f"UNNOTICED {name}")
    noticed = sum(by not in (None, "invalid") for by in found.values())
    equivalent = sum(by is None and name in EQUIVALENT for name, by in found.items())
    print(
        f"noticed {noticed} of {noticed + len(unnoticed)}; {equivalent} change nothing, with a reason for each;"
        f" {sum(by == 'invalid' for by in found.values())} are no SQL"
    )
    return 1 if unnoticed else 0


def database() -> tuple[Settings, Callable[[], None]]:
    server = Settings()
    name = f"sarhad_mutation_{uuid.uuid4().hex[:12]}"
    maintenance = create_engine(server.database_as().set(database="postgres"), isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = server.database_as().set(database=name).render_as_string(hide_password=False)
    made = Settings(database_url=url)
    engine = create_engine(made.database_as())
    with engine.begin() as connection:
        connection.exec_driver_sql(ROLES_SQL.read_text())
    engine.dispose()
    command.upgrade(alembic_config(made), "head")

    def drop() -> None:
        with maintenance.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        maintenance.dispose()

    return made, drop


def main() -> None:
    parser = argparse.ArgumentParser(prog="mutation")
    parser.add_argument("--only", default="", help="places whose name contains this")
    parser.add_argument("--seeds", type=int, default=10, help="situations tried against each change")
    parser.add_argument("--jobs", type=int, default=1, help="databases side by side")
    parser.add_argument("--journal", type=Path, help="where verdicts are written, and taken from where there are some")
    arguments = parser.parse_args()
    with ExitStack() as after:
        directory = Path(tempfile.mkdtemp(prefix="sarhad-mutation-"))
        after.callback(shutil.rmtree, directory, ignore_errors=True)
        arguments.journal = arguments.journal or directory / "journal"
        if "SARHAD_DATABASE_URL" not in os.environ:
            os.environ["SARHAD_DATABASE_URL"] = _own_cluster(directory, after)
        with ProcessPoolExecutor(arguments.jobs) as pool:
            running = []
            for number in range(arguments.jobs):
                made, drop = database()
                after.callback(drop)
                running.append(pool.submit(work, made.database_url, (number, arguments.jobs), arguments))
            for each in running:
                each.result()
        ended = report(verdicts(arguments.journal))
    sys.exit(ended)


def _own_cluster(directory: Path, after: ExitStack) -> str:
    """A cluster for this run alone; its URL."""
    directory.chmod(0o711)  # as root the cluster runs as another user, who must be able to enter
    cluster = Cluster(directory / "cluster")
    cluster.start({"max_connections": "20"})
    after.callback(cluster.stop)
    return cluster.url(database="postgres")


if __name__ == "__main__":
    main()
