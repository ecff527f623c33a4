"""What a bulletin shows of a release: cleared figures only, in every language, the same bytes each time."""

from datetime import UTC, datetime
from typing import Any, get_args

import orjson
import pytest
from typst import compile as compile_

from service.bulletins import figures, words
from service.bulletins.atlas import Sheet, outlines
from service.bulletins.figures import OTHER, Source, page_of
from service.bulletins.render import TEMPLATE, pdf
from service.bulletins.words import LANGUAGES, Words, catalogue
from service.places.atlas import Atlas

QUARTERS = ("2025-Q1", "2025-Q2")


def table(place: str, substance: str, *cells: tuple[Any, ...]) -> dict[str, Any]:
    keys = ("time", "place", "substance", "events", "kg")
    return {"time": "quarter", "place": place, "substance": substance,
            "cells": [dict(zip(keys, cell, strict=True)) for cell in cells]}  # fmt: skip


TABLES = [
    table("region", "all", ("2025-Q1", "*", "*", 31, "80"), ("2025-Q2", "*", "*", 1042, "1204.4")),
    table("region", "group", ("2025-Q2", "*", "cannabis", 29, None)),
    table("country", "all", ("2025-Q2", "KZ", "*", 24, "12")),
    table("country", "group", ("2025-Q2", "KZ", "cannabis", 11, "0.1234")),
    table("region", "class", ("2025-Q2", "*", "SAR-000021", 29, "9.5")),
]


@pytest.fixture(scope="module")
def source() -> Source:
    atlas = Atlas.from_files()
    return Source(
        id="5b0e6f7a-1111-4222-8333-444455556666",
        sha256="ab" * 32,
        released_at=datetime(2025, 8, 1, 9, tzinfo=UTC),
        document={"release": "bulletin", "version": 1, "title": "Seizures", "first_month": "2025-01",
                  "last_month": "2025-06", "countries": ["KG", "KZ"], "tables": TABLES},
        members=["KG", "KZ", "TJ"],
        countries={code: row.name_en for code, row in atlas.countries.items()},
        groups={"cannabis": "Cannabis"},
        substances={"SAR-000021": "Cannabis, unspecified"},
        outlines=outlines(atlas.outlines()),
    )  # fmt: skip


def test_told_cleared_and_not_cleared_are_three_things(source: Source) -> None:
    page = page_of(source, Words("en"))
    assert {row["country"]: row["state"] for row in page["coverage"]["rows"]} == {
        "Kazakhstan": "cleared; in the figures",
        "Kyrgyzstan": "cleared; no figure of its own in this quarter: few seizures, or none filed",
        "Tajikistan": "not cleared: nothing of it is in this bulletin",
    }
    fills = {shape["fill"] for shape in page["map"]["shapes"]}
    assert {OTHER, figures.CLEARED, figures.STEPS[0]} == fills
    (panel,) = page["trend"]["panels"]
    assert panel["values"] == [None, {"share": 1.0, "text": "29"}]


def test_what_the_release_withholds_is_withheld(source: Source) -> None:
    page = page_of(source, Words("en"))
    assert page["table"]["rows"] == [{"cells": ["Kazakhstan", "Cannabis", "11", "0.123"], "last": True}]
    assert page["key"][0] == {
        "label": "Seizures", "value": "1,042", "note": "a quarter before: 31; a year before: not told",
    }  # fmt: skip
    empty = {**source.document, "tables": []}
    page = page_of(Source(**{**_fields(source), "document": empty}), Words("en"))
    assert (page["table"]["rows"], page["trend"]["panels"], page["key"][0]["value"]) == ([], [], "not told")


def _fields(source: Source) -> dict[str, Any]:
    return {name: getattr(source, name) for name in Source.__dataclass_fields__}


@pytest.mark.parametrize(
    ("language", "quarter", "thousand", "mass"),
    [
        ("en", "Q2 2025", "1,042", "1,204"),
        ("ru", "2-й кв. 2025\u202fг.", "1\xa0042", "1\xa0204"),
        ("kk", "2025\u202fж. ІІ тқс.", "1\xa0042", "1\xa0204"),
        ("uz", "2025, 2-ch", "1\xa0042", "1\xa0204"),
        ("az", "2025 2-ci kv.", "1.042", "1.204"),
    ],
)
def test_numbers_and_quarters_are_those_of_the_language(
    language: words.Language, quarter: str, thousand: str, mass: str
) -> None:
    said = Words(language)
    assert said.quarter("2025-Q2").replace("\xa0", "\u202f") == quarter
    assert (said.number(1042), said.kilograms("1204.4")) == (thousand, mass)
    assert said.kilograms(None) == "…"


def test_the_map_keeps_areas_and_stays_on_its_sheet(source: Source) -> None:
    sheet = Sheet()
    x, y = sheet.place(66.5, 45.0)
    assert 0 < x < 118
    assert 0 < y < sheet.height


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_release_prints_the_same_bytes(source: Source, language: words.Language) -> None:
    first = pdf(source, language)
    assert first.startswith(b"%PDF")
    assert pdf(source, language) == first
    later = Source(**{**_fields(source), "document": {**source.document, "title": "Seizures of the region"}})
    assert pdf(later, language) != first


def test_each_language_prints_another_page(source: Source) -> None:
    assert len({pdf(source, each) for each in get_args(words.Language)}) == len(LANGUAGES) > 1


def test_a_bulletin_of_unreviewed_words_says_so_in_its_language(source: Source) -> None:
    assert page_of(source, Words("en"))["unreviewed"] is None
    said = {language: page_of(source, Words(language))["unreviewed"] for language in LANGUAGES[1:]}
    assert all(said.values())
    assert len({*said.values(), words.UNREVIEWED}) == len(LANGUAGES), "each in its own words"
    page = page_of(source, Words("kk"))
    noted, bare = (
        compile_(TEMPLATE.read_bytes(), format="svg", sys_inputs={"data": orjson.dumps(data).decode()})
        for data in (page, {**page, "unreviewed": None})
    )
    assert noted[0] != bare[0], "it stands on the first page"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fonts_have_every_letter_of_a_language(language: words.Language) -> None:
    """A letter that a font lacks is drawn as its empty box: so is this one, which no font of ours has."""
    lacking = "\u6f22"
    said = Words(language)
    texts = [*catalogue(language).values(), *said.locale.territories.values(), said.number(1042)]
    texts += [said.quarter(f"2025-Q{n}") for n in range(1, 5)]
    texts += [said.day(datetime(2025, month, 1, tzinfo=UTC)) for month in range(1, 13)]
    letters = [lacking, *sorted({letter for text in texts for letter in text if not letter.isspace()} - {"\u200e"})]
    for weight in ("regular", "bold"):
        page = f'#set text(font: "Libertinus Serif", weight: "{weight}", fallback: false)\n'
        page += "#pagebreak()\n".join(f"#str.from-unicode({ord(letter)})\n" for letter in letters)
        box, *drawn = compile_(page.encode(), format="svg", ignore_system_fonts=True)
        assert [letter for letter, seen in zip(letters[1:], drawn, strict=True) if seen == box] == []
