"""Files of other records than reports: what each kind says, no more than is given, in every format that is a table."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from python_calamine import CalamineWorkbook
from sarhad import ProblemError

from service.exports.subjects import SUBJECTS
from tests.analyses.laboratory import Laboratory
from tests.exchange import Exchange
from tests.exports.conftest import FORMULA, Files
from tests.observations.records import ANHYDRIDE, HEROIN, METH, PATHS, record
from tests.seizures.wiring import Agency

pytestmark = pytest.mark.xdist_group("exports")
YEAR = {"from_": "1998-01-01T00:00:00Z", "to": "1999-01-01T00:00:00Z"}
OTHERS = [name for name, subject in SUBJECTS.items() if subject.kind]
KINDS = [subject.kind for subject in SUBJECTS.values() if subject.kind]
RULE = {"effect": "permit", "handling_up_to": "TLP:AMBER", "kinds": KINDS}
GIVEN = RULE | {
    "id": "given",
    "audience": {"countries": ["KG"]},
    "facets": ["reference", "items", "laboratory", "purity", "transport", "case", "narrative"],
    "time": "day",
    "place": "country",
}
COARSE = RULE | {"id": "coarse", "audience": {"countries": ["TJ"]}, "facets": ["items"], "time": "month"}
KEPT = GIVEN | {"id": "kept", "audience": {"countries": ["UZ"]}, "obligations": ["no_export"]}
STORY = {"text": FORMULA, "language": "en"}
Reader = Callable[..., Files]


@dataclass
class Filer:
    """Files one record of every kind, in a year of its own."""

    exchange: Exchange
    laboratory: Laboratory

    def __call__(self, handling: str) -> None:
        found = self.laboratory.found(day="1998-05-05", narrative=STORY, handling=handling)
        assert self.laboratory.file(found).status == 201
        customs = Agency(self.exchange, "TM-CUS")
        for kind, path in PATHS.items():
            signed = customs.sign(record(kind, "TM-CUS", handling, when_day="1998-05-05", narrative=STORY))
            reply = customs.post(signed, path)
            assert reply.status == 201, reply.body


@pytest.fixture(scope="module")
def filed(exchange: Exchange, jobs: None) -> Iterator[Filer]:
    """One record of every kind by Turkmenistan, which gives KG much, TJ little, UZ all but a file, RU nothing."""
    exchange.adopt("TM", GIVEN, COARSE, KEPT)
    reviewer = exchange.region.profiles[exchange.add_holder("TM-LAB/reviewer")].load_record_key()
    filer = Filer(exchange, Laboratory(exchange, "TM-LAB", reviewer))
    filer("TLP:AMBER")
    yield filer
    exchange.adopt("TM")


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_an_analysis_is_a_line_a_content_or_a_finding(filed: Filer, files: Reader) -> None:
    heroin, caffeine = lines(files("KG-CUS").have(subject="analyses", **YEAR))
    assert (heroin["substance"], heroin["salt"], heroin["techniques"]) == (HEROIN, "HCL", "COL GC MS")
    assert (heroin["purity"], heroin["purity_unit"], heroin["purity_basis"]) == ("41.2", "%", "AS_BASE")
    assert (heroin["uncertainty"], heroin["coverage_factor"]) == ("1.9", "2")
    assert (caffeine["role"], caffeine["purity"]) == ("ADULTERANT", "")
    assert heroin["exhibit"].startswith("TM-CUS/")
    assert (heroin["kind"], heroin["time"], heroin["narrative"]) == ("analysis", "1998-05-05", "'" + FORMULA)
    assert heroin["copy_for"].startswith("KG-CUS analysis ")


def test_an_incident_says_what_happened_to_the_chemical(filed: Filer, files: Reader) -> None:
    (line,) = lines(files("KG-CUS").have(subject="precursor-incidents", substance=ANHYDRIDE, **YEAR))
    assert (line["substance"], line["kg"], line["incident"], line["diversion"]) == (
        ANHYDRIDE, "1200", "STOPPED", "MISDECLARED",
    )  # fmt: skip
    assert (line["declared_as"], line["companies"], line["documents"]) == (
        "acetic acid", "EXPORTER:CN", "INVOICE:INV-7",
    )  # fmt: skip
    assert line["route"] == "", "its route is withheld"


def test_a_laboratory_says_what_stood_and_what_was_found(filed: Filer, files: Reader) -> None:
    (line,) = lines(files("KG-CUS").have(subject="clandestine-laboratories", **YEAR))
    assert (line["site_types"], line["makes"], line["equipment"]) == ("SYNTHESIS STORAGE", METH, "REACTOR:2")
    assert (line["role"], line["kg"], line["waste_kg"]) == ("PRODUCT", "0.450", "80")


@pytest.mark.parametrize("format", ["xlsx", "parquet"])
def test_a_table_of_prices_holds_what_the_text_holds(filed: Filer, files: Reader, tmp_path: Path, format: str) -> None:
    reader = files("KG-CUS")
    (line,) = lines(reader.have(subject="price-observations", **YEAR))
    assert (line["currency"], line["typical"], line["per"], line["typical_per"]) == ("KZT", "12500", "kg", "12500000")
    first, second = (reader.have(format, subject="price-observations", **YEAR) for _ in range(2))
    assert first == second
    path = tmp_path / f"prices.{format}"
    path.write_bytes(first)
    if format == "parquet":
        found = duckdb.sql(f"SELECT substance, typical, typical_per, narrative FROM read_parquet('{path}')").fetchall()
        assert found == [(HEROIN, Decimal(12500), Decimal(12500000), FORMULA)]
        return
    book = CalamineWorkbook.from_path(str(path))
    head, row = book.get_sheet_by_name("Data").to_python()
    assert head == list(line)
    assert row[head.index("typical")] == 12500
    told = dict(pair[:2] for pair in book.get_sheet_by_name("Provenance").to_python())
    assert (told["subject"], told["records.TM"], told["columns.currency"]) == (
        "price-observations", "1", "ISO 4217; never converted",
    )  # fmt: skip


def test_each_reader_has_what_is_disclosed_to_it(filed: Filer, files: Reader) -> None:
    reader = files("TJ-CUS")
    heroin, _ = lines(reader.have(subject="analyses", **YEAR))
    assert (heroin["substance"], heroin["time"], heroin["purity"]) == (HEROIN, "1998-05", "")
    assert heroin["exhibit"] + heroin["techniques"] + heroin["reference"] + heroin["narrative"] == ""
    (site,) = lines(reader.have(subject="clandestine-laboratories", **YEAR))
    assert (site["substance"], site["site_types"] + site["makes"] + site["waste_kg"]) == (METH, "")
    for subject in OTHERS:
        assert lines(files("RU-CUS").have(subject=subject, **YEAR)) == []


def test_what_must_not_be_exported_is_left_out_and_counted(filed: Filer, files: Reader) -> None:
    reader = files("UZ-CUS")
    document = reader.wait(reader.ask(subject="analyses", **YEAR))
    assert (document["state"], document["provenance"]["left_out"]) == ("refused", {"no_export": {"TM": 1}})


def test_hidden_records_change_no_byte_of_a_file(filed: Filer, files: Reader) -> None:
    """Two worlds: before and after a record of every kind that this reader may not see."""
    reader = files("KG-CUS")
    before = {subject: reader.have(subject=subject, **YEAR) for subject in OTHERS}
    filed("TLP:RED")
    assert {subject: reader.have(subject=subject, **YEAR) for subject in OTHERS} == before


def test_a_file_of_a_later_narrowing_does_not_leave(filed: Filer, exchange: Exchange, files: Reader) -> None:
    reader = files("KG-CUS")
    export = reader.ask(subject="analyses", **YEAR)
    assert reader.wait(export)["rows"] == 2
    exchange.adopt("TM", GIVEN | {"facets": ["items", "laboratory"]}, COARSE, KEPT)
    try:
        with pytest.raises(ProblemError) as problem:
            reader.take(export)
        assert problem.value.kind == "export-no-longer-given"
    finally:
        exchange.adopt("TM", GIVEN, COARSE, KEPT)


@pytest.mark.parametrize(
    ("asked", "kind", "pointer"),
    [
        ({"subject": "letters"}, "unknown-subject", "/subject"),
        ({"subject": "analyses", "format": "stix"}, "not-of-subject", "/format"),
        ({"subject": "price-observations", "transport": "3"}, "not-of-subject", "/filter/transport"),
        ({"subject": "analyses", "kind": "zero"}, "not-of-subject", "/filter/kind"),
        ({"subject": "analyses", "substance": "SAR-999999"}, "unknown-substance-filter", None),
    ],
)
def test_what_no_file_is_made_of(
    filed: Filer, exchange: Exchange, asked: dict[str, str], kind: str, pointer: str | None
) -> None:
    with pytest.raises(ProblemError) as problem:
        exchange.client("KG-CUS", "analysis").ask_export(**{"format": "csv", **asked})  # type: ignore[arg-type]
    assert problem.value.kind == kind
    assert problem.value.document.get("pointer") == pointer
