"""Real reports through `sarhad import`: how many the service takes, as what, and where it says they were.

The public individual seizure reports of 2011 to 2014 (`seizures/` of --data), each row signed by an agency of its
country, checked by the service and filed. They are kept outside the repository.

- `accepted_share`: of all rows; `refused` tells the others by their reason
- `exact_share`: of the rows accepted, those whose record has the same amount, and unit and name letter by letter
- `resolved_share`: of the rows of six Central Asian and Caspian countries whose place or division is not empty, those
  with a first-level unit
- `named`: rows whose text names one country in English or Russian; `wrong_country`: those among them that stand in
  another one
- `duplicates`: rows that repeat an earlier one to the letter, kept and told
"""

import asyncio
import csv
import gzip
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from sarhad import Client, Profile, records
from sarhad.imports.agencies import Agencies
from sarhad.imports.mapping import ColumnMapping
from sarhad.imports.report import summarise
from sarhad.imports.run import Import
from sqlalchemy.ext.asyncio import async_sessionmaker

from service.database import administration
from service.identity import enrol
from service.places.atlas import Atlas
from service.settings import Settings
from tests.exchange import Exchange, Region

FILES = {"central_asia": "ids_central_asia_2011_2014.csv", "region": "ids_region_2011_2014.csv.gz"}
RESOLVED_OF = frozenset({"AZ", "KG", "KZ", "TJ", "TM", "UZ"})
SHORT = {"РФ": "RU", "Россия": "RU", "Russia": "RU", "Iran": "IR", "Иран": "IR", "UK": "GB", "США": "US", "USA": "US"}
_NOT_A_PART = r"(?<![\w-])(?<!north )(?<!south )(?<!east )(?<!west ){}(?![\w-])"  # of another name
_LETTERS = "SELECT line.line, letter.record, letter.state FROM line JOIN letter ON letter.number = line.letter"
Cells = Mapping[str, str]
Filed = tuple[Cells, dict[str, Any]]  # a row that was accepted, with the facets of its record


def measure(settings: Settings, region: Region, *, rows: int | None, seconds: float, data: Path) -> dict[str, Any]:
    """`rows`: at most so many of each file."""
    mapping = ColumnMapping.load("unodc-ids")
    tables = {name: _table(data / "seizures" / file, settings.state_dir, rows) for name, file in FILES.items()}
    names = {row["COUNTRY"] for table in tables.values() for row in _read(table)}
    asyncio.run(_enrol_reporters(settings, region, names, mapping))
    running = Exchange.start(settings, region)
    try:
        agencies = Agencies(_profiles(region, running))
        return {name: _import(table, mapping, agencies) for name, table in tables.items()}
    finally:
        running.stop()


def _table(source: Path, folder: Path, rows: int | None) -> Path:
    """The file, or its first rows, where the import may write beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / source.name.removesuffix(".gz")
    opened = gzip.open if source.suffix == ".gz" else open
    with (
        opened(source, "rt", encoding="utf-8", newline="") as given,
        table.open("w", encoding="utf-8", newline="") as kept,
    ):
        csv.writer(kept).writerows(islice(csv.reader(given), None if rows is None else rows + 1))
    return table


def _read(table: Path) -> Iterator[Cells]:
    with table.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


async def _enrol_reporters(settings: Settings, region: Region, names: set[str], mapping: ColumnMapping) -> None:
    """A customs agency for each country of the files that the region has none of."""
    codes = {mapping.country_of({"COUNTRY": name}): name for name in sorted(names)}
    engine = administration(settings)
    folder = next(iter(region.profiles.values())).directory.parent
    async with async_sessionmaker(engine).begin() as session:
        for code, name in codes.items():
            agency = f"{code}-CUS"
            if agency not in region.profiles:
                await enrol.enrol_country(session, code, name, "observer")
                await enrol.enrol_agency(session, agency, "CU", f"{name} customs")
                await region.add(session, folder, agency, ("reporter", "analyst"), name=agency)
    await engine.dispose()


def _profiles(region: Region, running: Exchange) -> dict[str, Profile]:
    """The customs of each country, kept as an agency keeps its profile."""
    own = {name[:2]: profile for name, profile in region.profiles.items() if name.endswith("-CUS")}
    placed = {code: replace(profile, service=running.settings.origin) for code, profile in own.items()}
    for profile in placed.values():
        profile.save()
    return placed


def _import(table: Path, mapping: ColumnMapping, agencies: Agencies) -> dict[str, Any]:
    started = time.monotonic()
    work = Import(table, mapping, agencies, table.with_suffix(".sarhad-import"))
    total = work.check()
    with _client(agencies.any) as client:
        work.resolve(client)
    with work.open() as outbox:
        work.sign(outbox, _silent, total)
        signed = {line: records.read(record).facets for line, record, _ in outbox.connection.execute(_LETTERS)}
        work.send(outbox, lambda sender: _client(Profile.load(Path(sender))), _silent)
        took = time.monotonic() - started
        summary = summarise(outbox, None)
        taken = {line for line, _, state in outbox.connection.execute(_LETTERS) if state == "delivered"}
        filed = [(row.cells, signed[row.line]) for row in work.rows() if row.line in taken]
        return {
            "rows": total,
            "accepted_share": round(summary.accepted_share, 5),
            "refused": dict(sorted(summary.reasons.items())),
            "duplicates": summary.duplicates,
            "rows_per_s": round(total / took, 1),
            **_compared(filed, mapping),
        }


def _client(profile: Profile) -> Client:
    return Client(profile, purpose="operational")


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def _compared(filed: list[Filed], mapping: ColumnMapping) -> dict[str, Any]:
    names = _country_names()
    count: Counter[str] = Counter()
    for row, facets in filed:
        count["filed"] += 1
        count["exact"] += _same_words(row, facets["items"][0]["reported"])
        words = f"{row['PLACE']}, {row['ADMINISTRATIVE_DIVISION']}"
        if words.strip(", ") and mapping.country_of(row) in RESOLVED_OF:
            count["placed"] += 1
            count["resolved"] += "where.admin1" in facets
        if len(named := {code for name, code in names if name.search(words)}) == 1:
            count["named"] += 1
            count["wrong"] += facets["where.country"] not in named
    return {
        "exact_share": _share(count["exact"], count["filed"]),
        "resolved_share": _share(count["resolved"], count["placed"]),
        "named": count["named"],
        "wrong_country": count["wrong"],
    }


def _same_words(row: Cells, reported: dict[str, str]) -> bool:
    """The same words, and the same number: a record has no exponents, so `2e-05` stands there in full."""
    given = (row["DRUG_NAME"], Decimal(row["AMOUNT"]), row["DRUG_UNIT"])
    return given == (reported["substance"], Decimal(reported["quantity"]), reported["unit"])


def _country_names() -> list[tuple[re.Pattern[str], str]]:
    """What each country is called, as a whole word and not as a part of a region's name."""
    countries = Atlas.from_files().countries.values()
    names = {name: row.code for row in countries for name in (row.name_en, row.name_ru)} | SHORT
    return [(re.compile(_NOT_A_PART.format(re.escape(name)), re.IGNORECASE), code) for name, code in names.items()]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 5) if whole else None
