"""A laboratory's hands on the exchange, and plausible analyses for it to file."""

import time
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from sarhad import PrivateKey
from sarhad.analyses import analysis, finding, issue_reviewed
from sarhad.records import Record

from tests.seizures.wiring import Agency
from tests.signing.wire import Reply

HEROIN, METHAMPHETAMINE, CAFFEINE, AMPHETAMINE_TYPE = "SAR-000608", "SAR-000384", "SAR-000215", "SAR-000030"
OPIATES = "SAR-000002"


def exhibit_number(agency: str = "KZ-CUS") -> str:
    return f"{agency}/2026-{time.time_ns()}/1"


def examination(exhibit: str, **members: Any) -> dict[str, Any]:
    """A colour test and GC-MS of one exhibit: 1 to 3 found what they were meant to, 4 to 6 nothing."""
    given = {
        "case": "884",
        "exhibits": [
            {
                "n": 1,
                "number": exhibit,
                "received": "2026-03-16",
                "received_from": exhibit.partition("/")[0],
                "seals": ["A 104477"],
                "seals_intact": True,
            }
        ],
        "techniques": [
            {"n": 1, "technique": "COL", "category": "C", "edition": "8.1", "result": "POS"},
            {"n": 2, "technique": "GC", "category": "B", "edition": "8.1", "result": "POS", "method": "SOP-GC-7"},
            {"n": 3, "technique": "MS", "category": "A", "edition": "8.1", "result": "POS", "method": "SOP-GC-7"},
            {"n": 4, "technique": "GC", "category": "B", "edition": "8.1", "result": "NEG", "method": "SOP-GC-8"},
            {"n": 5, "technique": "MS", "category": "A", "edition": "8.1", "result": "NEG", "method": "SOP-GC-8"},
            {"n": 6, "technique": "COL", "category": "C", "edition": "8.1", "result": "NEG"},
        ],
        "sampling": [
            {
                "exhibit": 1,
                "plan": "HYPERGEOMETRIC",
                "population": 12,
                "sampled": 9,
                "positive": 9,
                "claim": {"proportion": "0.9", "confidence": "0.95"},
            }
        ],
        "accreditation": {"status": "Y", "certificate": "KZ.T.02.0884", "in_scope": True},
        "proficiency": {"scheme": "UNODC ICE", "round": "2025/2"},
        "started": "2026-03-18",
        "issued": "2026-03-20",
    }
    return given | members


def heroin_found(agency: str = "KZ-LAB", exhibit: str | None = None, **facets: Any) -> Record:
    """Heroin hydrochloride cut with caffeine, 41.2 % as base."""
    given: dict[str, Any] = {
        "reference": f"LAB-{time.time_ns()}",
        "country": agency[:2],
        "day": "2026-03-20",
        "laboratory": examination(exhibit or exhibit_number(f"{agency[:2]}-CUS")),
        "items": [
            finding(HEROIN, "диацетилморфин", techniques=[1, 2, 3], salt="HCL"),
            finding(CAFFEINE, "caffeine", techniques=[2, 3], role="ADULTERANT"),
        ],
        "purity": [
            {
                "line": 1, "value": "41.2", "unit": "%", "basis": "AS_BASE", "uncertainty": "1.9", "k": "2",
                "lod": "0.1", "loq": "0.4",
            }
        ],
    }  # fmt: skip
    return analysis(agency, **(given | facets))


def tablets(**members: Any) -> dict[str, Any]:
    """What tablets of exhibit 1 look like."""
    measured = {"diameter_mm": "8.1", "thickness_mm": "4.0", "mass_mg": {"mean": "280", "sd": "8", "n": 10}}
    return {"marks": [{"exhibit": 1, "form": "TAB", "colour": "pink", **measured, **members}]}


@dataclass(frozen=True)
class Laboratory(Agency):
    """An agency that examines: what it files is countersigned."""

    reviewer_key: PrivateKey = None  # type: ignore[assignment]

    def reviewed(self, record: Record) -> str:
        return issue_reviewed(self.record_key, self.reviewer_key, record)

    def found(self, exhibit: str | None = None, **facets: Any) -> str:
        """A plausible analysis, signed and countersigned."""
        return self.reviewed(heroin_found(self.name, exhibit, **facets))

    def file(self, record: str) -> Reply:
        return self.post(record, "/v1/analyses")

    def analyses(self, **query: Any) -> list[dict[str, Any]]:
        reply = self.get("/v1/analyses", **query)
        assert reply.status == 200, reply.body
        return list(reply.json()["items"])


def changed(members: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at a JSON pointer replaced; ... removes it."""
    copy = deepcopy(members)
    *parents, last = [int(part) if part.isdigit() else part for part in path.strip("/").split("/")]
    target: Any = copy
    for part in parents:
        target = target[part]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return copy
