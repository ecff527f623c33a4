"""What a file may hold, when it is built and when it is taken; whose it is; what is refused and leaves nothing."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sarhad import ProblemError
from sarhad.exports import ExportRefused, built, take
from sarhad.signing import SignedRequests
from sqlalchemy import create_engine, text

from service.database import Database
from service.identity.behalf import KeyGone, on_behalf
from tests.awaiting import eventually
from tests.exchange import Exchange, heroin
from tests.exports.conftest import COARSE, NO_EXPORT, PARTNERS, Files

pytestmark = pytest.mark.xdist_group("exports")
YEAR = {"from_": "1997-01-01T00:00:00Z", "to": "1998-01-01T00:00:00Z"}
Reader = Callable[..., Files]


def refused(act: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ProblemError) as problem:
        act()
    return problem.value.status, problem.value.kind


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def raw(exchange: Exchange, name: str, path: str, **headers: str) -> httpx.Response:
    """A signed GET with headers of its own."""
    client = exchange.client(name, "analysis")
    auth = SignedRequests(exchange.region.profiles[name].load_request_key(), lambda: client.service_key)
    headers = {"sarhad-purpose": "analysis"} | {key.replace("_", "-"): value for key, value in headers.items()}
    return exchange.anyone.get(path, auth=auth, headers=headers, timeout=60)


def test_each_reader_has_what_is_disclosed_to_it(shared: Any, files: Reader) -> None:
    rows = lines(files("TJ-CUS").have(**YEAR))
    assert {row["time"] for row in rows} == {f"1997-0{month}" for month in range(1, 5)}
    assert {row["place_precision"] for row in rows} == {"cell"}
    assert {row["narrative"] + row["reference"] + row["transport"] for row in rows} == {""}
    assert len({row["longitude"] for row in rows}) == 1
    assert lines(files("TM-CUS").have(**YEAR)) == []
    own = lines(files("AZ-CUS").have(**YEAR))
    assert {row["time_precision"] for row in own} == {"instant"}
    assert {row["obligations"] for row in own} == {""}


def test_hidden_records_change_no_byte_and_no_size_of_a_file(shared: Any, exchange: Exchange, files: Reader) -> None:
    """D14. Two worlds: before and after Azerbaijan files what this reader may not see, in the same place and months."""
    reader = files("KG-CUS")
    before = {format_: reader.wait(reader.ask(format_, **YEAR)) for format_ in ("csv", "sdmx")}
    hidden = heroin("AZ-CUS", instant="1997-02-05T10:00:00+04:00", handling="TLP:RED")
    exchange.client("AZ-CUS").submit(exchange.sign(hidden))
    told = ("rows", "size", "sha256", "policy", "provenance", "question", "state")
    for format_, document in before.items():
        after = reader.wait(reader.ask(format_, **YEAR))
        assert {name: after[name] for name in told} == {name: document[name] for name in told}
        assert reader.take(after["id"]) == reader.take(document["id"])


def test_records_that_must_not_be_exported_are_left_out_and_counted(shared: Any, files: Reader) -> None:
    reader = files("UZ-CUS")
    document = reader.wait(reader.ask(**YEAR))
    assert document["state"] == "refused"
    assert document["refusal"]["type"] == "/problems/nothing-may-be-exported"
    assert document["provenance"]["left_out"] == {"no_export": {"AZ": 4}}
    status, kind = refused(lambda: reader.take(document["id"]))
    assert (status, kind) == (410, "export-gone")


def test_a_file_is_for_the_key_and_the_purpose_it_was_asked_for(shared: Any, exchange: Exchange, files: Reader) -> None:
    reader = files("KG-CUS")
    export = reader.ask(**YEAR)
    reader.wait(export)
    for other in (files("KG-LAB"), files("TJ-CUS"), files("AZ-CUS")):
        assert refused(lambda other=other: other.client.export(export)) == (404, "not-found")
        assert refused(lambda other=other: other.take(export)) == (404, "not-found")
        assert refused(lambda other=other: other.client.delete_export(export)) == (404, "not-found")
        assert export not in json.dumps(other.client.exports())
    operational = files("KG-CUS", "operational")
    assert refused(lambda: operational.take(export)) == (403, "export-of-another-purpose")
    assert "rows" not in operational.client.export(export)


@pytest.mark.parametrize("narrower", ["policy", "suspension"])
def test_what_is_narrowed_after_the_file_was_built_does_not_leave(
    shared: Any, exchange: Exchange, files: Reader, narrower: str
) -> None:
    """D13, D14."""
    reader = files("KG-CUS")
    export = reader.ask(**YEAR)
    assert reader.wait(export)["rows"] == 8
    officer = exchange.client("AZ-DCA/policy", None)
    if narrower == "policy":
        exchange.adopt("AZ", PARTNERS | {"place": "cell"}, COARSE, NO_EXPORT)
    else:
        made = officer.suspend({"towards_country": "KG", "reason": "A key is lost"})
    document = reader.client.export(export)
    assert not {"rows", "size", "sha256", "provenance"} & document.keys()
    assert refused(lambda: reader.take(export)) == (410, "export-no-longer-given")
    if narrower == "policy":
        exchange.adopt("AZ", PARTNERS, COARSE, NO_EXPORT)
    else:
        exchange.client("AZ-DCA/policy2", None).lift_suspension(made["id"], "A new key is enrolled")
    assert len(lines(reader.take(export))) == 8


def test_a_recalled_record_holds_a_file_back_and_is_flagged_to_its_owner(
    shared: Any, exchange: Exchange, files: Reader
) -> None:
    reader = files("KG-CUS")
    export = reader.ask(**YEAR)
    reader.wait(export)
    (record,) = exchange.client("AZ-CUS").search(from_="1997-04-01T00:00:00Z", to="1997-05-01T00:00:00Z").items
    officer = exchange.client("AZ-DCA/policy", None)
    recall = officer.recall({"records": [record["id"]], "reason": "Filed under the wrong case"})
    try:
        assert refused(lambda: reader.take(export)) == (410, "export-no-longer-given")
        assert len(lines(reader.have(**YEAR))) == 6
        own = lines(files("AZ-CUS").have(**YEAR))
        assert {row["record_id"] for row in own if row["recalled"] == "true"} == {record["id"]}
        told = exchange.client("KG-CUS", None).recalls()["items"]
        assert recall["id"] in [item["id"] for item in told], "who has a copy is told"
    finally:
        now = officer.sharing(record["id"])
        officer.put_sharing(record["id"], {"version": now["version"], "keep": [], "add": []})


def test_the_owner_reads_in_its_statement_what_was_exported_and_taken(
    shared: Any, exchange: Exchange, files: Reader
) -> None:
    reader = files("KG-CUS", "forensic")
    reader.have(**YEAR)
    entries = exchange.client("AZ-DCA/auditor", None).statement("AZ", limit=100).items
    mine = [entry for entry in entries if entry["purpose"] == "forensic" and entry["route"].startswith("/v1/exports")]
    built = next(entry for entry in mine if entry["route"] == "/v1/exports")
    assert (built["records"], len(built["record_ids"])) == (4, 4)
    assert any(entry["route"] == "/v1/exports/{export_id}/file" and entry["records"] == 4 for entry in mine)


def test_a_transfer_that_broke_off_is_taken_up_again(shared: Any, exchange: Exchange, files: Reader) -> None:
    reader = files("KG-CUS")
    export = reader.ask(**YEAR)
    document = reader.wait(export)
    whole, path, size = reader.take(export), f"/v1/exports/{export}/file", document["size"]
    middle = raw(exchange, "KG-CUS", path, range="bytes=10-19")
    assert (middle.status_code, middle.content) == (206, whole[10:20])
    assert middle.headers["content-range"] == f"bytes 10-19/{size}"
    assert raw(exchange, "KG-CUS", path, range="bytes=-5").content == whole[-5:]
    assert raw(exchange, "KG-CUS", path, range=f"bytes={size - 3}-").content == whole[-3:]
    everything = raw(exchange, "KG-CUS", path)
    assert (everything.status_code, everything.content) == (200, whole)
    assert everything.headers["etag"] == f'"{document["sha256"]}"'
    other = raw(exchange, "KG-CUS", path, range="bytes=10-19", if_range=everything.headers["etag"])
    assert (other.status_code, len(other.content)) == (200, size), "no signature covers If-Range"
    for not_understood in ("bytes=1-2,5-6", "bytes=9-3", f"bytes={'9' * 4301}-"):
        assert raw(exchange, "KG-CUS", path, range=not_understood).status_code == 200
    for impossible in (f"bytes={size}-", "bytes=-0"):
        answer = raw(exchange, "KG-CUS", path, range=impossible)
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")


def test_the_client_goes_on_where_it_broke_off_and_checks_what_it_has(
    shared: Any, files: Reader, tmp_path: Path
) -> None:
    reader, path = files("KG-CUS"), tmp_path / "seizures.csv"
    document = built(reader.client, reader.ask(**YEAR))
    whole = reader.take(document["id"])
    path.with_name("seizures.csv.part").write_bytes(whole[:100])
    assert take(reader.client, document, path, part=700).read_bytes() == whole
    sheet = json.loads((tmp_path / "seizures.csv.provenance.json").read_text())
    assert sheet["reader"] == {"agency": "KG-CUS", "purpose": "analysis", "case": None}
    path.with_name("seizures.csv.part").write_bytes(b"something else" * 10)
    with pytest.raises(ExportRefused):
        take(reader.client, document, path)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"format": "pdf"}, 422, "unknown-format"),
        ({"format": "csv", "filter": {"bbox": "1,2"}}, 400, "invalid-box"),
        ({"format": "csv", "filter": {"substance": "SAR-999999"}}, 400, "unknown-substance-filter"),
        ({"format": "csv", "filter": {"hidden": "1"}}, 422, "invalid-request"),
        ({"format": "csv", "filter": {"limit": 5}}, 422, "invalid-request"),
        ({"filter": {}}, 422, "invalid-request"),
        ({"format": 5}, 422, "invalid-request"),
        ([], 422, "invalid-request"),
    ],
)
def test_what_is_refused_leaves_nothing(exchange: Exchange, files: Reader, body: Any, status: int, kind: str) -> None:
    from dataclasses import replace  # noqa: PLC0415

    from sarhad._calls import _object, _send  # noqa: PLC0415

    client = files("RU-CUS").client
    call = replace(_send("POST", "/v1/exports", body, _object, repeatable=False), purposeful=True)
    assert refused(lambda: client.perform(call)) == (status, kind)
    assert client.exports()["items"] == []


def test_a_purpose_is_needed_and_room(exchange: Exchange, files: Reader) -> None:
    assert refused(lambda: exchange.client("RU-CUS", None).ask_export("csv")) == (403, "purpose-required")
    reader = files("RU-CUS")
    engine = create_engine(exchange.settings.database_as())
    made = [reader.ask() for _ in range(3)]
    for export in made:
        reader.wait(export)
    with engine.begin() as connection:
        statement = text("UPDATE core.export SET state = 'running', size = NULL WHERE id = ANY (CAST(:ids AS uuid[]))")
        connection.execute(statement, {"ids": made})
    assert refused(reader.ask) == (429, "too-many-exports")
    reader.client.delete_export(made[0])
    reader.ask()
    engine.dispose()


def test_an_export_that_was_deleted_is_gone_with_its_files(exchange: Exchange, files: Reader) -> None:
    reader = files("RU-DCA")
    export = reader.ask()
    reader.wait(export)
    folder = exchange.settings.state_dir / "exports"
    assert list(folder.glob(f"{export}*"))
    reader.client.delete_export(export)
    assert not list(folder.glob(f"{export}*"))
    assert reader.client.export(export)["state"] == "deleted"
    assert refused(lambda: reader.take(export)) == (410, "export-gone")


async def test_who_holds_no_role_that_reads_any_more_is_acted_for_by_nobody(exchange: Exchange) -> None:
    database = Database(exchange.settings)
    keys = {name: exchange.region.profiles[name].load_request_key().kid for name in ("KG-CUS", "KG-DCA/auditor")}
    acting = await on_behalf(database, keys["KG-CUS"], "analysis")
    assert (acting.caller.agency, acting.caller.country) == ("KG-CUS", "KG")
    for nobody in (keys["KG-DCA/auditor"], "unknown"):
        with pytest.raises(KeyGone):
            await on_behalf(database, nobody, "analysis")
    await database.dispose()


def test_an_export_whose_time_is_over_is_gone_with_its_files(exchange: Exchange, files: Reader) -> None:
    reader, folder = files("RU-DCA"), exchange.settings.state_dir / "exports"
    export = reader.ask()
    reader.wait(export)
    engine = create_engine(exchange.settings.database_as())
    with engine.begin() as connection:
        over = text("UPDATE core.export SET expires_at = now() WHERE id = CAST(:id AS uuid)")
        connection.execute(over, {"id": export})
    assert refused(lambda: reader.take(export)) == (410, "export-gone"), "also before it is swept"
    with engine.begin() as connection:
        connection.execute(text("SELECT jobs.defer('exports:sweep', 'quick', '{\"timestamp\": 0}', NULL, NULL)"))
    eventually(lambda: not list(folder.glob(f"{export}*")))
    assert reader.client.export(export)["state"] == "expired"
    engine.dispose()


def test_the_mark_tells_whose_copy_it_is(shared: Any, files: Reader) -> None:
    marks = set()
    readers = (("KG-CUS", "analysis"), ("KG-CUS", "forensic"), ("KG-DCA", "analysis"), ("TJ-CUS", "analysis"))
    for name, purpose in readers:
        (mark,) = {row["copy_for"] for row in lines(files(name, purpose).have(**YEAR))}
        assert mark.startswith(f"{name} {purpose} ")
        marks.add(mark.rsplit(" ", 1)[1])
    assert len(marks) == 4
