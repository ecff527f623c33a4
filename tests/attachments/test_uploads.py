"""An upload is interrupted, goes on where it stands, and leaves nothing behind that nobody names."""

import asyncio
import base64
import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from sarhad import attachments as sdk
from sarhad.errors import ProblemError
from sqlalchemy import create_engine, text

from service.attachments import keep
from service.attachments.store import Files
from service.database import Database
from service.settings import Settings
from tests.attachments.files import MSP, bomb_png, pdf, photograph, picture, written
from tests.attachments.sender import Sender
from tests.attachments.test_inspection import archive
from tests.exchange import Exchange
from tests.seizures.wiring import refusal
from tests.spectra.test_formats import mzml, run_of


def large_pdf(size: int = 200_000) -> bytes:
    return pdf(b"/Filler<%s>" % os.urandom(size // 2).hex().encode())


def objects(settings: Settings) -> set[str]:
    folder = settings.state_dir / "attachments"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_an_interrupted_upload_goes_on_where_it_stands(customs: Sender, neighbour: Sender) -> None:
    data = large_pdf()
    begun = customs.begin(data)
    upload = begun.json()["id"]
    assert begun.headers["location"] == f"/v1/uploads/{upload}"
    first = customs.piece(upload, 0, data[:70_000])
    assert (first.json()["received"], first.json()["state"]) == (70_000, "receiving")
    assert customs.get(f"/v1/uploads/{upload}").json()["received"] == 70_000
    again = customs.piece(upload, 0, data[:70_000])
    assert (refusal(again)[:2], again.json()["received"]) == ((409, "offset-mismatch"), 70_000)
    assert customs.get(f"/v1/attachments/{hashlib.sha256(data).hexdigest()}").status == 404, "not before it is whole"
    for other in (neighbour, Sender(customs.exchange, "KZ-LAB")):
        assert other.get(f"/v1/uploads/{upload}").status == 404
        assert other.piece(upload, 70_000, data[70_000:]).status == 404
        assert other.call("DELETE", f"/v1/uploads/{upload}").status == 404
    last = customs.piece(upload, 70_000, data[70_000:])
    assert last.json()["attachment"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert customs.get(f"/v1/uploads/{upload}").json()["state"] == "kept", "who lost the answer learns of it"
    assert not {name for name in objects(customs.exchange.settings) if upload in name}


def test_what_was_announced_is_what_is_kept(customs: Sender) -> None:
    data = large_pdf(2_000)
    upload = customs.begin(data, sha256="0" * 64).json()["id"]
    assert refusal(customs.piece(upload, 0, data))[:2] == (422, "content-mismatch")
    assert customs.get(f"/v1/uploads/{upload}").json()["problem"]["type"] == "/problems/content-mismatch"
    upload = customs.begin(data).json()["id"]
    assert refusal(customs.piece(upload, 0, data + b"x"))[:2] == (413, "attachment-too-large")
    large = large_pdf()
    assert refusal(customs.piece(customs.begin(large).json()["id"], 0, large[:10]))[:2] == (422, "piece-too-small")
    assert refusal(customs.begin(b"x", size=0))[1] == "invalid-request"
    assert refusal(customs.begin(b"x", size=33_554_433))[:2] == (413, "attachment-too-large")


def test_a_refused_file_leaves_nothing(customs: Sender) -> None:
    before = objects(customs.exchange.settings)
    for data in (b"not a file of any kind we know", pdf(b"/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>")):
        assert refusal(customs.send(data))[:2] == (422, "file-not-understood")
        assert customs.get(f"/v1/attachments/{hashlib.sha256(data).hexdigest()}").status == 404
    assert objects(customs.exchange.settings) == before


def held(settings: Settings) -> tuple[int, ...]:
    """Rows of files, of their spectra, and the files themselves."""
    engine = create_engine(settings.database_as())
    with engine.connect() as connection:
        counts = connection.execute(
            text("SELECT (SELECT count(*) FROM core.attachment), (SELECT count(*) FROM core.attached_spectrum)")
        ).one()
    engine.dispose()
    return (*counts, len({name for name in objects(settings) if name.startswith("files")}))


def entities() -> str:
    """A document type whose entities unfold into a billion words."""
    below = ['<!ENTITY a0 "lol">', *(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))]
    return f"<!DOCTYPE mzML [{''.join(below)}]>"


def test_the_answer_says_what_of_a_run_is_searched(customs: Sender) -> None:
    data = run_of(((43.0, os.urandom(1)[0] + 1.0), (91.0, 999.0)), ())
    upload = customs.begin(data).json()["id"]
    done = customs.piece(upload, 0, data).json()
    assert done["spectra"] == {"read": 1, "empty": 1, "more": False, "comparable": 1, "searched": 1}
    assert "spectra" not in customs.get(f"/v1/uploads/{upload}").json()


def compressed_bomb() -> bytes:
    bomb = base64.b64encode(zlib.compress(bytes(1 << 31), 9)).decode()
    return mzml(bomb, bomb)


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (compressed_bomb, "file-too-demanding", "MiB of memory"),
        (lambda: mzml("&a9;", "AA", entities()), "file-not-understood", "document type"),
        (lambda: gzip.compress(mzml("AA", "AA")), "file-not-understood", "expected"),
        (bomb_png, "file-not-understood", "pixels"),
        (lambda: written(picture()) + archive(), "file-not-understood", "ZIP archive too"),
        (lambda: bytes(range(256)) * 300, "file-not-understood", "expected"),
        (lambda: b"Name: x\nPrecursorMZ: 100\nNum Peaks: 0\n\n", "file-not-understood", "no peaks"),
        (lambda: MSP.replace(b"999", b"-999"), "file-not-understood", "negative intensity"),
        (lambda: MSP.replace(b"370.1649", b"90.1"), "file-not-understood", "heavier than the precursor"),
        (lambda: b"Name: x\nPrecursorMZ: 100\nNum Peaks: 1600000\n" + b"1 1; " * 1_600_000, "file-", ""),
    ],
    ids=[
        "zip bomb",
        "XML bomb",
        "gzip",
        "image bomb",
        "polyglot",
        "junk",
        "no peaks",
        "negative",
        "precursor",
        "peaks",
    ],
)
def test_a_file_that_harms_is_refused_with_a_reason_and_the_next_one_is_kept(
    exchange: Exchange, customs: Sender, make: Callable[[], bytes], kind: str, says: str
) -> None:
    data = make()
    before = held(exchange.settings)
    with pytest.raises(ProblemError) as refused:
        sdk.send(exchange.client("KZ-CUS"), data)
    assert (refused.value.status, refused.value.kind[: len(kind)]) == (422, kind)
    assert says in refused.value.detail
    assert held(exchange.settings) == before
    assert customs.get(f"/v1/attachments/{hashlib.sha256(data).hexdigest()}").status == 404
    assert customs.kept(pdf(b"/Lang(kk-%s)" % os.urandom(4).hex().encode()))["content"] == "document"


def test_ten_million_peaks_are_more_than_a_file_may_be(customs: Sender) -> None:
    data = b"Name: x\nPrecursorMZ: 100\nNum Peaks: 10000000\n" + b"1 1; " * 10_000_000
    assert refusal(customs.begin(data))[:2] == (413, "attachment-too-large")


def test_an_upload_can_be_given_up(customs: Sender) -> None:
    data = large_pdf()
    upload = customs.begin(data).json()["id"]
    customs.piece(upload, 0, data[:70_000])
    assert customs.call("DELETE", f"/v1/uploads/{upload}").status == 204
    assert customs.get(f"/v1/uploads/{upload}").status == 404
    assert not {name for name in objects(customs.exchange.settings) if upload in name}


def test_the_library_sends_in_pieces_and_goes_on(exchange: Exchange, customs: Sender) -> None:
    data = large_pdf()
    client = exchange.client("KZ-CUS")
    upload = customs.begin(data).json()["id"]
    customs.piece(upload, 0, data[:65_536])
    seen: list[str] = []
    told: list[tuple[int, int]] = []
    kept = sdk.send(
        client, data, upload_id=upload, begun=seen.append, progress=lambda received, of: told.append((received, of))
    )
    assert told[0][0] < len(data)
    assert told[-1] == (len(data), len(data))
    assert told == sorted(told)
    assert (seen, kept["size"]) == ([upload], len(data))
    report = customs.post(customs.report(marks=[{"kind": "LABEL", "image_sha256": kept["sha256"]}]))
    assert sdk.fetch(client, report.json()["id"], kept["sha256"]) == data
    assert sdk.fetch(client, report.json()["id"], kept["sha256"], have=data[:1000]) == data


def test_own_files_come_in_pages(exchange: Exchange, laboratory: Sender) -> None:
    for number in range(3):
        laboratory.kept(MSP + b"\nName: x%d\nPrecursorMZ: 100\nNum Peaks: 1\n50 1\n" % number)
    found, cursor = [], {}
    while True:
        page = laboratory.get("/v1/attachments", limit=2, **cursor).json()
        found += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(found) == len({one["sha256"] for one in found}) >= 3
    assert {one["agency"] for one in found} == {"KZ-LAB"}
    assert (
        refusal(Sender(exchange, "KG-LAB").get("/v1/attachments", cursor=page.get("next") or "AAAA"))[1]
        == "invalid-cursor"
    )


def test_what_nobody_names_in_time_is_forgotten(customs: Sender, settings: Settings) -> None:
    orphan, named = customs.kept(photograph("Q"))["sha256"], customs.kept(photograph("R"))["sha256"]
    customs.post(customs.report(marks=[{"kind": "LOGO", "image_sha256": named}]))
    data = large_pdf()
    upload = customs.begin(data).json()["id"]
    customs.piece(upload, 0, data[:70_000])
    stray = settings.state_dir / "attachments" / "files" / "KZ" / "stray"
    stray.write_bytes(b"left behind by a transaction that was never committed")
    _age(settings, orphan, named, upload)
    asyncio.run(_keep(settings))
    assert customs.get(f"/v1/attachments/{orphan}").status == 404
    assert customs.get(f"/v1/attachments/{named}").status == 200
    assert customs.get(f"/v1/uploads/{upload}").status == 404
    left = objects(settings)
    assert not {name for name in left if orphan in name or upload in name or name.endswith("stray")}
    assert {name for name in left if named in name}
    assert customs.kept(photograph("Q"))["sha256"] == orphan, "it can come again"


def _age(settings: Settings, orphan: str, named: str, upload: str) -> None:
    """A week passes for these."""
    engine = create_engine(settings.database_as())
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE core.attachment SET kept_until = now() - interval '1 s' WHERE encode(sha256, 'hex') IN (:a, :b)"
            ),
            {"a": orphan, "b": named},
        )
        connection.execute(
            text("UPDATE core.upload SET expires_at = now() - interval '1 s' WHERE id = CAST(:id AS uuid)"),
            {"id": upload},
        )
    engine.dispose()


async def _keep(settings: Settings) -> None:
    database = Database(settings)
    await keep.keep(database, Files(settings), timedelta(0))
    await database.dispose()


def test_quotas_hold_for_a_country_and_an_agency(settings: Settings, exchange: Exchange) -> None:
    small = Exchange.start(
        settings,
        exchange.region,
        workers=1,
        SARHAD_ATTACHMENT_QUOTA_BYTES="3",
        SARHAD_ATTACHMENT_UPLOADS="2",
    )
    try:
        sender = Sender(small, "AZ-CUS")
        assert [sender.begin(b"x").status for _ in range(2)] == [201, 201]
        assert refusal(sender.begin(b"x"))[:2] == (409, "too-many-uploads")
        other = Sender(small, "AZ-LAB")
        assert other.begin(b"x").status == 201
        assert refusal(other.begin(b"x"))[:2] == (507, "attachment-quota-reached")
    finally:
        small.stop()
