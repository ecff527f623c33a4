"""A file is visible exactly to those who are given the facet that names it, of that record, now."""

import hashlib
import io
import os

import pytest
from PIL import Image
from sarhad.records import correction, read, retraction

from tests.attachments.files import MSP, pdf, photograph, picture, written
from tests.attachments.sender import Sender
from tests.exchange import Exchange
from tests.seizures.wiring import refusal
from tests.spectra.test_formats import JCAMP, MASSBANK, mzml, packed

TO_KG = {"effect": "permit", "audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER", "time": "month"}


def filed(agency: Sender, sha256: str, **facets: object) -> tuple[str, str]:
    """(record, id) of a seizure whose marks name the file."""
    marks = [{"kind": "LOGO", "line": 1, "image_sha256": sha256}]
    record = agency.report(marks=marks, **facets)
    reply = agency.post(record)
    assert reply.status == 201, reply.body
    return record, reply.json()["id"]


def test_a_photograph_is_kept_without_what_the_camera_wrote(customs: Sender) -> None:
    sent = photograph("A")
    kept = customs.kept(sent)
    assert (kept["media_type"], kept["content"]) == ("image/jpeg", "image")
    assert (kept["width"], kept["height"]) == (240, 320), "turned upright"
    assert len(kept["phash"]) == 16
    content = customs.get(f"/v1/attachments/{kept['sha256']}").body
    assert hashlib.sha256(content).hexdigest() == kept["sha256"] != hashlib.sha256(sent).hexdigest()
    assert b"canary" in sent
    assert b"canary" not in content
    with Image.open(io.BytesIO(content)) as image:
        assert not image.getexif()
        assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_like_pictures_have_like_hashes(customs: Sender) -> None:
    one, same, other = (
        int(customs.kept(data)["phash"], 16)
        for data in (written(picture("M")), written(picture("M").resize((640, 480)), quality=60), written(picture("Z")))
    )
    assert (one ^ same).bit_count() <= 6
    assert (one ^ other).bit_count() > (one ^ same).bit_count()


def test_spectra_and_reports_are_kept_as_they_are(customs: Sender) -> None:
    for data, content in ((MSP, "spectrum"), (pdf(), "document")):
        kept = customs.kept(data)
        assert (kept["content"], kept["sha256"]) == (content, hashlib.sha256(data).hexdigest())
        reply = customs.get(f"/v1/attachments/{kept['sha256']}")
        assert reply.body == data
        assert reply.headers["content-disposition"].startswith("attachment;")
        assert reply.headers["x-content-type-options"] == "nosniff"


MZML = mzml(packed([91.05, 119.08], compressed=True), packed([9.0, 5.0], compressed=True))


@pytest.mark.parametrize(
    ("data", "media_type", "extension"),
    [
        (MASSBANK.encode(), "chemical/x-massbank", "txt"),
        (MSP, "chemical/x-msp", "msp"),
        (JCAMP.encode(), "chemical/x-jcamp-dx", "jdx"),
        (MZML, "application/x-mzml", "mzML"),
    ],
)
def test_a_spectrum_in_each_format_goes_from_its_sender_to_a_reader_as_it_is(
    customs: Sender, neighbour: Sender, exchange: Exchange, data: bytes, media_type: str, extension: str
) -> None:
    kept = customs.kept(data)
    digest = hashlib.sha256(data).hexdigest()
    assert (kept["media_type"], kept["content"], kept["sha256"], kept["size"]) == (
        media_type, "spectrum", digest, len(data),
    )  # fmt: skip
    named = {"line": 1, "technique": "MS", "media_type": media_type, "sha256": digest, "size": len(data)}
    filed = customs.post(customs.report(spectra=[named]))
    assert filed.status == 201, filed.body
    exchange.adopt("KZ", {"id": "1", **TO_KG, "facets": ["spectra"]})
    id_ = filed.json()["id"]
    (listed,) = neighbour.attachments(id_)
    assert {name: listed[name] for name in ("facet", "line", "media_type", "size")} == {
        "facet": "spectra", "line": 1, "media_type": media_type, "size": len(data),
    }  # fmt: skip
    reply = neighbour.get(f"/v1/records/{id_}/attachments/{digest}")
    assert (reply.body, reply.headers["content-type"]) == (data, media_type)
    assert reply.headers["content-disposition"] == f'attachment; filename="{digest[:16]}.{extension}"'
    exchange.adopt("KZ")


def test_nothing_is_seen_until_a_record_names_it_and_a_policy_gives_the_facet(
    customs: Sender, neighbour: Sender, exchange: Exchange
) -> None:
    kept = customs.kept(photograph("B"))
    digest = kept["sha256"]
    assert neighbour.get(f"/v1/attachments/{digest}").status == 404
    _, id_ = filed(customs, digest)
    path = f"/v1/records/{id_}/attachments"
    exchange.adopt("KZ")
    absent = neighbour.get("/v1/records/00000000-0000-4000-8000-000000000000/attachments")
    hidden = neighbour.get(path)
    assert (hidden.status, hidden.body) == (404, absent.body)
    assert neighbour.get(f"{path}/{digest}").status == 404

    exchange.adopt("KZ", {"id": "1", **TO_KG, "facets": ["items"]})
    assert neighbour.attachments(id_) == []
    assert neighbour.get(f"{path}/{digest}").status == 404

    exchange.adopt("KZ", {"id": "1", **TO_KG, "facets": ["items", "marks"]})
    (shown,) = neighbour.attachments(id_)
    assert shown == {**{k: v for k, v in kept.items() if k not in ("agency", "stored", "named", "kept_until")},
                     "facet": "marks", "line": 1}  # fmt: skip
    content = neighbour.get(f"{path}/{digest}")
    assert (content.status, hashlib.sha256(content.body).hexdigest()) == (200, digest)
    assert neighbour.get(f"{path}/{'0' * 64}").status == 404
    (own,) = customs.attachments(id_)
    assert own["sha256"] == digest

    exchange.adopt("KZ", {"id": "1", **TO_KG, "facets": ["items", "marks"], "purposes": ["health"]})
    assert neighbour.get(f"{path}/{digest}").status == 404
    exchange.adopt("KZ")


def test_a_reader_that_is_given_no_time_is_given_the_files(
    customs: Sender, neighbour: Sender, exchange: Exchange
) -> None:
    digest = customs.kept(photograph("T"))["sha256"]
    _, id_ = filed(customs, digest)
    exchange.adopt("KZ", {"id": "1", **TO_KG, "time": "none", "facets": ["marks"]})
    assert [file["sha256"] for file in neighbour.attachments(id_)] == [digest]
    exchange.adopt("KZ")


def test_a_recall_or_a_retraction_takes_the_files_along(customs: Sender, neighbour: Sender, exchange: Exchange) -> None:
    exchange.adopt("KZ", {"id": "1", **TO_KG, "facets": ["marks"]})
    digest = customs.kept(photograph("C"))["sha256"]
    (_, recalled), (record, retracted) = filed(customs, digest), filed(customs, digest)
    for id_ in (recalled, retracted):
        assert neighbour.get(f"/v1/records/{id_}/attachments/{digest}").status == 200
    exchange.client("KZ-CUS").recall({"records": [recalled], "reason": "the wrong case"})
    customs.post(customs.sign(retraction(record, reason="Filed twice.", language="en")))
    for id_ in (recalled, retracted):
        assert neighbour.get(f"/v1/records/{id_}/attachments/{digest}").status == 404
    assert customs.get(f"/v1/records/{recalled}/attachments/{digest}").status == 200
    assert customs.attachments(retracted) == []
    exchange.adopt("KZ")


def test_a_correction_names_its_own_files(customs: Sender) -> None:
    first, second = (customs.kept(photograph(logo))["sha256"] for logo in "DE")
    record, id_ = filed(customs, first)
    marks = [{**read(record).facets["marks"][0], "image_sha256": second}]
    assert customs.post(customs.sign(correction(record, marks=marks))).status == 201
    assert [one["sha256"] for one in customs.attachments(id_)] == [second]


def test_files_of_superseded_versions_are_for_their_own_country(
    customs: Sender, laboratory: Sender, neighbour: Sender, exchange: Exchange
) -> None:
    exchange.adopt("KZ", {"id": "1", **TO_KG, "facets": ["marks"]})
    first, second = (customs.kept(photograph(logo))["sha256"] for logo in "HI")
    record, id_ = filed(customs, first)
    path = f"/v1/records/{id_}/attachments"
    assert [one["sha256"] for one in neighbour.attachments(id_, version="1")] == [first]
    marks = [{**read(record).facets["marks"][0], "image_sha256": second}]
    corrected = correction(record, marks=marks)
    assert customs.post(customs.sign(corrected)).status == 201
    for own in (customs, laboratory):
        assert [one["sha256"] for one in own.attachments(id_, version="1")] == [first]
        assert [one["sha256"] for one in own.attachments(id_, version="2")] == [second]
        assert own.get(f"{path}/{first}").status == 200
        assert own.get(path, version="3").status == 404
    assert [one["sha256"] for one in neighbour.attachments(id_, version="2")] == [second]
    for version in ("1", "3"):
        assert neighbour.get(path, version=version).body == neighbour.get(path, version="9").body
        assert neighbour.get(path, version=version).status == 404
    assert neighbour.get(f"{path}/{first}").body == neighbour.get(f"{path}/{'0' * 64}").body
    assert neighbour.get(f"{path}/{first}").status == 404
    assert neighbour.get(path, version="0").status == 422
    exchange.adopt("KZ")


def test_a_hash_that_another_country_names_gets_it_nothing(customs: Sender, neighbour: Sender) -> None:
    digest = customs.kept(photograph("F"))["sha256"]
    _, id_ = filed(neighbour, digest)
    assert neighbour.attachments(id_) == []
    assert neighbour.get(f"/v1/records/{id_}/attachments/{digest}").status == 404
    again = neighbour.kept(photograph("F"))
    assert again["sha256"] == digest
    assert [one["sha256"] for one in neighbour.attachments(id_)] == [digest], "now it holds the file itself"


def test_a_file_may_come_after_the_record_that_names_it(customs: Sender) -> None:
    data = MSP.replace(b"heroin", os.urandom(4).hex().encode())
    digest = hashlib.sha256(data).hexdigest()
    spectra = [{"line": 1, "technique": "MS", "media_type": "chemical/x-msp", "sha256": digest, "size": len(data)}]
    reply = customs.post(customs.report(spectra=spectra))
    assert reply.status == 201, reply.body
    assert customs.attachments(reply.json()["id"]) == []
    customs.kept(data)
    assert [one["facet"] for one in customs.attachments(reply.json()["id"])] == ["spectra"]


def test_a_part_is_given_where_its_range_is_signed(customs: Sender) -> None:
    data = pdf(b"/Lang(kk-%s)" % os.urandom(4).hex().encode())
    digest = customs.kept(data)["sha256"]
    path = f"/v1/attachments/{digest}"
    part = customs.part(path, "bytes=10-19")
    assert (part.status, part.body) == (206, data[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    assert customs.part(path, "bytes=-5").body == data[-5:]
    assert customs.part(path, f"bytes={len(data) - 3}-").body == data[-3:]
    assert customs.part(path, "bytes=10-19", covered=False).status == 200, "what is not signed changes nothing"
    assert customs.part(path, "bytes=0-1,5-6").body == data
    beyond = customs.part(path, f"bytes={len(data)}-")
    assert (beyond.status, beyond.problem) == (416, "range-not-satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(data)}"


@pytest.mark.parametrize("digest", ["0" * 63, "A" * 64, "..%2F..%2Fetc%2Fpasswd"])
def test_a_name_that_is_no_hash_is_refused(customs: Sender, digest: str) -> None:
    assert customs.get(f"/v1/attachments/{digest}").status in (400, 404, 422)


def test_readings_of_files_are_in_the_owners_statement(customs: Sender, neighbour: Sender, exchange: Exchange) -> None:
    exchange.adopt("KZ", {"id": "1", **TO_KG, "facets": ["marks"]})
    digest = customs.kept(photograph("G"))["sha256"]
    _, id_ = filed(customs, digest)
    assert neighbour.get(f"/v1/records/{id_}/attachments/{digest}").status == 200
    entries = exchange.client("KZ-DCA/auditor", None).statement("KZ", record=id_).items
    assert "/v1/records/{record_id}/attachments/{sha256}" in {entry["route"] for entry in entries}
    exchange.adopt("KZ")


def test_a_key_without_a_role_sends_nothing(exchange: Exchange) -> None:
    auditor = Sender(exchange, "KZ-DCA/auditor")
    assert refusal(auditor.begin(b"x"))[1] == "role-required"
