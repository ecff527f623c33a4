"""Every class of leak that comparable exchanges had, D0 to D26, is looked for by a test of its own, which names it."""

import ast
import re
from collections import Counter
from pathlib import Path

CLASSES = {f"D{number}" for number in range(27)}
TESTS = Path(__file__).parents[2]
# Beside those of this folder: what is linked, exported, streamed and delivered.
FEATURES = ("links/test_two_worlds.py", "exports/test_rules.py", "alerts/test_warning.py")
# D0 is the whole of test_two_worlds.py and test_sequences.py; the figures of D2 are attacked in tests/disclosure.
ELSEWHERE = (
    "policies/test_two_worlds.py",
    "policies/test_sequences.py",
    "disclosure/test_attacks.py",
    "disclosure/test_insiders.py",
)


def named(file: Path) -> list[str]:
    """The class that the docstring of each test of a file begins with."""
    tests = [
        node
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    begins = (re.match(r"D\d{1,2}\b", ast.get_docstring(test) or "") for test in tests)
    return [found.group() for found in begins if found]


def test_every_class_of_leak_has_a_test_that_names_it() -> None:
    files = [*Path(__file__).parent.glob("test_*.py"), *(TESTS / file for file in FEATURES)]
    tests = Counter(name for file in files for name in named(file))
    assert tests.keys() == CLASSES
    assert all((TESTS / file).exists() for file in ELSEWHERE)
