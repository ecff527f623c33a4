"""Words and numbers that stand in hidden records only, looked for in everything that others can get."""

import base64
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sarhad.records import item
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from tests.awaiting import eventually
from tests.exchange import Exchange
from tests.exports.conftest import Files
from tests.policies.entrance import Entrance
from tests.policies.leaks.asking import Asker
from tests.policies.reports import AGENCY, HIDDEN, report

WORD = f"kanareika{uuid.uuid4().hex[:10]}"
ARRESTED = "7793"
CANARIES: dict[str, Any] = {
    "reference": f"{WORD}-reference",
    "where_point": {"lat": "39.6377", "lon": "66.9393"},
    "items": [item(None, "heroin", "7391.93751", "kg", status="PRES")],
    "route": [{"role": "DESTINATION", "country": "IS", "certainty": "SUSPECTED"}],
    "persons": {"arrested": int(ARRESTED), "groups": []},
    "marks": [{"kind": "STAMP", "text": f"{WORD} stamp"}],
    "case": {"national_reference": f"{WORD}-case"},
    "laboratory": {"agency": "UZ-LAB", "case": f"{WORD}-lab"},
    "narrative": {"text": f"{WORD} narrative", "language": "en"},
}
READERS = [
    ("KG-CUS", "operational"),
    ("RU-CUS", "analysis"),
    ("TJ-LAB", "forensic"),
    ("KG-DCA/policy", "analysis"),
    ("KG-DCA/auditor", None),
    ("KG-DCA/admin1", None),
]


@pytest.fixture(scope="module")
def canaries(exchange: Exchange, policy: None) -> set[bytes]:
    """Everything by which the hidden record could be known."""
    owner = exchange.client(AGENCY)
    signed = exchange.sign(report(HIDDEN, **CANARIES))
    id_ = owner.submit(signed).id
    told = owner.get(id_)
    words = {WORD, id_, id_.replace("-", ""), "7391.93751", "39.6377", "66.9393", ARRESTED}
    cell = told.get("facets", {}).get("where.cell")
    parts = {part for part in re.split(r"[.~]", signed) if len(part) > 40}
    raw = [uuid.UUID(id_).bytes, *(part.encode() for part in parts), *(word.encode() for word in words)]
    if isinstance(cell, str):
        raw.append(cell.encode())
    encoded = {base64.b64encode(word.encode()).rstrip(b"=")[:-2] for word in (WORD, id_)}
    return {*raw, *encoded}


def sung(canaries: set[bytes], everything: bytes) -> set[bytes]:
    """The canaries that stand in `everything`; digits alone count as a number, not in one or in an id."""
    return {
        canary
        for canary in canaries
        if canary in everything
        and (not canary.isdigit() or re.search(rb"(?<![\w.-])" + canary + rb"(?![\w.-])", everything))
    }


def words(canaries: set[bytes]) -> set[bytes]:
    """Those that nothing else is named by: a process may have a number of theirs."""
    return {canary for canary in canaries if not canary.isdigit()}


def questions(paths: dict[str, Any], owner: str) -> Iterator[str]:
    """Every GET route of the contract, bare and with values that fit its parameters."""
    values = {
        "owner": owner,
        "country": owner,
        "version": "1",
        "code": "SAR-000608",
        "log": "records",
        "level": "0",
        "name": "000",
        "kid": "k",
    }
    for path, methods in paths.items():
        if "get" in methods:
            concrete = re.sub(r"\{(\w+)\}", lambda m: values.get(m.group(1), str(uuid.UUID(int=1))), path)
            yield concrete
    yield from (
        "/v1/seizures?owner=UZ&limit=500",
        "/v1/seizures?bbox=60,30,70,45",
        "/v1/seizures?min_kg=7000",
        f"/v1/seizures?reference={CANARIES['reference'][:-1]}",
        "/v1/trends?by=owner",
        "/v1/analyses?limit=500",
        "/v1/precursor-incidents?limit=500",
        "/v1/clandestine-laboratories?limit=500",
        "/v1/price-observations?limit=500",
        "/v1/aggregates?time=quarter&first_month=2026-01&last_month=2026-12",
        "/v1/changes?state=applied",
        "/v1/policies/UZ/versions/1/words",
        "/v1/policies/UZ/diff?to=1",
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/seizures?cursor=AAAA",
        "/v1/seizures?min_kg=x",
        "/nothing",
    )


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader[0])
@pytest.mark.parametrize("accept", ["application/json", "application/geo+json"])
def test_no_answer_to_others_holds_a_word_of_a_hidden_record(
    exchange: Exchange, paths: dict[str, Any], canaries: set[bytes], reader: tuple[str, str | None], accept: str
) -> None:
    ask = Asker(exchange, *reader)
    answered = 0
    for question in questions(paths, "UZ"):
        answer = ask(question, headers={"accept": accept})
        everything = b"\n".join([answer.body, *(value.encode() for pair in answer.headers for value in pair)])
        assert not sung(canaries, everything), question
        assert answer.status < 500, question
        answered += answer.status == 200
    assert answered > 10


def test_neither_logs_nor_their_tiles_hold_it(exchange: Exchange, canaries: set[bytes]) -> None:
    """What anybody can fetch without a key, and the leaves of every log."""
    ask = Asker(exchange, "RU-CUS", None)
    found = 0
    for log in ("records", "governance", "access"):
        checkpoint = ask(f"/v1/log/{log}/checkpoint")
        size = int(checkpoint.body.split(b"\n")[1]) if checkpoint.status == 200 else 0
        for level in ("0", "1", "entries"):
            for name in ("000", f"000.p/{size % 256}"):
                tile = ask(f"/v1/log/{log}/tile/{level}/{name}")
                found += tile.status == 200
                assert not sung(canaries, tile.body)
    assert found
    metrics = httpx.get(f"{exchange.settings.origin}/metrics").content
    assert not sung(canaries, metrics)


def test_neither_files_of_exports_nor_the_output_of_jobs_hold_it(
    exchange: Exchange, canaries: set[bytes], jobs: Path
) -> None:
    for name, purpose in READERS[:3]:
        files = Files(exchange.client(name, purpose))
        for format_ in ("csv", "geojson", "stix", "sdmx"):
            document = files.wait(files.ask(format_))
            assert not sung(canaries, json.dumps(document).encode())
            if document["state"] == "ready":
                assert not sung(canaries, files.take(document["id"]))
            files.client.delete_export(document["id"])
    owner = Files(exchange.client(AGENCY))
    export = owner.ask("csv", reference=CANARIES["reference"])
    assert owner.wait(export)["rows"] == 1
    assert WORD.encode() in owner.take(export)
    owner.client.delete_export(export)
    assert not sung(words(canaries), jobs.read_bytes())


def test_the_log_of_the_database_holds_nothing_of_a_row_that_it_refused(
    canaries: set[bytes], superuser: Engine
) -> None:
    """Not even where its superuser, whom no row security holds, is refused a row: PostgreSQL quotes it in full."""
    broken = text("UPDATE core.report SET version = 0 WHERE reference = :reference")
    with superuser.connect() as connection:
        session = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with pytest.raises(IntegrityError, match=WORD):
            connection.execute(broken, {"reference": CANARIES["reference"]})
        connection.rollback()
        said = _logged(connection, f"[{session}] ERROR")
    assert "violates check constraint" in said
    assert not sung(words(canaries), said.encode())


@pytest.mark.parametrize(
    "role", ["sarhad_read", "sarhad_write", "sarhad_authn", "sarhad_sequencer", "sarhad_access", "sarhad_jobs"]
)
def test_whatever_a_server_is_set_to_log_it_quotes_nothing_of_what_the_service_does(
    entrance: Entrance, role: str
) -> None:
    with entrance(role) as connection:
        found = {
            name: connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("log_error_verbosity", "log_min_error_statement", "log_parameter_max_length")
        }
        own = connection.execute(text("SELECT rolconfig FROM pg_roles WHERE rolname = current_user")).scalar_one()
    assert list(found.values()) == ["terse", "panic", "0"]
    assert {"log_error_verbosity=terse", "log_min_error_statement=panic"} <= set(own)


def _logged(connection: Connection, wanted: str) -> str:
    """The current log of the server, once it holds the line: a process of its own writes it."""

    def said() -> str | None:
        log = str(connection.execute(text("SELECT pg_read_file(pg_current_logfile())")).scalar_one())
        return log if wanted in log else None

    return str(eventually(said))


def test_the_owner_gets_it(exchange: Exchange, canaries: set[bytes]) -> None:
    """So the words can be found where they are."""
    body = Asker(exchange, AGENCY)(f"/v1/seizures?reference={CANARIES['reference']}").body
    assert {WORD.encode(), b"7391.93751", b"39.6377", ARRESTED.encode()} <= sung(canaries, body)
