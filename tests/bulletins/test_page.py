"""What a bulletin shows of a release: cleared figures only, in every language, the same bytes each time."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from service.bulletins import figures, words
from service.bulletins.atlas import Sheet, outlines
from service.bulletins.figures import OTHER, Source, page_of
from service.bulletins.render import pdf
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


def test_every_message_has_its_russian() -> None:
    said: set[str] = set()
    for path in Path(figures.__file__).parent.glob("figures.py"):
        text = re.sub(r'"\s*\n\s*"', "", path.read_text(encoding="utf-8"))
        said |= set(re.findall(r'say\(\s*"([^"]+)"', text))
    said |= set(figures.CAVEATS)
    known = catalogue("ru")
    assert said - known.keys() == set()
    for english, russian in known.items():
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", russian)), english


@pytest.mark.parametrize(
    ("language", "quarter", "thousand", "mass"),
    [("en", "Q2 2025", "1,042", "1,204"), ("ru", "2-й кв. 2025\u202fг.", "1\xa0042", "1\xa0204")],
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
