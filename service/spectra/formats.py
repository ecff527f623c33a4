"""Spectra out of the files that instruments and libraries write: MassBank records, NIST MSP, JCAMP-DX, mzML.

Each parser takes bytes and answers with JSON documents of `Spectrum`; it runs in the sandbox. A format is told from the
content; the file's name plays no part.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from service.sandbox import Refusal
from service.spectra.spectrum import Spectrum, checked

MAX_SPECTRA = 5_000
_NUMBERS = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_ENCODING = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)")
_ION_SOURCE = re.compile(rb"<source\b.*?</source>", re.DOTALL)
_ENCODINGS = frozenset({b"utf-8", b"iso-8859-1", b"us-ascii", b"windows-1252"})
_MODE = {"P": "POSITIVE", "N": "NEGATIVE"}


def sniffed(head: bytes) -> str | None:
    """The name of the format that a file begins like: massbank, jcamp, mzml or msp."""
    return next((parser.__name__ for sniff, parser in _FORMATS if sniff(head)), None)


class Run:
    """The spectra of a file with their places in it, from 1; raises Refusal with what was expected.

    After the last one it says what it held: `read` spectra, `empty` scans without a peak (instruments write such), and
    whether there is `more` after the first `MAX_SPECTRA`. `full_scans`: what those of an mzML file are (`EI`) where it
    does not say.
    """

    def __init__(self, data: bytes, full_scans: str = "") -> None:
        self._data, self._full_scans = data, full_scans
        self.read, self.empty, self.more = 0, 0, False

    def __iter__(self) -> Iterator[tuple[int, Spectrum]]:
        parser = next((parser for sniff, parser in _FORMATS if sniff(self._data[:4096])), None)
        if parser is None:
            raise Refusal("expected a MassBank record, an MSP library, JCAMP-DX or mzML")
        each = parser(self._data)
        for number, spectrum in enumerate(islice(each, MAX_SPECTRA), start=1):
            if spectrum is None:
                self.empty += 1
                continue
            self.read += 1
            full = bool(self._full_scans) and spectrum.technique == "MS1"
            yield number, checked(replace(spectrum, technique=self._full_scans) if full else spectrum)
        if not self.read:
            raise Refusal("no scan of the file holds a peak" if self.empty else "the file holds no spectrum")
        self.more = next(each, each) is not each

    def held(self) -> dict[str, Any]:
        return {"read": self.read, "empty": self.empty, "more": self.more}


def read(data: bytes, *, only: int | None = None, full_scans: str = "") -> dict[str, Any]:
    """`spectra` as documents of `Spectrum`, and what `Run.held` says; with `only` the one at that place, if there."""
    run = Run(data, full_scans)
    spectra = [spectrum.document() for number, spectrum in run if only in (None, number)]
    return {"spectra": spectra, **run.held()}


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _said(value: str | None) -> str:
    """What the file says, or nothing where it says that it does not know."""
    value = (value or "").strip()
    return "" if value.upper() in ("N/A", "NA", "NONE", "UNKNOWN", "-") else value


def _pairs(line: str) -> tuple[float, float] | None:
    numbers = _NUMBERS.findall(line)
    return (float(numbers[0]), float(numbers[1])) if len(numbers) >= 2 else None


def massbank(data: bytes) -> Iterator[Spectrum]:
    """MassBank record format 2.6: tags, then PK$PEAK with one `m/z intensity relative` a line, `//` ends a record."""
    for record in _text(data).split("\n//"):
        if "ACCESSION:" not in record:
            continue
        tags: dict[str, str] = {}
        peaks: list[tuple[float, float]] = []
        listing = False
        for line in record.splitlines():
            if listing and line.startswith("  "):
                if (pair := _pairs(line)) is not None:
                    peaks.append(pair)
                continue
            tag, _, value = line.partition(": ")
            listing = tag == "PK$PEAK"
            tags.setdefault(tag, value)
            if tag.startswith(("AC$", "MS$", "CH$LINK")):
                name, _, rest = value.partition(" ")
                tags.setdefault(f"{tag} {name}", rest)
        yield _of_massbank(tags, tuple(peaks))


def _of_massbank(tags: dict[str, str], peaks: tuple[tuple[float, float], ...]) -> Spectrum:
    instrument = tags.get("AC$INSTRUMENT_TYPE", "")
    electron = "EI" in instrument.split("-")
    precursor = _NUMBERS.search(tags.get("MS$FOCUSED_ION PRECURSOR_M/Z", ""))
    named = {"licence": "LICENSE", "copyright": "COPYRIGHT", "authors": "AUTHORS", "accession": "ACCESSION"}
    mode = tags.get("AC$MASS_SPECTROMETRY ION_MODE", "").upper()
    return Spectrum(
        technique="EI" if electron else "MS2",
        peaks=peaks,
        name=tags.get("CH$NAME", ""),
        precursor_mz=None if electron or precursor is None else float(precursor[0]),
        ion_mode=mode if mode in ("POSITIVE", "NEGATIVE") else "",  # type: ignore[arg-type]
        instrument=instrument,
        collision_energy=tags.get("AC$MASS_SPECTROMETRY COLLISION_ENERGY", ""),
        inchikey=_said(tags.get("CH$LINK INCHIKEY")),
        formula=_said(tags.get("CH$FORMULA")),
        precursor_type=_said(tags.get("MS$FOCUSED_ION PRECURSOR_TYPE")),
        attribution={ours: tags[theirs] for ours, theirs in named.items() if theirs in tags},
    )


def msp(data: bytes) -> Iterator[Spectrum]:
    """NIST MSP: `Name: value` lines up to `Num Peaks:`, then pairs, several to a line; a blank line ends an entry."""
    for entry in re.split(r"\r?\n\s*\r?\n", _text(data)):
        parts = re.split(r"(?im)^num ?peaks\s*:.*$", entry, maxsplit=1)
        if len(parts) == 2:
            lines = (line.partition(":") for line in parts[0].splitlines())
            yield _of_msp({name.strip().lower(): value.strip() for name, _, value in lines}, parts[1])


def _of_msp(fields: dict[str, str], listing: str) -> Spectrum:
    numbers = [float(n) for n in _NUMBERS.findall(re.sub(r'"[^"]*"', " ", listing))]
    if len(numbers) % 2:
        raise Refusal("the peaks of an MSP entry come in pairs of m/z and intensity")
    precursor = _NUMBERS.search(fields.get("precursormz", ""))
    return Spectrum(
        technique="MS2" if precursor else "EI",
        peaks=tuple(zip(numbers[::2], numbers[1::2], strict=True)),
        name=fields.get("name", ""),
        precursor_mz=float(precursor[0]) if precursor else None,
        ion_mode=_MODE.get(fields.get("ion_mode", fields.get("ionmode", ""))[:1].upper(), ""),  # type: ignore[arg-type]
        instrument=fields.get("instrument_type", fields.get("instrument", "")),
        collision_energy=fields.get("collision_energy", ""),
        inchikey=_said(fields.get("inchikey")),
        formula=_said(fields.get("formula")),
        precursor_type=_said(fields.get("precursor_type", fields.get("precursortype"))),
    )


def jcamp(data: bytes) -> Iterator[Spectrum]:
    """JCAMP-DX 4.24 and 5.01 (IUPAC): infrared, Raman, ultraviolet, NMR and mass spectra, chromatograms."""
    import jcamp as reader  # noqa: PLC0415 - only the child that parses pays for the library

    found = reader.read(io.StringIO(_text(data)))
    blocks = found.get("children") or [found]
    for block in blocks:
        if "x" not in block or "y" not in block:
            continue
        kind = str(block.get("data type") or block.get("datatype") or found.get("data type") or "").upper()
        names = (
            ("MASS", "EI"), ("INFRARED", "IR"), ("RAMAN", "RAMAN"), ("NMR", "NMR"), ("UV", "UV"),
            ("CHROMATOGRAM", "CHROMATOGRAM"),
        )  # fmt: skip
        technique = next((ours for theirs, ours in names if theirs in kind), None)
        if technique is None:
            expected = "a mass, infrared, Raman, UV or NMR spectrum or a chromatogram"
            raise Refusal(f"DATA TYPE is {kind or 'missing'}: expected {expected}")
        yield Spectrum(
            technique=technique,  # type: ignore[arg-type]
            peaks=tuple(zip(map(float, block["x"]), map(float, block["y"]), strict=True)),
            name=str(block.get("title", "")),
            units=(str(block.get("xunits", "")), str(block.get("yunits", ""))),
            attribution={"owner": str(block["owner"])} if block.get("owner") else {},
        )


def mzml(data: bytes) -> Iterator[Spectrum | None]:
    """PSI mzML 1.1: every spectrum, None for a scan without peaks; or the chromatograms of a file without any spectrum.

    Full scans are EI spectra where every ion source of the file is electron ionisation (MS:1000389), as GC-MS is
    written. No document type declaration.
    """
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise Refusal("mzML has no document type declaration")
    declared = _ENCODING.search(data[:200])
    if declared is not None and declared[1].lower() not in _ENCODINGS:  # others could spell one unseen
        raise Refusal("mzML is written in UTF-8 or ISO-8859-1")
    from pyteomics import mzml as reader  # noqa: PLC0415

    sources = _ION_SOURCE.findall(data[: data.find(b"<run")])
    full_scans = "EI" if sources and all(b'"MS:1000389"' in source for source in sources) else "MS1"
    options = {"use_index": False, "iterative": True, "huge_tree": False}
    empty = True
    with reader.MzML(io.BytesIO(data), **options) as scans:
        for scan in scans:
            empty = False
            yield _of_mzml(scan, full_scans)
    if empty:
        with reader.MzML(io.BytesIO(data), **options) as run:
            for trace in run.iterfind("chromatogram"):
                points = zip(trace["time array"].tolist(), trace["intensity array"].tolist(), strict=True)
                units = ("min", "intensity")
                yield Spectrum("CHROMATOGRAM", tuple(points), name=str(trace.get("id", "")), units=units)


def _of_mzml(scan: dict[str, Any], full_scans: str) -> Spectrum | None:
    mz, intensity = scan.get("m/z array"), scan.get("intensity array")
    if mz is None or intensity is None or not (len(mz) and any(intensity)):
        return None
    ions = scan.get("precursorList", {}).get("precursor", [{}])[0].get("selectedIonList", {})
    selected = (ions.get("selectedIon") or [{}])[0].get("selected ion m/z")
    return Spectrum(
        technique="MS2" if scan.get("ms level", 1) > 1 else full_scans,  # type: ignore[arg-type]
        peaks=tuple(zip(mz.tolist(), intensity.tolist(), strict=True)),
        name=str(scan.get("id", "")),
        precursor_mz=float(selected) if selected is not None else None,
        ion_mode="POSITIVE" if "positive scan" in scan else "NEGATIVE" if "negative scan" in scan else "",
    )


_FORMATS: tuple[tuple[Callable[[bytes], bool], Any], ...] = (
    (lambda head: head.lstrip().startswith((b"ACCESSION:", b"\xef\xbb\xbfACCESSION:")), massbank),
    (lambda head: head.lstrip().startswith(b"##"), jcamp),
    (lambda head: b"<mzML" in head or b"<indexedmzML" in head, mzml),
    (lambda head: re.search(rb"(?im)^name\s*:", head) is not None, msp),
)
