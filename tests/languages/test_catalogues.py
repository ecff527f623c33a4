"""What the page, the bulletin and the command line say, they say in eight languages, titles of problems too."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from babel.messages import Message
from babel.messages.pofile import read_po
from sarhad.cli.words import FOLDER, PROBLEMS, catalogue
from sarhad.cli.words import LANGUAGES as SPOKEN

from service.analyses.swgdrug import scheme
from service.bulletins import figures, words
from service.records.analysis_shapes import Technique
from service.substances.catalogue import Catalogue
from service.substances.load import SCHEMAS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "clients" / "web" / "locales"
CATALOGUES = sorted(path for folder in (PAGE, words.FOLDER, FOLDER, PROBLEMS) for path in folder.glob("*.po"))
LANGUAGES = {"ru", "kk", "ky", "tg", "tk", "uz", "az"}  # and English, which is its own catalogue
PLACEHOLDER = re.compile(r"\{\w+\}|`[^`]+`|SHA-256|\$[A-Z_]+|--[a-z-]+")

NAMES = [f"{path.parents[1].name}-{path.stem}" for path in CATALOGUES]


def entries(path: Path) -> Iterator[Message]:
    with path.open("rb") as file:
        yield from (message for message in read_po(file) if message.id)


def texts(said: object) -> list[str]:
    return [said] if isinstance(said, str) else [str(form) for form in said or ()]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "folder", [PAGE, words.FOLDER, FOLDER, PROBLEMS], ids=["page", "bulletin", "command line", "problems"]
)
def test_each_part_has_a_catalogue_of_each_language(folder: Path) -> None:
    assert {path.stem for path in folder.glob("*.po")} == LANGUAGES


def test_the_parts_speak_the_same_languages() -> None:
    assert set(words.LANGUAGES) == set(SPOKEN) == {"en", *LANGUAGES}


def test_every_message_of_the_page_has_its_translation() -> None:
    checked = [sys.executable, str(PAGE.parent / "pack.py"), "--check"]
    told = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout


def test_every_message_of_the_command_line_has_its_translations() -> None:
    checked = [sys.executable, str(ROOT / "clients" / "python" / "catalogues.py"), "--check"]
    told = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_title_of_a_problem_has_its_translation(language: str) -> None:
    titles = {
        problem["title"] for problem in json.loads((ROOT / "schemas" / "problems.json").read_text(encoding="utf-8"))
    }
    said = {title: text for title, text in catalogue(language, PROBLEMS).items() if title}
    assert sorted(titles ^ said.keys()) == []
    assert [title for title in titles if said[title] in ("", title)] == []


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_message_of_the_bulletin_has_its_translation(language: str) -> None:
    """Those of its figures, and names of groups of substances, which the catalogue of substances has in Russian."""
    text = re.sub(r'"\s*\n\s*"', "", Path(figures.__file__).read_text(encoding="utf-8"))
    said = {
        *(message for _, message in re.findall(r"""say\(\s*(["'])(.+?)\1""", text)),
        *figures.CAVEATS,
        *figures.STATES.values(),
        words.UNREVIEWED,
    }
    groups = {group.name_en for group in Catalogue.from_files(SCHEMAS).groups.values()}
    wanted = said if language == "ru" else said | groups
    assert sorted(wanted ^ words.catalogue(language).keys()) == []


@pytest.mark.parametrize("path", CATALOGUES, ids=NAMES)
def test_a_translation_keeps_what_is_put_into_it(path: Path) -> None:
    for message in entries(path):
        wanted = sorted(PLACEHOLDER.findall(texts(message.id)[-1]))
        for said in texts(message.string):
            assert sorted(PLACEHOLDER.findall(said)) == wanted, message.id


@pytest.mark.parametrize("path", CATALOGUES, ids=NAMES)
def test_no_translation_is_a_guess_and_its_reviewer_has_a_line(path: Path) -> None:
    """A `fuzzy` entry is left out by gettext, so nobody would read it. Who has read the whole stands in the header."""
    with path.open("rb") as file:
        catalogue = read_po(file)
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []
    assert path.read_text(encoding="utf-8").count('"X-Reviewed-By: ') == 1
    for message in entries(path):
        if message.pluralizable:
            assert len(texts(message.string)) == catalogue.num_plurals, message.id


def test_the_page_names_every_warning_and_every_lack_of_a_scheme() -> None:
    """By its kind, in the reader's language: the sentences of the service, which hold values, are English."""
    sources = [
        ROOT / "service" / name for name in ("records/cautions.py", "analyses/cautions.py", "analyses/evidence.py")
    ]
    kinds = {kind for file in sources for kind in re.findall(r'yield\s*\(?\s*"([a-z-]+)",', file.read_text())}
    named = {
        kind
        for file in (ROOT / "service").rglob("*.py")
        for kind in re.findall(r"/warnings/([a-z-]+)", file.read_text())
    }
    coded = json.loads((PAGE / "coded.json").read_text(encoding="utf-8"))
    assert len(kinds) > 15
    assert len(named) > 4
    assert {one.removeprefix("/warnings/") for one in coded if one.startswith("/warnings/")} == kinds | named
    given = {"n": 1, "category": "A", "edition": "8.1", "result": "POS"}
    techniques = [Technique(technique=name, **given) for name in ("IRS", "MS", "GC", "LC", "COL", "FLU")]
    lacks = {lack for n in range(4) for some in combinations(techniques, n) for lack in scheme(some).missing}
    assert len(lacks) == 7
    assert lacks <= coded.keys()
