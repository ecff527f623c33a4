"""Spectral search: how often the first answer is right, how often a confident one is wrong, and how fast.

Real spectra: the MassBank records under `--data` (spectra/massbank), each searched in a library without it; `cross_*`
leaves out all spectra of its laboratory, `cross_instrument_*` all that its kind of instrument measured (quadrupole,
time of flight, ion trap or orbital trap). Time: the same queries in a library of 50,000 made of the real spectra and
synthetic ones, against matchms' greedy cosine over the same library in the same run.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from service.sandbox import Refusal
from service.settings import Settings
from service.spectra.formats import read
from service.spectra.library import Library
from service.spectra.spectrum import Spectrum
from tests.exchange import Region

_TIMED = 25  # queries that matchms answers too


def measure(settings: Settings, region: Region, rows: int | None, seconds: float, data: Path) -> dict[str, Any]:
    real, instruments, unread = _records(data / "spectra" / "massbank")
    alone = _judge(real, lambda i, q: i != q)
    laboratory = [entry.attribution["accession"].split("-")[1] for entry in real]
    cross = _judge(real, lambda i, q: laboratory[i] != laboratory[q])
    across = _judge(real, lambda i, q: instruments[i] != instruments[q])
    return {
        "records": len(real),
        "without_precursor": unread,
        **alone,
        **{f"cross_{name}": value for name, value in cross.items()},
        "instruments": len(set(instruments)),
        **{f"cross_instrument_{name}": value for name, value in across.items()},
        **_timed(real, rows or 50_000),
    }


def _records(folder: Path) -> tuple[list[Spectrum], list[str], int]:
    """The spectra, the kind of instrument of each, and how many could not be read."""
    entries, instruments, unread = [], [], 0
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        try:
            entries.append(Spectrum.of(read(data)["spectra"][0]))
        except Refusal:
            unread += 1
            continue
        kind = re.search(rb"^AC\$INSTRUMENT_TYPE: (\S+)", data, re.MULTILINE)
        instruments.append(kind[1].decode().rpartition("-")[2] if kind else "")
    return entries, instruments, unread


def _judge(real: list[Spectrum], in_library: Any) -> dict[str, Any]:
    """Queries whose compound the library has count for top-1 and top-3; all count for confident answers."""
    asked = first = third = confident = false = 0
    for q, query in enumerate(real):
        library = [entry for i, entry in enumerate(real) if in_library(i, q)]
        found = Library(library).search(query)
        names = [_compound(library[candidate.index]) for candidate in found]
        if found and found[0].confident:
            confident += 1
            false += names[0] != _compound(query)
        if _compound(query) in {_compound(entry) for entry in library}:
            asked += 1
            first += names[:1] == [_compound(query)]
            third += _compound(query) in names[:3]
    return {
        "asked": asked,
        "top1": round(first / asked, 3),
        "top3": round(third / asked, 3),
        "confident": confident,
        "false_at_threshold": round(false / confident, 3),
    }


def _compound(spectrum: Spectrum) -> str:
    return spectrum.inchikey[:14]


def _timed(real: list[Spectrum], size: int) -> dict[str, Any]:
    library = real + _synthetic(size - len(real))
    begun = time.perf_counter()
    built = Library(library)
    indexing = time.perf_counter() - begun
    chosen = [
        q
        for q, query in enumerate(real)
        if any(i != q and _compound(other) == _compound(query) for i, other in enumerate(real))
    ][:_TIMED]
    figures: dict[str, Any] = {"library": size, "index_s": round(indexing, 1)}
    hits: dict[str, int] = {}
    p95: dict[str, float] = {}
    for how in ("precursor", "open"):
        times = []
        hits[how] = 0
        for q in chosen:
            begun = time.perf_counter()
            found = [c for c in built.search(real[q], how) if c.index != q]  # type: ignore[arg-type]
            times.append(time.perf_counter() - begun)
            hits[how] += bool(found) and _compound(library[found[0].index]) == _compound(real[q])
        p95[how] = float(np.percentile(times, 95)) * 1000
    theirs = _matchms(library, chosen)
    theirs_p95 = float(np.percentile(theirs["seconds"], 95)) * 1000
    right = sum(_compound(library[i]) == _compound(real[q]) for i, q in zip(theirs["best"], chosen, strict=True))
    return figures | {
        "timed_queries": len(chosen),
        "search_p95_ms": round(p95["precursor"], 2),
        "open_p95_ms": round(p95["open"], 2),
        "matchms_p95_ms": round(theirs_p95, 1),
        "speedup_over_matchms": round(theirs_p95 / max(p95.values()), 1),
        "timed_top1": round(hits["precursor"] / len(chosen), 3),
        "timed_open_top1": round(hits["open"] / len(chosen), 3),
        "matchms_top1": round(right / len(chosen), 3),
    }


def _synthetic(count: int) -> list[Spectrum]:
    random = np.random.default_rng(20261122)
    made = []
    for number in range(count):
        precursor = float(random.uniform(100, 600))
        peaks = int(random.integers(3, 40))
        mz = random.uniform(40, precursor, peaks)
        height = random.lognormal(0, 1.5, peaks)
        pairs = tuple(sorted(zip(mz.tolist(), height.tolist(), strict=True)))
        made.append(Spectrum("MS2", pairs, f"synthetic {number}", precursor, "POSITIVE"))
    return made


def _matchms(library: list[Spectrum], queries: list[int]) -> dict[str, Any]:
    document = {"library": [[entry.precursor_mz, entry.peaks] for entry in library], "queries": queries}
    python = os.environ.get("SARHAD_MATCHMS_PYTHON", sys.executable)
    script = Path(__file__).with_name("matchms_cosine.py")
    done = subprocess.run([python, script], input=json.dumps(document).encode(), stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
