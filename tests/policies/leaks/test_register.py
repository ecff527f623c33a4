"""Every class of leak that comparable exchanges had, D0 to D26, is named by a test that looks for it."""

import ast
import re
from pathlib import Path

CLASSES = {f"D{number}" for number in range(27)}
TESTS = Path(__file__).parents[2]
# Beside those of this folder: what is exported, and what is streamed and delivered.
FEATURES = ("exports/test_rules.py", "alerts/test_warning.py")
# D0 is the whole of test_two_worlds.py and test_sequences.py; the figures of D2 are attacked in tests/disclosure.
ELSEWHERE = (
    "policies/test_two_worlds.py",
    "policies/test_sequences.py",
    "disclosure/test_attacks.py",
    "disclosure/test_insiders.py",
)


def named(file: Path) -> set[str]:
    """The classes that the docstrings of a file's tests name."""
    tests = [
        node
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    words = " ".join(ast.get_docstring(test) or "" for test in tests if test.name.startswith("test_"))
    return set(re.findall(r"\bD\d{1,2}\b", words))


def test_every_class_of_leak_has_a_test_that_names_it() -> None:
    files = [*Path(__file__).parent.glob("test_*.py"), *(TESTS / file for file in FEATURES)]
    assert set().union(*map(named, files)) == CLASSES
    assert all((TESTS / file).exists() for file in ELSEWHERE)
