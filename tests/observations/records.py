"""Records of observed kinds, each plausible and with a reference of its own."""

from itertools import count
from typing import Any

from sarhad.records import Record, fill_ladders

ANHYDRIDE, HEROIN, METH = "SAR-000291", "SAR-000608", "SAR-000384"
PATHS = {
    "precursor_incident": "/v1/precursor-incidents",
    "clandestine_laboratory": "/v1/clandestine-laboratories",
    "price_observation": "/v1/price-observations",
}
_numbers = count(1)


def record(kind: str, agency: str = "KZ-CUS", handling: str = "TLP:GREEN", **facets: Any) -> Record:
    content = {
        "reference": f"OBS-{next(_numbers)}",
        "reported": "2026-03-21T10:00:00+05:00",
        "when.day": "2026-03-20",
        "where.country": agency[:2],
        **OWN[kind],
        **{name.replace("_", ".", 1) if name.startswith(("when", "where")) else name: v for name, v in facets.items()},
    }
    return Record(agency, kind, fill_ladders(content), handling)  # type: ignore[arg-type]


def chemical(line: int = 1, **members: Any) -> dict[str, Any]:
    return {
        "line": line,
        "substance": ANHYDRIDE,
        "reported": {"substance": "уксусный ангидрид", "quantity": "1200", "unit": "kg"},
        "status": "PRES",
        "incident": "STOPPED",
        "diversion": "MISDECLARED",
        "declared_as": "acetic acid",
        **members,
    }


def priced(line: int = 1, **members: Any) -> dict[str, Any]:
    priced = {
        "line": line,
        "substance": HEROIN,
        "reported": {"substance": "heroin", "quantity": "1", "unit": "g"},
        "level": "RETAIL",
        "currency": "KZT",
        "low": "9000",
        "typical": "12500",
        "high": "20000",
        "n": 14,
        "source": "ENFORCEMENT",
        **members,
    }
    return {name: value for name, value in priced.items() if value is not None}


OWN: dict[str, dict[str, Any]] = {
    "precursor_incident": {
        "items": [chemical()],
        "transport": {"mode": "3", "conveyance": "TRK", "place_type": "BCPR", "direction": "TRS"},
        "route": [{"role": "DEPARTURE", "country": "CN", "certainty": "DECLARED", "basis": ["DOC"]}],
        "case": {
            "companies": [{"role": "EXPORTER", "country": "CN", "pseudonym": "ab" * 32}],
            "documents": [{"kind": "INVOICE", "number": "INV-7"}],
        },
    },
    "clandestine_laboratory": {
        "laboratory": {
            "types": ["SYNTHESIS", "STORAGE"],
            "stage": "OPERATING",
            "scale": "SMALL",
            "makes": [METH],
            "equipment": [{"type": "REACTOR", "count": 2}],
            "waste_kg": "80",
        },
        "items": [
            {
                "line": 1,
                "substance": METH,
                "reported": {"substance": "methamphetamine", "quantity": "450", "unit": "g"},
                "status": "CONF",
                "role": "PRODUCT",
            }
        ],
    },
    "price_observation": {"items": [priced()]},
}
