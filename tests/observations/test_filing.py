"""Observed kinds go the way of every record: filed once, in batches, corrected, retracted, read under the gate."""

from typing import Any

import pytest
from sarhad.records import correction, read, redact, retraction

from tests.exchange import Exchange
from tests.observations.records import ANHYDRIDE, PATHS, chemical, priced, record
from tests.seizures.wiring import Agency, line, refusal, statuses, verdicts

KINDS = sorted(PATHS)


IN_TABLETS = {"substance": "уксусный ангидрид", "quantity": "1200", "unit": "tablets"}


def id_of(signed: str) -> str:
    return str(read(signed).payload["jti"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_accepted_once_and_read_back_whole(customs: Agency, kind: str) -> None:
    signed = customs.sign(record(kind))
    reply = customs.post(signed, PATHS[kind])
    assert reply.status == 201, reply.body
    again = customs.post(signed, PATHS[kind])
    assert (again.status, again.json()["receipt"]) == (200, reply.json()["receipt"])
    path = f"{PATHS[kind]}/{id_of(signed)}"
    shown = customs.get(path).json()
    assert (shown["kind"], shown["own"], shown["facets"]) == (kind, True, read(signed).facets)
    assert customs.get(path, accept="application/sd-jwt").body.decode().split("~")[0] == signed.split("~")[0]
    (version,) = customs.get(f"{path}/versions").json()["items"]
    assert version["latest"]
    placed = customs.get(f"{path}/proof")
    assert placed.status == 200 or placed.problem == "leaf-not-yet-merged"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_own_shelf(customs: Agency, kind: str) -> None:
    signed = customs.sign(record(kind))
    assert refusal(customs.post(signed)) == (422, "kind-elsewhere", "/payload/kind")
    customs.post(signed, PATHS[kind])
    for other in ("/v1/seizures", "/v1/analyses", *(path for path in PATHS.values() if path != PATHS[kind])):
        assert customs.get(f"{other}/{id_of(signed)}").status == 404, other
    assert customs.search(reference=read(signed).facets["reference"]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_corrected_and_retracted(customs: Agency, kind: str) -> None:
    first = customs.sign(record(kind))
    customs.post(first, PATHS[kind])
    path = f"{PATHS[kind]}/{id_of(first)}"
    second = customs.sign(correction(first, when_day="2026-03-19"))
    assert customs.post(second, f"{path}/versions").json()["version"] == 2
    shown = customs.get(path).json()
    assert (shown["version"], shown["facets"]["when.day"]) == (2, "2026-03-19")
    assert customs.post(customs.sign(retraction(second, reason="Twice.", language="en")), PATHS[kind]).status == 201
    reference = read(first).facets["reference"]
    assert customs.get(PATHS[kind], reference=reference).json()["items"] == []
    (gone,) = customs.get(PATHS[kind], reference=reference, retracted="true").json()["items"]
    assert (gone["kind"], gone["status"]) == ("retraction", "retracted")
    assert [entry["version"] for entry in customs.get(f"{path}/versions").json()["items"]] == [1, 2, 3]


def test_a_batch_takes_every_kind_and_a_dry_run_files_none(customs: Agency, nothing_stored: None) -> None:
    signed = [customs.sign(record(kind)) for kind in KINDS] + [customs.report()]
    lines, summary = verdicts(customs.batch(map(line, signed), dry_run="true"))
    assert statuses(lines) == [201] * 4
    assert not summary["committed"]


def test_amounts_are_made_comparable_and_prices_told_per_kilogram(customs: Agency) -> None:
    litres = chemical(reported={"substance": "acetic anhydride", "quantity": "20", "unit": "Litre"}, incident="SEIZED")
    incident = customs.sign(record("precursor_incident", items=[litres]))
    (derived,) = customs.post(incident, PATHS["precursor_incident"]).json()["derived"]["items"]
    assert (derived["substance"], derived["unit"], derived["kg"]) == (ANHYDRIDE, "l", "20")
    price = customs.sign(record("price_observation"))
    customs.post(price, PATHS["price_observation"])
    (item,) = customs.get(f"{PATHS['price_observation']}/{id_of(price)}").json()["derived"]["items"]
    assert (item["aspect"], item["currency"], item["per"]) == ("RETAIL", "KZT", {"kg": "12500000"})


@pytest.mark.parametrize(
    ("kind", "question", "found"),
    [
        ("precursor_incident", {"aspect": "STOPPED", "min_kg": "1000"}, True),
        ("precursor_incident", {"aspect": "STOPPED", "min_kg": "1000", "max_kg": "1200"}, True),
        ("precursor_incident", {"aspect": "STOPPED", "max_kg": "1199.9"}, False),
        ("precursor_incident", {"aspect": "THEFT"}, False),
        ("precursor_incident", {"substance": ANHYDRIDE, "from": "2026-03-20T00:00:00Z"}, True),
        ("clandestine_laboratory", {"site": "SYNTHESIS", "aspect": "PRODUCT"}, True),
        ("clandestine_laboratory", {"site": "DUMP"}, False),
        ("price_observation", {"aspect": "RETAIL", "owner": "KZ"}, True),
        ("price_observation", {"country": "KG"}, False),
    ],
)
def test_what_questions_find(customs: Agency, kind: str, question: dict[str, str], found: bool) -> None:
    signed = customs.sign(record(kind))
    customs.post(signed, PATHS[kind])
    reference = read(signed).facets["reference"]
    items = customs.get(PATHS[kind], **question, reference=reference).json()["items"]
    assert [item["id"] for item in items] == ([id_of(signed)] if found else [])


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("precursor_incident", {"items": [chemical(incident="BURNT")]}, ("unknown-code", "/items/0/incident")),
        ("precursor_incident", {"items": [chemical(), chemical()]}, ("lines-disagree", "/items/1/line")),
        ("precursor_incident", {"items": [chemical(substance="SAR-999999")]},
         ("unknown-substance", "/items/0/substance")),
        ("precursor_incident", {"case": {"companies": [{"role": "EXPORTER", "country": "CN", "name": "Ltd"}]}},
         ("unknown-member", "/case/companies/0/name")),
        ("precursor_incident", {"where_admin1": {"code": "KG-C"}}, ("ladder-inconsistent", "/where.admin1/code")),
        ("clandestine_laboratory", {"laboratory": {"types": ["DUMP"], "stage": "IDLE", "makes": ["SAR-999999"]}},
         ("unknown-substance", "/laboratory/makes/0")),
        ("clandestine_laboratory", {"laboratory": None}, ("facet-missing", "/laboratory")),
        ("price_observation", {"items": [priced(low="13000")]}, ("price-impossible", "/items/0/typical")),
        ("price_observation", {"items": [priced(typical="0", low=None)]}, ("price-impossible", "/items/0/typical")),
        ("price_observation", {"items": [priced(low="-1")]}, ("invalid-quantity", "/items/0/low")),
        ("precursor_incident", {"items": [chemical(form="LIQ", reported=IN_TABLETS)]},
         ("unit-unfit", "/items/0/reported/unit")),
        ("precursor_incident", {"where_point": {"crossing": "KZKZ99"}}, ("unknown-crossing", "/where.point/crossing")),
        ("price_observation", {"items": [priced(purity="104")]}, ("price-impossible", "/items/0/purity")),
        ("price_observation", {"persons": {"arrested": 1, "groups": []}}, ("facet-not-allowed", "/persons")),
        ("price_observation", {"when_day": "2027-01-01"}, ("date-in-future", "/when.day")),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(
    customs: Agency, nothing_stored: None, kind: str, change: dict[str, Any], expected: tuple[str, str]
) -> None:
    reply = customs.post(customs.sign(record(kind, **change)), PATHS[kind])
    assert refusal(reply) == (422, *expected)


def test_a_drug_among_the_precursors_is_flagged(customs: Agency) -> None:
    odd = chemical(substance="SAR-000608", reported={"substance": "heroin", "quantity": "1", "unit": "kg"})
    reply = customs.post(customs.sign(record("precursor_incident", items=[odd])), PATHS["precursor_incident"])
    assert [warning["type"] for warning in reply.json()["warnings"]] == ["/warnings/not-a-precursor"]


def test_a_policy_gives_a_kind_and_its_facets_and_no_more(
    exchange: Exchange, customs: Agency, neighbour: Agency
) -> None:
    signed = customs.sign(record("precursor_incident"))
    price = customs.sign(record("price_observation"))
    customs.post(signed, PATHS["precursor_incident"])
    customs.post(price, PATHS["price_observation"])
    path = f"{PATHS['precursor_incident']}/{id_of(signed)}"
    assert neighbour.get(path).status == 404
    rule = {
        "id": "incidents", "effect": "permit", "audience": {"countries": ["KG"]}, "kinds": ["precursor_incident"],
        "handling_up_to": "TLP:GREEN", "facets": ["items"], "time": "month", "place": "country",
    }  # fmt: skip
    exchange.adopt("KZ", rule)
    try:
        shown = neighbour.get(path).json()
        assert set(shown["facets"]) == {"items", "when.month", "where.country"}
        assert shown["derived"]["items"][0]["aspect"] == "STOPPED"
        copy = neighbour.get(path, accept="application/sd-jwt").body.decode()
        assert set(copy.split("~")) == set(redact(signed, set(shown["facets"])).split("~"))
        assert neighbour.get(f"{PATHS['price_observation']}/{id_of(price)}").status == 404
        found = neighbour.get(PATHS["precursor_incident"], reference=read(signed).facets["reference"]).json()
        assert found["items"] == []
    finally:
        exchange.adopt("KZ")


@pytest.mark.parametrize("kind", ["seizure", *KINDS])
def test_the_signed_form_of_a_recalled_record_says_so_to_its_owner(exchange: Exchange, kind: str) -> None:
    customs, path = Agency(exchange, "KZ-CUS"), PATHS.get(kind, "/v1/seizures")
    signed = customs.report() if kind == "seizure" else customs.sign(record(kind))
    customs.post(signed, path)

    def told() -> str | None:
        reply = customs.get(f"{path}/{id_of(signed)}", accept="application/sd-jwt")
        assert reply.status == 200, reply.body
        return reply.headers.get("sarhad-recalled")

    assert told() is None
    officer = exchange.client("KZ-DCA/policy", None)
    officer.recall({"records": [id_of(signed)], "reason": "Filed under the wrong case"})
    assert told() == "true"
