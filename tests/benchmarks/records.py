"""Signed records as an agency would file them: 15 facets, about 3.3 kB."""

import random
from collections.abc import Iterable
from typing import Any

from sarhad import Profile
from sarhad.records import issue, item, seizure

from tests.exchange import Exchange

SUBSTANCES = ("Heroin", "Opium", "Methamphetamine", "Cannabis resin", "Cocaine", "Amphetamine", "Ecstasy")


def full(agency: str, number: int, chance: random.Random) -> Any:
    """One seizure with every facet that a border post fills."""
    year, month, day = 2011 + number % 15, 1 + number % 12, 1 + number % 28
    return seizure(
        agency,
        reference=f"BENCH-{number}",
        country="KZ",
        instant=f"{year}-{month:02}-{day:02}T0{number % 10}:20:00+05:00",
        items=[
            item(None, SUBSTANCES[number % len(SUBSTANCES)], str(chance.randrange(1, 9999)), "g", status="PRES"),
        ],
        where_point={"lat": f"{43 + chance.random():.4f}", "lon": f"{68 + chance.random():.4f}", "accuracy_m": 500,
                     "method": "GPS"},
        transport={"mode": "3", "conveyance": "TRK", "concealment": ["VSC", "CGA"], "detection": ["RSK", "XRY"],
                   "place_type": "ROAD", "packaging": {"type": "44", "count": 12}},
        route=[
            {"role": "DEPARTURE", "country": "AF", "certainty": "SUSPECTED", "basis": ["DOC"]},
            {"role": "SEIZURE_POINT", "country": "KZ", "certainty": "KNOWN", "basis": ["DOC"]},
            {"role": "DESTINATION", "country": "RU", "certainty": "DECLARED", "basis": ["DOC"]},
        ],
        persons={
            "arrested": 2,
            "groups": [{"n": 2, "role": "DRV", "sex": "1", "age_band": "35-44", "nationality": "KZ"}],
        },
        marks=[{"kind": "STAMP", "text": "777", "colour": "red", "line": 1}],
        case={"national_reference": f"CASE-{number}", "controlled_delivery": False},
        narrative={"text": "Обнаружено при досмотре.", "language": "ru"},
    )  # fmt: skip


def signed(profile: Profile, agency: str, start: int, count: int) -> list[str]:
    """Records `start`… signed with the agency's record key."""
    key = profile.load_record_key()
    chance = random.Random(start)
    return [issue(key, full(agency, number, chance)) for number in range(start, start + count)]


def share(exchange: Exchange, owners: Iterable[str], rule: dict[str, Any]) -> None:
    """Each owner's agency shares by this rule, and has filed twenty records to be copied."""
    for agency in owners:
        exchange.adopt(agency[:2], rule)
        for record in signed(exchange.region.profiles[agency], agency, 0, 20):
            exchange.client(agency).submit(record)
