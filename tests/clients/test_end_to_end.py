"""The library and the command line against the running service: a report, an import, a proof."""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sarhad import AsyncClient, Profile, records, records_in
from sarhad.imports.agencies import Agencies

from tests.awaiting import eventually
from tests.exchange import Exchange, heroin

SAMPLE = Path(__file__).parent / "data" / "ids_sample.csv"
Command = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.xdist_group("exchange")


@pytest.fixture
def profiles(exchange: Exchange, tmp_path: Path) -> Path:
    """The customs agencies of the region as a member would keep them: profile.toml and keys by agency."""
    for name, profile in exchange.region.profiles.items():
        if name.endswith("-CUS"):
            shutil.copytree(profile.directory, tmp_path / "agencies" / name)
            place = replace(profile, directory=tmp_path / "agencies" / name, service=exchange.settings.origin)
            place.save()
    return tmp_path / "agencies"


@pytest.fixture
def sarhad(profiles: Path) -> Command:
    """Run the command line as KZ-CUS."""

    def run(*arguments: object, stdin: str | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", "from sarhad.cli import main; main()", *map(str, arguments)],
            input=stdin, capture_output=True, text=True, timeout=120, check=False,
            env={**os.environ, "SARHAD_HOME": str(profiles), "SARHAD_PROFILE": str(profiles / "KZ-CUS")},
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def described(reference: str) -> str:
    facets = {
        "reference": reference,
        "when.instant": "2025-05-14T03:20:00+05:00",
        "where.country": "KZ",
        "items": [
            {
                "line": 1,
                "status": "PRES",
                "reported": {"substance": "героин", "quantity": "1.5", "unit": "кг"},
            }
        ],
    }
    return json.dumps({"facets": facets}, ensure_ascii=False)


def test_a_described_report_is_submitted_read_corrected_retracted_and_proven(sarhad: Command, profiles: Path):
    reference = f"KPP-{time.time_ns()}"
    accepted = json.loads(sarhad("submit", "-", "--json", stdin=described(reference)).stdout)
    record_id = accepted["id"]
    assert accepted["created"] is True
    assert Path(accepted["saved"]).parent == profiles / "KZ-CUS" / "receipts"

    shown = json.loads(sarhad("show", record_id, "--json").stdout)
    assert json.dumps(shown, ensure_ascii=False).count("героин") >= 1
    signed = sarhad("show", record_id, "--sd-jwt").stdout.strip()
    own = Profile.load(profiles / "KZ-CUS")
    assert records.verify(signed, own.load_record_key().public).facets["reference"] == reference
    assert record_id in sarhad("search", "--owner", "KZ", "--limit", "100000", "--json").stdout

    first = sarhad("verify", accepted["saved"]).stdout
    assert "1. KZ-CUS signed version 1" in first
    assert "promised to log" in first

    corrected = sarhad("correct", record_id, "-", "--json", stdin='{"persons": {"arrested": 1, "groups": []}}')
    assert json.loads(corrected.stdout)["version"] == 2
    withdrawn = sarhad("retract", record_id, "--reason", "Counted twice", "--json")
    assert json.loads(withdrawn.stdout)["version"] == 3


def test_a_search_says_where_it_stops_before_the_end(sarhad: Command):
    for _ in range(3):
        sarhad("submit", "-", stdin=described(f"MORE-{time.time_ns()}"))
    first = sarhad("search", "--owner", "KZ", "--limit", "2", "--json")
    assert len(json.loads(first.stdout)) == 2
    assert "there are more: --limit 4" in first.stderr
    everything = sarhad("search", "--owner", "KZ", "--limit", "100000")
    assert "there are more" not in everything.stderr


def test_a_timeline_is_of_the_last_year_unless_asked_otherwise(sarhad: Command):
    now = datetime.now(UTC) - timedelta(minutes=1)
    for moment in (now, now - timedelta(days=400)):
        report = json.loads(described(f"LINE-{time.time_ns()}"))
        report["facets"]["when.instant"] = moment.isoformat(timespec="seconds")
        sarhad("submit", "-", stdin=json.dumps(report))
    this, last = f"{now:%Y-%m}", f"{now - timedelta(days=400):%Y-%m}"

    def months(*period: str) -> list[str]:
        return [
            row["month"] for row in json.loads(sarhad("timeline", "SAR-000608", *period, "--json").stdout)["months"]
        ]

    assert (this in months(), last in months()) == (True, False)
    assert (this in months("--to", this), last in months("--to", f"{this}-01")) == (False, False)
    assert (this in months("--from", last), last in months("--from", last)) == (True, True)


def test_the_log_keeps_the_promise_of_a_receipt_and_any_change_is_found(sarhad: Command, exchange: Exchange, tmp_path):
    kept = tmp_path / "kept.json"
    sarhad("submit", "-", "--save", kept, stdin=described(f"KPP-{time.time_ns()}"))

    def argued() -> str | None:
        with suppress(AssertionError):
            return str(sarhad("verify", kept, "--fetch").stdout)
        return None

    argument = eventually(argued, exchange.settings.merge_delay_seconds)  # the promise itself is what is awaited
    assert "signed a checkpoint of" in argument
    assert "of that tree is this record" in argument
    assert "Entry" in sarhad("verify", kept).stdout  # offline, from the file alone

    evidence = json.loads(kept.read_text())
    jwt, *disclosures = evidence["record"].split("~")
    forged = {**evidence, "record": "~".join([jwt, *disclosures[1:-1][::-1], disclosures[0][:-2] + "AA", ""])}
    kept.write_text(json.dumps(forged))
    sarhad("verify", kept, code=4)
    path = [step[::-1] for step in evidence["proof"]["path"]]
    kept.write_text(json.dumps({**evidence, "proof": {**evidence["proof"], "path": path, "index": 0}}))
    if path:
        sarhad("verify", kept, code=4)


def test_a_refusal_is_one_sentence_with_the_place_of_the_fault(sarhad: Command):
    wrong = json.loads(described(f"KPP-{time.time_ns()}"))
    wrong["facets"]["items"][0]["reported"]["unit"] = "bushels"
    refused = sarhad("submit", "-", stdin=json.dumps(wrong), code=1)
    assert "unit" in refused.stderr
    assert "/items/0/reported/unit" in refused.stderr
    assert "Traceback" not in refused.stderr
    judged = sarhad("submit", "-", "--dry-run", stdin=described(f"KPP-{time.time_ns()}"))
    assert "would accept" in judged.stdout


def test_the_sample_is_imported_by_country_and_the_rest_reported(sarhad: Command, profiles: Path, tmp_path: Path):
    table = tmp_path / "ids.csv"
    shutil.copy(SAMPLE, table)
    checked = sarhad("import", table, "--profile", "unodc-ids", "--agency-map", profiles, "--check", code=1)
    assert checked.stdout.startswith("35 rows; 0 drug names or units unknown to the service; 2 rows that cannot")
    assert "line 35, column DRUG_UNIT: DRUG_UNIT is empty." in checked.stdout
    assert not table.with_name("ids.csv.sarhad-import").exists()

    first = json.loads(
        sarhad("import", table, "--profile", "unodc-ids", "--agency-map", profiles, "--json", code=1).stdout
    )
    assert (first["rows"], first["refused"], first["duplicates"], first["waiting"]) == (35, 2, 2, 0), first
    with (tmp_path / "ids.csv.report.csv").open(encoding="utf-8-sig", newline="") as file:
        report = {(row["line"], row["type"]): row for row in csv.DictReader(file)}
    assert report["35", "row"]["detail"] == "DRUG_UNIT is empty."
    assert "Ruritania" in report["36", "row"]["detail"]
    assert report["6", "duplicate-of"]["duplicate-of"] == "5"
    assert report["22", "duplicate-of"]["duplicate-of"] == "21"

    again = json.loads(
        sarhad("import", table, "--profile", "unodc-ids", "--agency-map", profiles, "--json", code=1).stdout
    )
    assert (again["accepted"], again["refused"]) == (first["accepted"], 2)

    table.with_name("ids.csv.sarhad-import").unlink()  # the resume file is lost: references are the same again
    anew = json.loads(
        sarhad("import", table, "--profile", "unodc-ids", "--agency-map", profiles, "--json", code=1).stdout
    )
    assert (anew["accepted"], anew["already_reported"], anew["refused"]) == (0, 33, 2)


OWN = """
name = "own"
[country]
constant = "KZ"
[reference]
column = "Number"
[facets]
"when.day" = { column = "Day", date = "%d.%m.%Y" }
[[facets.items]]
line = { constant = 1 }
substance = { column = "Drug", resolve = "substance" }
status = { constant = "SUSP" }
reported.substance = { column = "Drug" }
reported.quantity = { column = "Amount", decimal = true }
reported.unit = { column = "Unit", check = "unit" }
"""


def test_a_check_names_the_rows_that_the_import_then_refuses(sarhad: Command, tmp_path: Path):
    number = f"CHECK-{time.time_ns()}"
    table, mapping = tmp_path / "own.csv", tmp_path / "own.toml"
    mapping.write_text(OWN)
    rows = ["14.05.2025,Heroin,1.5,kg", "31.02.2025,Heroin,1.5,kg", "14.05.2025,Heroin,1.5.0,kg", "x,Heroin,-1,kg"]
    table.write_text("Number,Day,Drug,Amount,Unit\n" + "".join(f"{number}-{n},{row}\n" for n, row in enumerate(rows)))

    checked = json.loads(sarhad("import", table, "--mapping", mapping, "--check", "--json", code=1).stdout)
    assert (checked["rows"], checked["unknown"]) == (4, [])
    assert [(row["line"], row["column"]) for row in checked["refused"]] == [(3, "Day"), (4, "Amount"), (5, "Day")]
    assert (
        "line 4, column Amount: '1.5.0' is not a number."
        in sarhad("import", table, "--profile", mapping, "--check", code=1).stdout
    )
    done = sarhad("import", table, "--profile", mapping, code=1).stdout
    assert "Rows that need a look" in done
    with (tmp_path / "own.csv.report.csv").open(encoding="utf-8-sig", newline="") as file:
        told = [(int(row["line"]), row["pointer"], row["detail"]) for row in csv.DictReader(file)]
    assert told == [(row["line"], row["column"], row["detail"]) for row in checked["refused"]]

    strange = tmp_path / "strange.csv"
    strange.write_text(f"Number,Day,Drug,Amount,Unit\n{number}-5,14.05.2025,Heroin,1,bushels\n")
    assert "unknown unit: bushels" in sarhad("import", strange, "--profile", mapping, "--check", code=1).stdout
    sarhad("import", strange, "--profile", mapping, code=1)


def test_a_clean_table_needs_no_look(sarhad: Command, tmp_path: Path):
    table, mapping = tmp_path / "clean.csv", tmp_path / "own.toml"
    mapping.write_text(OWN)
    table.write_text(f"Number,Day,Drug,Amount,Unit\nCLEAN-{time.time_ns()},03.02.2019,Opium,7.25,kg\n")
    assert "0 rows that cannot become a record" in sarhad("import", table, "--profile", mapping, "--check").stdout
    done = sarhad("import", table, "--profile", mapping).stdout
    assert "accepted                 1" in done
    assert "need a look" not in done


def test_an_imported_row_stands_in_the_record_word_for_word(sarhad: Command, exchange, profiles: Path, tmp_path):
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    row = ["0.12345678901234566" if name == "AMOUNT" else cell for name, cell in zip(header, rows[12], strict=True)]
    table = tmp_path / "one.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, row])
    sarhad("import", table, "--profile", "unodc-ids", "--agency-map", profiles)
    (found,) = [
        item
        for item in exchange.client("KG-CUS").search_all(owner="KG", limit=100)
        if "0.12345678901234566" in json.dumps(item)
    ]
    record = records.read(exchange.client("KG-CUS").get_record(found["id"]))
    assert record.facets["where.country"] == "RU"  # the Kyrgyz report says it happened in Krasnoyarsk
    assert record.facets["where.admin1"]["code"] == "RU-KYA"
    assert record.facets["where.point"] == {"place": "Красноярск, Россия"}
    assert record.facets["items"][0]["reported"]["quantity"] == "0.12345678901234566"
    assert record.facets["when.day"] == "2012-02-12"


def test_a_table_that_cannot_be_trusted_sends_nothing(sarhad: Command, profiles: Path, tmp_path: Path):
    table = tmp_path / "bad.csv"
    table.write_bytes(SAMPLE.read_bytes().decode().encode("windows-1251", "replace"))
    refused = sarhad("import", table, "--profile", "unodc-ids", "--agency-map", profiles, code=2)
    assert "--encoding windows-1251" in refused.stderr
    assert not table.with_name("bad.csv.sarhad-import").exists()


def test_the_outbox_sends_to_the_real_service_once(sarhad: Command, tmp_path: Path):
    box = tmp_path / "box.db"
    for number in range(3):
        sarhad("outbox", "add", "-", "--file", box, stdin=described(f"BOX-{time.time_ns()}-{number}"))
    assert sarhad("outbox", "list", "--file", box).stdout.count("waiting") == 3
    assert "3 delivered" in sarhad("outbox", "send", "--file", box).stdout
    assert "0 delivered" in sarhad("outbox", "send", "--file", box).stdout


def test_batches_stream_and_answer_line_by_line(exchange: Exchange, tmp_path: Path):
    good = [exchange.sign(heroin("TJ-CUS", reference=f"B-{time.time_ns()}-{n}")) for n in range(20)]
    foreign = exchange.sign(heroin("UZ-CUS"))
    path = tmp_path / "batch.ndjson"
    path.write_text("\n".join([*good[:10], foreign, json.dumps({"record": good[10]}), *good[11:]]) + "\n")
    sent: list[tuple[int, int]] = []
    client = exchange.client("TJ-CUS", None)
    verdicts = list(client.submit_batch(records_in(path), progress=lambda done, total: sent.append((done, total))))
    assert [verdict.line for verdict in verdicts if not verdict.accepted] == [11]
    assert verdicts[10].problem.kind == "foreign-record"
    assert sent[-1][0] == sent[-1][1] > 0
    assert {verdict.status for verdict in client.submit_batch(good)} == {200}


async def test_the_asynchronous_client_speaks_to_the_same_service(exchange: Exchange):
    profile = exchange.region.profiles["UZ-CUS"]
    async with AsyncClient(
        service=exchange.settings.origin, key=profile.load_request_key(), purpose="operational"
    ) as client:
        receipt = await client.submit(exchange.sign(heroin("UZ-CUS")))
        assert (await client.get(receipt.id))["id"] == receipt.id
        verdicts = [v async for v in client.submit_batch([exchange.sign(heroin("UZ-CUS")) for _ in range(3)])]
        assert all(verdict.accepted for verdict in verdicts)
        assert any([item["id"] == receipt.id async for item in client.search_all(owner="UZ")])
        (place,) = await client.resolve_places([{"country": "KZ", "division": "", "place": "Алматы"}])
        assert place["country"] == "KZ"


def test_an_agency_map_is_a_file_or_a_directory(profiles: Path, tmp_path: Path):
    (tmp_path / "map.toml").write_text('KZ = "agencies/KZ-CUS"\n')
    assert Agencies.load(tmp_path / "map.toml").of("KZ").agency == "KZ-CUS"
    assert set(Agencies.load(profiles).profiles) == {"AZ", "KG", "KZ", "RU", "TJ", "TM", "UZ"}


def test_another_language_signs_with_the_example(exchange: Exchange, tmp_path: Path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    profile = exchange.region.profiles["KZ-CUS"]
    (tmp_path / "record.sd-jwt").write_text(exchange.sign(heroin("KZ-CUS")))
    script = Path(__file__).parents[2] / "clients" / "examples" / "submit.mjs"
    key = profile.directory / profile.request_key
    done = subprocess.run(
        [node, script, exchange.settings.origin, key, tmp_path / "record.sd-jwt"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    accepted, read = done.stdout.splitlines()
    assert accepted.startswith("201 ")
    assert read.startswith("200 ")
    assert json.loads(read[4:])["id"] == json.loads(accepted[4:])["id"]
