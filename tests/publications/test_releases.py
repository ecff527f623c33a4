"""From proposal to a release that everybody reads: who decides, what is counted, and that nothing moves afterwards."""

import csv
import hashlib
import json
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import OKPKey
from sarhad.errors import ProblemError
from sarhad.records import item

from service.disclosure import PUBLIC, Cell, disclose
from service.disclosure.keys import key_sum, record_key
from service.ledger.merkle import leaf_hash
from tests.disclosure.levels import period_of
from tests.exchange import Exchange, heroin
from tests.links.wiring import confirmed, post
from tests.publications.conftest import Filed, approve, definition, file, seizure_of
from tests.seizures.wiring import Agency

ANALYST = "KZ-DCA"
METHYLONE, CATHINONES = "SAR-000389", "SAR-000036"


def refused(call: Callable[[], object]) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        call()
    return caught.value


def proposed(exchange: Exchange, **changes: Any) -> dict[str, Any]:
    name = changes.pop("name", f"p-{uuid.uuid4().hex[:12]}")
    return exchange.client(ANALYST, None).propose_publication(definition(name, **changes))


def released(exchange: Exchange, *countries: str, **changes: Any) -> dict[str, Any]:
    publication = proposed(exchange, **changes)
    approve(exchange, publication, *countries)
    return exchange.client(ANALYST, None).release_publication(publication["id"])


def fetch(exchange: Exchange, publication: dict[str, Any], suffix: str = "", **headers: str) -> httpx.Response:
    """As anybody: no key, no client library."""
    url = f"{exchange.settings.origin}/public/releases/{publication['name']}/{publication['version']}{suffix}"
    return httpx.get(url, headers=headers)


def listed(exchange: Exchange, publication: dict[str, Any]) -> dict[str, Any]:
    items = httpx.get(f"{exchange.settings.origin}/public/releases").json()["items"]
    return next(i for i in items if (i["name"], i["version"]) == (publication["name"], publication["version"]))


def expected(filed: list[Filed], secret: bytes, countries: set[str], place: str) -> dict[tuple[str, str], Any]:
    """The figures by quarter and country, or by year and region, as the rules give them for these records."""
    groups: dict[tuple[str, str, str], list[Filed]] = {}
    for one in filed:
        if one.agency[:2] in countries and one.handling != "TLP:RED":
            level = "year" if place == "region" else "quarter"
            where = "*" if place == "region" else one.agency[:2]
            groups.setdefault((period_of(one.month, level), where, one.agency[:2]), []).append(one)
    cells = []
    for key, inside in groups.items():
        agencies = {one.agency: Decimal(0) for one in inside}
        for one in inside:
            agencies[one.agency] += one.kg
        cells.append(
            Cell(
                key[:2],
                len(inside),
                len(inside),
                sum((one.kg for one in inside), Decimal(0)),
                tuple(sorted((one.kg for one in inside), reverse=True)[:2]),
                max(agencies.values()),
                key_sum(record_key(secret, one.id) for one in inside),
            )
        )
    return {
        (told.dimensions[0], told.dimensions[1]): (told.events, None if told.kg is None else format(told.kg, "f"))
        for told in disclose(cells, PUBLIC)
        if told.events is not None
    }


def figures(document: dict[str, Any], place: str) -> dict[tuple[str, str], Any]:
    table = next(table for table in document["tables"] if table["place"] == place)
    return {(cell["time"], cell["place"]): (cell["events"], cell["kg"]) for cell in table["cells"]}


def test_a_release_has_the_figures_of_the_countries_that_approved_and_no_others(
    open_exchange: Exchange, filed: list[Filed], secret: bytes
) -> None:
    document = fetch(open_exchange, released(open_exchange, "KZ", "UZ")).json()
    assert document["countries"] == ["KZ", "UZ"]
    assert figures(document, "country") == expected(filed, secret, {"KZ", "UZ"}, "country")
    assert figures(document, "region") == expected(filed, secret, {"KZ", "UZ"}, "region")
    assert figures(document, "region")["2021", "*"][1] is not None, "two agencies share the mass"
    assert {place for _, place in figures(document, "country")} == {"KZ", "UZ"}
    assert all(kg is None for _, kg in figures(document, "country").values()), "one agency has all of it"


def test_cells_of_few_events_are_not_there(open_exchange: Exchange, filed: list[Filed]) -> None:
    """In May each country has four, and by province nothing is known."""
    document = fetch(open_exchange, released(open_exchange, "KZ", "UZ", "TJ")).json()
    assert not [key for key in figures(document, "country") if key[0] == "2021-Q2"]
    assert figures(document, "admin1") == {}


def test_an_event_that_two_agencies_of_a_country_reported_is_counted_once_by_it(
    open_exchange: Exchange, filed: list[Filed], secret: bytes
) -> None:
    """What its neighbour reported of the same event is the neighbour's to count. The heavier report stands for it."""
    year = 2017
    customs = file(open_exchange, [seizure_of("KZ-CUS", 1, 1 + n, "4", year=year) for n in range(14)])
    police = file(open_exchange, [seizure_of("KZ-LAB", 1, 1 + n, "3.9", year=year) for n in range(12)])
    others = file(open_exchange, [seizure_of("UZ-CUS", 1, 1 + n, "4.2", year=year) for n in range(13)])
    for mine, other in ((customs[0], police[0]), (customs[1], police[1]), (customs[2], others[0])):
        confirmed(open_exchange.settings, str(mine.id), str(other.id))
    months = {"first_month": f"{year}-01", "last_month": f"{year}-12"}
    document = fetch(open_exchange, released(open_exchange, "KZ", "UZ", **months)).json()
    for place in ("country", "region"):
        assert figures(document, place) == expected(customs + police[2:] + others, secret, {"KZ", "UZ"}, place)


def test_an_unknown_is_counted_as_what_it_turned_out_to_be(open_exchange: Exchange) -> None:
    """Two dozen seizures of it: of its class while nobody knows what it is, and then of a substance of that class."""
    laboratory = Agency(open_exchange, "KZ-LAB")
    made = post(laboratory, "/v1/provisional", {"name": "unknown", "formula": "C11H13NO3", "parent": CATHINONES}, None)
    code = made.json()["code"]
    publication = post(Agency(open_exchange, "KZ-DCA/policy"), f"/v1/provisional/{code}/publication", {}, None)
    assert (made.status, publication.status) == (201, 200)
    year = 2016
    days = (f"{year}-01-{1 + n:02}T10:00:00+05:00" for n in range(24))
    unknown = [item(code, "powder", "1", "kg", status="PRES")]
    file(open_exchange, [heroin("KZ-CUS", handling="TLP:GREEN", instant=day, items=unknown) for day in days])
    months = {"first_month": f"{year}-01", "last_month": f"{year}-12"}

    def told(level: str) -> set[str]:
        tables = [{"time": "year", "place": "country", "substance": level}]
        document = fetch(open_exchange, released(open_exchange, "KZ", tables=tables, **months)).json()
        return {cell["substance"] for table in document["tables"] for cell in table["cells"]}

    class_ = told("class")
    assert (told("substance"), len(class_)) == ({code}, 1)
    second = Agency(open_exchange, open_exchange.add_holder("KZ-LAB/second", "laboratory"))
    resolution = {"substance": METHYLONE, "reason": "NMR"}
    assert post(second, f"/v1/provisional/{code}/resolution", resolution, None).status == 200
    assert (told("substance"), told("class")) == ({METHYLONE}, class_)


def test_records_marked_above_the_ceiling_are_not_counted(
    open_exchange: Exchange, filed: list[Filed], secret: bytes
) -> None:
    assert sum(one.handling == "TLP:RED" for one in filed) == 20
    low = released(open_exchange, "UZ")
    high = proposed(open_exchange)
    approve(open_exchange, high, "UZ", up_to="TLP:RED")
    open_exchange.client(ANALYST, None).release_publication(high["id"])
    quarter = ("2021-Q1", "UZ")
    first = figures(fetch(open_exchange, low).json(), "country")[quarter][0]
    second = figures(fetch(open_exchange, high).json(), "country")[quarter][0]
    assert 54 - 8 <= first <= 54 + 8
    assert 74 - 8 <= second <= 74 + 8


def test_a_release_never_changes_and_proves_itself(open_exchange: Exchange, filed: list[Filed]) -> None:
    publication = released(open_exchange, "KZ", "UZ")
    before = fetch(open_exchange, publication)
    filed += file(open_exchange, [seizure_of("KZ-CUS", 1, n, "2") for n in range(1, 15)])
    after = fetch(open_exchange, publication)
    assert (before.content, before.headers["etag"]) == (after.content, after.headers["etag"])
    entry = listed(open_exchange, publication)
    digest = hashlib.sha256(before.content).digest()
    assert entry["sha256"] == digest.hex()
    service = httpx.get(f"{open_exchange.settings.origin}/v1/service").json()["keys"][0]
    token = jws.deserialize_compact(entry["statement"], OKPKey.import_key(service), algorithms=["EdDSA"])
    said = json.loads(token.payload)
    assert token.headers()["typ"] == "sarhad-release+jwt"
    assert said["sub"] == f"{publication['name']}/1"
    assert said["sha256"] == digest.hex()
    assert said["csv_sha256"] == hashlib.sha256(fetch(open_exchange, publication, "/figures.csv").content).hexdigest()
    salt, leaf = (urlsafe_b64decode(said[name] + "==") for name in ("salt", "leaf"))
    assert leaf_hash(hashlib.sha256(salt + digest).digest()) == leaf, "the leaf commits to the bytes served"


def test_csv_and_json_hold_the_same_cells(open_exchange: Exchange, filed: list[Filed]) -> None:
    publication = released(open_exchange, "KZ", "UZ", "TJ")
    document = fetch(open_exchange, publication).json()
    reply = fetch(open_exchange, publication, "/figures.csv")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(StringIO(reply.text)))
    cells = [cell for table in document["tables"] for cell in table["cells"]]
    assert [(r["time"], r["place"], r["substance"], int(r["events"]), r["kg"] or None) for r in rows] == [
        (c["time"], c["place"], c["substance"], c["events"], c["kg"]) for c in cells
    ]
    assert len(rows) >= 4


def test_who_has_the_bytes_is_told_so(open_exchange: Exchange, filed: list[Filed]) -> None:
    publication = released(open_exchange, "KZ")
    for suffix in ("", "/figures.csv"):
        etag = fetch(open_exchange, publication, suffix).headers["etag"]
        again = fetch(open_exchange, publication, suffix, **{"if-none-match": f'"x", {etag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert "max-age=300" in again.headers["cache-control"]
        other = fetch(open_exchange, publication, suffix, **{"if-none-match": '"x"'})
        assert other.status_code == 200


def test_a_correction_is_the_next_version(open_exchange: Exchange, filed: list[Filed]) -> None:
    first = released(open_exchange, "KZ")
    second = released(open_exchange, "KZ", "UZ", name=first["name"], title="Seizures by quarter, corrected")
    assert (first["version"], second["version"]) == (1, 2)
    assert first["digest"] != second["digest"]
    assert fetch(open_exchange, first).json()["countries"] == ["KZ"]
    assert fetch(open_exchange, second).json()["countries"] == ["KZ", "UZ"]


def test_a_withdrawn_release_says_so_and_serves_no_figures(open_exchange: Exchange, filed: list[Filed]) -> None:
    publication = released(open_exchange, "KZ", "UZ")
    stranger = open_exchange.client("TJ-DCA/policy", None)
    assert refused(lambda: stranger.withdraw_publication(publication["id"], "no")).kind == "not-yours"
    officer = open_exchange.client("UZ-DCA/policy", None)
    gone = officer.withdraw_publication(publication["id"], "Wrong unit in May")
    assert (gone["state"], gone["reason"]) == ("withdrawn", "Wrong unit in May")
    for suffix in ("", "/figures.csv"):
        reply = fetch(open_exchange, publication, suffix)
        assert (reply.status_code, reply.json()["type"]) == (410, "/problems/release-withdrawn")
        assert reply.json()["reason"] == "Wrong unit in May"
    entry = listed(open_exchange, publication)
    assert (entry["state"], entry["reason"], entry["sha256"], entry["json_url"]) == (
        *("withdrawn", "Wrong unit in May"),
        *(None, None),
    )
    assert refused(lambda: officer.withdraw_publication(publication["id"], "again")).kind == "not-proposed"


def test_what_was_not_released_is_not_public(open_exchange: Exchange, filed: list[Filed]) -> None:
    waiting, withdrawn = proposed(open_exchange), proposed(open_exchange)
    approve(open_exchange, waiting, "KZ")
    open_exchange.client(ANALYST, None).withdraw_publication(withdrawn["id"], "never mind")
    names = {item["name"] for item in httpx.get(f"{open_exchange.settings.origin}/public/releases").json()["items"]}
    nothing = fetch(open_exchange, {"name": "nothing", "version": 1})
    for publication in (waiting, withdrawn):
        assert publication["name"] not in names
        reply = fetch(open_exchange, publication)
        assert (reply.status_code, reply.json()) == (404, nothing.json())
    problem = refused(lambda: open_exchange.client(ANALYST, None).release_publication(withdrawn["id"]))
    assert problem.kind == "not-proposed"


def test_nothing_is_released_without_an_owner(open_exchange: Exchange, filed: list[Filed]) -> None:
    publication = proposed(open_exchange)
    analyst = open_exchange.client(ANALYST, None)
    assert refused(lambda: analyst.release_publication(publication["id"])).kind == "no-approval"


def test_an_approval_is_for_one_definition_by_an_officer_before_the_release(
    open_exchange: Exchange, filed: list[Filed]
) -> None:
    publication = proposed(open_exchange)
    officer = open_exchange.client("KZ-DCA/policy", None)
    other = proposed(open_exchange)["digest"]
    assert refused(lambda: officer.approve_publication(publication["id"], other)).kind == "not-as-proposed"
    assert refused(lambda: officer.approve_publication(str(uuid.uuid4()), other)).status == 404
    analyst = open_exchange.client(ANALYST, None)
    digest = publication["digest"]
    assert refused(lambda: analyst.approve_publication(publication["id"], digest)).kind == "role-required"
    approve(open_exchange, publication, "KZ")
    analyst.release_publication(publication["id"])
    late = open_exchange.client("UZ-DCA/policy", None)
    assert refused(lambda: late.approve_publication(publication["id"], digest)).kind == "not-as-proposed"


def test_who_may_propose_and_release(open_exchange: Exchange, filed: list[Filed]) -> None:
    for name in ("KZ-LAB", "KZ-DCA/policy", "KZ-DCA/auditor"):
        client = open_exchange.client(name, None)
        assert refused(lambda c=client: c.propose_publication(definition("x-name"))).kind == "role-required"
    publication = proposed(open_exchange)
    approve(open_exchange, publication, "KZ")
    foreign = open_exchange.client("UZ-DCA", None)
    assert refused(lambda: foreign.release_publication(publication["id"])).kind == "not-yours"
    taken = definition(publication["name"])
    assert refused(lambda: foreign.propose_publication(taken)).kind == "name-taken"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"tables": [{"time": "day", "place": "country", "substance": "group"}]}, "/tables/0/time"),
        ({"tables": [{"time": "month", "place": "cell", "substance": "group"}]}, "/tables/0/place"),
        ({"tables": []}, "/tables"),
        ({"first_month": "2021-02"}, ""),
        ({"last_month": "2021-11"}, ""),
        ({"first_month": "2021-07"}, ""),
        ({"first_month": "2022-01"}, ""),
        ({"filter": {"agency": "KZ-CUS"}}, "/filter"),
        ({"name": "No Spaces"}, "/name"),
    ],
)
def test_only_fixed_levels_and_whole_quarters_are_proposed(
    open_exchange: Exchange, changes: dict[str, Any], pointer: str
) -> None:
    """Years need whole years; nothing is filtered by anything else."""
    problem = refused(lambda: open_exchange.client(ANALYST, None).propose_publication(definition("p-x", **changes)))
    assert problem.status == 422
    assert pointer in {error.get("pointer") for error in problem.members["errors"]}


def test_the_public_tier_is_off_until_it_is_turned_on(exchange: Exchange) -> None:
    nowhere = httpx.get(exchange.settings.origin + "/nowhere").json()
    for path in ("/public/releases", "/public/releases/a-name/1", "/public/releases/a-name/1/figures.csv"):
        reply = httpx.get(exchange.settings.origin + path)
        assert (reply.status_code, reply.json()) == (404, nowhere)
    analyst = exchange.client(ANALYST, None)
    assert refused(lambda: analyst.propose_publication(definition("p-off"))).kind == "public-tier-off"
    officer = exchange.client("KZ-DCA/policy", None)
    assert refused(lambda: officer.approve_publication(str(uuid.uuid4()), "0" * 64)).kind == "public-tier-off"
    assert refused(lambda: analyst.release_publication(str(uuid.uuid4()))).kind == "public-tier-off"
