"""Places over signed HTTP."""

import pytest
from sarhad import ProblemError
from sarhad._calls import _get

from tests.exchange import Exchange


def test_reported_texts_are_resolved_in_order(exchange: Exchange) -> None:
    answers = exchange.client("KG-CUS").resolve_places(
        [
            {"country": "KG", "division": "Красноярский край РФ", "place": "г. Красноярск"},
            {"country": "KZ", "division": None, "place": "г. Алматы"},
            {"country": "KZ", "division": "", "place": "пассаж. поезд № 311"},
        ]
    )
    assert [(a["country"], a["admin1"], a["names_other_country"]) for a in answers] == [
        ("RU", "RU-KYA", True),
        ("KZ", "KZ-75", False),
        ("KZ", None, False),
    ]
    assert answers[0]["match"]["text"] == "Красноярск"


def test_too_many_or_malformed_queries_are_refused(exchange: Exchange) -> None:
    client = exchange.client("KZ-CUS")
    for queries in (
        [],
        [{"country": "KZ"}] * 1001,
        [{"country": "Kazakhstan"}],
        [{"country": "KZ", "x": "y"}],
    ):
        with pytest.raises(ProblemError) as refusal:
            client.resolve_places(queries)
        assert refusal.value.status == 422


def test_units_are_listed_and_found(exchange: Exchange) -> None:
    client = exchange.client("UZ-CUS")
    listed = client.perform(_get("/v1/places", {"country": "UZ"}))["items"]
    assert [(p["kind"], p["country"]) for p in listed[:1]] == [("country", "UZ")]
    assert len(listed) == 15
    found = client.perform(_get("/v1/places", {"q": "Южно-Казахстан"}))["items"]
    assert [(p["admin1"], p["status"], p["successors"]) for p in found] == [("KZ-YUZ", "former", ["KZ-61", "KZ-79"])]


def test_crossing_points_of_a_country_say_what_their_position_is(exchange: Exchange) -> None:
    client = exchange.client("TJ-CUS")
    posts = client.perform(_get("/v1/crossings", {"country": "TJ"}))["items"]
    assert posts
    for post in posts:
        assert "TJ" in [side["country"] for side in post["sides"]]
        assert (post["lon"] is None) == (post["method"] is None)
