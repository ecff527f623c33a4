#!/usr/bin/env python3
"""Puts what the command line says into its catalogues (sarhad/cli/locale): what is new is empty, what is gone goes.
So it does with titles of problems (sarhad/cli/locale/problems), which the console says too.

    python clients/python/catalogues.py [--check]

With --check it only tells what each catalogue lacks, and ends with 1 where one lacks anything.
"""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from sarhad import cli, errors, gateway, imports, outbox, quorum, witness  # noqa: F401 - they define errors
from sarhad.cli import words
from typer import rich_utils
from typer.main import get_command

PACKAGE = Path(cli.__file__).parents[1]
PROBLEMS = Path(__file__).parents[2] / "schemas" / "problems.json"
TABLES = ("show_table", "table", "show_pairs")
HEADINGS = ("columns", "head", "COLUMNS", "_COLUMNS")


def used() -> list[str]:
    """Every message, once, in the order of the source: those that are said, errors, headings, help."""
    found = [message for source in (_called(), errors.ADVICE.values(), _headings(), _help()) for message in source]
    return list(dict.fromkeys([words.UNREVIEWED, words.EXAMPLE, *found]))


def _called() -> Iterator[str]:
    said = (
        "say",
        "later",
        "labelled",
        *(kind.__name__ for kind in _kinds(errors.SarhadError) if kind is not errors.ProblemError),
    )
    for _, _, message, _, _ in extract_from_dir(
        PACKAGE, [("imports/**.py", "ignore"), ("**.py", "python")], keywords=dict.fromkeys(said)
    ):
        assert isinstance(message, str)
        yield message


def _kinds(kind: type) -> Iterator[type]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _headings() -> Iterator[str]:
    """Words at the head of tables and pairs; names of the interface, such as `expires_at`, stay what they are."""
    for path in sorted((PACKAGE / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in TABLES:
                yield from _words(node.args[0], pairs=ast.unparse(node.func) == "show_pairs")
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in (*HEADINGS, "pairs", "counts"):
                yield from _words(node.value, pairs=ast.unparse(node.targets[0]) in ("pairs", "counts"))


def _words(node: ast.expr, pairs: bool) -> Iterator[str]:
    rows = [row for row in ast.walk(node) if isinstance(row, ast.Tuple)] if pairs else [node]
    for row in rows:
        for cell in getattr(row, "elts", ())[: 1 if pairs else None]:
            if (
                isinstance(cell, ast.Constant)
                and isinstance(cell.value, str)
                and cell.value.strip()
                and "_" not in cell.value
            ):
                yield cell.value


def _help() -> Iterator[str]:
    yield from (str(getattr(rich_utils, name)) for name in words.OF_TYPER)
    for thing, name in words.texts(get_command(cli.app)):
        for paragraph in words.paragraphs(getattr(thing, name)):
            if not paragraph.startswith(f"{words.EXAMPLE}: "):
                yield paragraph


def titles() -> list[str]:
    """Every title of a problem, once, in the order of the list of problems."""
    return list(dict.fromkeys(problem["title"] for problem in json.loads(PROBLEMS.read_text(encoding="utf-8"))))


def main() -> int:
    lacking = False
    for folder, wanted in ((words.FOLDER, used()), (words.PROBLEMS, titles())):
        for language in words.LANGUAGES[1:]:
            if "--check" in sys.argv:
                said = words.catalogue(language, folder)
                lacks = [message for message in wanted if not said.get(message)]
                lacking = lacking or bool(lacks)
                name = f"{folder.name}/{language}"
                print(f"{name}: {len(lacks)} of {len(wanted)} messages missing", *lacks[:20], sep="\n  ")
            else:
                _update(folder / f"{language}.po", wanted)
    return int(lacking)


def _update(path: Path, wanted: list[str]) -> None:
    with path.open("rb") as file:
        kept = read_po(file)
    known = {message.id: message.string for message in kept if message.id}
    header = path.read_bytes().split(b"\n\n", 1)[0]
    body = Catalog()
    for message in wanted:
        body.add(message, known.get(message, ""))
    with path.open("wb") as file:
        file.write(header + b"\n\n")
        write_po(file, body, width=0, omit_header=True)


if __name__ == "__main__":
    sys.exit(main())
