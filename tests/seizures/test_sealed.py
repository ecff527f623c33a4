"""Sensitive facets lie sealed in the database; readers, signatures and proofs notice nothing, until a key is lost."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sarhad import Client, ProblemError
from sarhad.records import correction, retraction
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from service.base64url import decode
from service.cli.admin import app as admin
from service.cli.db import app as db
from service.cli.fsck import app as fsck
from service.cli.lake import app as lake
from service.records import sealing
from service.records.registry import BITS
from service.settings import CountryKeys, Settings
from tests.exchange import Exchange, Region, heroin

pytestmark = pytest.mark.xdist_group("sealed")

SECRET: dict[str, Any] = {
    "narrative": {"text": "Tainik-tayna4q under the seat", "language": "en"},
    "case": {"national_reference": "Delo-tayna4q", "operation": "Operatsiya-tayna4q"},
    "persons": {
        "arrested": 2,
        "groups": [{"n": 2, "role": "CUR", "sex": "1", "age_band": "25-34", "nationality": "AF"}],
    },
}
WORDS = (b"tayna4q", b"nationality", b"arrested")
SETTING = json.dumps([{"country": of, "keys": [f"facet-keys/{of}.key"]} for of in ("KZ", "UZ", "KG")])


@dataclass
class Sealed:
    """An exchange whose settings name a key of KZ and UZ, and one of KG that is not there."""

    exchange: Exchange
    settings: Settings
    environment: dict[str, str]

    def client(self, agency: str) -> Client:
        return self.exchange.client(agency)

    def file(self, agency: str, **facets: Any) -> tuple[str, str]:
        signed = self.exchange.sign(heroin(agency, **(SECRET | facets)))
        return self.client(agency).submit(signed).id, signed

    def run(self, command: Any, *arguments: str, setting: str = SETTING) -> tuple[int, str]:
        environment = self.environment | {"SARHAD_FACET_KEYS": setting}
        done = CliRunner().invoke(command, arguments, env=environment)
        return done.exit_code, done.output

    def stored(self, statement: str, **values: Any) -> Any:
        engine = create_engine(self.settings.database_as())
        with engine.begin() as connection:
            found = connection.execute(text(statement), values)
            rows = found.all() if found.returns_rows else []
        engine.dispose()
        return rows

    def disclosures(self, id_: str) -> list[str | None]:
        ((found,),) = self.stored("SELECT disclosures FROM core.report WHERE record_id = :id", id=id_)
        return list(found)

    def keep(self, id_: str, given: list[str | None]) -> None:
        self.stored("UPDATE core.report SET disclosures = :given WHERE record_id = :id", id=id_, given=given)

    def in_clear(self) -> list[str]:
        """The tables, and files of the service, in which a word of what is sealed stands, in any spelling."""
        tables = self.stored(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema IN ('core', 'gate', 'jobs', 'public')"
        )
        found = [name for (name,) in tables for (row,) in self.stored(f"SELECT t::text FROM {name} t") if tells(row)]
        files = (path for path in self.settings.state_dir.rglob("*") if path.is_file())
        return found + [path.name for path in files if tells(path.read_bytes().decode("latin-1"))]


def tells(row: str) -> bool:
    texts = [row.encode()]
    texts += [bytes.fromhex(found[: len(found) // 2 * 2]) for found in re.findall(r"\\x([0-9a-f]{8,})", row)]
    for found in re.findall(r"[A-Za-z0-9_-]{16,}", row):
        try:
            texts.append(decode(found.encode()))
        except ValueError:
            continue
    return any(word in said for word in WORDS for said in texts)


@pytest.fixture(scope="module")
def sealed(apart: tuple[Settings, Region]) -> Iterator[Sealed]:
    settings = apart[0].model_copy(update={"facet_keys": [CountryKeys(**one) for one in json.loads(SETTING)]})
    environment = {"SARHAD_DATABASE_URL": settings.database_url, "SARHAD_STATE_DIR": str(settings.state_dir)}
    for of in ("KZ", "UZ"):
        sealing.make(f"facet-keys/{of}.key", settings.state_dir)
    exchange = Exchange.start(*apart, workers=1, SARHAD_FACET_KEYS=SETTING)
    yield Sealed(exchange, settings, environment | {"SARHAD_ORIGIN": exchange.settings.origin})
    exchange.stop()
    sealing.use(Settings(facet_keys=()))  # commands set it for this process


@pytest.fixture(scope="module")
def two(sealed: Sealed) -> tuple[str, str, str]:
    """A record of KZ, its bytes, and one of UZ."""
    (kz, signed), (uz, _) = sealed.file("KZ-CUS"), sealed.file("UZ-CUS")
    return kz, signed, uz


def test_nothing_sensitive_lies_in_clear_and_readers_do_not_notice(sealed: Sealed, two: tuple[str, str, str]) -> None:
    kz, signed, _ = two
    client = sealed.client("KZ-CUS")
    facets = client.get(kz)["facets"]
    assert {name: facets[name] for name in SECRET} == SECRET
    assert set(client.get_record(kz).split("~")) == set(signed.split("~"))
    assert not client.submit(signed).created  # the same again
    twin = client.submit(sealed.exchange.sign(heroin("KZ-CUS", **SECRET)))
    assert [warning["type"] for warning in twin.warnings] == ["/warnings/possible-duplicate"]
    corrected = sealed.exchange.sign(correction(signed, case={"operation": "Drugaya-tayna4q"}))
    client.submit(corrected)
    client.submit(sealed.exchange.sign(retraction(corrected, reason="Oshibka-tayna4q", language="en")))
    assert client.get(kz)["facets"]["narrative"]["text"] == "Oshibka-tayna4q"
    asked = {"by": "sex", "measure": "persons", "owner": "KZ"}
    (cell,) = sealed.exchange.client("KZ-CUS", "analysis").trends(**asked)["cells"]
    assert (cell["key"]["sex"], cell["persons"]) == ("1", 2)  # the twin's: the first was retracted
    assert sealed.in_clear() == []


def test_what_was_filed_before_there_was_a_key_is_sealed_afterwards(sealed: Sealed) -> None:
    kz, _ = sealed.file("KZ-CUS")
    in_clear = sealing.Keyring.of(sealed.settings).open(sealed.disclosures(kz), "KZ", kz, 1).disclosures
    sealed.keep(kz, in_clear)
    groups = json.dumps(SECRET["persons"]["groups"])
    sealed.stored("UPDATE core.report_fact SET persons = :groups WHERE record_id = :id", id=kz, groups=groups)
    assert set(sealed.in_clear()) == {"core.report", "core.report_fact"}
    code, said = sealed.run(admin, "facets", "seal", "--batch", "2")
    done = [f"{of}: {number} versions of records sealed" for of, number in (("KZ", 1), ("UZ", 0), ("KG", 0))]
    assert (code, said.splitlines()) == (0, done), said
    assert sealed.in_clear() == []
    assert sealed.client("KZ-CUS").get(kz)["facets"]["narrative"] == SECRET["narrative"]
    code, said = sealed.run(db, "cube", "--check", "--rebuild")
    assert code == 0, said


def test_what_is_put_in_another_place_is_not_taken_for_it(sealed: Sealed) -> None:
    (first, _), (second, _) = sealed.file("KZ-CUS"), sealed.file("KZ-CUS")
    own, others = sealed.disclosures(first), sealed.disclosures(second)
    own[BITS["narrative"]] = others[BITS["narrative"]]
    sealed.keep(first, own)
    shown = sealed.client("KZ-CUS").get(first)
    assert (shown["unreadable"], "narrative" in shown["facets"]) == ({"narrative": "changed"}, False)
    sealed.keep(first, sealed.disclosures(second))
    assert sealed.client("KZ-CUS").get(first)["unreadable"].keys() == SECRET.keys()
    sealed.stored("DELETE FROM core.report_fact WHERE record_id = :id", id=first)


def test_a_lost_key_takes_the_facets_of_its_country_alone(
    sealed: Sealed, two: tuple[str, str, str], tmp_path: Path
) -> None:
    (lost, signed), client = sealed.file("KZ-CUS"), sealed.client("KZ-CUS")
    kept, _ = sealed.file("KZ-CUS")
    ring = sealing.Keyring.of(sealed.settings)
    clear = ring.open(sealed.disclosures(lost), "KZ", lost, 1).disclosures
    sealing.make("lost.key", sealed.settings.state_dir)
    sealed.keep(lost, sealing.Keyring({"KZ": ("lost.key",)}, sealed.settings.state_dir).seal(clear, "KZ", lost, 1))
    (sealed.settings.state_dir / "lost.key").unlink()

    shown = client.get(lost)
    assert shown["unreadable"] == dict.fromkeys(SECRET, "no-key")
    assert (shown["facets"].keys() & SECRET.keys(), bool(shown["facets"]["items"])) == (set(), True)
    found = {row["id"]: row for row in client.search_all(owner="KZ")}
    assert ("unreadable" in found[lost], found[kept]["facets"]["narrative"]) == (True, SECRET["narrative"])
    assert sealed.client("UZ-CUS").get(two[2])["facets"]["narrative"] == SECRET["narrative"]
    assert not client.submit(signed).created  # the same again
    with pytest.raises(ProblemError) as refusal:
        client.get_record(lost)
    assert (refusal.value.status, refusal.value.kind) == (503, "facet-unreadable")

    key = sealed.exchange.region.profiles["KZ-CUS"].load_request_key().kid
    code, said = sealed.run(lake, "export", str(tmp_path / "lake"), "--key", key)
    assert code == 0, said
    narratives = dict(duckdb.sql(f"SELECT record_id, narrative FROM '{tmp_path}/lake/*/*/*/*.parquet'").fetchall())
    assert (narratives[lost], narratives[kept]) == (None, SECRET["narrative"]["text"])
    assert json.loads((tmp_path / "lake" / "lake.json").read_text())["unreadable"]["KZ"] >= 1

    code, said = sealed.run(fsck)
    assert (code, said.count(f"{lost} version 1: its")) == (1, 3), said
    assert f"{lost} version 1: its narrative cannot be opened (no-key)" in said
    assert kept not in said
    client.submit(sealed.exchange.sign(correction(signed)))  # under the key that is there
    assert client.get(lost)["facets"]["narrative"] == SECRET["narrative"]


def test_a_country_whose_key_is_away_files_nothing_in_clear(sealed: Sealed) -> None:
    unkept, kept = (sealed.exchange.sign(heroin("KG-CUS", **facets)) for facets in (SECRET, {"narrative": None}))
    verdicts = sealed.client("KG-CUS").submit_batch([unkept, kept])
    refused, accepted = sorted(verdicts, key=lambda verdict: verdict.accepted)
    assert refused.problem is not None
    assert (refused.problem.status, refused.problem.kind, accepted.accepted) == (503, "facet-key-unavailable", True)
    assert len(sealed.stored("SELECT 1 FROM core.report WHERE country = 'KG'")) == 1


def test_a_new_key_follows_and_the_old_one_may_be_destroyed(sealed: Sealed) -> None:
    uz, _ = sealed.file("UZ-CUS")
    code, said = sealed.run(admin, "facets", "key", "facet-keys/UZ-2.key")
    assert (code, sealed.run(admin, "facets", "key", "facet-keys/UZ-2.key")[0]) == (0, 1), said
    both = json.dumps([{"country": "UZ", "keys": ["facet-keys/UZ-2.key", "facet-keys/UZ.key"]}])
    code, said = sealed.run(admin, "facets", "seal", setting=both)
    assert (code, re.sub("[0-9]+", "n", said)) == (0, "UZ: n versions of records sealed\n")
    alone = sealing.Keyring({"UZ": ("facet-keys/UZ-2.key",)}, sealed.settings.state_dir)
    assert alone.open(sealed.disclosures(uz), "UZ", uz, 1).unreadable == {}
    assert sealed.client("UZ-CUS").get(uz)["unreadable"] == dict.fromkeys(SECRET, "no-key")  # it runs without the new
