"""From a released publication to what its bulletin shows: key figures, map, trends, tables, coverage. Pure.

Only what the release tells is shown, and nothing is subtracted or divided: its figures are disturbed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shapely.geometry.base import BaseGeometry

from service.bulletins import atlas
from service.bulletins.words import Words

PANELS, CLASSES = 9, 14
OTHER, CLEARED = "#e4e8ec", "#cfd8dc"
STEPS = ("#cfe3ea", "#9fc3cf", "#5d9bae", "#1f6f8b")
DARK = frozenset(STEPS[2:])


@dataclass(frozen=True, slots=True)
class Source:
    """A release, and the registers that name what is in it. `members` are codes of member states."""

    id: str
    sha256: str
    released_at: datetime
    document: Mapping[str, Any]
    members: Sequence[str]
    countries: Mapping[str, str]
    groups: Mapping[str, str]
    substances: Mapping[str, str]
    outlines: Mapping[str, BaseGeometry]


Cells = list[dict[str, Any]]


def page_of(source: Source, words: Words) -> dict[str, Any]:
    """The data of `bulletin.typ`."""
    document = source.document
    quarter = _quarters(document)[-1]
    say = words.say
    named = [source.countries.get(code, code) for code in document["countries"]]
    return {
        "lang": words.language,
        "title": document["title"],
        "period": words.quarter(quarter),
        "region": say("Regional exchange of drug-seizure data"),
        "handling": say("Public: figures under disclosure control"),
        "cleared": say(
            "Figures of {countries}. Each country has cleared its own figures; released on {day}.",
            countries=", ".join(named),
            day=words.day(source.released_at),
        ),
        "unreviewed": words.unreviewed,
        "none": say("Nothing can be told for this quarter."),
        "key": _key(source, words, quarter),
        "map": _map(source, words, quarter),
        "trend": _trend(source, words),
        "table": _table(source, words, quarter),
        "classes": _classes(source, words, quarter),
        "coverage": _coverage(source, words, quarter),
        "caveats": {"title": say("Caveats"), "entries": [say(caveat) for caveat in CAVEATS]},
        "provenance": _provenance(source, words),
    }


CAVEATS = (
    "Seizures follow what is trafficked, what is looked for and what is reported; a rise may be any of the three.",
    "What two agencies of one country reported counts once where they confirmed it to be one event, else twice.",
    "What two countries reported of one event is in the figures of both.",
    "Every figure is disturbed at random (see the notes of the release); figures do not add up exactly.",
    "A cell that is missing has few events or none; it is not a zero.",
    "Kilograms are derived by the rules of the exchange, not adjusted for purity; a litre counts as a kilogram.",
)
STATES = {
    "told": "cleared; in the figures",
    "cleared": "cleared; no figure of its own in this quarter: few seizures, or none filed",
    "apart": "not cleared: nothing of it is in this bulletin",
}


def _quarters(document: Mapping[str, Any]) -> list[str]:
    """Every quarter of the release, in order."""
    year, month = map(int, document["first_month"].split("-"))
    found = []
    while f"{year}-{month:02}" <= document["last_month"]:
        found.append(f"{year}-Q{(month + 2) // 3}")
        year, month = (year, month + 3) if month <= 9 else (year + 1, month - 9)  # months of a year
    return found


def _cells(source: Source, time: str, place: str, substance: str) -> Cells:
    for table in source.document["tables"]:
        if (table["time"], table["place"], table["substance"]) == (time, place, substance):
            return list(table["cells"])
    return []


def _key(source: Source, words: Words, quarter: str) -> list[dict[str, str]]:
    say = words.say
    told = {cell["time"]: cell["events"] for cell in _cells(source, "quarter", "region", "all")}
    year, number = quarter.split("-Q")
    before = f"{year}-Q{int(number) - 1}" if number != "1" else f"{int(year) - 1}-Q4"
    groups = {cell["substance"] for cell in _cells(source, "quarter", "region", "group") if cell["time"] == quarter}

    def of(name: str) -> str:
        return words.number(told[name]) if name in told else say("not told")

    return [
        {
            "label": say("Seizures"),
            "value": of(quarter),
            "note": say("a quarter before: {value}", value=of(before))
            + "; "
            + say("a year before: {value}", value=of(f"{int(year) - 1}-Q{number}")),
        },
        {
            "label": say("Countries that cleared"),
            "value": words.number(len(source.document["countries"])),
            "note": say("of {number} members", number=len(source.members)),
        },
        {
            "label": say("Kinds of substances told"),
            "value": words.number(len(groups)),
            "note": say("others had few seizures or none"),
        },
    ]


def _map(source: Source, words: Words, quarter: str) -> dict[str, Any]:
    say = words.say
    told = {
        cell["place"]: cell["events"]
        for cell in _cells(source, "quarter", "country", "all")
        if cell["time"] == quarter and cell["place"] is not None
    }
    limits = _steps(sorted(told.values()))
    fills = dict.fromkeys(source.document["countries"], CLEARED)
    fills |= {country: STEPS[sum(events > limit for limit in limits)] for country, events in told.items()}
    legend = []
    for step in range(len(limits) + 1):
        within = [events for events in told.values() if sum(events > limit for limit in limits) == step]
        if within:
            low, high = words.number(min(within)), words.number(max(within))
            label = low if low == high else say("{low} to {high}", low=low, high=high)
            legend.append({"fill": STEPS[step], "label": label})
    if set(source.document["countries"]) - told.keys():
        legend.append({"fill": CLEARED, "label": say("cleared, too few to tell")})
    legend.append({"fill": OTHER, "label": say("not cleared, or no member")})
    names = {code: source.countries.get(code, code) for code in source.members}
    return {
        "title": say("Where: seizures by country"),
        "width": atlas.WIDTH_MM,
        "height": round(atlas.Sheet().height, 1),
        "shapes": atlas.shapes(source.outlines, fills, OTHER),
        "labels": atlas.labels(source.outlines, names, [code for code, fill in fills.items() if fill in DARK]),
        "legend": legend,
        "note": say("Boundaries are those of the exchange, generalised, and imply no endorsement. Grey is not zero."),
    }


def _steps(values: Sequence[int]) -> list[int]:
    """Upper limits of the lower classes: quartiles of what is told."""
    if len(values) < len(STEPS):
        return list(values[:-1])
    return sorted({values[len(values) * part // len(STEPS) - 1] for part in range(1, len(STEPS))})


def _trend(source: Source, words: Words) -> dict[str, Any]:
    quarters = _quarters(source.document)
    told: dict[str, dict[str, int]] = {}
    for cell in _cells(source, "quarter", "region", "group"):
        told.setdefault(cell["substance"], {})[cell["time"]] = cell["events"]
    chosen = sorted(told, key=lambda group: (-sum(told[group].values()), group))[:PANELS]
    panels = []
    for group in chosen:
        most = max(told[group].values())
        panels.append(
            {
                "name": source.groups.get(group, group),
                "values": [
                    {"share": events / most, "text": words.number(events)}
                    if (events := told[group].get(quarter)) is not None
                    else None
                    for quarter in quarters
                ],
            }
        )
    return {
        "title": words.say("When: seizures by quarter, region as a whole"),
        "panels": panels,
        "first": words.quarter(quarters[0]),
        "last": words.quarter(quarters[-1]),
        "note": words.say(
            "Each panel has its own scale. A dashed box: too few to tell, which is no zero. "
            "Figures are disturbed: do not subtract them."
        ),
    }


def _table(source: Source, words: Words, quarter: str) -> dict[str, Any]:
    say = words.say
    found = [c for c in _cells(source, "quarter", "country", "group") if c["time"] == quarter and c["place"]]
    found.sort(key=lambda cell: (source.countries.get(cell["place"], ""), -cell["events"], cell["substance"]))
    rows = []
    for index, cell in enumerate(found):
        first = index == 0 or found[index - 1]["place"] != cell["place"]
        last = index + 1 == len(found) or found[index + 1]["place"] != cell["place"]
        country = source.countries.get(cell["place"], cell["place"]) if first else ""
        group = source.groups.get(cell["substance"], cell["substance"])
        rows.append(
            {"cells": [country, group, words.number(cell["events"]), words.kilograms(cell["kg"])], "last": last}
        )
    return {
        "title": say("Who: countries and groups of substances"),
        "head": [say("Country"), say("Group"), say("Seizures"), say("kg")],
        "rows": rows,
        "note": say("…: the mass is mostly one seizure's or one agency's, or was measured in few seizures."),
    }


def _classes(source: Source, words: Words, quarter: str) -> dict[str, Any]:
    found = [cell for cell in _cells(source, "quarter", "region", "class") if cell["time"] == quarter]
    found = sorted(found, key=lambda cell: (-cell["events"], cell["substance"]))[:CLASSES]
    most = max((cell["events"] for cell in found), default=1)
    return {
        "title": words.say("What: classes of substances, region as a whole"),
        "head": [words.say("Class"), "", words.say("Seizures"), words.say("kg")],
        "rows": [
            {
                "name": source.substances.get(cell["substance"], cell["substance"]),
                "share": cell["events"] / most,
                "events": words.number(cell["events"]),
                "kg": words.kilograms(cell["kg"]),
            }
            for cell in found
        ],
    }


def _coverage(source: Source, words: Words, quarter: str) -> dict[str, Any]:
    """Three different things: told, cleared and not told, not cleared."""
    told = {cell["place"] for cell in _cells(source, "quarter", "country", "all") if cell["time"] == quarter}
    cleared = set(source.document["countries"])
    rows = []
    for code in sorted({*source.members, *cleared}, key=lambda code: source.countries.get(code, code)):
        state = "told" if code in cleared & told else "cleared" if code in cleared else "apart"
        rows.append({"country": source.countries.get(code, code), "state": words.say(STATES[state])})
    return {"title": words.say("Coverage"), "rows": rows}


def _provenance(source: Source, words: Words) -> dict[str, Any]:
    document, say = source.document, words.say
    tables = "; ".join(f"{t['time']} × {t['place']} × {t['substance']}" for t in document["tables"])
    return {
        "title": say("Provenance"),
        "rows": [
            [say("Saved question"), source.id, True],
            [say("Release"), f"{document['release']}, {say('version {number}', number=document['version'])}", False],
            [say("SHA-256 of its figures"), source.sha256, True],
            [say("Tables"), tables, False],
            [
                say("Reproducible"),
                say("The same release, language and version of the service make the same bytes."),
                False,
            ],
        ],
    }
