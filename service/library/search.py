"""A spectrum is searched in the reference library and in the records that the caller is shown.

Records are compared in the database, through the view that holds only what the caller is given of them now: by the
precursor's mass from an index, openly one by one. Where nothing is confident (`spectra/confidence.py`), the answer says
so and what follows are hints; where nothing could be, however high its score, `reservation` says why. `ion` is which
ion of the candidate's substance the precursor asked with is: null where it is none, empty where that cannot be told.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.analyses.models import FINDING
from service.library.models import LibrarySpectrum
from service.library.shelf import Shelf
from service.problems import Problem
from service.seizures.models import SHARED_LINE
from service.spectra.agree import check_agreement, ion
from service.spectra.confidence import CONFIDENT, fragments_of, is_confident, reservation
from service.spectra.library import MS1_TOLERANCE, MS2_TOLERANCE, matches
from service.spectra.library import Candidate as InLibrary
from service.spectra.mirror import mirror
from service.spectra.prepare import compared
from service.spectra.spectrum import Spectrum
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to, mark_resolved

_IN_RECORDS = """
    SELECT s.record_id, s.version, s.line, s.country, s.sha256, s.n, s.ion_mode, s.precursor_mz, s.instrument,
      s.collision_energy, s.drawn_mz, s.drawn, l.score, l.matched
    FROM shared.spectrum s
    CROSS JOIN LATERAL core.likeness(:electron, CAST(:mz AS float8[]), CAST(:weight AS float8[]), s.mz, s.weight) l
    WHERE s.technique = :technique AND s.ion_mode = :mode AND {near}
    ORDER BY l.score DESC, s.record_id, s.sha256, s.n LIMIT :limit"""
_NEAR = text(_IN_RECORDS.format(near="s.precursor_mz BETWEEN :lowest AND :highest"))
_OPEN = text(_IN_RECORDS.format(near="l.score > 0"))


class NotSearchable(Problem):
    """Only fragment spectra with their ion mode and electron ionisation spectra are searched."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Asked(BaseModel):
    """How to search with the spectrum in the body."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    how: Annotated[
        Literal["precursor", "open"],
        Field(description="MS/MS: among spectra of the precursor's mass, or among all. EI knows no precursor."),
    ] = "precursor"
    n: Annotated[int, Field(ge=1, le=5_000, description="Which spectrum of the file.")] = 1
    full_scans: Annotated[
        Literal["EI"] | None,
        Field(description="What the full scans of an mzML file are, where it does not name its ion source."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=25)] = 10
    mirrors: Annotated[int, Field(ge=0, le=5, description="Mirror plots (SVG) with the best so many.")] = 0
    hits: Annotated[bool, Field(description="Ask too about hits in spectra that are not shown to you.")] = False


@dataclass(frozen=True, slots=True)
class Query:
    """The spectrum asked with, as it is compared."""

    spectrum: Spectrum
    how: Literal["precursor", "open"]
    file: dict[str, Any]
    mz: list[float]
    weight: list[float]
    lowest: float | None
    highest: float | None

    @classmethod
    def of(cls, read: dict[str, Any], asked: Asked) -> "Query":
        """`read`: what `formats.read` gives of a file with `only` the one asked for. Raises NotSearchable."""
        file = {name: read[name] for name in ("read", "empty", "more")}
        if not read["spectra"]:
            raise NotSearchable(_absent(file, asked.n), parameter="n", **file)
        (document,) = read["spectra"]
        spectrum = Spectrum.of(document)
        if spectrum.technique == "MS1":
            raise NotSearchable("this one is a full scan: say full_scans=EI, if its ion source is electron ionisation")
        if spectrum.technique not in ("MS2", "EI"):
            raise NotSearchable(f"this one is {spectrum.technique}")
        if spectrum.technique == "MS2" and not spectrum.ion_mode:
            raise NotSearchable("the file does not say the ion mode: add Ion_mode P or N")
        near = spectrum.precursor_mz if asked.how == "precursor" else None
        bounds = (near - MS1_TOLERANCE, near + MS1_TOLERANCE) if near is not None else (None, None)
        return cls(spectrum, asked.how, file, *compared(spectrum), *bounds)

    @property
    def tolerance(self) -> float:
        """Within which two peaks are one, Th."""
        return 0.5 if self.spectrum.technique == "EI" else MS2_TOLERANCE

    def parameters(self) -> dict[str, Any]:
        return {
            "technique": self.spectrum.technique,
            "mode": self.spectrum.ion_mode,
            "mz": self.mz,
            "weight": self.weight,
            "lowest": self.lowest,
            "highest": self.highest,
        }


@dataclass(slots=True)
class Found:
    """Candidates as JSON, best first, and the records among them by owner."""

    candidates: list[dict[str, Any]] = field(default_factory=list)
    records: dict[str, list[UUID]] = field(default_factory=dict)

    def document(self, query: Query, held: int) -> dict[str, Any]:
        spectrum = query.spectrum
        confident = any(one["confident"] for one in self.candidates)
        return {
            "query": {
                "technique": spectrum.technique,
                "name": spectrum.name[:200],
                "precursor_mz": spectrum.precursor_mz,
                "ion_mode": spectrum.ion_mode,
                "peaks": len(query.mz),
            },
            "file": query.file,
            "threshold": str(CONFIDENT),
            "reservation": reservation(spectrum, query.how),
            "answer": "candidate" if confident else "no confident candidate",
            "candidates": self.candidates,
            "library": held,
        }


def _absent(file: dict[str, Any], n: int) -> str:
    places = file["read"] + file["empty"]
    if n <= places:
        return f"scan {n} holds no peak"
    return f"the first {places} spectra of the file are read" if file["more"] else f"the file has {places} spectra"


async def search(session: AsyncSession, shelf: Shelf, query: Query, asked: Asked, catalogue: Catalogue) -> Found:
    """Raises SpectrumDisagrees."""
    check_agreement(query.spectrum, catalogue)
    catalogue = await known_to(session, catalogue)
    in_library = [
        (one.score, _of_library(id_, one), entry)
        for id_, one, entry in await shelf.search(session, query.spectrum, asked.how, asked.limit)
    ]
    in_records = [(row["score"], *_of_record(query, row)) for row in await _rows(session, query, asked)]
    best = sorted(in_library + in_records, key=lambda one: -one[0])[: asked.limit]
    found = Found([candidate for _, candidate, _ in best])
    await _name(session, found.candidates, catalogue)
    for candidate in found.candidates:
        entry = catalogue.get(candidate.get("resolved") or candidate["substance"] or "")
        candidate["ion"] = ion(query.spectrum, entry) if entry is not None else ""
    for (_, candidate, entry), _ in zip(best, range(asked.mirrors), strict=False):
        title = f"{candidate.get('name') or 'record'}, score {candidate['score']}"
        candidate["mirror"] = mirror(query.spectrum, entry, title, query.tolerance)
    for candidate in found.candidates:
        if candidate["source"] == "record":
            found.records.setdefault(candidate["record"]["owner"], []).append(UUID(candidate["record"]["id"]))
    return found


async def _rows(session: AsyncSession, query: Query, asked: Asked) -> list[Any]:
    statement = _OPEN if query.lowest is None else _NEAR
    parameters = {**query.parameters(), "electron": query.spectrum.technique == "EI", "limit": asked.limit}
    return list((await session.execute(statement, parameters)).mappings())


def _scored(score: float, matched: int, *, confident: bool) -> dict[str, Any]:
    return {"score": f"{score:.3f}", "confident": confident, "matched": matched}


def _of_library(id_: UUID, one: InLibrary) -> dict[str, Any]:
    return {"source": "library", "spectrum": str(id_), **_scored(one.score, one.matched, confident=one.confident)}


def _of_record(query: Query, row: Any) -> tuple[dict[str, Any], Spectrum]:
    """The candidate, and the spectrum as it is drawn."""
    record = {
        "id": str(row["record_id"]),
        "version": row["version"],
        "owner": row["country"],
        "line": row["line"],
        "sha256": row["sha256"].hex(),
        "n": row["n"],
    }
    peaks = tuple(zip(row["drawn_mz"], row["drawn"], strict=True))
    drawn = Spectrum(query.spectrum.technique, peaks, f"{row['country']} record", row["precursor_mz"])
    fragments = fragments_of(query.spectrum, matches(query.spectrum, drawn, query.tolerance))
    confident = is_confident(query.spectrum, query.how, row["score"], fragments)
    return {"source": "record", "record": record, **_scored(row["score"], row["matched"], confident=confident)}, drawn


async def _name(session: AsyncSession, candidates: list[dict[str, Any]], catalogue: Catalogue) -> None:
    """What each is: of the library with its attribution, of a record where the caller is given its findings."""
    table = LibrarySpectrum.__table__
    ids = [UUID(one["spectrum"]) for one in candidates if one["source"] == "library"]
    rows = (await session.execute(select(table).where(table.c.id.in_(ids)))).mappings() if ids else ()
    library = {str(row["id"]): row for row in rows}
    findings = await _findings(session, {UUID(one["record"]["id"]) for one in candidates if one["source"] == "record"})
    for one in candidates:
        if one["source"] == "library":
            row = library[one["spectrum"]]
            one |= {name: row[name] for name in ("name", "inchikey", "instrument", "collision_energy", "licence")}
            one |= {"substance": row["substance"], "attribution": row["attribution"], "agency": row["agency"]}
        else:
            code = findings.get((one["record"]["id"], one["record"]["line"]))
            entry = catalogue.get(code) if code else None
            one |= {"substance": code, "name": entry.substance.name_en if entry else None}
    mark_resolved(candidates, catalogue)


async def _findings(session: AsyncSession, records: Iterable[UUID]) -> dict[tuple[str, int], str]:
    ids = list(records)
    if not ids:
        return {}
    named: dict[tuple[str, int], str] = {}
    for table in (FINDING, SHARED_LINE):
        query = select(table.c.record_id, table.c.line, table.c.substance).where(table.c.record_id.in_(ids))
        for row in await session.execute(query):
            if row.substance is not None:
                named[str(row.record_id), row.line] = row.substance
    return named
