"""Whatever bytes come from outside, a parser understands or refuses them: Atheris makes them up from honest ones."""

import json
import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from http_message_signatures import ContentDigest
from PIL import Image

from service.base64url import decode
from tests.attachments.files import pdf, written
from tests.faults.parsers import CURSORS, KEY, NOW, ORIGIN, PARSERS, SANDBOXED, feed
from tests.signing.wire import sign
from tests.spectra.test_formats import JCAMP, MASSBANK, MSP, run_of

pytestmark = pytest.mark.xdist_group("faults")
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "schemas" / "records" / "examples"
THOROUGH = "SARHAD_THOROUGH" in os.environ
FOUND = ROOT / ".sarhad" / "fuzz"  # what thorough runs found to reach more; it grows from run to run
LARGEST = 8_192  # bytes


def seeds() -> dict[str, list[bytes]]:
    """Honest inputs of each parser, from which others are made."""
    wire = sign(KEY, ORIGIN, "POST", "/v1/seizures", b"{}", age=time.time() - NOW, purpose='operational;case="1"')
    given, signed = (wire.header(name).encode() for name in ("signature-input", "signature"))
    records = [file.read_bytes().strip() for file in sorted(EXAMPLES.glob("*.sdjwt"))]
    return {
        "signature": [given + b"\n" + signed],
        "request": [b"\n".join(f"{name.lower()}:{value}".encode() for name, value in wire.headers)],
        "digest": [ContentDigest.create(b"body").encode(), b"sha-512=:AAAA:, sha-256=:AAAA:"],
        "purpose": [b'operational;case="KZ-2026-1"', b"analysis"],
        "range": [b"bytes=0-99", b"bytes=-5", b"bytes=7-"],
        "record": records,
        "claims": [decode(record.split(b".")[1]) for record in records],
        "facets": [(EXAMPLES / "seizure.json").read_bytes()],
        "json": [b'{"a": [1, -2.5e3, "\\u0416", null, true]}'],
        "key": [json.dumps({**KEY.public.jwk, "proof": "e30.e30.AA"}).encode()],
        "filter": [
            b"owner = 'TM' AND kg > 1.5 OR NOT (kg IS NULL)",
            b"S_INTERSECTS(geometry, POLYGON((60 35, 61 35, 61 36, 60 35)))",
            b"at BETWEEN TIMESTAMP('2026-01-01T00:00:00Z') AND DATE('2026-02-01')",
            b"CASEI(owner) LIKE CASEI('t_%') AND owner IN ('TM', 'UZ')",
        ],
        "cursor": [CURSORS.seal((None, UUID(int=1)), ["reader"]).encode()],
        "spectrum": [MASSBANK.encode(), MSP.encode(), JCAMP.encode(), run_of(((100.0, 1.0), (120.0, 5.0)))],
        "upload": [*(written(Image.new("RGB", (8, 8)), form) for form in ("JPEG", "PNG", "WEBP")), pdf()],
    }


def fuzz(program: list[str], *arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """A run that can be repeated: the same seed, so many inputs. What it breaks on is written to `directory`."""
    return subprocess.run(
        [sys.executable, *program, *arguments, "-seed=1", f"-max_len={LARGEST}", "-timeout=20",
         f"-artifact_prefix={directory}/"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


def test_every_parser_has_honest_inputs() -> None:
    assert seeds().keys() == PARSERS.keys()
    for name, examples in seeds().items():
        for example in examples:
            assert len(example) < LARGEST
            feed(name, example)


@pytest.mark.parametrize(
    ("names", "runs"),
    [(sorted(PARSERS.keys() - SANDBOXED), 15_000), (sorted(SANDBOXED), 300)],
    ids=["requests", "files"],
)
def test_no_bytes_cause_more_than_a_refusal(names: list[str], runs: int, tmp_path: Path) -> None:
    corpus, found = tmp_path / "seeds", (FOUND if THOROUGH else tmp_path) / "-".join(names)
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    examples = seeds()
    for number, name in enumerate(names):
        for seed in examples[name]:
            content = bytes([number]) + seed
            (corpus / sha256(content).hexdigest()).write_bytes(content)
    long = "-max_total_time=1800" if THOROUGH else f"-runs={runs}"
    run = fuzz(["-m", "tests.faults.fuzz"], ",".join(names), str(found), str(corpus), long, directory=tmp_path)
    assert run.returncode == 0, run.stderr[-4_000:]
    assert "DONE" in run.stderr
    assert len(list(found.iterdir())) > len(names), "it found nothing that reaches further"


def test_the_fuzzer_notices_an_accident(tmp_path: Path) -> None:
    broken = (
        "import runpy; from tests.faults import parsers;"
        "parsers.PARSERS = {'broken': lambda data: 1 // (b'!' not in data)};"
        "runpy.run_module('tests.faults.fuzz', run_name='__main__')"
    )
    run = fuzz(["-c", broken], "broken", "-runs=100000", directory=tmp_path)
    assert run.returncode != 0
    assert "ZeroDivisionError" in run.stdout + run.stderr
