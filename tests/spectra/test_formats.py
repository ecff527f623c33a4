"""Spectra are read from what instruments write, and what no instrument can have written is refused with the reason."""

import base64
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from service import sandbox
from service.sandbox import FileNotUnderstood, FileTooDemanding, parse
from service.spectra import formats
from service.spectra.formats import read
from tests.spectra import endless

MASSBANK = """ACCESSION: TEST-Lab-000001
CH$NAME: Methamphetamine
AUTHORS: A. Chemist
LICENSE: CC0
COPYRIGHT: none
CH$LINK: INCHIKEY MYWUZJCMWCOHBA-VIFPVBQESA-N
AC$INSTRUMENT_TYPE: LC-ESI-QTOF
AC$MASS_SPECTROMETRY: MS_TYPE MS2
AC$MASS_SPECTROMETRY: ION_MODE POSITIVE
AC$MASS_SPECTROMETRY: COLLISION_ENERGY 20 eV
MS$FOCUSED_ION: PRECURSOR_M/Z 150.1277
PK$NUM_PEAK: 3
PK$PEAK: m/z int. rel.int.
  119.0855 812.0 812
  91.0542 999.0 999
  150.1277 40.5 41
//
"""
MSP = """Name: heroin
Num Peaks: 3
43 999; 327 800
369 600

Name: morphine, MS/MS
PrecursorMZ: 286.1438
Ion_mode: P
InChIKey: BQJCRHHNABKAKU-KBQPJGBKSA-N
Num peaks: 2
201.091\t55.0 "a comment 12"
165.070\t12.5
"""
JCAMP = """##TITLE=acetone
##JCAMP-DX=4.24
##DATA TYPE=INFRARED SPECTRUM
##XUNITS=1/CM
##YUNITS=ABSORBANCE
##FIRSTX=400
##LASTX=402
##NPOINTS=3
##XFACTOR=1
##YFACTOR=0.5
##DELTAX=1
##XYDATA=(X++(Y..Y))
400 2 4 6
##END=
"""


def packed(values: list[float], *, compressed: bool) -> str:
    raw = struct.pack(f"<{len(values)}d", *values)
    return base64.b64encode(zlib.compress(raw) if compressed else raw).decode()


def arrays(mz: str, intensity: str) -> str:
    return "".join(
        f'<binaryDataArray encodedLength="{len(data)}"><cvParam cvRef="MS" accession="MS:1000523" name="64-bit float"/>'
        f'<cvParam cvRef="MS" accession="MS:1000574" name="zlib compression"/>'
        f'<cvParam cvRef="MS" accession="{accession}" name="{name}"/><binary>{data}</binary></binaryDataArray>'
        for data, accession, name in ((mz, "MS:1000514", "m/z array"), (intensity, "MS:1000515", "intensity array"))
    )


def mzml(mz: str, intensity: str, declaration: str = "") -> bytes:
    return f"""<?xml version="1.0" encoding="utf-8"?>{declaration}
<mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1.0"><run id="r"><spectrumList count="1">
<spectrum index="0" id="scan=7" defaultArrayLength="2"><cvParam cvRef="MS" accession="MS:1000511" name="ms level"
 value="2"/><cvParam cvRef="MS" accession="MS:1000130" name="positive scan" value=""/>
<precursorList count="1"><precursor>
<selectedIonList count="1"><selectedIon><cvParam cvRef="MS" accession="MS:1000744" name="selected ion m/z"
 value="304.1543"/></selectedIon></selectedIonList></precursor></precursorList>
<binaryDataArrayList count="2">{arrays(mz, intensity)}</binaryDataArrayList></spectrum></spectrumList></run></mzML>
""".encode()


def run_of(*scans: tuple[tuple[float, float], ...], source: str | None = "MS:1000389") -> bytes:
    """A run of full scans, as a converter writes it; `source` is the ion source that the file names."""
    configured = "" if source is None else (
        '<instrumentConfigurationList count="1"><instrumentConfiguration id="IC1"><componentList count="1">'
        f'<source order="1"><cvParam cvRef="MS" accession="{source}" name="ion source"/></source>'
        "</componentList></instrumentConfiguration></instrumentConfigurationList>"
    )  # fmt: skip
    spectra = "".join(
        f'<spectrum index="{n}" id="scan={n + 1}" defaultArrayLength="{len(peaks)}">'
        '<cvParam cvRef="MS" accession="MS:1000511" name="ms level" value="1"/>'
        f'<binaryDataArrayList count="2">{scan_arrays(peaks)}</binaryDataArrayList></spectrum>'
        for n, peaks in enumerate(scans)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1.0">'
        f'{configured}<run id="r"><spectrumList count="{len(scans)}">{spectra}</spectrumList></run></mzML>'
    ).encode()


def scan_arrays(peaks: tuple[tuple[float, float], ...]) -> str:
    mz, heights = ([peak[i] for peak in peaks] for i in (0, 1))
    return arrays(packed(mz, compressed=True), packed(heights, compressed=True)) if peaks else arrays("", "")


async def found(data: bytes) -> list[dict[str, Any]]:
    spectra: list[dict[str, Any]] = (await parse(read, data, sender=None))["spectra"]
    return spectra


async def test_a_massbank_record_keeps_its_attribution_and_sorts_its_peaks() -> None:
    (spectrum,) = await found(MASSBANK.encode())
    assert spectrum["technique"] == "MS2"
    assert spectrum["precursor_mz"] == 150.1277
    assert spectrum["inchikey"] == "MYWUZJCMWCOHBA-VIFPVBQESA-N"
    assert spectrum["peaks"] == [[91.0542, 999.0], [119.0855, 812.0], [150.1277, 40.5]]
    assert spectrum["attribution"]["licence"] == "CC0"
    assert spectrum["attribution"]["authors"] == "A. Chemist"


async def test_an_msp_library_holds_several_spectra() -> None:
    heroin, morphine = await found(MSP.encode())
    assert (heroin["technique"], heroin["peaks"]) == ("EI", [[43, 999], [327, 800], [369, 600]])
    assert (morphine["technique"], morphine["ion_mode"]) == ("MS2", "POSITIVE")
    assert morphine["peaks"] == [[165.07, 12.5], [201.091, 55.0]]


async def test_jcamp_gives_the_curve_in_its_own_units() -> None:
    (spectrum,) = await found(JCAMP.encode())
    assert spectrum["technique"] == "IR"
    assert spectrum["units"] == ["1/CM", "ABSORBANCE"]
    assert spectrum["peaks"] == [[400, 1.0], [401, 2.0], [402, 3.0]]


async def test_mzml_gives_fragment_scans_with_their_precursor() -> None:
    mz, height = packed([82.0651, 182.1176], compressed=True), packed([40.0, 999.0], compressed=True)
    (spectrum,) = await found(mzml(mz, height))
    assert spectrum["precursor_mz"] == 304.1543
    assert spectrum["ion_mode"] == "POSITIVE"
    assert spectrum["peaks"] == [[82.0651, 40.0], [182.1176, 999.0]]


A, B = ((43.0, 100.0), (91.0, 999.0)), ((58.0, 999.0), (91.0, 40.0))


async def test_a_scan_without_peaks_is_counted_and_keeps_its_place() -> None:
    silent = ((50.0, 0.0), (60.0, 0.0))
    run = await parse(read, run_of(A, (), silent, B), sender=None)
    assert [spectrum["name"] for spectrum in run["spectra"]] == ["scan=1", "scan=4"]
    assert (run["read"], run["empty"], run["more"]) == (2, 2, False)
    fourth = await parse(read, run_of(A, (), silent, B), sender=None, only=4)
    assert [spectrum["name"] for spectrum in fourth["spectra"]] == ["scan=4"]
    assert (await parse(read, run_of(A, (), silent, B), sender=None, only=2))["spectra"] == []
    with pytest.raises(FileNotUnderstood, match="no scan of the file holds a peak"):
        await parse(read, run_of((), ()), sender=None)


@pytest.mark.parametrize(
    ("source", "said", "technique"),
    [("MS:1000389", "", "EI"), ("MS:1000073", "", "MS1"), (None, "", "MS1"), (None, "EI", "EI")],
    ids=["electron ionisation", "electrospray", "not named", "not named, and said"],
)
async def test_full_scans_are_electron_ionisation_where_the_file_or_its_sender_says_so(
    source: str | None, said: str, technique: str
) -> None:
    (spectrum,) = (await parse(read, run_of(A, source=source), sender=None, full_scans=said))["spectra"]
    assert spectrum["technique"] == technique


def test_what_goes_beyond_the_first_spectra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_SPECTRA", 2)
    assert read(run_of(A, B))["more"] is False
    beyond = read(run_of(A, B, A))
    assert (beyond["read"], beyond["more"]) == (2, True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04 not a spectrum at all", "expected a MassBank record"),
        (MSP.replace("43 999; 327 800", "").replace("369 600", "").encode(), "no peaks"),
        (MASSBANK.replace("812.0", "-812.0").encode(), "m/z 119.085 has a negative intensity"),
        (MASSBANK.replace("MS$FOCUSED_ION: PRECURSOR_M/Z 150.1277\n", "").encode(), "names its precursor"),
        (MASSBANK.replace("M/Z 150.1277", "M/Z 60.5").encode(), "heavier than the precursor 60.5"),
        (MASSBANK.replace("M/Z 150.1277", "M/Z 99999").encode(), "precursor m/z 99999 is outside"),
        (MSP.replace("369 600", "369").encode(), "come in pairs"),
        (JCAMP.replace("INFRARED SPECTRUM", "ASTROLOGY").encode(), "DATA TYPE is ASTROLOGY"),
        (mzml("AAAA", "AAAA"), "its parser stopped"),
        (mzml("AA", "AA", '<!DOCTYPE x [<!ENTITY a "b">]>'), "no document type declaration"),
        (mzml("AA", "AA").replace(b"utf-8", b"utf-7").replace(b"<run", b"+ADwAIQ-DOCTYPE x+AD4-<run"), "UTF-8 or ISO"),
        (b"Name: many\nPrecursorMZ: 300\nNum Peaks: 30000\n" + b"100 1\n" * 30_000, "30000 points, expected at most"),
        (b"Name: x\nPrecursorMZ: 300\nNum Peaks: 1\n1e999 1\n\n", "no finite number"),
    ],
)
async def test_what_no_instrument_wrote_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FileNotUnderstood, match=reason):
        await parse(read, data, sender=None)


async def test_a_file_of_chromatograms_alone_gives_its_traces() -> None:
    times, heights = packed([0.1, 0.2], compressed=True), packed([5.0, -1.0], compressed=True)
    spectra = mzml(times, heights).decode()
    trace = (
        spectra.replace("spectrumList", "chromatogramList").replace("<spectrum ", "<chromatogram ")
        .replace("</spectrum>", "</chromatogram>").replace("MS:1000514", "MS:1000595")
        .replace("m/z array", "time array")
    )  # fmt: skip
    start, end = trace.index("<precursorList"), trace.index("</precursorList>") + len("</precursorList>")
    (one,) = await found((trace[:start] + trace[end:]).encode())
    assert (one["technique"], one["peaks"]) == ("CHROMATOGRAM", [[0.1, 5.0], [0.2, -1.0]])


async def test_one_sender_waits_for_its_own_files_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "PATIENCE", 0.2)
    held = await sandbox._of_sender["KZ"].acquire()
    assert held
    try:
        with pytest.raises(sandbox.ParsersBusy):
            await parse(read, MSP.encode(), sender="KZ")
        assert (await parse(read, MSP.encode(), sender="KG"))["read"] == 2
    finally:
        sandbox._of_sender["KZ"].release()


async def test_a_compressed_bomb_meets_the_memory_limit() -> None:
    bomb = base64.b64encode(zlib.compress(bytes(1 << 31), 9)).decode()
    with pytest.raises(FileTooDemanding, match="1024 MiB of memory"):
        await parse(read, mzml(bomb, bomb), sender=None)


async def test_ten_million_peaks_meet_a_limit_and_nothing_else() -> None:
    with pytest.raises((FileTooDemanding, FileNotUnderstood)):
        await parse(read, b"Name: x\nPrecursorMZ: 100\nNum Peaks: 10000000\n" + b"1 1; " * 10_000_000, sender=None)


async def test_a_parser_that_only_reckons_meets_the_limit_of_its_processor() -> None:
    """In much less than the 20 s of the clock that others wait at most."""
    begun = time.monotonic()
    with pytest.raises(FileTooDemanding, match="did not survive"):
        await parse(endless.read, b"x", sender=None, cpu_seconds=1)
    assert time.monotonic() - begun < sandbox.SECONDS


async def test_a_parser_that_crashes_takes_nobody_with_it() -> None:
    with pytest.raises(FileTooDemanding, match="did not survive"):
        await parse(endless.crash, b"x", sender=None)
    assert await parse(endless.talk, b"3", sender=None) == "xxx"


async def test_a_parser_may_say_no_more_than_its_limit() -> None:
    said = 64 << 20
    assert len(await parse(endless.talk, b"%d" % (said - 2), sender=None)) == said - 2, "two quotes around it"
    with pytest.raises(FileTooDemanding, match="memory"):
        await parse(endless.talk, b"%d" % (said - 1), sender=None)


async def test_a_parser_writes_no_file(tmp_path: Path) -> None:
    with pytest.raises((FileTooDemanding, FileNotUnderstood)):
        await parse(endless.write, bytes(tmp_path / "left"), sender=None)
    assert not (tmp_path / "left").exists() or (tmp_path / "left").stat().st_size == 0


async def test_a_parser_that_does_not_end_meets_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 3)
    with pytest.raises(FileTooDemanding, match="more than 3 s"):
        await parse(endless.read, b"x", sender=None)
