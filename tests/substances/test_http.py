"""The catalogue over HTTP, as an enrolled agency sees it."""

import httpx
import pytest
from sarhad import SignedRequests

from tests.exchange import Exchange


@pytest.fixture(scope="session")
def agency(exchange: Exchange) -> httpx.Client:
    """A plain HTTP client that signs as the Kazakh customs."""
    profile = exchange.region.profiles["KZ-CUS"]
    pinned = exchange.client("KZ-CUS").service_key
    signed = SignedRequests(profile.load_request_key(), lambda: pinned)
    return httpx.Client(base_url=exchange.settings.origin, auth=signed, timeout=30)


def test_search_finds_a_mistyped_cyrillic_name(agency: httpx.Client) -> None:
    found = agency.get("/v1/substances", params={"q": "метамфитамин", "limit": 3}).json()
    assert [item["name"] for item in found["items"]][:1] == ["Methamphetamine"]
    assert found["items"][0]["group"] == "amphetamine-type"
    assert found["next"] is None


def test_the_whole_catalogue_can_be_read_page_by_page(agency: httpx.Client) -> None:
    codes: list[str] = []
    after = None
    while True:
        params = {"limit": "400"} | ({"after": after} if after else {})
        page = agency.get("/v1/substances", params=params).json()
        codes += [item["code"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert codes == sorted(set(codes))
    assert len(codes) >= 700


def test_an_entry_tells_its_tree_schedules_and_sources(agency: httpx.Client) -> None:
    code = agency.get("/v1/substances", params={"q": "4-MMC"}).json()["items"][0]["code"]
    entry = agency.get(f"/v1/substances/{code}").json()
    assert (entry["name"], entry["cas"]) == ("Mephedrone", "1189805-46-6")
    assert [above["name"] for above in entry["ancestors"]] == ["Synthetic cathinone, unspecified"]
    assert [(s["convention"], s["schedule"], s["as_of"]) for s in entry["schedules"]] == [("1971", "II", "2023-03-31")]
    assert all(source["title"] for source in entry["sources"])


def test_an_unknown_code_is_a_problem(agency: httpx.Client) -> None:
    answer = agency.get("/v1/substances/SAR-999999")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/not-found"


def test_names_resolve_in_bulk_and_the_unknown_stay_null(exchange: Exchange) -> None:
    results = exchange.client("KZ-CUS").resolve_substances(["героин", "Cocaine HCL", "no such drug"])
    assert [result["code"] is not None for result in results] == [True, True, False]
    assert results[0]["confidence"] == "0.95"
    assert results[2] == {"name": "no such drug", "code": None, "match": None, "confidence": None}


def test_units_resolve_in_bulk_and_say_whether_they_convert(exchange: Exchange) -> None:
    kg, doses, unknown = exchange.client("KZ-CUS").resolve_units(["кг", "Thousand of doses", "bucket"])
    assert (kg["code"], kg["rule"], kg["convertible"]) == ("kg", "mass", True)
    assert (doses["code"], doses["multiplier"], doses["convertible"]) == ("dose", "1000", False)
    assert (unknown["code"], unknown["convertible"]) == (None, False)


def test_units_are_listed_with_their_rule(agency: httpx.Client) -> None:
    units = {unit["code"]: unit for unit in agency.get("/v1/units").json()["items"]}
    assert (units["oz"]["factor"], units["oz"]["dimension"], units["oz"]["rec20"]) == (
        "0.028349523125", "mass", "ONZ",
    )  # fmt: skip
    assert units["plant"]["rule"] == "not-convertible"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"names": []}, "/names"),
        ({"names": ["x" * 301]}, "/names/0"),
        ({"names": ["heroin"] * 1001}, "/names"),
        ({"name": ["heroin"]}, "/names"),
    ],
)
def test_a_wrong_body_is_refused_with_its_pointer(agency: httpx.Client, body: dict[str, object], pointer: str) -> None:
    answer = agency.post("/v1/substances/resolve", json=body)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in answer.text


def test_the_catalogue_is_for_enrolled_keys(exchange: Exchange) -> None:
    assert httpx.get(f"{exchange.settings.origin}/v1/substances").status_code == httpx.codes.UNAUTHORIZED
