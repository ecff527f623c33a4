"""Reference spectra become rows: the operator loads openly licensed ones, laboratories submit theirs for members."""

import re
from collections.abc import Iterable
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.problems import NotFound, Problem
from service.spectra.agree import check_agreement
from service.spectra.spectrum import Spectrum
from service.substances.catalogue import Catalogue

# Licences under which a spectrum may be passed on, as MassBank records name them.
OPEN_LICENCES = re.compile(r"(?i)^(cc0|cc[ -]by([ -]sa)?([ -]\d\.\d)?|dl-de/by-2[-.]0|public domain)$")
FOR_MEMBERS = "members"
MOST_AT_ONCE = 50

_ADD = text("SELECT gate.add_reference_spectrum(CAST(:row AS jsonb))")
_REMOVE = text("SELECT gate.remove_reference_spectrum(:id)")
_LOAD = text("""
    INSERT INTO core.library_spectrum (id, digest, substance, name, inchikey, technique, ion_mode, precursor_mz,
      instrument, collision_energy, mz, intensity, licence, attribution)
    SELECT r.id, r.digest, r.substance, r.name, r.inchikey, r.technique, r.ion_mode, r.precursor_mz, r.instrument,
      r.collision_energy, r.mz, r.intensity, r.licence, r.attribution
    FROM jsonb_populate_recordset(NULL::core.library_spectrum, CAST(:rows AS jsonb)) r
    ON CONFLICT ON CONSTRAINT library_spectrum_digest_key DO NOTHING RETURNING 1""")


class UnfitReference(Problem):
    """A reference spectrum is a mass spectrum of a named substance, with a licence to pass it on."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class LibraryShareReached(Problem):
    """Your agency has given the library as many spectra as one agency may."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


class Terms(BaseModel):
    """What a laboratory says of the spectra that it submits for all members."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    licence: Annotated[
        str,
        Field(max_length=40, description="`members`: for the exchange alone; or an open licence such as CC-BY-4.0."),
    ] = FOR_MEMBERS
    substance: Annotated[
        str | None, Field(max_length=40, description="Catalogue code, where the file names no InChIKey that it has.")
    ] = None


def is_open(licence: str) -> bool:
    return OPEN_LICENCES.match(licence.strip()) is not None


def row(spectrum: Spectrum, licence: str, catalogue: Catalogue, substance: str | None = None) -> dict[str, Any]:
    """A spectrum as a row, for JSON. Raises UnfitReference, SpectrumDisagrees."""
    if spectrum.technique not in ("MS2", "EI"):
        raise UnfitReference(f"the library searches fragment and electron ionisation spectra, not {spectrum.technique}")
    if substance is not None and catalogue.get(substance) is None:
        raise UnfitReference(f"no entry has the code {substance}", parameter="substance")
    if licence != FOR_MEMBERS and not is_open(licence):
        raise UnfitReference(f"{licence!r} is no licence to pass it on: members, CC0, CC-BY…", parameter="licence")
    match = catalogue.resolve(spectrum.inchikey) if spectrum.inchikey else None
    code = substance or (match.code if match else None)
    check_agreement(spectrum, catalogue, substance)
    if code is None and not spectrum.inchikey:
        raise UnfitReference("the spectrum names no InChIKey: say which substance it is", parameter="substance")
    content = {
        "technique": spectrum.technique,
        "ion_mode": spectrum.ion_mode,
        "precursor_mz": spectrum.precursor_mz,
        "inchikey": spectrum.inchikey[:27],
        "instrument": spectrum.instrument[:80],
        "collision_energy": spectrum.collision_energy[:80],
        "mz": [mz for mz, _ in spectrum.peaks],
        "intensity": [intensity for _, intensity in spectrum.peaks],
    }
    return {
        **content,
        "id": str(uuid4()),
        "digest": "\\x" + sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        "substance": code,
        "name": spectrum.name[:200],
        "licence": licence,
        "attribution": spectrum.attribution,
    }


async def submit(
    session: AsyncSession, documents: list[dict[str, Any]], terms: Terms, catalogue: Catalogue
) -> dict[str, Any]:
    """{"added", "known"}: the new ones, and how many the library had. Raises UnfitReference, SpectrumDisagrees,
    LibraryShareReached; then nothing is added.
    """
    if len(documents) > MOST_AT_ONCE:
        raise UnfitReference(f"at most {MOST_AT_ONCE} spectra at once, the file has {len(documents)}")
    rows = [row(Spectrum.of(document), terms.licence, catalogue, terms.substance) for document in documents]
    added = []
    for one in rows:
        new = await session.scalar(_ADD, {"row": orjson.dumps(one).decode()})
        if new is None:
            raise LibraryShareReached("take some back first")
        if new:
            added.append(one["id"])
    return {"added": added, "known": len(rows) - len(added)}


async def load(session: AsyncSession, rows: Iterable[dict[str, Any]]) -> int:
    """The operator's way in, for openly licensed spectra; returns how many are new."""
    result = await session.execute(_LOAD, {"rows": orjson.dumps(list(rows)).decode()})
    return len(result.all())


async def remove(session: AsyncSession, spectrum: UUID) -> None:
    """Take back a spectrum of the caller's agency. Raises NotFound."""
    if not await session.scalar(_REMOVE, {"id": spectrum}):
        raise NotFound("your agency has submitted no such spectrum")
