"""The committed tables: complete, sourced, consistent, and chemically true to themselves."""

import re
from collections import Counter, defaultdict

import pytest
from rdkit import Chem, RDLogger
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from service.substances.catalogue import Catalogue
from service.substances.spelling import normalise
from service.substances.tables import Tables

RDLogger.DisableLog("rdApp.*")

NPS_GROUPS = {
    "aminoindanes",
    "phencyclidine-type",
    "phenethylamines",
    "piperazines",
    "plant-based",
    "synthetic-cannabinoids",
    "synthetic-cathinones",
    "tryptamines",
    "other",
}


def test_there_are_at_least_700_entries_and_their_codes_are_unique(rows: Tables) -> None:
    codes = [entry.code for entry in rows.entries]
    assert len(codes) == len(set(codes)) >= 700
    assert all(re.fullmatch(r"SAR-\d{6}", code) for code in codes)


def test_every_convention_and_schedule_is_covered(rows: Tables) -> None:
    per_schedule = Counter((row.convention, row.schedule) for row in rows.schedules)
    at_least = {
        ("1961", "I"): 130,
        ("1961", "II"): 10,
        ("1961", "IV"): 16,
        ("1971", "I"): 30,
        ("1971", "II"): 60,
        ("1971", "III"): 9,
        ("1971", "IV"): 65,
        ("1988", "Table I"): 30,
        ("1988", "Table II"): 8,
    }
    assert per_schedule.keys() == at_least.keys()
    assert all(per_schedule[schedule] >= number for schedule, number in at_least.items())


def test_all_nine_nps_groups_are_covered(rows: Tables) -> None:
    assert {entry.nps_group for entry in rows.entries} - {None} == NPS_GROUPS


def test_kinds_are_those_of_the_design_and_each_but_provisional_is_used(rows: Tables) -> None:
    assert {entry.kind for entry in rows.entries} == {
        "substance", "class", "preparation", "plant", "precursor", "adulterant",
    }  # fmt: skip


def test_parents_exist_and_lead_to_a_root(rows: Tables, catalogue: Catalogue) -> None:
    codes = {entry.code for entry in rows.entries}
    assert all(entry.parent is None or entry.parent in codes for entry in rows.entries)
    assert all(catalogue.entries[entry.lineage[-1]].substance.parent is None for entry in catalogue.entries.values())


def test_no_precursor_lies_below_a_drug(catalogue: Catalogue) -> None:
    """A question about a drug and everything below it must not count the chemicals it is made from."""
    for entry in catalogue.entries.values():
        if entry.substance.kind == "precursor":
            above = {catalogue.group(code) for code in entry.lineage}
            assert above == {"precursors"}, entry.substance.name_en


def test_every_entry_has_one_known_group_with_its_own_bit(rows: Tables) -> None:
    assert {entry.group for entry in rows.entries} == {group.code for group in rows.groups}
    bits = [group.bit for group in rows.groups]
    assert sorted(bits) == list(range(len(bits)))
    assert len(bits) <= 24


def test_every_entry_schedule_name_and_unit_says_where_it_comes_from(rows: Tables) -> None:
    known = {reference.ref for reference in rows.references}
    assert {row.code for row in rows.sources if row.fact == "entry"} == {entry.code for entry in rows.entries}
    for table in (rows.sources, rows.schedules, rows.names, rows.units, rows.unit_names, rows.rules):
        assert {row.source for row in table} <= known


@pytest.mark.parametrize(("fact", "column"), [("structure", "smiles"), ("cas", "cas"), ("hs", "hs")])
def test_every_identifier_has_a_source(rows: Tables, fact: str, column: str) -> None:
    sourced = {row.code for row in rows.sources if row.fact == fact}
    assert {entry.code for entry in rows.entries if getattr(entry, column)} <= sourced


def test_cas_numbers_pass_their_check_digit_and_belong_to_one_entry(rows: Tables) -> None:
    numbers = [entry.cas for entry in rows.entries if entry.cas]
    assert len(numbers) == len(set(numbers)) > 600
    for number in numbers:
        digits = number.replace("-", "")
        weighted = sum(place * int(digit) for place, digit in enumerate(reversed(digits[:-1]), start=1))
        assert re.fullmatch(r"\d{2,7}-\d\d-\d", number)
        assert weighted % 10 == int(digits[-1]), number


def test_structures_give_the_stated_inchikey_and_formula(rows: Tables) -> None:
    drawn = [entry for entry in rows.entries if entry.smiles or entry.inchikey]
    assert len(drawn) > 700
    for entry in drawn:
        molecule = Chem.MolFromSmiles(entry.smiles)
        assert Chem.MolToInchiKey(molecule) == entry.inchikey, entry.code
        assert CalcMolFormula(molecule) == entry.formula, entry.code
    assert len({entry.inchikey for entry in drawn}) == len(drawn)


def test_hs_codes_are_six_digits(rows: Tables) -> None:
    assert all(re.fullmatch(r"\d{6}", entry.hs) for entry in rows.entries if entry.hs)


def test_a_name_belongs_to_one_entry(catalogue: Catalogue) -> None:
    owners = defaultdict(set)
    for entry in catalogue.entries.values():
        for text, _ in entry.all_names():
            owners[normalise(text)].add(entry.code)
    assert {name: codes for name, codes in owners.items() if len(codes) > 1} == {}


def test_class_nodes_and_the_150_most_reported_entries_have_russian_names(rows: Tables, catalogue: Catalogue) -> None:
    reported: Counter[str] = Counter()
    for name in rows.names:
        reported[name.code] += name.count or 0
    often = {code for code, _ in reported.most_common(150)}
    wanted = often | {entry.code for entry in rows.entries if entry.kind == "class"}
    assert [catalogue.entries[code].substance.name_en for code in wanted
            if not catalogue.entries[code].substance.name_ru] == []  # fmt: skip


def test_schedules_state_the_date_they_are_true_of(rows: Tables) -> None:
    assert {row.as_of.year for row in rows.schedules} == {2023, 2024}


@pytest.mark.parametrize(
    ("name", "cas", "inchikey", "schedules"),
    [
        ("Methamphetamine", "537-46-2", "MYWUZJCMWCOHBA-VIFPVBQESA-N", {("1971", "II")}),
        ("Ketobemidone", "469-79-4", "ALFGKMXHOUSVAD-UHFFFAOYSA-N", {("1961", "I"), ("1961", "IV")}),
        ("Heroin", "561-27-3", "GVGLGOZIDCSQPN-PVHGPHFFSA-N", {("1961", "I"), ("1961", "IV")}),
        ("Cocaine", "50-36-2", "ZPUCINDJVBIVPJ-LJISPDSOSA-N", {("1961", "I")}),
        ("Mephedrone", "1189805-46-6", "YELGFTGWJGBAQU-UHFFFAOYSA-N", {("1971", "II")}),
        ("JWH-018", "209414-07-3", "JDNLPKCAXICMBW-UHFFFAOYSA-N", {("1971", "II")}),
        ("Acetic anhydride", "108-24-7", "WFDIJRYMOXRFFG-UHFFFAOYSA-N", {("1988", "Table I")}),
        ("Acetone", "67-64-1", "CSCPPACGZOOCGX-UHFFFAOYSA-N", {("1988", "Table II")}),
        ("Caffeine", "58-08-2", "RYYVLZVUVIJVGH-UHFFFAOYSA-N", set()),
    ],
)
def test_known_substances(
    catalogue: Catalogue, name: str, cas: str, inchikey: str, schedules: set[tuple[str, str]]
) -> None:
    match = catalogue.resolve(name)
    assert match
    entry = catalogue.entries[match.code]
    assert (entry.substance.cas, entry.substance.inchikey) == (cas, inchikey)
    assert {(row.convention, row.schedule) for row in entry.schedules} == schedules
