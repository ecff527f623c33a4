#!/usr/bin/env python3
"""Packs what the page says: gettext catalogues and CLDR data (Babel) per language, labels of the code lists, a map.

    python clients/web/pack.py [--check]

Reads locales/<language>.po, the messages used in src/, titles of problems, which the command line says too, and
schemas/codes; writes src/generated. With --check it only
tells what each catalogue lacks, and ends with 1 where one is not complete.
"""

import csv
import json
import re
import sys
from datetime import date
from gettext import c2py
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.messages import Catalog
from babel.messages.pofile import read_po
from base_map import base_map

HERE = Path(__file__).resolve().parent
CODES = HERE.parents[1] / "schemas" / "codes"
PROBLEMS = HERE.parent / "python" / "sarhad" / "cli" / "locale" / "problems"
LANGUAGES = {"en": "en_GB", "ru": "ru", "kk": "kk", "ky": "ky", "tg": "tg", "tk": "tk", "uz": "uz_Latn", "az": "az_Latn"}
SHOWN = (
    "identification_statuses", "transport_modes", "concealments", "handling", "place_types", "conveyances",
    "detection_methods", "route_certainties", "techniques", "technique_results", "identification_levels", "finding_roles",
    "isomer_statuses", "stereo_statuses", "salt_forms", "purity_units", "purity_bases", "sampling_plans",
    "accreditations", "physical_forms", "tablet_scores", "incident_types",
)  # fmt: skip
_SAID = r'"((?:[^"\\]|\\.)*)"'
_USED = re.compile(rf"\bt\(\s*{_SAID}|\bcounted\(\s*{_SAID},\s*{_SAID}|(?:title|heading):\s*{_SAID}")
# Said by name of what the service answers with: purposes, roles, obligations and facets.
CODED = json.loads((HERE / "locales" / "coded.json").read_text(encoding="utf-8"))
YEAR, DAY = 2222, 28  # stand in the patterns of dates, and in no word of theirs
ONE_OR_MANY = "(n != 1)"


def used() -> set[str]:
    """Every message that the page may say; of one about a number of things, its singular."""
    found = set()
    for source in (HERE / "src").rglob("*.ts*"):
        for said, one, _, title in _USED.findall(source.read_text(encoding="utf-8")):
            found.add(json.loads(f'"{said or one or title}"'))
    return found | set(CODED)


def wanted(language: str) -> set[str]:
    """What the catalogue of a language holds; the labels of code lists too, which have columns in English and Russian."""
    if language == "ru":
        return used()
    return used() | {english for labels_ in labels().values() for english, _ in labels_.values()}


def catalogue(language: str) -> Catalog:
    with (HERE / "locales" / f"{language}.po").open("rb") as file:
        return read_po(file, locale=LANGUAGES[language])


def messages(language: str) -> dict[str, str | list[str]]:
    """msgid → msgstr, or its plural forms; in English a message is its own name, but for coded ones."""
    if language == "en":
        return dict(CODED)
    said: dict[str, str | list[str]] = {}
    for message in catalogue(language):
        forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
        if message.id and all(forms):
            said[message.id if isinstance(message.id, str) else message.id[0]] = forms if message.pluralizable else forms[0]
    return said


def problems(language: str) -> dict[str, str]:
    """Title of a problem → title in the language."""
    with (PROBLEMS / f"{language}.po").open("rb") as file:
        return {message.id: message.string for message in read_po(file) if message.id and message.string}


def reviewed(language: str) -> bool:
    """Whether the catalogue names who has reviewed it. English is what the page is written in."""
    if language == "en":
        return True
    text = (HERE / "locales" / f"{language}.po").read_text(encoding="utf-8")
    return re.search(r'^"X-Reviewed-By: [^\\\s]', text, re.MULTILINE) is not None


def offered() -> list[str]:
    """The languages that the page speaks: those whose catalogues are whole. A reader of another is given the next one
    that its browser asks for.
    """
    return [language for language in LANGUAGES if language == "en" or not wanted(language) - messages(language).keys()]


def pack(language: str) -> dict[str, Any]:
    locale = Locale.parse(LANGUAGES[language])
    symbols = locale.number_symbols["latn"]
    form = c2py(ONE_OR_MANY if language == "en" else catalogue(language).plural_expr)
    days = [date(YEAR, month, DAY) for month in range(1, 13)]
    return {
        "messages": messages(language),
        "reviewed": reviewed(language),
        "plural": "".join(str(form(n)) for n in range(200)),
        "months": [_pattern(format_skeleton("yMMMM", day, locale=locale)) for day in days],
        "days": [_pattern(format_date(day, "long", locale=locale)) for day in days],
        "decimal": symbols["decimal"],
        "group": symbols["group"],
        "countries": {code: name for code, name in locale.territories.items() if re.fullmatch("[A-Z]{2}", code)},
    }


def _pattern(written: str) -> str:
    return written.replace(str(YEAR), "{y}").replace(str(DAY), "{d}")


def labels() -> dict[str, dict[str, list[str]]]:
    """Code list → code → [English, Russian]."""
    lists = {}
    for name in SHOWN:
        with (CODES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            lists[name] = {row["code"]: [row["label_en"], row["label_ru"]] for row in csv.DictReader(file)}
    return lists


def missing() -> dict[str, list[str]]:
    """What each catalogue lacks."""
    return {code: sorted(wanted(code) - messages(code).keys()) for code in LANGUAGES if code != "en"}


def main() -> int:
    if "--check" in sys.argv:
        lacking = missing()
        for language, lacks in lacking.items():
            print(f"{language}: {len(lacks)} of {len(wanted(language))} messages missing", *lacks[:20], sep="\n  ")
        return int(any(lacking.values()))
    generated = HERE / "src" / "generated"
    for folder in ("locales", "problems"):
        (generated / folder).mkdir(parents=True, exist_ok=True)
        for stale in (generated / folder).glob("*.json"):
            stale.unlink()
    for language in offered():
        _write(generated / "locales" / f"{language}.json", pack(language))
        if language != "en":
            _write(generated / "problems" / f"problems-{language}.json", problems(language))
    _write(generated / "labels.json", labels())
    (generated / "base.json").write_text(json.dumps(base_map(), separators=(",", ":")), encoding="utf-8")
    return 0


def _write(path: Path, what: object) -> None:
    path.write_text(json.dumps(what, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
