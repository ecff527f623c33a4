"""A hit says whose, which class and which band, where a policy says so; and nothing where it does not."""

import re

import pytest
from sqlalchemy import create_engine, text

from service.spectra.library import Library
from service.spectra.prepare import compared
from service.spectra.spectrum import Spectrum
from tests.exchange import Exchange, Region
from tests.library.conftest import Searcher, like_heroin, msp
from tests.seizures.wiring import refusal

SEARCHED = text("""SELECT count(DISTINCT reading) FROM core.access WHERE country = 'UZ' AND status = 200
  AND at > now() - interval '1 day' AND route = '/v1/spectra/search'""")
HITS = {"effect": "permit", "audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER", "gives": "hits"}


def rule(**members: object) -> dict[str, object]:
    return {"id": "1", **HITS, **members}


def test_a_policy_lets_a_hit_be_known_and_nothing_else(
    customs: Searcher, neighbour: Searcher, outsider: Searcher, exchange: Exchange
) -> None:
    precursor = 371.5
    id_ = customs.filed(like_heroin(precursor=precursor))
    query = like_heroin(3.0, precursor=precursor)
    exchange.adopt("KZ")
    assert neighbour.found(query, hits="true")["hits"] == []
    exchange.adopt("KZ", rule(facets=["items"]))
    assert neighbour.found(query, hits="true")["hits"] == [], "a hit in spectra takes the facet spectra"
    exchange.adopt("KZ", rule(facets=["spectra"]))
    (hit,) = neighbour.found(query, hits="true")["hits"]
    assert hit == {
        "owner": "KZ",
        "contact": {"agency": "KZ-CUS", "name": "Kazakhstan CUS"},
        "class": None,
        "class_name": None,
        "band": "0.9-1.0",
    }
    exchange.adopt("KZ", rule(facets=["spectra", "items"]))
    reply = neighbour.ask(query, hits="true")
    (hit,) = reply.json()["hits"]
    assert hit["class"] is not None
    assert hit["class_name"]
    assert id_.encode() not in reply.body
    assert not re.search(rb"328\.15|211\.07", reply.body), "no peak of it"
    assert neighbour.records(query) == []
    assert neighbour.get(f"/v1/seizures/{id_}", purpose="forensic").status == 404
    assert neighbour.get(f"/v1/records/{id_}/attachments", purpose="forensic").status == 404
    assert "hits" not in neighbour.found(query)
    assert outsider.found(query, hits="true")["hits"] == []
    entries = exchange.client("KZ-DCA/auditor", None).statement("KZ", record=id_).items
    assert {(e["country"], e["route"]) for e in entries} >= {("KG", "/v1/spectra/search")}
    exchange.adopt("KZ", rule(facets=["spectra"], purposes=["health"]))
    assert neighbour.found(query, hits="true")["hits"] == []
    exchange.adopt("KZ", rule(facets=["spectra"], delay_days=3_000))
    assert neighbour.found(query, hits="true")["hits"] == []
    exchange.adopt("KZ", rule(facets=["spectra"]))
    exchange.client("KZ-CUS").recall({"records": [id_], "reason": "the wrong case"})
    assert neighbour.found(query, hits="true")["hits"] == []
    exchange.adopt("KZ")


def test_nothing_is_told_below_the_threshold(customs: Searcher, outsider: Searcher, exchange: Exchange) -> None:
    customs.filed(like_heroin(precursor=372.5))
    exchange.adopt("KZ", rule(audience={"countries": ["TM"]}, facets=["spectra"]))
    one_peak = msp((328.154, 999.0), precursor=372.5)
    assert outsider.found(one_peak, hits="true")["hits"] == []
    assert outsider.found(like_heroin(precursor=372.5), hits="true")["hits"] != []
    exchange.adopt("KZ")


def test_searches_for_hits_are_counted(exchange: Exchange) -> None:
    searcher = Searcher(exchange, "AZ-LAB")
    replies = [searcher.ask(like_heroin(), hits="true") for _ in range(21)]  # two workers count by themselves
    refused = [reply for reply in replies if reply.status != 200]
    assert refused
    assert refusal(refused[0])[:2] == (429, "too-many-requests")
    assert "searches for hits" in refused[0].json()["detail"]
    assert searcher.ask(like_heroin()).status == 200


def test_a_country_asks_for_hits_so_often_a_day(exchange: Exchange, region: Region) -> None:
    with create_engine(exchange.settings.database_as()).connect() as connection:
        asked = connection.scalar(SEARCHED)
    bounded = Exchange.start(exchange.settings, region, workers=1, SARHAD_HITS_PER_DAY=str(asked + 2))
    try:
        laboratory, customs = (Searcher(bounded, name) for name in ("UZ-LAB", "UZ-CUS"))
        assert [each.ask(like_heroin(), hits="true").status for each in (laboratory, customs)] == [200, 200]
        refused = laboratory.ask(like_heroin(), hits="true")
        assert refusal(refused)[:2] == (429, "too-many-searches")
        assert 0 < int(refused.headers["retry-after"]) <= 86_400
        assert laboratory.ask(like_heroin()).status == 200, "without hits"
        assert Searcher(bounded, "TJ-LAB").ask(like_heroin(), hits="true").status == 200, "another country"
    finally:
        bounded.stop()


@pytest.mark.parametrize("technique", ["MS2", "EI"])
def test_the_database_compares_as_the_library_does(exchange: Exchange, technique: str) -> None:
    mode, precursor = ("POSITIVE", 370.0) if technique == "MS2" else ("", None)
    one = Spectrum(technique, ((57.0, 3.0), (91.05, 999.0), (119.09, 610.0), (150.1, 60.0)), "", precursor, mode)  # type: ignore[arg-type]
    other = Spectrum(technique, ((91.055, 800.0), (119.085, 700.0), (133.0, 90.0)), "", precursor, mode)  # type: ignore[arg-type]
    (expected,) = Library([other]).search(one)
    engine = create_engine(exchange.settings.database_as())
    with engine.connect() as connection:
        score, _ = connection.execute(
            text("SELECT * FROM core.likeness(:ei, :a, :b, :c, :d)"),
            dict(zip("abcd", (*compared(one), *compared(other)), strict=True)) | {"ei": technique == "EI"},
        ).one()
    engine.dispose()
    assert score == pytest.approx(expected.score, abs=1e-4)
