"""What a file is, told from its bytes: a photograph, a spectrum or a report; and the bytes of it that are kept.

`inspect` runs in the sandbox. The sender's name and media type for the file play no part.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from heapq import nlargest
from typing import Any

from service.attachments import image, pdf
from service.attachments.polyglot import check_single
from service.sandbox import Refusal
from service.spectra.formats import Run, sniffed
from service.spectra.prepare import COMPARED, prepared
from service.spectra.spectrum import Spectrum

MAX_SEARCHED = 100  # spectra of one file that can be searched
_MEDIA_TYPES = {
    "massbank": "chemical/x-massbank",
    "jcamp": "chemical/x-jcamp-dx",
    "mzml": "application/x-mzml",
    "msp": "chemical/x-msp",
}
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file as it will be kept. `size` and `sha256` are those of `data`."""

    data: bytes
    media_type: str
    content: str  # image, spectrum, document
    width: int | None = None
    height: int | None = None
    phash: str | None = None
    spectra: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)  # of those spectra that name what they are of
    run: dict[str, Any] | None = None  # of a spectrum file: what it holds, and how much of it can be searched

    @classmethod
    def of(cls, answer: dict[str, Any], sent: bytes) -> "Inspected":
        """From the sandbox's answer; what was kept as sent does not come back through it."""
        kept = answer.pop("data")
        return cls(base64.b64decode(kept) if kept is not None else sent, **answer)


def inspect(data: bytes) -> dict[str, Any]:
    """The members of `Inspected`; `data` in base64, or None for the bytes as they were sent. Raises Refusal."""
    head = data[:4096]
    if image.is_image(head):
        kept, described = image.cleaned(data)
        return {"data": base64.b64encode(kept).decode(), "content": "image", **described}
    if pdf.is_pdf(head):
        pdf.check(data)
        return {"data": None, "media_type": "application/pdf", "content": "document"}
    if (format_ := sniffed(head)) is not None:
        return {"data": None, "media_type": _MEDIA_TYPES[format_], "content": "spectrum", **_spectra(data)}
    raise Refusal("expected a JPEG, PNG or WebP image, a PDF, or a spectrum as MassBank, MSP, JCAMP-DX or mzML")


def _spectra(data: bytes) -> dict[str, Any]:
    """`spectra` for the search: of more than `MAX_SEARCHED` those of the strongest signal. `said`: what these say that
    they are of, as documents of `Spectrum` without peaks.
    """
    if _BINARY.search(data):
        raise Refusal("a spectrum file is text: there are binary bytes in it")
    check_single(data)
    run = Run(data)
    comparable = 0

    def compared() -> Iterator[tuple[int, Spectrum]]:
        nonlocal comparable
        for number, spectrum in run:
            if spectrum.technique in COMPARED:
                comparable += 1
                yield number, spectrum

    strongest = sorted(nlargest(MAX_SEARCHED, compared(), key=_signal), key=lambda one: one[0])
    spectra = [{"n": n, **document} for n, spectrum in strongest if (document := prepared(spectrum)) is not None]
    said = [replace(spectrum, peaks=()).document() for _, spectrum in strongest if spectrum.inchikey]
    held = {**run.held(), "comparable": comparable, "searched": len(spectra)}
    return {"spectra": spectra, "said": said, "run": held}


def _signal(one: tuple[int, Spectrum]) -> float:
    return sum(intensity for _, intensity in one[1].peaks)
