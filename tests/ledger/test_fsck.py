"""`sarhad fsck` finds every thing that was changed behind the service's back, and the service refuses an older log."""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from service.cli.fsck import app
from service.ledger.checkpoints import CheckpointSigner, KeptCheckpoints, origin_of
from service.ledger.models import Log
from service.signing import ServiceKey
from tests.awaiting import once_merged
from tests.exchange import SERVE, Exchange, heroin


@pytest.fixture(scope="module")
def record(exchange: Exchange) -> str:
    """A record whose leaf is in the log."""
    client = exchange.client("KZ-CUS")
    receipt = client.submit(exchange.sign(heroin()))
    once_merged(lambda: client.proof(receipt.id), 60)
    return receipt.id


def environment(exchange: Exchange, **more: str) -> dict[str, str]:
    settings = exchange.settings
    return {
        "SARHAD_DATABASE_URL": settings.database_url,
        "SARHAD_STATE_DIR": str(settings.state_dir),
        "SARHAD_ORIGIN": settings.origin,
        **more,
    }


def fsck(exchange: Exchange, *arguments: str, **more: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments, env=environment(exchange, **more))
    return done.exit_code, done.output


@contextmanager
def changed(exchange: Exchange, change: str, undo: str) -> Iterator[None]:
    engine = create_engine(exchange.settings.database_as(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("SET session_replication_role = replica"))  # as one who is above every rule
        connection.execute(text(change))
        try:
            yield
        finally:
            connection.execute(text(undo))
    engine.dispose()


def test_what_was_only_ever_written_by_the_service_holds(exchange: Exchange, record: str) -> None:
    code, output = fsck(exchange, "--json")
    assert code == 0, output
    figures = json.loads(output)
    assert figures["records"] >= 1
    assert figures["logs"]["records"]["leaves"] >= 1
    assert figures["compared_with"] == 3  # what the service keeps beside the database


FLIP = "set_byte({0}, 0, get_byte({0}, 0) # 1)"
LAST = "(SELECT max(size) FROM core.log_checkpoint WHERE log = 'records')"
CHANGES = {
    "a leaf hash": ("log_leaf", FLIP.format("leaf_hash"), "leaf_hash", "log = 'records' AND index = 0"),
    "an entry": ("log_leaf", FLIP.format("entry"), "entry", "log = 'records' AND index = 0"),
    "a tile": ("log_tile", FLIP.format("hashes"), "hashes", "log = 'records' AND level = 0 AND n = 0"),
    "a checkpoint": ("log_checkpoint", FLIP.format("root"), "root", f"log = 'records' AND size = {LAST}"),
    "a digest": ("report", FLIP.format("digest"), "digest", "record_id = '{record}'"),
    "a salt": ("report", FLIP.format("log_salt"), "log_salt", "record_id = '{record}'"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_byte_is_found(exchange: Exchange, record: str, what: str) -> None:
    table, value, column, where = CHANGES[what]
    flip = f"UPDATE core.{table} SET {column} = {value} WHERE {where.format(record=record)}"
    with changed(exchange, flip, flip):
        code, output = fsck(exchange)
        assert code == 1, output
        assert "Something is wrong." in output
    assert fsck(exchange)[0] == 0


def test_a_missing_tile_is_told_once(exchange: Exchange, record: str) -> None:
    move = "UPDATE core.log_tile SET log = '{}' WHERE log = '{}' AND level = 0 AND n = 0"
    with changed(exchange, move.format("elsewhere", "records"), move.format("records", "elsewhere")):
        code, output = fsck(exchange)
    assert (code, output.count("tile 0/0 is missing")) == (1, 1), output
    assert "level 0 has" not in output


@pytest.mark.parametrize("column", ["jwt", "receipt"])
def test_a_changed_signature_is_found(exchange: Exchange, record: str, column: str) -> None:
    """The last character but two: a bit of the signature itself."""
    where = f"WHERE record_id = '{record}'"
    engine = create_engine(exchange.settings.database_as())
    with engine.connect() as connection:
        before = connection.scalar(text(f"SELECT {column} FROM core.report {where}"))
    engine.dispose()
    other = "B" if before[-3] == "A" else "A"
    forged = before[:-3] + other + before[-2:]
    with changed(
        exchange,
        f"UPDATE core.report SET {column} = '{forged}' {where}",
        f"UPDATE core.report SET {column} = '{before}' {where}",
    ):
        code, output = fsck(exchange)
        assert (code, record in output) == (1, True), output


def test_a_version_holds_without_its_disclosures(exchange: Exchange, record: str) -> None:
    """All that is left once content was let go: the signed core, its leaf and its receipt."""
    where = f"WHERE record_id = '{record}'"
    engine = create_engine(exchange.settings.database_as())
    with engine.connect() as connection:
        before = connection.scalar(text(f"SELECT disclosures::text FROM core.report {where}"))
    engine.dispose()
    blank, undo = (
        f"UPDATE core.report SET disclosures = {value} {where}"
        for value in ("array_fill(NULL::text, ARRAY[19])", f"'{before}'")
    )
    with changed(exchange, blank, undo):
        code, output = fsck(exchange)
        assert code == 0, output
        assert exchange.client("KZ-CUS").proof(record)
    with changed(exchange, f"UPDATE core.report SET disclosures[1] = 'e30' {where}", undo):
        assert fsck(exchange)[0] == 1


def longer(exchange: Exchange, log: Log) -> str:
    """A checkpoint that the log signed, a thousand entries from now."""
    key = ServiceKey.load(exchange.settings.state_dir / "service-key.pem").private_key
    return CheckpointSigner(origin_of(exchange.settings.origin, log), key).sign(10**6, b"\1" * 32)


def test_a_witness_that_remembers_more_shows_a_roll_back(exchange: Exchange, record: str, tmp_path: Path) -> None:
    note = tmp_path / "witness.checkpoint"
    note.write_text(longer(exchange, Log.RECORDS))
    code, output = fsck(exchange, "--against", str(note))
    assert (code, "ROLLED BACK" in output) == (1, True), output
    other = exchange.client("KZ-CUS").checkpoint("governance").splitlines(keepends=True)
    note.write_text("".join([*other[:1], "1\n", b64encode(b"\2" * 32).decode(), "\n", *other[3:]]))
    code, output = fsck(exchange, "--against", str(note))
    assert (code, "signature does not match" in output) == (1, True), output


def test_the_service_does_not_start_on_a_log_that_was_rolled_back(
    exchange: Exchange, record: str, tmp_path: Path
) -> None:
    """Kept from a witness, in a state folder of its own that was restored with the service's key."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / "service-key.pem").write_bytes((exchange.settings.state_dir / "service-key.pem").read_bytes())
    (state / "service-key.pem").chmod(0o600)
    note = tmp_path / "witness.checkpoint"
    note.write_text(longer(exchange, Log.RECORDS))
    assert fsck(exchange, "--against", str(note), "--keep", SARHAD_STATE_DIR=str(state))[0] == 1
    kept = KeptCheckpoints(state).last(Log.RECORDS)
    assert kept is not None
    assert kept.size == 10**6
    refused = subprocess.run(
        [sys.executable, "-c", SERVE],
        env={**environment(exchange, SARHAD_STATE_DIR=str(state), SARHAD_PORT="1"), "PATH": "/usr/bin"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "rolled back" in refused.stderr
