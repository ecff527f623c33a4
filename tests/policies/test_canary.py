"""The service does not start over a database that would show a record to who may not see it."""

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, create_engine, text

from service.cli.db import alembic_config
from service.policies import canary
from service.settings import Settings

SHUT = "The service does not start: the database does not hold the gate."
SEEN = "a record that nobody shares is seen in {} by sarhad_read for {}"
PAST = "the role {} may read core.report past the views"
NOBODY, STRANGER = "no reader", "a reader of another country"


@pytest.fixture
def tampered(superuser: Engine) -> Iterator[Connection]:
    """A superuser's transaction that comes to nothing."""
    with superuser.connect() as connection:
        yield connection
        connection.rollback()


def faults(connection: Connection) -> set[str]:
    found: set[str] = set()
    for question in (canary.inspect, canary.plant):
        try:
            question(connection)
        except canary.Exposed as exposed:
            found |= set(exposed.faults)
    return found


def test_a_database_as_migrated_shows_the_planted_record_to_its_owner_only(tampered: Connection) -> None:
    assert faults(tampered) == set()


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        ("ALTER TABLE core.report DISABLE ROW LEVEL SECURITY", "row security does not hold core.report"),
        ("ALTER TABLE core.report NO FORCE ROW LEVEL SECURITY", "row security does not hold core.report"),
        ("ALTER TABLE core.report_line DISABLE ROW LEVEL SECURITY", SEEN.format("shared.report_line", STRANGER)),
        ("GRANT SELECT ON core.report TO sarhad_read", PAST.format("sarhad_read")),
        ("GRANT SELECT (jwt) ON core.report TO sarhad_authn", PAST.format("sarhad_authn")),
        ("ALTER POLICY instant ON core.report USING (true)", SEEN.format("shared.report_instant", STRANGER)),
        ("ALTER POLICY items ON core.report_line USING (latest)", SEEN.format("shared.report_line", NOBODY)),
        (
            "CREATE POLICY more ON core.report FOR SELECT TO gate_point USING (handling = 'TLP:CLEAR')",
            SEEN.format("shared.report_placed", STRANGER),
        ),
        (
            "ALTER VIEW shared.report_day OWNER TO postgres",
            "the view shared.report_day runs with the rights of postgres",
        ),
        (
            "CREATE VIEW shared.every AS SELECT record_id FROM core.report;"
            " GRANT SELECT ON shared.every TO sarhad_read",
            SEEN.format("shared.every", NOBODY),
        ),
        (
            "CREATE OR REPLACE FUNCTION gate.masks() RETURNS integer[] LANGUAGE sql STABLE SECURITY DEFINER AS"
            " 'SELECT array_fill(268435455, ARRAY[100000])'",
            SEEN.format("shared.own_report", STRANGER),
        ),
        ("ALTER POLICY own ON core.report USING (false)", None),
        (
            "CREATE OR REPLACE FUNCTION gate.masks() RETURNS integer[] LANGUAGE sql STABLE SECURITY DEFINER AS"
            " 'SELECT NULL::integer[]'",
            "a planted record is not seen by its owner: nothing is proven",
        ),
    ],
)
def test_every_harm_is_found(tampered: Connection, harm: str, fault: str | None) -> None:
    """But one that shows less: the owner still sees its record in the other views."""
    tampered.exec_driver_sql(harm)
    found = faults(tampered)
    assert found == set() if fault is None else fault in found


def test_the_test_leaves_nothing_behind(superuser: Engine) -> None:
    counts = [
        text(f"SELECT count(*) FROM {table}")
        for table in ("core.report", "core.agency", "core.country", "gate.scope", "gate.context")
    ]
    with superuser.connect() as connection:
        before = [connection.execute(count).scalar_one() for count in counts]
        canary.plant(connection)
        connection.commit()
        assert [connection.execute(count).scalar_one() for count in counts] == before


@pytest.fixture
def throw_away(tmp_path: Path) -> Iterator[Settings]:
    """A migrated database of its own, with no data."""
    server = Settings()
    name = f"sarhad_canary_{uuid.uuid4().hex[:12]}"
    maintenance = create_engine(server.database_as().set(database="postgres"), isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = server.database_as().set(database=name).render_as_string(hide_password=False)
    made = Settings(database_url=url, state_dir=tmp_path)
    yield made
    with maintenance.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    maintenance.dispose()


def start(settings: Settings) -> subprocess.CompletedProcess[str]:
    """`sarhad serve`, which must end by itself."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    return subprocess.run(
        [sys.executable, "-c", "from service.cli.serve import app; app()"],
        env=os.environ
        | {
            "SARHAD_DATABASE_URL": settings.database_url,
            "SARHAD_STATE_DIR": str(settings.state_dir),
            "SARHAD_PORT": str(port),
            "SARHAD_WORKERS": "1",
        },
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.usefixtures("superuser")  # which makes the roles
def test_the_service_refuses_to_start_over_a_harmed_database(throw_away: Settings) -> None:
    ended = start(throw_away)
    assert ended.returncode == 1
    assert "Is the schema at this release (sarhad db upgrade)?" in ended.stderr
    command.upgrade(alembic_config(throw_away), "head")
    engine = create_engine(throw_away.database_as())
    for harm, fault in (
        ("ALTER TABLE core.report DISABLE ROW LEVEL SECURITY", "row security does not hold core.report"),
        (
            "ALTER TABLE core.report ENABLE ROW LEVEL SECURITY; ALTER POLICY day ON core.report USING (latest);"
            " ALTER POLICY instant ON core.report USING (latest)",
            SEEN.format("shared.report_instant", STRANGER),
        ),
    ):
        with engine.begin() as connection:
            connection.exec_driver_sql(harm)
        ended = start(throw_away)
        assert ended.returncode == 1
        assert SHUT in ended.stderr
        assert fault in ended.stderr
        assert "Traceback" not in ended.stderr
    engine.dispose()
