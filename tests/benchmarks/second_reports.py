"""Public seizure reports as two agencies of each country would have filed them, with second reports of known events.

The noise is described in `duplicates.py`.
"""

import csv
import gzip
import hashlib
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from service.substances.catalogue import Catalogue

FILE = Path("seizures/ids_region_2011_2014.csv.gz")
EVERY = 4  # each fourth report is reported twice
AGENCIES = ("CUS", "POL")


@dataclass(frozen=True)
class Filed:
    """One report with one line. `truth`: the event; two reports of one event share it."""

    id: uuid.UUID
    truth: int
    agency: str
    day: date
    country: str
    substance: str
    amount: Decimal
    unit: str
    place: str | None
    admin1: str | None
    transport: str | None
    origin: str | None
    destination: str | None


def base(folder: Path, catalogue: Catalogue) -> list[Filed]:
    """The reports of the file, each once, of one of two agencies by the hash of its content."""
    with gzip.open(folder / FILE, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["COUNTRY"] for row in rows})
    found: dict[tuple[str, ...], Filed] = {}
    for row in rows:
        match, unit = catalogue.resolve(row["DRUG_NAME"]), catalogue.units.resolve(row["DRUG_UNIT"])
        if match is None or unit is None or not row["AMOUNT"] or Decimal(row["AMOUNT"]) == 0:
            continue
        told = tuple(row[n] for n in ("COUNTRY", "SEIZURE_DATE", "DRUG_NAME", "AMOUNT", "DRUG_UNIT", "PLACE"))
        code = f"{chr(65 + names.index(row['COUNTRY']))}X"
        side = int(hashlib.sha256(repr(told).encode()).hexdigest(), 16) % 2
        found[told] = Filed(
            id=uuid.UUID(hashlib.md5(repr(told).encode()).hexdigest()),
            truth=len(found),
            agency=f"{code}-{AGENCIES[side]}",
            day=date.fromisoformat(row["SEIZURE_DATE"]),
            country=code,
            substance=match.code,
            amount=Decimal(row["AMOUNT"]),
            unit=row["DRUG_UNIT"],
            place=row["PLACE"].strip() or None,
            admin1=row["ADMINISTRATIVE_DIVISION"].strip() or None,
            transport=row["TRANSPORT"].strip() or None,
            origin=_known(row["DEPARTURE_COUNTRY"]),
            destination=_known(row["DESTINATION_COUNTRY"]),
        )
    return list(found.values())


def _known(text: str) -> str | None:
    return None if text.strip() in ("", "Unknown") else text.strip()


def halves(reports: list[Filed]) -> tuple[list[Filed], list[Filed]]:
    """2011 and 2012, 2013 and 2014: each as dense as the file."""
    return [r for r in reports if r.day.year < 2013], [r for r in reports if r.day.year >= 2013]


def twice(reports: list[Filed], catalogue: Catalogue, seed: int) -> Iterator[Filed]:
    """Second reports of every fourth, by the other agency."""
    chance = random.Random(seed)
    for report in reports:
        if chance.randrange(EVERY):
            continue
        other = AGENCIES[1 - AGENCIES.index(report.agency[3:])]
        amount, unit = _amount(report, chance)
        yield replace(
            report,
            id=uuid.UUID(int=chance.getrandbits(128), version=4),
            agency=f"{report.country}-{other}",
            day=report.day + timedelta(days=_day(chance)),
            amount=amount,
            unit=unit,
            substance=_substance(report.substance, catalogue, chance),
            place=_place(report, chance),
            admin1=_field(report.admin1, reports, "admin1", chance, 70, 25),
            transport=_field(report.transport, reports, "transport", chance, 75, 20),
            origin=_field(report.origin, reports, "origin", chance, 70, 25),
            destination=_field(report.destination, reports, "destination", chance, 70, 25),
        )


def _day(chance: random.Random) -> int:
    off = chance.choices((0, 1, 2, 3), (60, 25, 10, 5))[0]
    return off * chance.choice((-1, 1))


def _amount(report: Filed, chance: random.Random) -> tuple[Decimal, str]:
    amount, unit = report.amount, report.unit
    if unit in ("Tablet", "Pill") and chance.random() < 0.5:
        return round(amount * Decimal(chance.randrange(200, 301)) / 1000, 2), "Gram"
    match chance.choices(("same", "again", "round", "wrapped"), (50, 30, 10, 10))[0]:
        case "again":
            amount *= Decimal(chance.randrange(980, 1021)) / 1000
        case "round":
            amount = Decimal(f"{amount:.1e}")
        case "wrapped":
            amount *= Decimal(chance.randrange(1020, 1101)) / 1000
    if unit == "Gram" and chance.random() < 0.3:
        return amount / 1000, "Kilogram"
    return amount, unit


def _substance(code: str, catalogue: Catalogue, chance: random.Random) -> str:
    lineage = catalogue.entries[code].lineage
    return lineage[1] if len(lineage) > 1 and chance.random() < 0.15 else code


def _place(report: Filed, chance: random.Random) -> str | None:
    place = report.place
    match chance.choices(("same", "typo", "missing", "above"), (50, 20, 20, 10))[0]:
        case "typo" if place and len(place) > 3:
            at = chance.randrange(1, len(place))
            return place[:at] + chance.choice("aeioukrstn") + place[at + 1 :]
        case "missing":
            return None
        case "above":
            return report.admin1
    return place


def _field(
    value: str | None, among: list[Filed], name: str, chance: random.Random, same: int, missing: int
) -> str | None:
    match chance.choices(("same", "missing", "other"), (same, missing, 100 - same - missing))[0]:
        case "missing":
            return None
        case "other":
            other: str | None = getattr(chance.choice(among), name)
            return other
    return value
