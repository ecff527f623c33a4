"""The comparison of `tests/bench spectra`: plain cosine by matchms, in its own process and environment.

Reads {"library": [[precursor, peaks]…], "queries": [index…]} from standard input; prints the best entry other than the
query itself, and the seconds, of each query.
"""

import json
import sys
import time

import numpy as np
from matchms import Spectrum
from matchms.similarity import CosineGreedy


def main() -> None:
    given = json.load(sys.stdin)
    library = [
        Spectrum(
            mz=np.array([mz for mz, _ in peaks], dtype=float),
            intensities=np.array([height for _, height in peaks], dtype=float) / max(height for _, height in peaks),
            metadata={"precursor_mz": precursor},
        )
        for precursor, peaks in given["library"]
    ]
    cosine = CosineGreedy(tolerance=0.02)
    cosine.pair(library[0], library[1])  # compiled before the clock runs
    best, seconds = [], []
    for query in given["queries"]:
        begun = time.perf_counter()
        scores = np.array([float(cosine.pair(entry, library[query])["score"]) for entry in library])
        scores[query] = -1
        best.append(int(scores.argmax()))
        seconds.append(time.perf_counter() - begun)
    print(json.dumps({"best": best, "seconds": seconds}))


main()
