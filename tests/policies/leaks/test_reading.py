"""The ways in which comparable exchanges leaked to readers, one test each, by the number of the class.

D0, two worlds that differ in what is hidden, is `test_two_worlds.py`; here stands which routes it must cover.
"""

import base64
import json
import re
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import asinh, pi, radians, tan
from typing import Any

import pytest
from sarhad import Client
from sarhad.records import Record

from service.app import create_app
from tests.exchange import Exchange
from tests.policies.leaks.asking import Asker
from tests.policies.questions import operations
from tests.policies.reports import CELLED, EXACT, HIDDEN, MONTHLY, SAMARKAND, UNDATED, report

OF_ALL = [
    "/v1/seizures?owner=UZ&limit=500",
    "/v1/seizures?owner=UZ&limit=1",
    "/v1/seizures?country=UZ&bbox=66,39,67,40",
    "/v1/seizures?min_kg=1",
    "/v1/seizures?max_kg=1000",
    "/v1/analyses",
    "/v1/precursor-incidents",
    "/v1/price-observations",
    "/v1/agencies",
    "/v1/countries",
    "/v1/keys?agency=UZ-CUS",
    "/v1/inbox",
    "/v1/requests",
    "/v1/recalls",
    "/v1/suspensions",
    "/v1/policies/UZ",
    "/v1/service",
    "/openapi.json",
]


def same(ask: Asker, act: Callable[[], object], accept: str = "application/json") -> None:
    """What a reader may not see happens, and no answer changes: status, headers, body."""
    before = [ask(path, headers={"accept": accept}) for path in OF_ALL]
    act()
    for path, answer in zip(OF_ALL, before, strict=True):
        assert ask(path, headers={"accept": accept}) == answer, path


def test_every_route_of_the_contract_is_asked_in_two_worlds(paths: dict[str, Any]) -> None:
    """D0. What `test_two_worlds.py` discovers is what is served, by every method: a new route is asked there."""
    served = {(method.upper(), path) for path, its in paths.items() for method in its}
    assert served <= operations(create_app())


@pytest.mark.parametrize("accept", ["application/json", "application/geo+json"])
def test_counts_and_totals_do_not_move_with_hidden_records(
    ask: Asker, file: Callable[[Record], str], accept: str
) -> None:
    """D1. Neither do pages, or what registers say was last changed."""
    same(ask, lambda: [file(report(HIDDEN, instant=f"2026-02-{day:02}T10:00:00+05:00")) for day in (1, 9, 28)], accept)
    body = ask("/v1/seizures?limit=1").body
    assert not re.search(rb'"(total|count|numberMatched|extent|pages)"', body)


def test_what_the_interface_says_of_its_collections_does_not_move_with_records(
    exchange: Exchange, ask: Asker, paths: dict[str, Any], file: Callable[[Record], str]
) -> None:
    """D8. No extent, no number and no time of the last change: the same for who sees a record as for who sees none."""
    values = {"collection_id": "seizures", "matrix_set_id": "WebMercatorQuad"}
    of_themselves = [
        path.format(**values) for path in paths if path.startswith("/ogc") and not re.search(r"/items|\{row\}", path)
    ]
    assert len(of_themselves) > 8
    before = [ask(path) for path in of_themselves]
    far = {"lat": "37.2242", "lon": "67.2783"}
    for handling, instant in ((HIDDEN, "1994-02-01T10:00:00+05:00"), (EXACT, "1995-03-02T10:00:00+05:00")):
        file(report(handling, instant=instant, where_point=far, where_admin1={"code": "UZ-SU"}))
    stranger = Asker(exchange, "RU-CUS")
    for path, answer in zip(of_themselves, before, strict=True):
        assert ask(path) == answer == stranger(path), path
        assert answer.status == 200, path


def test_figures_of_the_unseen_are_asked_in_fixed_steps_only(paths: dict[str, Any], ask: Asker) -> None:
    """D2. No free area, period or mass; the attacks themselves are in `tests/disclosure/test_attacks.py`."""
    allowed = {
        "time",
        "place",
        "substance",
        "first_month",
        "last_month",
        "kind",
        "owner",
        "measure",
        "country",
        "purpose",
        "format",
        "limit",
        "cursor",
        "by",
        "sarhad-purpose",
        "table",
    }
    asked = {parameter["name"].lower() for parameter in paths["/v1/aggregates"]["get"].get("parameters", [])}
    assert asked <= allowed, "say here why this cannot be used to take one record out of a figure"
    for free in ("bbox=66,39,67,40", "from=2026-02-01", "min_kg=1", "max_kg=9", "reference=x"):
        answer = ask(f"/v1/aggregates?time=quarter&first_month=2026-01&last_month=2026-12&{free}")
        assert answer.status == 422


@pytest.mark.parametrize("route", ["/v1/seizures", "/v1/analyses", "/v1/trends", "/v1/aggregates"])
def test_a_hidden_column_is_as_unknown_a_filter_as_any_word(ask: Asker, route: str) -> None:
    """D3. The columns of the tables, the facets without a filter, and a word that nobody ever used."""
    answers = {
        name: ask(f"{route}?{name}=1")
        for name in (
            "xyzzy",
            "scope_id",
            "log_salt",
            "leaf_hash",
            "key_id",
            "jwt",
            "digest",
            "narrative",
            "persons",
            "month_end",
            "Reference",
            "reference%5B%5D",
            "filter",
            "q",
        )
    }
    (unknown,) = {answers["xyzzy"].status}
    assert unknown == 422
    for name, answer in answers.items():
        spelt = name.replace("%5B%5D", "[]")
        assert answer.status == 422
        told = answer.body.decode().replace(f'"{spelt}"', '"xyzzy"').replace(f'"{spelt}: ', '"xyzzy: ')
        assert told == answers["xyzzy"].body.decode(), name


def test_order_is_nobodys_to_choose_and_cursors_tell_nothing(
    ask: Asker, file: Callable[[Record], str], hidden: str
) -> None:
    """D4. A cursor is the same length whatever comes next, and one made up is refused."""
    for day in (3, 4):
        file(report(EXACT, instant=f"2026-02-{day:02}T10:00:00+05:00"))
    for parameter in ("sort=-min_kg", "sortby=reference", "order=asc", "after=1"):
        assert ask(f"/v1/seizures?{parameter}").status == 422
    shown = json.loads(ask("/v1/seizures?limit=1&owner=UZ").body)
    cursor, (first,) = shown["next"], shown["items"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for id_ in (hidden, first["id"]):
        assert id_.encode() not in raw
        assert uuid.UUID(id_).bytes not in raw
    assert not re.search(rb"20\d\d-\d\d|UZ", raw)
    following = json.loads(ask(f"/v1/seizures?limit=1&owner=UZ&cursor={cursor}").body)
    assert following["items"][0]["id"] != first["id"]
    assert len(following["next"] or cursor) == len(cursor)
    swapped = cursor[:-6] + cursor[-5:] + cursor[-6]
    for forged in (swapped, base64.urlsafe_b64encode(uuid.UUID(hidden).bytes).decode(), "0"):
        assert ask(f"/v1/seizures?limit=1&owner=UZ&cursor={forged}").status == 400, forged


def test_lists_and_the_contract_are_the_same_for_every_reader(
    exchange: Exchange, ask: Asker, file: Callable[[Record], str]
) -> None:
    """D5. No list of agencies, drugs or places, and no suggestion, is made from records: also not from shared ones."""
    file(report(EXACT))
    stranger = Asker(exchange, "RU-CUS")
    for path in ("/v1/agencies", "/v1/countries", "/v1/substances?q=heroin", "/v1/places?q=Samarkand", "/openapi.json"):
        assert ask(path) == stranger(path), path


def test_nothing_is_passed_on_to_another_exchange(paths: dict[str, Any]) -> None:
    """D26. Who adds forwarding writes the test of it: what may not be passed on, and that a withdrawal follows."""
    parts = {part for path in paths for part in path.strip("/").split("/")}
    assert not parts & {"forward", "federation", "peers", "relay", "debug"}


TILE = "/ogc/collections/{name}/tiles/WebMercatorQuad/{z}/{row}/{col}"
OVER_SAMARKAND = [
    TILE.format(
        name=name,
        z=z,
        row=int((1 - asinh(tan(radians(39.6542))) / pi) / 2 * 2**z),
        col=int((66.9597 + 180) / 360 * 2**z),
    )
    for name in ("seizures", "cells")
    for z in (8, 10, 12)
]


def test_a_tile_holds_nothing_of_what_is_hidden(ask: Asker, file: Callable[[Record], str], hidden: str) -> None:
    """D6. Over the very place of hidden records, at every scale: the same bytes before and after, no name of one."""
    file(report(EXACT))
    before = [ask(path) for path in OVER_SAMARKAND]
    more = file(report(HIDDEN, instant="2026-02-12T10:00:00+05:00"))
    for path, answer in zip(OVER_SAMARKAND, before, strict=True):
        assert ask(path) == answer, path
        assert answer.status < 300, path
        assert not [id_ for id_ in (hidden, more) if id_.encode() in answer.body or uuid.UUID(id_).bytes in answer.body]
    assert any(answer.body for answer in before), "something is shown there"


def halved(found: Callable[[float], bool], low: float, high: float, steps: int = 40) -> float:
    """Where `found` turns from true to false, by bisection."""
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if found(middle) else (low, middle)
    return low


@pytest.mark.parametrize(
    ("handling", "place", "since", "kilograms"),
    [
        (EXACT, 66.9597, "2026-02-11T18:47:13+00:00", 11.84),
        (CELLED, "cell", "2026-02-11T00:00:00+00:00", 11.84),
        (MONTHLY, None, "2026-02-01T00:00:00+00:00", None),
        (UNDATED, None, None, None),
        (HIDDEN, None, None, None),
    ],
)
def test_bisection_by_place_time_and_mass_finds_what_is_given_and_nothing_finer(
    file: Callable[[Record], str],
    partner: Client,
    handling: str,
    place: float | str | None,
    since: str | None,
    kilograms: float | None,
) -> None:
    """D7."""
    id_ = file(report(handling))

    def there(**filters: Any) -> bool:
        page = partner.search(**({"owner": "UZ", "limit": 500} | filters))
        found = [item["id"] for item in page.items]
        while page.next and id_ not in found:
            page = partner.search(**({"owner": "UZ", "limit": 500, "cursor": page.next} | filters))
            found += [item["id"] for item in page.items]
        return id_ in found

    def east(west: float) -> bool:
        return there(bbox=f"{west:.9f},39,68,40.5")

    if place is None:
        assert not there(bbox="-180,-90,180,90")
    else:
        recovered = halved(east, 66.0, 68.0, 32)
        true = float(SAMARKAND["lon"])
        assert (abs(recovered - true) < 1e-4) == (place != "cell")
        box = f"{true - 1e-4:.6f},{float(SAMARKAND['lat']) - 1e-4:.6f},{true + 1e-4:.6f},{float(SAMARKAND['lat']) + 1e-4:.6f}"  # noqa: E501
        assert there(bbox=box) == (place != "cell")
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    if since is None:
        assert not there(**{"from": begin.isoformat()})
    else:
        seconds = halved(
            lambda s: there(**{"from": (begin + timedelta(seconds=s)).isoformat()}),
            0,
            (end - begin).total_seconds(),
            34,
        )
        assert abs((begin + timedelta(seconds=seconds) - datetime.fromisoformat(since)).total_seconds()) < 0.01
    if kilograms is None:
        assert not there(min_kg="0")
        assert not there(max_kg="1000")
    else:
        assert abs(halved(lambda kg: there(min_kg=f"{kg:.9f}"), 0, 100, 30) - kilograms) < 1e-6


def ways(paths: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every method on every path to one record."""
    for path in paths:
        if "{record_id}" in path:
            for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST"):
                yield method, path


def test_what_is_hidden_is_as_absent_as_what_is_not_there(
    ask: Asker, paths: dict[str, Any], file: Callable[[Record], str]
) -> None:
    """D9. Status, headers and body, by every method on every way to a record, with and without conditions."""
    id_, none = file(report(HIDDEN)), str(uuid.uuid4())
    conditions: list[dict[str, str]] = [
        {},
        {"if-none-match": '"x"'},
        {"if-match": '"x"'},
        {"accept": "application/sd-jwt"},
    ]
    for method, path in ways(paths):
        for headers in conditions:
            body = {"content": b"{}"} if method in ("PUT", "POST", "PATCH") else {}
            given = headers | ({"content-type": "application/json"} if body else {})
            first, second = (
                ask(path.replace("{record_id}", record), method, headers=given, **body).of(record)
                for record in (id_, none)
            )
            assert first == second, (method, path, headers)
            assert not 200 <= first.status < 300 or method == "OPTIONS"


def mann_whitney(first: list[float], second: list[float]) -> float:
    """|z| of the rank sum, by the normal approximation."""
    ranked = sorted((value, n) for n, value in enumerate((*first, *second)))
    ranks = {n: place for place, (_, n) in enumerate(ranked, start=1)}
    a, b = len(first), len(second)
    u = sum(ranks[n] for n in range(a)) - a * (a + 1) / 2
    return float(abs(u - a * b / 2) / (a * b * (a + b + 1) / 12) ** 0.5)


def test_what_is_hidden_takes_as_long_as_what_is_not_there(ask: Asker, file: Callable[[Record], str]) -> None:
    """D22. 200 pairs, interleaved. Generous: other work shares the machine, and a real oracle is far beyond."""
    id_ = file(report(HIDDEN, narrative={"text": "x" * 4000, "language": "en"}))
    taken: dict[str, list[float]] = {"hidden": [], "absent": []}
    for number in range(200):
        pair = [("hidden", id_), ("absent", str(uuid.uuid4()))]
        for name, record in pair if number % 2 else reversed(pair):
            begin = time.perf_counter()
            ask(f"/v1/seizures/{record}")
            taken[name].append(time.perf_counter() - begin)
    z = mann_whitney(taken["hidden"], taken["absent"])
    ratio = statistics.median(taken["hidden"]) / statistics.median(taken["absent"])
    assert z < 4 or 0.9 < ratio < 1.1, (z, ratio)
