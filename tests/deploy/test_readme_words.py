"""Commands that the README names without having them typed exist, with the options that it gives them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def named() -> list[str]:
    """`sarhad …` in the text, and in the blocks that are not run as they are written."""
    text = re.sub(r"```sh run\n.*?```", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    return sorted(set(re.findall(r"(?:`|^)(sarhad [^`\n]+)", text, re.MULTILINE)))


def commands(line: str) -> list[tuple[list[str], list[str]]]:
    """The words of each command that a line names (`a|b` are two), and its options."""
    _, *words = line.split()
    options = [word for word in words if word.startswith("--")]
    path: list[str] = []
    for word in words:
        if not re.fullmatch(r"[a-z][a-z|-]*", word):
            break
        path.append(word)
    *stem, last = path or [""]
    return [([*stem, word] if word else stem, options) for word in last.split("|")]


def test_there_are_such_commands() -> None:
    assert "sarhad serve --help" in named()
    assert commands("sarhad admin country|key --help") == [
        (["admin", "country"], ["--help"]), (["admin", "key"], ["--help"]),
    ]  # fmt: skip


@pytest.mark.parametrize("line", named())
def test_it_exists_with_its_options(line: str) -> None:
    for words, options in commands(line):
        done = subprocess.run(
            [Path(sys.executable).with_name("sarhad"), *words, "--help"],
            cwd=ROOT, env={**os.environ, "COLUMNS": "200"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Usage" in done.stdout
        missing = [option for option in options if option not in done.stdout]
        assert not missing, f"sarhad {' '.join(words)} has no {', '.join(missing)}"
