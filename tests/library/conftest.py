"""Laboratories of two countries, with the hands to send spectra and to search with them."""

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.attachments.sender import Sender
from tests.exchange import Exchange
from tests.signing.wire import Reply, send, sign

HEROIN, METHAMPHETAMINE = "SAR-000608", "SAR-000384"


def msp(*peaks: tuple[float, float], precursor: float | None = 370.1649, mode: str = "P", **fields: str) -> bytes:
    """One spectrum as MSP; `fields` such as InChIKey. With a name of its own, so that no two files are the same."""
    lines = [f"Name: {os.urandom(6).hex()}", *(f"{name}: {value}" for name, value in fields.items())]
    if precursor is not None:
        lines += [f"PrecursorMZ: {precursor}", f"Ion_mode: {mode}"]
    return "\n".join([*lines, f"Num Peaks: {len(peaks)}", *(f"{mz} {height}" for mz, height in peaks), "", ""]).encode()


def like_heroin(shift: float = 0.0, precursor: float = 370.1649) -> bytes:
    """Fragments of diacetylmorphine; `shift` spoils the heights."""
    heights = ((165.07, 120.0), (211.075, 210.0), (268.133, 400.0), (328.154, 999.0))
    return msp(*((mz, height + shift * n) for n, (mz, height) in enumerate(heights)), precursor=precursor)


@dataclass(frozen=True)
class Searcher(Sender):
    """An agency that searches."""

    def ask(self, data: bytes, purpose: str | None = "forensic", **asked: Any) -> Reply:
        origin = self.exchange.settings.origin
        target = "/v1/spectra/search" + (f"?{urlencode(asked)}" if asked else "")
        wire = sign(
            self.request_key, origin, "POST", target, data, content_type="application/octet-stream", purpose=purpose
        )
        return send(origin, wire)

    def found(self, data: bytes, **asked: Any) -> dict[str, Any]:
        reply = self.ask(data, **asked)
        assert reply.status == 200, reply.body
        return dict(reply.json())

    def records(self, data: bytes, **asked: Any) -> list[str]:
        """The ids of the records among the candidates."""
        return [one["record"]["id"] for one in self.found(data, **asked)["candidates"] if one["source"] == "record"]

    def filed(self, data: bytes, **facets: Any) -> str:
        """The id of a seizure report whose spectra name the file."""
        kept = self.kept(data)
        spectra = [{"line": 1, "technique": "MS", **{n: kept[n] for n in ("media_type", "sha256", "size")}}]
        reply = self.post(self.report(spectra=spectra, **facets))
        assert reply.status == 201, reply.body
        return str(reply.json()["id"])


@pytest.fixture
def customs(exchange: Exchange) -> Searcher:
    return Searcher(exchange, "KZ-CUS")


@pytest.fixture
def laboratory(exchange: Exchange) -> Searcher:
    return Searcher(exchange, "KZ-LAB")


@pytest.fixture
def neighbour(exchange: Exchange) -> Searcher:
    return Searcher(exchange, "KG-LAB")


@pytest.fixture
def outsider(exchange: Exchange) -> Searcher:
    return Searcher(exchange, "TM-LAB")
