"""Names to entries: any case, accents, punctuation and script, and never a guess."""

import pytest

from service.substances.catalogue import Catalogue
from service.substances.spelling import normalise
from service.substances.tables import Tables


def entry_name(catalogue: Catalogue, text: str) -> str | None:
    match = catalogue.resolve(text)
    return catalogue.entries[match.code].substance.name_en if match else None


def test_all_343_names_of_the_individual_drug_seizures_resolve(rows: Tables, catalogue: Catalogue) -> None:
    reported = [name for name in rows.names if name.kind == "reported"]
    assert len({name.text for name in reported}) == 343
    assert all(catalogue.resolve(name.text).code == name.code for name in reported)


def test_every_name_of_every_entry_resolves_to_it(catalogue: Catalogue) -> None:
    for entry in catalogue.entries.values():
        for text, _ in entry.all_names():
            match = catalogue.resolve(text)
            assert match
            assert match.code == entry.code, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cocaine HCL", "Cocaine hydrochloride"),
        ("COCAINE-HCl", "Cocaine hydrochloride"),
        ("героин", "Heroin"),
        ("  ГЕРОИН ", "Heroin"),
        ("соль", "Synthetic cathinone, unspecified"),
        ("спайс", "Synthetic cannabinoid, unspecified"),
        ("меф", "Mephedrone"),
        ("гашиш", "Cannabis resin"),
        ("марихуана", "Cannabis herb"),
        ("маковая соломка", "Poppy straw"),
        ("Synthetic Cannabinoid", "Synthetic cannabinoid, unspecified"),
        ("Non-specified Synthetic cathinones", "Synthetic cathinone, unspecified"),
        ("Ephedrone", "Methcathinone"),
        ("Acetylated Opium", "Acetylated opium"),
        ("α-PVP", "Alpha-PVP"),
        ("JWН-018", "JWH-018"),  # the Н is Cyrillic
        ("5F AKB 48", "5F-APINACA"),
        ("50-36-2", "Cocaine"),
        ("ZPUCINDJVBIVPJ-LJISPDSOSA-N", "Cocaine"),
        ("Kitil", "Pharmaceutical product, active ingredient not established"),
        ("Karcidone", "Reported name not interpretable"),
    ],
)
def test_names_as_officers_write_them(catalogue: Catalogue, text: str, expected: str) -> None:
    assert entry_name(catalogue, text) == expected


@pytest.mark.parametrize("text", ["", "   ", "---", "heroine", "SAR-999999", "50-36-3", "no such drug"])
def test_what_nobody_listed_is_unknown_not_guessed(catalogue: Catalogue, text: str) -> None:
    assert catalogue.resolve(text) is None


def test_a_match_says_how_it_was_found(catalogue: Catalogue) -> None:
    assert catalogue.resolve("Heroin").match == "name"
    assert catalogue.resolve("спайс").match == "slang"
    assert catalogue.resolve("561-27-3").match == "cas"
    assert catalogue.resolve("Heroin").confidence == "1.00"
    assert catalogue.resolve("HEROIN").confidence == "0.95"


def test_descendants_are_the_entry_and_all_below(catalogue: Catalogue) -> None:
    ats = catalogue.resolve("ATS").code
    below = {catalogue.entries[code].substance.name_en for code in catalogue.descendants(ats)}
    assert {"Amphetamine", "Captagon-type tablets", "MDMA", "Liquid methamphetamine"} <= below
    assert not {"Cocaine", "Mephedrone", "1-Phenyl-2-propanone (P-2-P)"} & below
    assert catalogue.descendants("SAR-999999") == frozenset()


def test_groups_follow_the_tree_where_policies_speak(catalogue: Catalogue) -> None:
    expected = {
        "Heroin": "heroin-opiates",
        "Poppy straw": "opium-poppy",
        "Fentanyl": "synthetic-opioids",
        "Crack": "cocaine-coca",
        "MDMA": "ecstasy-type",
        "GBL": "sedatives",
        "Toluene": "precursors",
    }
    assert {text: catalogue.group(catalogue.resolve(text).code) for text in expected} == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ЁЖИК", "ежик"),
        ("Méthadone", "methadone"),
        ("метамфетамин", "metamfetamin"),
        ("Δ9-THC", "delta-9 thc"),
        ("2C‑B", "2c b"),
    ],
)
def test_spellings_with_the_same_key(one: str, other: str) -> None:
    assert normalise(one) == normalise(other) != ""


def test_letters_and_digits_are_never_dropped() -> None:
    assert normalise("3-MMC") != normalise("4-MMC")
    assert normalise("Phentanyl") != normalise("Fentanyl")
