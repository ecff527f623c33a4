"""What a file is, is told from its bytes; what is two things, breaks off or is more than it seems is refused."""

import base64
import io
import zipfile

import pytest

from service.attachments.inspect import inspect
from service.sandbox import Refusal
from tests.attachments.files import MSP, bomb_png, pdf, photograph, picture, written
from tests.spectra.test_formats import run_of


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("run.bat", "echo canary")
    return file.getvalue()


JPEG, PNG = written(picture()), written(picture(), "PNG")
MOVING = written(picture("1"), "WEBP", save_all=True, append_images=[picture("2")])


def worded(part: bytes | str) -> str:
    """A test is not named by a file, in which there may be the time at which it was made."""
    return part if isinstance(part, str) else ""


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (JPEG, "image/jpeg"),
        (PNG, "image/png"),
        (written(picture(), "WEBP"), "image/jpeg"),
        (written(picture().convert("CMYK")), "image/jpeg"),
        (written(picture().convert("P"), "PNG"), "image/png"),
        (written(picture(), progressive=True), "image/jpeg"),
        (JPEG + b"\0" * 64 + b"SEFT a camera's notes", "image/jpeg"),
        (pdf(), "application/pdf"),
        (pdf(packed=b"7 0 <</Type/Font>>"), "application/pdf"),
        (MSP, "chemical/x-msp"),
    ],
    ids=worded,
)
def test_what_cameras_instruments_and_offices_write_is_taken(data: bytes, media_type: str) -> None:
    assert inspect(data)["media_type"] == media_type


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (JPEG + archive(), "ZIP archive too"),
        (PNG + archive(), "ZIP archive too"),
        (MSP + archive(), "binary bytes"),
        (pdf() + archive(), "ZIP archive too"),
        (JPEG + pdf(), "holds a PDF too"),
        (JPEG + b"MZ\x90\0", "with a Windows program"),
        (PNG + JPEG, "with a JPEG image"),
        (written(picture(), comment=b"<script>alert(1)</script>"), "a web page or a script"),
        (b"<html><body>\nName: x\n</body></html>" + MSP, "a web page or a script"),
        (pdf(b"/OpenAction 9 0 R"), "/OpenAction"),
        (pdf(b"/AA<</O<</S/Java#53cript>>>>"), "/JavaScript"),
        (pdf(packed=b"9 0 <</S/Launch/F(cmd.exe)>>"), "/Launch"),
        (pdf(b"/Names<</EmbeddedFiles 9 0 R>>"), "/EmbeddedFiles"),
        (pdf(b"/Type/Obj#53tm"), "object stream"),
        (pdf(b"/Encrypt 9 0 R"), "encrypted"),
        (pdf()[:-20], "breaks off"),
        (JPEG[: len(JPEG) // 2], "breaks off"),
        (PNG[: len(PNG) // 2], "breaks off"),
        (JPEG[:300] + b"\0\0" + JPEG[302:20] + b"\xff\xd9", "damaged|cannot be decoded|breaks off"),
        (bomb_png(), "30000 × 30000 pixels"),
        (bomb_png(7_000), "cannot be decoded"),
        (MOVING, "moves"),
        (b"GIF89a" + b"\0" * 100, "expected a JPEG"),
        (b"\x7fELF" + b"\0" * 100, "expected a JPEG"),
        (b"", "expected a JPEG"),
        (b"PK\x03\x04" + b"\0" * 50, "expected a JPEG"),
        (MSP.replace(b"999", b"-999"), "negative intensity"),
        (MSP.replace(b"370.1649", b"90.1"), "heavier than the precursor"),
        (b"Name: x\nPrecursorMZ: 100\nNum Peaks: 0\n\n", "no peaks"),
        (b"Name: x\n" + bytes(range(256)), "binary bytes"),
    ],
    ids=worded,
)
def test_what_is_not_one_honest_file_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        inspect(data)


def test_an_image_has_no_word_of_its_camera() -> None:
    kept = base64.b64decode(inspect(photograph())["data"])
    assert b"canary" not in kept
    assert b"Exif" not in kept


def test_a_spectrum_is_prepared_for_the_search() -> None:
    (spectrum,) = inspect(MSP)["spectra"]
    assert (spectrum["n"], spectrum["technique"], spectrum["precursor_mz"]) == (1, "MS2", 370.1649)
    assert sum(spectrum["weight"]) == pytest.approx(1, abs=1e-5)
    assert spectrum["drawn"] == [120.0, 210.0, 400.0, 999.0]


def test_of_a_long_run_the_strongest_spectra_are_searched_and_the_rest_is_counted() -> None:
    weak, strong = ((43.0, 1.0), (91.0, 2.0)), ((43.0, 100.0), (91.0, 999.0))
    scans = [weak] * 130
    scans[7], scans[50], scans[120] = strong, (), strong
    found = inspect(run_of(*scans))
    assert found["run"] == {"read": 129, "empty": 1, "more": False, "comparable": 129, "searched": 100}
    numbers = [spectrum["n"] for spectrum in found["spectra"]]
    assert {8, 121} < set(numbers)
    assert (numbers, len(numbers)) == (sorted(numbers), 100)


def test_full_scans_of_no_named_source_are_kept_and_not_searched() -> None:
    found = inspect(run_of(((43.0, 1.0), (91.0, 2.0)), source=None))
    assert found["spectra"] == []
    assert found["run"] == {"read": 1, "empty": 0, "more": False, "comparable": 0, "searched": 0}
