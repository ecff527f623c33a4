"""Search as a person types: wrong letters, either alphabet, numbers; fast enough to ask at every key."""

import random
import statistics
import time

import pytest

from service.substances.catalogue import Catalogue
from service.substances.search import Search, search_of


@pytest.fixture(scope="session")
def search(catalogue: Catalogue) -> Search:
    return search_of(catalogue)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("метамфитамин", "Methamphetamine"),
        ("каптогон", "Captagon-type tablets"),
        ("heroine", "Heroin"),
        ("mefedron", "Mephedrone"),
        ("кокоин", "Cocaine"),
        ("спай", "Synthetic cannabinoid, unspecified"),
        ("уксусный ангидрит", "Acetic anhydride"),
        ("ангидрид", "Acetic anhydride"),
        ("гашыш", "Cannabis resin"),
        ("JWH 18", "JWH-018"),
        ("fentanil", "Fentanyl"),
        ("tramadl", "Tramadol"),
        ("50-36-2", "Cocaine"),
        ("ZPUCINDJVBIVPJ-LJISPDSOSA-N", "Cocaine"),
        ("соль", "Synthetic cathinone, unspecified"),
    ],
)
def test_the_first_answer_is_what_was_meant(search: Search, typed: str, expected: str) -> None:
    assert search.find(typed)[0].entry.substance.name_en == expected


@pytest.mark.parametrize("typed", ["", "  ", "!!!", "zzzzqqqq"])
def test_nothing_like_it_gives_nothing(search: Search, typed: str) -> None:
    assert search.find(typed) == []


def test_an_entry_is_found_once_and_the_limit_holds(search: Search) -> None:
    hits = search.find("cannab", 7)
    assert len(hits) == 7
    assert len({hit.entry.code for hit in hits}) == 7
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def mistyped(name: str, chance: random.Random) -> str:
    """One letter left out, doubled with another, or exchanged with its neighbour."""
    at = chance.randrange(len(name))
    return chance.choice(
        (
            name[:at] + name[at + 1 :],
            name[:at] + chance.choice("aeiotансе") + name[at:],
            name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :],
        )
    )


def test_one_typing_error_in_any_name_still_finds_it_within_20_ms(catalogue: Catalogue, search: Search) -> None:
    chance = random.Random(20)
    names = [(e.code, text) for e in catalogue.entries.values() for text, _ in e.all_names() if len(text) >= 6]
    milliseconds, found = [], 0
    for code, text in chance.sample(names, 500):
        typed = mistyped(text, chance)
        start = time.perf_counter()
        hits = search.find(typed, 10)
        milliseconds.append((time.perf_counter() - start) * 1000)
        found += code in {hit.entry.code for hit in hits[:5]}
    assert found >= 0.92 * 500
    assert statistics.quantiles(milliseconds, n=20)[-1] < 20
