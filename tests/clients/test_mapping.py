"""A column profile says which columns make which facets; what it cannot read stops the row, by column."""

import re
import tomllib
from pathlib import Path

import pytest
from sarhad import InputError
from sarhad.imports.mapping import ColumnMapping, RowError
from sarhad.imports.report import harmless
from sarhad.imports.resolve import where
from sarhad.imports.tables import rows

SAMPLE = Path(__file__).parent / "data" / "ids_sample.csv"
KNOWN = {("substance", "Heroin"): "HEROIN"}


@pytest.fixture(scope="module")
def ids() -> ColumnMapping:
    return ColumnMapping.load("unodc-ids")


@pytest.fixture(scope="module")
def cells(ids: ColumnMapping) -> list[dict[str, str]]:
    return [row.cells for row in rows(SAMPLE, ids.columns())]


def test_words_amount_and_unit_stay_exactly_as_in_the_file(ids: ColumnMapping, cells: list[dict[str, str]]):
    (item,) = ids.build(cells[0], KNOWN)["items"]
    assert item == {
        "line": 1,
        "substance": "HEROIN",
        "status": "SUSP",
        "reported": {"substance": "Heroin", "quantity": "0.31249999999999994", "unit": "Kilogram"},
    }


def test_carriage_gets_codes_where_one_is_meant_and_keeps_every_word(ids: ColumnMapping, cells: list[dict[str, str]]):
    facets = ids.build(cells[0], KNOWN)
    assert facets["transport"] == {
        "mode": "3",
        "conveyance": "CAR",
        "concealment": ["LUG"],
        "direction": "IMP",
        "as_reported": {
            "HIDING_PLACE": "Baggage",
            "INSTALLATION": "Car",
            "TRANSPORT": "Private road",
            "ROUTING": "Border - inbound",
        },
    }
    assert facets["route"] == [
        {"role": "PRODUCTION", "country": "AF", "certainty": "SUSPECTED"},
        {"role": "DEPARTURE", "country": "KG", "certainty": "SUSPECTED"},
        {"role": "DESTINATION", "country": "RU", "certainty": "SUSPECTED"},
    ]


def test_an_ambiguous_word_gets_no_code(ids: ColumnMapping, cells: list[dict[str, str]]):
    transport = ids.build(cells[2], KNOWN)["transport"]
    assert transport["as_reported"]["HIDING_PLACE"] == "Inserted"
    assert "concealment" not in transport


def test_unknown_countries_are_xx_and_empty_columns_leave_nothing(ids: ColumnMapping, cells: list[dict[str, str]]):
    facets = ids.build(cells[1], KNOWN)
    assert [leg["country"] for leg in facets["route"]] == ["XX", "XX", "KZ"]
    bare = ids.build(cells[28], KNOWN)
    assert "route" not in bare
    assert "transport" not in bare


@pytest.mark.parametrize(("line", "quantity"), [(8, "0.00002"), (31, "0.000014000000000000001"), (16, "0.0")])
def test_an_exponent_becomes_the_same_number_in_full(line, quantity, ids: ColumnMapping, cells: list[dict[str, str]]):
    assert ids.build(cells[line], KNOWN)["items"][0]["reported"]["quantity"] == quantity


def test_a_row_that_lacks_what_a_record_needs_names_the_column(ids: ColumnMapping, cells: list[dict[str, str]]):
    with pytest.raises(RowError, match="DRUG_UNIT is empty") as refused:
        ids.build(cells[33], KNOWN)
    assert refused.value.column == "DRUG_UNIT"
    with pytest.raises(RowError, match="'Ruritania' names no country"):
        ids.country_of(cells[34])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"SEIZURE_DATE": "03.02.2012"}, "not a date written as"),
        ({"SEIZURE_DATE": "2012-02-30"}, "not a date written as"),
        ({"AMOUNT": "1,5"}, "not a number"),
        ({"AMOUNT": "-1"}, "not an amount"),
        ({"AMOUNT": "NaN"}, "not an amount"),
        ({"DRUG_NAME": " "}, "DRUG_NAME is empty"),
    ],
)
def test_a_bad_cell_stops_the_row(change, said, ids: ColumnMapping, cells: list[dict[str, str]]):
    with pytest.raises(RowError, match=said):
        ids.build({**cells[0], **change}, KNOWN)


def test_a_member_writes_a_profile_of_its_own(tmp_path: Path):
    own = tmp_path / "own.toml"
    own.write_text(
        """
        name = "own"
        required = ["Nr", "Datum"]
        [country]
        constant = "TJ"
        [reference]
        column = "Nr"
        [facets]
        "when.day" = { column = "Datum", date = "%d.%m.%Y" }
        persons = { arrested = { constant = 0 }, groups = { constant = [] } }
        [[facets.items]]
        line = { constant = 1 }
        status = { constant = "PRES" }
        [facets.items.reported]
        substance = { column = "Stoff" }
        quantity = { column = "Menge", decimal = "comma" }
        unit = { constant = "kg" }
        """,
        encoding="utf-8",
    )
    mapping = ColumnMapping.load(str(own))
    cells = {"Nr": "17", "Datum": "03.02.2025", "Stoff": "героин", "Menge": "1,50"}
    assert mapping.columns() == ["Nr", "Datum", "Stoff", "Menge"]
    assert mapping.country_of(cells) == "TJ"
    built = mapping.build(cells, {})
    assert built["when.day"] == "2025-02-03"
    assert built["items"][0]["reported"] == {"substance": "героин", "quantity": "1.50", "unit": "kg"}
    assert "persons" not in built  # constants alone say nothing about this row


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ('name = "x"', "has no country"),
        ('name = "x"\nfacet = 1\n[country]\ncolumn = "C"\n[facets]\n', "unknown parts: facet"),
        ('name = "x"\n[country]\ncolumn = "C"\ncode = "country"\n[facets]\n', "unknown options code"),
        ('name = "x"\n[country]\ncolumn = "C"\ncodes = "c"\n[facets]\n', r"no table \[codes.c\]"),
        ("name = ", "is not TOML"),
    ],
)
def test_a_wrong_profile_says_what_is_wrong(profile: str, said: str, tmp_path: Path):
    path = tmp_path / "p.toml"
    path.write_text(profile)
    with pytest.raises(InputError, match=said):
        ColumnMapping.load(str(path))


def test_an_unknown_profile_names_those_that_ship():
    with pytest.raises(InputError, match="unodc-ids ship"):
        ColumnMapping.load("nothing")


def test_place_words_never_stand_in_a_coarser_facet_than_they_tell():
    answer = {"country": "UZ", "admin1": "UZ-SA", "confidence": 0.97}
    assert where("UZ", "Самаркандская область", "Ургутский район", answer) == {
        "where.country": "UZ",
        "where.admin1": {"code": "UZ-SA", "as_reported": "Самаркандская область", "confidence": "0.97"},
        "where.point": {"place": "Ургутский район"},
    }
    unresolved = where("UZ", "Обл.", "Село", {"country": "UZ", "admin1": None})
    assert unresolved == {"where.country": "UZ", "where.point": {"place": "Село, Обл."}}
    assert where("KG", "", "Красноярск, Россия", {"country": "RU", "admin1": None})["where.country"] == "RU"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_report_holds_no_formula(text: str):
    assert harmless(text) == "'" + text
    assert harmless("Heroin") == "Heroin"


def documented() -> dict[str, object]:
    guide = Path(__file__).parents[2] / "clients" / "python" / "IMPORT.md"
    (profile,) = re.findall(r"```toml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    return tomllib.loads(profile)


def test_the_documented_profile_reads_a_table_as_its_guide_says(tmp_path: Path):
    mapping = ColumnMapping.of(documented())
    table = tmp_path / "table.csv"
    table.write_text("Number;Date;Drug;Amount;Unit;Region;Town;Vehicle\n7;01.06.2025;Heroin;1,5;kg;Osh;;Truck\n")
    (row,) = rows(table, mapping.columns(), delimiter=mapping.delimiter)
    assert mapping.country_of(row.cells) == "KZ"
    built = mapping.build(row.cells, KNOWN)
    assert (built["when.day"], built["transport"]) == ("2025-06-01", {"mode": "3"})
    assert built["items"][0]["reported"] == {"substance": "Heroin", "quantity": "1.5", "unit": "kg"}


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("country", {"constnt": "KZ"}, "The profile, country: expected column"),
        ("reference", {"columm": "Number"}, "The profile, reference: expected column"),
        ("place", {"division": {"colum": "Region"}}, r"The profile, place\.division"),
        ("place", {"town": {"column": "Region"}}, r"The profile, place\.town"),
        ("handling", "SECRET", "The profile, handling: expected one of TLP:CLEAR"),
        ("delimiter", "||", "The profile, delimiter: expected one character"),
    ],
)
def test_a_slip_in_a_profile_is_named_before_anything_is_read(part: str, value: object, said: str):
    with pytest.raises(InputError, match=said):
        ColumnMapping.of({**documented(), part: value})
