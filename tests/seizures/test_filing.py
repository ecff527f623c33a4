"""Filing one record: what is acknowledged, what a repetition gets, what is refused, what was derived."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from jwcrypto.jwk import JWK
from sarhad import PrivateKey, PublicKey
from sarhad.keys import b64url, b64url_decode
from sarhad.records import issue, item, read, zero
from sarhad.transparency import committed_leaf, open_receipt
from sd_jwt.verifier import SDJWTVerifier

from tests.exchange import Exchange, heroin
from tests.identity.enrolment import enrol_now
from tests.seizures.wiring import Agency, line, refusal, statuses, stored, verdicts

KHORGOS = {"lat": "44.2177", "lon": "80.4180", "method": "GPS"}  # on the border with China
BISHKEK = {"lat": "42.8746", "lon": "74.5698"}
ALMATY = {"lat": "43.2389", "lon": "76.8897"}


OF_HEROIN = {"line": 1, "substance": "SAR-000608", "value": "41.2", "unit": "%", "basis": "AS_BASE"}


def unique() -> str:
    return f"F-{time.time_ns()}"


def fresh_narrative() -> dict[str, str]:
    return {"text": f"Found behind the seats ({unique()}).", "language": "en"}


@pytest.fixture(scope="module")
def service_key(exchange: Exchange) -> PublicKey:
    return PublicKey.from_jwk(httpx.get(f"{exchange.settings.origin}/v1/service").json()["keys"][0])


def test_a_report_is_acknowledged_with_a_receipt_that_opens_its_leaf(customs: Agency, service_key: PublicKey) -> None:
    before = stored(customs.exchange.settings)
    record = customs.report(narrative=fresh_narrative())
    reply = customs.post(record)
    answer = reply.json()
    assert reply.status == 201
    promised = open_receipt(answer["receipt"], service_key)
    assert (promised.sub, promised.ver, b64url(promised.digest)) == (
        read(record).payload["jti"], 1, read(record).digest,
    )  # fmt: skip
    assert answer["digest"] == read(record).digest
    assert promised.leaf == committed_leaf(promised.salt, promised.digest)
    after = stored(customs.exchange.settings)
    assert (after.reports, after.lines, after.leaves) == (
        before.reports + 1, before.lines + 1, before.leaves + 1,
    )  # fmt: skip


def test_the_same_bytes_again_get_the_first_receipt(customs: Agency) -> None:
    record = customs.report()
    first = customs.post(record)
    before = stored(customs.exchange.settings)
    again = [customs.post(record) for _ in range(6)]  # whichever worker answers
    assert {reply.status for reply in again} == {200}
    assert {reply.body for reply in again} == {first.body}
    assert stored(customs.exchange.settings) == before


def test_clients_that_race_with_one_record_store_it_once(customs: Agency) -> None:
    record = customs.report()
    before = stored(customs.exchange.settings)
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: customs.post(record), range(8)))
    assert sorted(reply.status for reply in replies) == [200] * 7 + [201]
    assert len({reply.json()["receipt"] for reply in replies}) == 1
    after = stored(customs.exchange.settings)
    assert (after.reports, after.leaves) == (before.reports + 1, before.leaves + 1)


def test_clients_that_race_with_one_reference_and_other_bytes(customs: Agency) -> None:
    reference = unique()
    records = [customs.report(reference=reference) for _ in range(6)]
    before = stored(customs.exchange.settings)
    with ThreadPoolExecutor(6) as threads:
        replies = list(threads.map(customs.post, records))
    assert sorted(reply.status for reply in replies) == [201] + [409] * 5
    after = stored(customs.exchange.settings)
    assert (after.reports, after.leaves) == (before.reports + 1, before.leaves + 1)


def test_a_reference_used_for_other_content_is_refused(customs: Agency) -> None:
    reference = unique()
    assert customs.post(customs.report(reference=reference)).status == 201
    before = stored(customs.exchange.settings)
    other = customs.post(customs.report(reference=reference, narrative=fresh_narrative()))
    assert refusal(other) == (409, "duplicate-reference", "/reference")
    assert other.json()["reference"] == reference
    assert stored(customs.exchange.settings) == before


def test_a_reference_belongs_to_its_agency(customs: Agency, neighbour: Agency) -> None:
    reference = unique()
    assert customs.post(customs.report(reference=reference)).status == 201
    assert neighbour.post(neighbour.report(reference=reference)).status == 201


def test_a_record_id_in_use_by_another_country_is_refused_without_a_hint(customs: Agency, neighbour: Agency) -> None:
    theirs = heroin("KG-CUS")
    assert neighbour.post(neighbour.sign(theirs)).status == 201
    ours = heroin("KZ-CUS")
    reply = customs.post(customs.sign(replace(ours, id=theirs.id)))
    assert refusal(reply) == (409, "record-id-taken", "/payload/jti")
    assert "KG" not in reply.body.decode()


@pytest.mark.usefixtures("nothing_stored")
def test_only_reporters_and_laboratories_file(exchange: Exchange, customs: Agency) -> None:
    analyst = Agency(exchange, "KZ-DCA")
    assert refusal(analyst.post(analyst.report())) == (403, "role-required", None)
    assert refusal(analyst.batch([b"{}"])) == (403, "role-required", None)


@pytest.mark.usefixtures("nothing_stored")
def test_another_agencys_record_cannot_be_filed(customs: Agency, neighbour: Agency) -> None:
    assert refusal(customs.post(neighbour.report())) == (403, "foreign-record", "/payload/iss")


@pytest.mark.usefixtures("nothing_stored")
def test_a_record_in_another_agencys_name_cannot_be_filed(customs: Agency, neighbour: Agency) -> None:
    forged = issue(customs.record_key, heroin("KG-CUS"))
    assert refusal(customs.post(forged)) == (422, "record-key-unknown", "/header/kid")
    assert refusal(neighbour.post(forged)) == (422, "record-key-unknown", "/header/kid")


@pytest.mark.usefixtures("nothing_stored")
def test_a_request_key_signs_no_records(exchange: Exchange, customs: Agency) -> None:
    signed = issue(customs.request_key, heroin("KZ-CUS"))
    assert refusal(customs.post(signed)) == (422, "record-key-unknown", "/header/kid")
    assert refusal(customs.post(issue(PrivateKey.generate(), heroin("KZ-CUS")))) == (
        422, "record-key-unknown", "/header/kid",
    )  # fmt: skip


def test_p256_keys_sign_records_too(exchange: Exchange, customs: Agency) -> None:
    key = enrol_now(exchange.settings, PrivateKey.generate("p256"), "KZ-CUS", use="record-signing")
    assert customs.post(issue(key, heroin("KZ-CUS"))).status == 201


def test_a_zero_report_says_that_nothing_was_seized(customs: Agency) -> None:
    record = zero("KZ-CUS", reference=unique(), country="KZ", month="2026-05", admin1={"code": "KZ-75"})
    reply = customs.post(customs.sign(record))
    assert reply.status == 201
    assert reply.json()["derived"] == {"items": []}
    found = customs.search(kind="zero", reference=record.facets["reference"])
    assert [entry["facets"]["when.month"] for entry in found] == ["2026-05"]
    assert "derived" not in found[0]


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("facets", "problem", "pointer"),
    [
        ({"items": [item("NO-SUCH", "heroin", "1", "kg")]}, "unknown-substance", "/items/0/substance"),
        (
            {"items": [item(None, "heroin", "1", "kg"), item(None, "stardust", "1", "kg")]},
            "unknown-substance", "/items/1/reported/substance",
        ),
        ({"items": [item(None, "heroin", "1", "hogshead")]}, "unknown-unit", "/items/0/reported/unit"),
        ({"where_point": BISHKEK}, "place-outside-country", "/where.point"),
        (
            {"where_point": {"lat": ALMATY["lon"], "lon": ALMATY["lat"]}}, "place-outside-country", "/where.point",
        ),
        ({"where_point": ALMATY, "where_admin1": {"code": "KZ-47"}}, "place-outside-unit", "/where.admin1/code"),
        ({"where_admin1": {"code": "KZ-X9"}}, "unknown-place", "/where.admin1/code"),
        ({"where_admin1": {"code": "KG-GB"}}, "ladder-inconsistent", "/where.admin1/code"),
        ({"where_point": {"crossing": "KZKZ99"}}, "unknown-crossing", "/where.point/crossing"),
        ({"where_point": {"crossing": "KGTJ01"}}, "place-outside-country", "/where.point/crossing"),
        ({"laboratory": {"agency": "KZ-NOBODY", "case": "884"}}, "unknown-agency", "/laboratory/agency"),
        ({"purity": [OF_HEROIN, {**OF_HEROIN, "substance": "SAR-999999"}]}, "unknown-substance",
         "/purity/1/substance"),
        ({"items": [item(None, "MDMA", "1", "l", form="TAB")]}, "unit-unfit", "/items/0/reported/unit"),
        ({"where_cell": "8520e807fffffff"}, "ladder-incomplete", "/where.point"),
        ({"where_point": ALMATY, "where_cell": "8520e807fffffff"}, "ladder-inconsistent", "/where.cell"),
        ({"instant": None, "month": None}, None, None),
        ({"when_day": "2026-03-13"}, "ladder-inconsistent", "/when.day"),
        ({"instant": "2126-01-01T00:00:00Z"}, "date-in-future", "/when.instant"),
        ({"reported": "2126-01-01T00:00:00Z"}, "date-in-future", "/reported"),
        ({"country": "QQ"}, None, "/where.country"),
        (
            {"persons": {"arrested": 1, "groups": [
                {"n": 2, "role": "COU", "sex": "M", "age_band": "25-29", "nationality": "KZ"}]}},
            None, None,
        ),
        (
            {"route": [{"role": "SEIZURE_POINT", "country": "RU", "certainty": "KNOWN"}]},
            "route-disagrees", "/route/0/country",
        ),
    ],
)  # fmt: skip
def test_refused_with_the_place_of_the_fault(
    customs: Agency, facets: dict[str, Any], problem: str | None, pointer: str | None
) -> None:
    status, type_, where = refusal(customs.post(customs.report(**facets)))
    assert status in {400, 422}
    if problem is not None:
        assert (type_, where) == (problem, pointer)
    assert where


def test_codes_that_registers_hold_are_accepted(customs: Agency) -> None:
    """A crossing on either side of the border, a laboratory of any member, an entry of the catalogue."""
    for agency, crossing in (("KZ-LAB", "KGKZ01"), ("KG-LAB", "CNKZ02")):
        coded = {
            "where_point": {"crossing": crossing},
            "laboratory": {"agency": agency, "case": "884"},
            "purity": [OF_HEROIN],
        }
        reply = customs.post(customs.report(**coded, narrative=fresh_narrative()))
        assert reply.status == 201, reply.body


def test_a_laboratory_that_nobody_enrolled_stops_its_own_line_only(customs: Agency) -> None:
    unknown = customs.report(laboratory={"agency": "KZ-NOBODY", "case": "884"})
    lines, _ = verdicts(customs.batch([line(customs.report()), line(unknown), line(customs.report())]))
    assert statuses(lines) == [201, 422, 201]
    assert lines[1]["problem"]["pointer"] == "/laboratory/agency"


@pytest.mark.usefixtures("nothing_stored")
def test_a_route_passes_through_the_place_of_seizure(customs: Agency) -> None:
    whole = heroin("KZ-CUS", route=[{"role": "DESTINATION", "country": "RU", "certainty": "SUSPECTED"}])
    assert [leg["role"] for leg in whole.facets["route"]] == ["SEIZURE_POINT", "DESTINATION"]
    lacking = replace(whole, facets={**whole.facets, "route": whole.facets["route"][1:]})
    assert refusal(customs.post(customs.sign(lacking))) == (422, "route-disagrees", "/route")


def test_one_substance_in_one_category_of_unit_is_one_item(customs: Agency) -> None:
    """Grams and kilograms are one category, whatever the substance is called; pieces are not weighed together."""
    items = [
        item(None, "heroin", "1", "kg"),
        item(None, "MDMA", "20", "tablets", form="TAB"),
        item(None, "героин", "250", "g"),
        item(None, "MDMA", "7", "capsules", form="TAB"),
        item(None, "heroin", "5", "ml"),
        item(None, "heroin", "3", "g", form="ROC"),
        item(None, "MDMA", "30", "tablets", form="TAB"),
        item(None, "heroin", "1", "l"),
    ]
    reply = customs.post(customs.report(items=items, narrative=fresh_narrative()))
    assert reply.status == 201, reply.body
    repeated = {
        entry["pointer"]: entry["detail"].split(" has ")[0]
        for entry in reply.json()["warnings"]
        if entry["type"] == "/warnings/repeated-substance"
    }
    assert repeated == {"/items/2": "Line 1", "/items/6": "Line 2", "/items/7": "Line 5"}


def test_the_border_has_a_tolerance(customs: Agency) -> None:
    at_the_post = customs.post(customs.report(where_point=KHORGOS, narrative=fresh_narrative()))
    assert at_the_post.status == 201, at_the_post.body
    across = {"lat": "44.2177", "lon": "81.2"}
    assert refusal(customs.post(customs.report(where_point=across)))[1] == "place-outside-country"


def test_a_seizure_abroad_is_reported_where_it_was(customs: Agency) -> None:
    reply = customs.post(customs.report(country="KG", where_point=BISHKEK, where_admin1={"code": "KG-GB"}))
    assert reply.status == 201, reply.body
    (found,) = [entry for entry in customs.search(country="KG", owner="KZ") if entry["id"] == reply.json()["id"]]
    assert (found["owner"], found["facets"]["where.country"]) == ("KZ", "KG")


def test_what_was_reported_comes_back_verbatim_beside_what_was_derived(customs: Agency) -> None:
    """Quantities keep every digit; names keep their script; kilograms name their rule."""
    items = [
        item(None, "героин", "1184.0500", "грамм", status="PRES"),
        item(None, "Heroin", "0.000000000000000001", "kg"),
        item(None, "hashish", "12", "kg", quantity_kind="GRS"),
    ]
    reply = customs.post(customs.report(items=items, narrative=fresh_narrative()))
    assert reply.status == 201, reply.body
    derived = reply.json()["derived"]["items"]
    assert [Decimal(entry["kg"]) for entry in derived] == [
        Decimal("1.18405"), Decimal("0.000000000000000001"), Decimal(12),
    ]  # fmt: skip
    assert derived[0]["substance"] == derived[1]["substance"]
    assert all(entry["rule"] for entry in derived)
    shown = customs.get(f"/v1/seizures/{reply.json()['id']}").json()
    assert [entry["reported"] for entry in shown["facets"]["items"]] == [entry["reported"] for entry in items]
    assert [entry["kg"] for entry in shown["derived"]["items"]] == [entry["kg"] for entry in derived]


def test_tablets_convert_by_their_measured_mass_alone(customs: Agency) -> None:
    measured = item(None, "MDMA", "1000", "tablets", form="TAB", unit_mass_mg="250", unit_count=1000)
    reply = customs.post(customs.report(items=[measured], narrative=fresh_narrative()))
    assert reply.status == 201, reply.body
    (derived,) = reply.json()["derived"]["items"]
    assert float(derived["kg"]) == 0.25
    assert derived["rule"]


def test_an_exact_duplicate_is_kept_and_flagged(customs: Agency) -> None:
    same = {"narrative": fresh_narrative()}
    first = customs.post(customs.report(reference="first-" + unique(), **same)).json()
    second = customs.post(customs.report(reference="second-" + unique(), **same))
    assert second.status == 201
    kinds = [warning["type"] for warning in second.json()["warnings"]]
    assert kinds == ["/warnings/possible-duplicate"]
    assert "first-" in second.json()["warnings"][0]["detail"]
    assert first["warnings"] == []


def test_soft_rules_warn_and_accept(customs: Agency) -> None:
    odd = [
        item(None, "heroin", "0", "kg", status="CONF"),
        item(None, "heroin", "1", "kg"),
        item(None, "MDMA", "5", "tablets", form="TAB", unit_mass_mg="5000"),
    ]
    reply = customs.post(customs.report(items=odd, narrative=fresh_narrative()))
    assert reply.status == 201, reply.body
    found = {(entry["type"].rpartition("/")[2], entry["pointer"]) for entry in reply.json()["warnings"]}
    assert found >= {
        ("zero-quantity", "/items/0/reported/quantity"),
        ("confirmed-without-laboratory", "/items/0/status"),
        ("repeated-substance", "/items/1"),
        ("unusual-tablet-mass", "/items/2/unit_mass_mg"),
    }


def test_the_signed_bytes_come_back_as_they_were_sent(customs: Agency) -> None:
    record = customs.report()
    id_ = customs.post(record).json()["id"]
    reply = customs.get(f"/v1/seizures/{id_}", accept="application/sd-jwt")
    assert reply.headers["content-type"].startswith("application/sd-jwt")
    jwt, *disclosures = reply.body.decode().split("~")
    sent_jwt, *sent = record.split("~")
    assert (jwt, sorted(disclosures)) == (sent_jwt, sorted(sent))


def test_another_library_verifies_what_the_service_returns(customs: Agency) -> None:
    record = customs.report()
    id_ = customs.post(record).json()["id"]
    returned = customs.get(f"/v1/seizures/{id_}", accept="application/sd-jwt").body.decode()
    jwk = JWK(**customs.record_key.public.jwk)
    payload = SDJWTVerifier(returned, lambda _issuer, _header: jwk).get_verified_payload()
    assert payload["items"] == read(record).facets["items"]
    assert payload["jti"] == id_


def test_the_receipt_tells_nothing_about_the_content(customs: Agency) -> None:
    receipt = customs.post(customs.report()).json()["receipt"]
    payload = json.loads(b64url_decode(receipt.split(".")[1]))
    assert set(payload) == {"iss", "sub", "ver", "digest", "log", "salt", "leaf", "mmd", "iat"}
    assert len(base64.urlsafe_b64decode(payload["salt"] + "==")) == 16
