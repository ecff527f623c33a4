#!/usr/bin/env python3
"""Packs what the page says: gettext catalogues and CLDR data (Babel) per language, labels of the code lists, a map.

    python clients/web/pack.py [--check]

Reads locales/<language>.po, the messages used in src/, and schemas/codes; writes src/generated. With --check it only
tells what each catalogue lacks, and ends with 1 where English or Russian is not complete.
"""

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import get_month_names
from babel.messages.pofile import read_po
from base_map import base_map

HERE = Path(__file__).resolve().parent
CODES = HERE.parents[1] / "schemas" / "codes"
LANGUAGES = {"en": "en", "ru": "ru", "kk": "kk", "ky": "ky", "tg": "tg", "tk": "tk", "uz": "uz_Latn", "az": "az_Latn"}
COMPLETE = ("en", "ru")
SHOWN = (
    "identification_statuses", "transport_modes", "concealments", "handling", "place_types", "conveyances",
    "detection_methods", "route_certainties", "techniques", "technique_results", "identification_levels", "finding_roles",
    "isomer_statuses", "stereo_statuses", "salt_forms", "purity_units", "purity_bases", "sampling_plans",
    "accreditations", "physical_forms", "tablet_scores",
)  # fmt: skip
_USED = re.compile(r"""\bt\(\s*"((?:[^"\\]|\\.)*)\"""")
_TABLE = re.compile(r"""(?:title|heading):\s*"((?:[^"\\]|\\.)*)\"""")
# Said by name of what the service answers with: purposes, roles, obligations and facets.
CODED = json.loads((HERE / "locales" / "coded.json").read_text(encoding="utf-8"))


def used() -> set[str]:
    """Every message that the page may say."""
    sources = [file.read_text(encoding="utf-8") for file in (HERE / "src").rglob("*.ts*")]
    found = {json.loads(f'"{text}"') for source in sources for text in (*_USED.findall(source), *_TABLE.findall(source))}
    return found | set(CODED)


def messages(language: str) -> dict[str, str]:
    """msgid → msgstr; in English a message is its own name, but for coded ones."""
    if language == "en":
        return dict(CODED)
    with (HERE / "locales" / f"{language}.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale=LANGUAGES[language]) if m.id and m.string}


def pack(language: str) -> dict[str, Any]:
    locale = Locale.parse(LANGUAGES[language])
    symbols = locale.number_symbols["latn"]
    months = get_month_names("wide", "format", locale)
    return {
        "messages": messages(language),
        "months": [months[n] for n in range(1, 13)],
        "decimal": symbols["decimal"],
        "group": symbols["group"],
        "countries": {code: name for code, name in locale.territories.items() if re.fullmatch("[A-Z]{2}", code)},
    }


def labels() -> dict[str, dict[str, list[str]]]:
    """Code list → code → [English, Russian]."""
    lists = {}
    for name in SHOWN:
        with (CODES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            lists[name] = {row["code"]: [row["label_en"], row["label_ru"]] for row in csv.DictReader(file)}
    return lists


def available() -> list[str]:
    return [code for code in LANGUAGES if code == "en" or (HERE / "locales" / f"{code}.po").exists()]


def missing() -> dict[str, list[str]]:
    """What each catalogue lacks."""
    wanted = used()
    return {
        language: sorted(wanted - messages(language).keys()) if language != "en" else []
        for language in available()
    }


def main() -> int:
    if "--check" in sys.argv:
        lacking = missing()
        for language, lacks in lacking.items():
            print(f"{language}: {len(lacks)} of {len(used())} messages missing", *lacks[:20], sep="\n  ")
        return int(any(lacking.get(language) for language in COMPLETE))
    generated = HERE / "src" / "generated" / "locales"
    generated.mkdir(parents=True, exist_ok=True)
    for language in available():
        (generated / f"{language}.json").write_text(json.dumps(pack(language), ensure_ascii=False), encoding="utf-8")
    (generated.parent / "labels.json").write_text(json.dumps(labels(), ensure_ascii=False), encoding="utf-8")
    (generated.parent / "base.json").write_text(json.dumps(base_map(), separators=(",", ":")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
