"""Documents about security name tests and files that exist, and each requirement once."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
DOCUMENTS = ("ASVS.md", "THREATS.md")

# OWASP ASVS 5.0.0: by section, the last requirement of levels 1 and 2; those of level 3 are numbered after them.
LEVEL_2 = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
_FILE = re.compile(r"`([\w.-]+/[\w./-]+)`|\]\(([^)]+)\)")


@cache
def collected(file: str) -> set[str]:
    """The tests that pytest finds in a file."""
    path = TESTS / file
    if not path.name.startswith("test_"):
        return set()
    functions = (
        node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return {node.name for node in functions if node.name.startswith("test_")}


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|") and not re.match(r"\|[-|]+$", line)
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_document_names_exists(document: str) -> None:
    text = (ROOT / "deploy" / document).read_text()
    named = _NAMED.findall(text)
    assert named
    assert [f"{file}::{test}" for file, test in named if test not in collected(file)] == []
    assert len(named) == text.count("::"), "written otherwise"


@pytest.mark.parametrize("document", [*DOCUMENTS, "RELIABILITY.md"])
def test_every_file_that_a_document_names_exists(document: str) -> None:
    text = (ROOT / "deploy" / document).read_text()
    written = [path for path, _ in _FILE.findall(text) if path]
    linked = [path for _, path in _FILE.findall(text) if path]
    places = [*(ROOT / path for path in written), *(ROOT / "deploy" / path for path in linked)]
    assert [str(place) for place in places if not place.exists()] == []


def test_every_requirement_of_level_2_stands_there_once() -> None:
    wanted = {f"{section}.{number}" for section, last in LEVEL_2.items() for number in range(1, last + 1)}
    assert len(wanted) == 253  # 70 of level 1, 183 of level 2
    text = (ROOT / "deploy" / "ASVS.md").read_text()
    named = Counter(found for row in rows(text) for found in re.findall(r"\b\d+\.\d+\.\d+\b", row[0]))
    assert named.keys() == wanted
    assert [requirement for requirement, times in named.items() if times > 1] == []


def test_what_is_held_has_a_test() -> None:
    held = (ROOT / "deploy" / "ASVS.md").read_text().partition("## Open")[0].partition("## Held")[2]
    assert [row[0] for row in rows(held)[1:] if not _NAMED.search(row[-1])] == []
