"""What commands say to a person, in a language of the region: `locale/*.po`, where an English message is its own key.

Titles of problems, which the service says in English, are in `locale/problems/*.po`; the console reads these too.

The language is that of $SARHAD_LANGUAGE, else of the locale (LC_ALL, LC_MESSAGES, LANG). JSON, codes, and tables that
are not shown on a terminal are the same in every language: programs read them.
"""

import inspect
import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer

from sarhad.errors import ADVICE, ProblemError, SarhadError

LANGUAGES = ("en", "ru", "kk", "ky", "tg", "tk", "uz", "az")
FOLDER = Path(__file__).parent / "locale"
PROBLEMS = FOLDER / "problems"
UNREVIEWED = "Machine-drafted words, not yet reviewed by a member state."
EXAMPLE = "Example"
OF_TYPER = (
    "ARGUMENTS_PANEL_TITLE", "OPTIONS_PANEL_TITLE", "COMMANDS_PANEL_TITLE", "ERRORS_PANEL_TITLE", "DEFAULT_STRING",
    "ENVVAR_STRING", "REQUIRED_LONG_STRING", "RICH_HELP",
)  # fmt: skip
_QUOTED = r'((?:"(?:[^"\\]|\\.)*"\n)+)'
_ENTRY = re.compile(rf"^msgid {_QUOTED}msgstr {_QUOTED}", re.MULTILINE)


def language() -> str:
    """The language of the environment, where there is a catalogue of it; else English."""
    named = (os.environ.get(name) for name in ("SARHAD_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    code = re.split(r"[_.@-]", next(filter(None, named), ""))[0].lower()
    return code if code in LANGUAGES else "en"


@cache
def catalogue(code: str, folder: Path = FOLDER) -> dict[str, str]:
    """English message → message; the header under the empty one. Empty for English."""
    if code == "en":
        return {}
    text = (folder / f"{code}.po").read_text(encoding="utf-8")
    return {_unquoted(id_): _unquoted(said) for id_, said in _ENTRY.findall(text)}


def _unquoted(lines: str) -> str:
    return "".join(json.loads(line) for line in lines.splitlines())


def say(message: str, /, **values: object) -> str:
    """The message in the language of the environment, with the values put into it."""
    said = catalogue(language()).get(message) or message
    return said.format(**values) if values else said


def later(message: str) -> str:
    """Marks a message that is said elsewhere."""
    return message


def spoken(fault: SarhadError) -> str:
    """The sentence of an error. Of what the service refused, the detail is in its own words."""
    if not isinstance(fault, ProblemError):
        return say(fault.message, **fault.values)
    title, advice = fault.title.strip(), ADVICE.get(fault.kind, "")
    detail = fault.sentence.removeprefix(title).removesuffix(advice)
    return titled(title) + detail + (say(advice) if advice else "")


def titled(title: str) -> str:
    """The title of a problem in the language of the environment; as it stands where no catalogue has it."""
    return catalogue(language(), PROBLEMS).get(title) or title


def paragraphs(text: str) -> Iterator[str]:
    """Of a help text: each is a message. Examples are not: they are typed as they stand."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        yield paragraph if paragraph.startswith(f"{EXAMPLE}: ") else " ".join(paragraph.split())


def texts(command: Any, context: Any = None) -> Iterator[tuple[Any, str]]:
    """Where the help of a command, of its parameters and of the commands below it stands: (object, attribute)."""
    context = context or typer.Context(command, **command.context_settings)
    for thing, name in ((command, "help"), (command, "short_help"), (command, "epilog")):
        if getattr(thing, name, None):
            yield thing, name
    for parameter in (*command.params, command.get_help_option(context)):
        if getattr(parameter, "help", None):
            yield parameter, "help"
    for below in getattr(command, "commands", {}).values():
        yield from texts(below, context)


def translate(command: Any) -> None:
    """Have a command, and all below it, say its help in the language of the environment."""
    if language() == "en":
        return
    from typer import rich_utils  # noqa: PLC0415 - needed for help alone

    for name in OF_TYPER:
        setattr(rich_utils, name, say(getattr(rich_utils, name)))
    for thing, name in texts(command):
        setattr(thing, name, "\n\n".join(map(_said, paragraphs(getattr(thing, name)))))
    if "X-Reviewed-By: \n" in catalogue(language())[""]:
        command.epilog = say(UNREVIEWED)


def _said(paragraph: str) -> str:
    head, colon, example = paragraph.partition(": ")
    return say(head) + colon + example if head == EXAMPLE else say(paragraph)
