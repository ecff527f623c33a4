"""The collections that GIS sees, and their columns: a column that is not here cannot be shown, filtered or probed."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from service.problems import Problem

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
COUNT: dict[str, Any] = {"type": "integer"}


class NoSuchCollection(Problem):
    """There is no collection of this name."""

    status = HTTPStatus.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Collection:
    """`geometry` is a GeoJSON type; `zooms` those of its tiles; `filters` whether CQL2 acts on its columns."""

    id: str
    title: str
    description: str
    geometry: str
    columns: Mapping[str, dict[str, Any]]
    zooms: tuple[int, int]
    filters: bool = False


SEIZURES = Collection(
    "seizures",
    "Seizures",
    "Records with a place that is shared with you: the point, or the centre of the H3 cell where only that is shared "
    "(`precision` says which). Records that may not be exported are not here. Tiles hold points only, at most 600.",
    "Point",
    {
        "at": TEXT
        | {
            "format": "date-time",
            "description": "Disclosed time; the beginning of the day or month where no more is shared.",
        },
        "at_precision": TEXT | {"enum": ["instant", "day", "month"]},
        "precision": TEXT | {"enum": ["point", "cell"]},
        "owner": TEXT | {"description": "Country that reported, ISO 3166-1."},
        "agency": TEXT,
        "handling": TEXT | {"description": "Traffic Light Protocol 2.0."},
        "country": TEXT | {"description": "Country of the seizure, ISO 3166-1."},
        "admin1": TEXT | {"description": "First-level unit, ISO 3166-2."},
        "transport": TEXT | {"description": "UNECE Recommendation 19."},
        "place_type": TEXT,
        "concealment": TEXT | {"description": "Codes, separated by commas."},
        "substances": TEXT
        | {
            "description": "Catalogue codes in the order of the lines, separated by commas; of a provisional one, "
            "what it turned out to be."
        },
        "lines": COUNT | {"description": "Lines of the report."},
        "kg": NUMBER | {"description": "Kilograms of all lines that have a mass; exact decimals: /v1/seizures."},
        "obligations": TEXT | {"description": "What you owe for the record, separated by commas."},
    },
    (8, 16),
    filters=True,
)
_SUMS = {
    "seizures": COUNT | {"description": "Records in their latest version, each once."},
    "kg": NUMBER | {"description": "Kilograms, exact and converted; only where a group of substances is asked for."},
    "pct_confirmed": NUMBER | {"description": "Share of confirmed lines; only where a group is asked for."},
}
CELLS = Collection(
    "cells",
    "Seizures by H3 cell",
    "Sums of what is shared with you with its cell, by H3 cells of resolution 2 to 5; in tiles the resolution follows "
    "the zoom. What is shared without a cell is in none of them.",
    "Polygon",
    {"cell": TEXT, "resolution": COUNT, **_SUMS},
    (0, 12),
)
FLOWS = Collection(
    "flows",
    "Flows",
    "Routes as reported, between points that stand for countries: origin, transit, destination, with the certainty of "
    "the weakest leg. Lines are drawn curved and are no itinerary.",
    "LineString",
    {
        "origin": TEXT,
        "transit": TEXT | {"description": "Countries, separated by commas."},
        "destination": TEXT,
        "certainty": TEXT | {"enum": ["KNOWN", "DECLARED", "SUSPECTED"]},
        "seizures": COUNT,
        "items": COUNT,
        "kg": NUMBER,
    },
    (0, 8),
)
COLLECTIONS = {collection.id: collection for collection in (SEIZURES, CELLS, FLOWS)}


def collection_of(name: str) -> Collection:
    """Raises NoSuchCollection."""
    try:
        return COLLECTIONS[name]
    except KeyError:
        raise NoSuchCollection("not in the list of collections", expected=sorted(COLLECTIONS)) from None
