"""Describing, signing, correcting, redacting and reading records with the client library alone."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sarhad.errors import InputError
from sarhad.keys import BadSignature, PrivateKey
from sarhad.records import (
    NotARecord,
    complete,
    correction,
    fill_ladders,
    issue,
    item,
    read,
    redact,
    retraction,
    seizure,
    verify,
    zero,
)

from service.records.facets import validate
from service.records.sdjwt import parse

KEY = PrivateKey.generate()
TASHKENT = timezone(timedelta(hours=5))
ITEM = item("SAR-000384", "метамфетамин", "11840", "g", status="PRES")


def report(**facets: Any) -> str:
    described: dict[str, Any] = {"reference": "R-1", "country": "UZ", "items": [ITEM], **facets}
    return issue(KEY, seizure("UZ-CUS", **described))


def test_the_service_accepts_what_the_client_issues() -> None:
    moment = datetime(2025, 6, 1, 3, 20, tzinfo=TASHKENT)
    signed = report(instant=moment, where_point={"lat": "41.31", "lon": "69.24", "place": "Ташкент"})
    record = parse(signed).verify(KEY.public.key)
    facets = validate(record.claims.kind, record.facets, datetime.now(UTC))
    assert (facets.day, facets.month) == (date(2025, 6, 1), date(2025, 6, 1))
    assert record.facets["when.instant"] == "2025-06-01T03:20:00+05:00"
    assert facets.cell is not None


def test_ladders_are_filled_down_and_never_over_what_is_given() -> None:
    assert fill_ladders({"when.day": "2025-05-14"})["when.month"] == "2025-05"
    assert fill_ladders({"when.day": "2025-05-14", "when.month": "2025-04"})["when.month"] == "2025-04"
    assert "where.cell" not in fill_ladders({"where.point": {"place": "Ош"}})
    assert fill_ladders({"marks": None}) == {}


def test_a_route_gets_the_place_of_seizure_where_it_names_none() -> None:
    def roles(*given: str) -> list[str]:
        legs = [{"role": role, "country": "AF", "certainty": "SUSPECTED"} for role in given]
        return [leg["role"] for leg in read(report(day="2025-06-01", route=legs)).facets["route"]]

    assert roles("DEPARTURE", "DESTINATION") == ["DEPARTURE", "SEIZURE_POINT", "DESTINATION"]
    assert roles("TRANSIT") == ["TRANSIT", "SEIZURE_POINT"]
    assert roles("SEIZURE_POINT", "TRANSIT") == ["SEIZURE_POINT", "TRANSIT"]
    incident = complete("precursor_incident", {"where.country": "UZ", "route": [{"role": "DEPARTURE"}]})
    assert incident["route"] == [{"role": "DEPARTURE"}], "goods that were stopped may never have been seized"


def test_a_time_without_zone_and_a_point_off_the_globe_are_refused_before_signing() -> None:
    with pytest.raises(InputError):
        report(instant=datetime(2025, 6, 1, 3, 20))  # noqa: DTZ001
    with pytest.raises(InputError):
        report(day="2025-06-01", where_point={"lat": "north", "lon": "69.24"})


def test_a_zero_report_is_a_record() -> None:
    signed = issue(KEY, zero("UZ-CUS", reference="Z-1", country="UZ", month="2025-05"))
    record = parse(signed).verify(KEY.public.key)
    assert record.claims.kind == "zero"
    validate("zero", record.facets, datetime.now(UTC))


def test_a_correction_is_the_next_version_of_the_same_record() -> None:
    first = report(instant="2025-05-14T03:20:00+05:00")
    second = issue(KEY, correction(first, when_instant="2025-06-02T03:20:00+05:00", transport={"mode": "3"}))
    old, new = parse(first).verify(KEY.public.key), parse(second).verify(KEY.public.key)
    assert (new.claims.jti, new.claims.ver, new.claims.prev) == (old.claims.jti, 2, read(first).digest)
    facets = validate("seizure", new.facets, datetime.now(UTC))
    assert (facets.day, facets.month) == (date(2025, 6, 2), date(2025, 6, 1))
    assert facets.reference == "R-1"


def test_a_retraction_says_why_and_nothing_of_the_record() -> None:
    first = report(day="2025-05-14")
    withdrawn = parse(issue(KEY, retraction(first, reason="Сообщено дважды", language="ru")))
    record = withdrawn.verify(KEY.public.key)
    assert (record.claims.kind, record.claims.ver, record.claims.prev) == (
        "retraction",
        2,
        read(first).digest,
    )
    assert record.facets.keys() == {"reported", "narrative"}
    validate("retraction", record.facets, datetime.now(UTC))


def test_a_redacted_copy_verifies_and_keeps_its_digest() -> None:
    signed = report(instant="2025-05-14T03:20:00+05:00")
    partner = verify(redact(signed, {"when.month", "items"}), KEY.public)
    assert partner.facets.keys() == {"when.month", "items"}
    assert partner.digest == read(signed).digest


def test_two_copies_of_one_report_share_no_digest() -> None:
    """Equal facets must not be recognised across records by those who cannot see them."""
    first, second = (read(report(day="2025-05-14")).payload["_sd"] for _ in range(2))
    assert set(first).isdisjoint(second)


def test_a_changed_record_and_another_key_are_refused() -> None:
    signed = report(day="2025-05-14")
    jwt, *facets = signed.split("~")
    header, payload, signature = jwt.split(".")
    with pytest.raises(BadSignature):
        verify(signed, PrivateKey.generate().public)
    with pytest.raises(BadSignature):
        verify("~".join([f"{header}.{payload}.{signature[::-1][:84]}AA", *facets]), KEY.public)
    with pytest.raises(NotARecord):
        read("~".join([jwt, report(day="2025-05-15").split("~")[1], ""]))


@pytest.mark.parametrize("text", ["", "~", "a.b.c", "a.b.c~", "a.b~c~", "ключ.b.c~", "e30.e30.x~"])
def test_what_is_no_record_is_said_to_be_none(text: str) -> None:
    with pytest.raises(NotARecord):
        read(text)
