"""Reports in pairs: alike in what one reader may see, different in all the rest."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import h3
from hypothesis import strategies as st
from sarhad.records import Record, item

from tests.policies.evaluator import TLP, Labels

AGENCIES = ("UZ-CUS", "UZ-LAB")
WORDS = {
    "heroin-opiates": (("heroin", "SAR-000608"), ("morphine", "SAR-000553")),
    "cannabis": (("marijuana", "SAR-000022"), ("hashish", "SAR-000023")),
    "precursors": (("acetic anhydride", "SAR-000291"), ("acetic anhydride", "SAR-000291")),
}
# country → unit → cells
CELLS = {
    "UZ": {
        "UZ-SA": ("8520a613fffffff", "85219963fffffff"),
        "UZ-QA": ("85219b0bfffffff", "85219b0bfffffff"),
    },
    "TJ": {"TJ-SU": ("8520a14bfffffff", "8520a14bfffffff")},
}
ZERO = {"reference", "reported", "when.month", "where.country", "where.admin1"}


@dataclass(frozen=True)
class Draft:
    """What may differ, as choices: each names one value of a facet."""

    kind: str
    group: str
    handling: str
    agency: str
    choices: tuple[int, ...]

    @property
    def labels(self) -> Labels:
        groups = frozenset({self.group}) if self.kind == "seizure" else frozenset[str]()
        return Labels("UZ", self.kind, groups, self.handling, self.agency)

    @property
    def month(self) -> str:
        return f"2025-{5 + self.choices[3] % 2:02}"

    def facets(self, mark: str) -> dict[str, Any]:
        """Every facet that the choices give; `mark` stands in every free text."""
        c = self.choices
        country = ("UZ", "UZ", "UZ", "TJ")[c[0] % 4]
        units = sorted(CELLS[country])
        unit = units[c[1] % len(units)]
        cell = CELLS[country][unit][c[2] % 2]
        day = date(2025, 5 + c[3] % 2, 1 + c[4] % 28)
        word, code = WORDS[self.group][c[6] % 2]
        facets: dict[str, Any] = {
            "reference": f"{mark}-{c[7]}",
            "reported": f"2026-01-{1 + c[8] % 28:02}T08:00:00+05:00",
            "when.instant": f"{day}T{c[5] % 24:02}:00:00+05:00",
            "when.day": f"{day}",
            "when.month": f"{day:%Y-%m}",
            "where.point": _point(cell, c[9]),
            "where.cell": cell,
            "where.admin1": {"code": unit},
            "where.country": country,
            "items": [
                {
                    "line": n + 1,
                    **item(None, word, f"{1 + c[10] % 50}.{n}", "kg", status=("PRES", "CONF")[c[11] % 2]),
                }
                for n in range(1 + c[10] % 2)
            ],
            "transport": {"mode": "234"[c[12] % 3], "concealment": ["LUG"] if c[12] % 2 else ["VFT"]},
            "route": [
                {"role": "SEIZURE_POINT", "country": country, "certainty": "KNOWN"},
                {"role": "DESTINATION", "country": ("RU", "KZ")[c[13] % 2], "certainty": "SUSPECTED"},
            ],
            "persons": {"arrested": c[14] % 5, "groups": []},
            "marks": [{"kind": "STAMP", "text": f"{mark}-stamp-{c[15]}"}],
            "case": {"national_reference": f"{mark}-case-{c[16]}"},
            "laboratory": {"agency": "UZ-LAB", "case": f"{mark}-lab-{c[17]}"},
            "purity": [{"line": 1, "substance": code, "value": f"{1 + c[18] % 90}", "unit": "%", "basis": "AS_BASE"}],
            "spectra": [
                {
                    "line": 1,
                    "technique": "GC",
                    "media_type": "chemical/x-jcamp-dx",
                    "sha256": f"{c[19]:064x}",
                    "size": 9,
                }
            ],
            "narrative": {"text": f"{mark} narrative {c[20]}", "language": "en"},
        }
        absent = {name for bit, name in enumerate(OPTIONAL) if c[21] >> bit & 1}
        if "when.day" in absent:
            absent |= {"when.instant"}
        if "where.cell" in absent:
            absent |= {"where.point"}
        kept = {name: value for name, value in facets.items() if name not in absent}
        return kept if self.kind == "seizure" else {name: kept[name] for name in ZERO if name in kept}


OPTIONAL = (
    "when.day",
    "where.cell",
    "where.admin1",
    "transport",
    "route",
    "persons",
    "marks",
    "case",
    "laboratory",
    "purity",
    "spectra",
    "narrative",
)


def _point(cell: str, choice: int) -> dict[str, Any]:
    latitude, longitude = h3.cell_to_latlng(cell)
    return {"lat": f"{latitude + choice % 7 * 0.004:.4f}", "lon": f"{longitude - choice % 5 * 0.004:.4f}"}


CHOICES = st.tuples(*(st.integers(0, 99) for _ in range(21)), st.integers(0, 2 ** len(OPTIONAL) - 1) | st.just(0))
DRAFTS = st.builds(
    Draft,
    kind=st.sampled_from(("seizure", "seizure", "seizure", "zero")),
    group=st.sampled_from(sorted(WORDS)),
    handling=st.sampled_from(TLP),
    agency=st.sampled_from(AGENCIES),
    choices=CHOICES,
)


def twin(
    draft: Draft, other: Draft, shown: Collection[str], marks: tuple[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The facets of `draft`, and the same with every facet that is not in `shown` taken from `other`.

    Coarse facets that are shown pull the finer ones of `other` under them, so that both are consistent.
    """
    first = draft.facets(marks[0])
    second = replace(draft, choices=_under(draft, other, shown)).facets(marks[1])
    for name in set(shown) & first.keys():
        second[name] = first[name]
    return first, second


# which choice decides which facet that finer ones must agree with
_DECIDES = {
    "where.country": (0,),
    "where.admin1": (0, 1),
    "where.cell": (0, 1, 2),
    "when.month": (3,),
    "when.day": (3, 4),
}


def _under(draft: Draft, other: Draft, shown: Collection[str]) -> tuple[int, ...]:
    kept = {index for facet, indexes in _DECIDES.items() if facet in shown for index in indexes}
    choices = [draft.choices[n] if n in kept else value for n, value in enumerate(other.choices)]
    ours = sum(1 << bit for bit, name in enumerate(OPTIONAL) if name in shown)
    choices[-1] = draft.choices[-1] & ours | other.choices[-1] & ~ours
    return tuple(choices)


def record(draft: Draft, id_: str, facets: Mapping[str, Any]) -> Record:
    return Record(draft.agency, draft.kind, facets, draft.handling, id_)  # type: ignore[arg-type]


def new_id() -> str:
    return str(uuid.uuid4())
