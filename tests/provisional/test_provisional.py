"""An unknown from its registration to what it turned out to be: who knows of it when, and what follows everywhere."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from sarhad.records import item
from sqlalchemy import create_engine, text

from tests.exchange import Exchange, heroin
from tests.provisional.conftest import Post
from tests.seizures.wiring import Agency

Get = Callable[..., Any]
METHYLONE, CATHINONES = "SAR-000389", "SAR-000036"
NUMBERS = count(1)


def tail() -> str:
    """The side chain of a cathinone that nobody has registered: its atoms count in binary."""
    return "".join("CN" if bit == "1" else "CC" for bit in f"{next(NUMBERS):08b}")


def registered(post: Post, name: str = "TM-LAB", **members: Any) -> dict[str, Any]:
    given = {"name": "unknown from exhibit 4", "structure": {"smiles": f"CNC(C)C(=O)c1ccc({tail()})cc1"}} | members
    made = post(name, "/v1/provisional", {k: v for k, v in given.items() if v is not None})
    assert made.status == 201, made.body
    return dict(made.json())


def test_a_code_names_the_laboratory_the_year_and_the_next_number(post: Post) -> None:
    first, second = registered(post), registered(post)
    assert first["code"].rsplit("-", 1)[0] == second["code"].rsplit("-", 1)[0]
    assert int(second["code"].rsplit("-", 1)[1]) == int(first["code"].rsplit("-", 1)[1]) + 1
    assert (first["parent"], first["policy_group"], first["triage"]) == (
        CATHINONES, "synthetic-cathinones", "cathinone",
    )  # fmt: skip


def test_an_unknown_without_a_structure_stays_unknown(post: Post) -> None:
    made = registered(post, structure=None, formula="C17H19NO2")
    assert (made["inchikey"], made["nps_group"], made["policy_group"]) == (None, None, "unknown")


def test_what_is_known_keeps_its_code(post: Post) -> None:
    refused = post("TM-LAB", "/v1/provisional", {"name": "x", "structure": {"smiles": "CNC(C)C(=O)c1ccc(C)cc1"}})
    assert (refused.status, refused.json()["expected"]) == (409, "SAR-000383")
    mine = registered(post)
    again = post("TM-LAB", "/v1/provisional", {"name": "x", "structure": {"smiles": mine["smiles"] + ".Cl"}})
    assert (again.status, again.json()["expected"]) == (409, mine["code"])


@pytest.mark.parametrize(
    ("name", "document", "status"),
    [
        ("TM-CUS", {"name": "x"}, 403),
        ("TM-LAB", {"name": ""}, 422),
        ("TM-LAB", {"name": "niorehonim\u202e"}, 422),
        ("TM-LAB", {"name": "her\u200boin"}, 422),
        ("TM-LAB", {"name": "x", "parent": "SAR-000383"}, 422),
        ("TM-LAB", {"name": "x", "structure": {"smiles": "C1"}}, 422),
        ("TM-LAB", {"name": "x", "structure": {"smiles": "CCO"}, "formula": "C2H6O"}, 422),
    ],
)
def test_what_is_refused_registers_nothing(
    exchange: Exchange, post: Post, name: str, document: Any, status: int
) -> None:
    def count() -> int:
        with create_engine(exchange.settings.database_as()).connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM core.provisional_substance")).scalar_one())

    before = count()
    assert post(name, "/v1/provisional", document).status == status
    assert count() == before


def test_another_country_knows_nothing_of_it_until_it_is_published(post: Post, get: Get) -> None:
    made = registered(post)
    path, never = f"/v1/provisional/{made['code']}", "/v1/provisional/UNK-TM-LAB-2026-999999"
    assert get("TM-CUS", path).status == 200
    assert get("AZ-LAB", path).body == get("AZ-LAB", never).body
    assert made["code"].encode() not in get("AZ-LAB", "/v1/provisional").body
    # nor by registering the same: what a country holds back refuses nobody
    twin = post("AZ-LAB", "/v1/provisional", {"name": "ours", "structure": {"smiles": made["smiles"]}})
    assert twin.status == 201
    # nor as a code in a filter or in a record
    hidden, absent = (get("AZ-CUS", "/v1/seizures", substance=code) for code in (made["code"], never[-22:]))
    assert hidden.status == absent.status == get("AZ-CUS", "/v1/seizures", substance="SAR-999999").status
    assert post("AZ-DCA/policy", f"{path}/publication", {}).status == 404
    assert post("TM-LAB", f"{path}/publication", {}).status == 403
    assert post("TM-DCA/policy", f"{path}/publication", {}).status == 200
    assert post("TM-DCA/policy", f"{path}/publication", {}).json()["type"] == "/problems/published-before"
    assert get("AZ-LAB", path).json()["name"] == made["name"]


def test_the_catalogue_lists_what_the_caller_may_know(post: Post, get: Get) -> None:
    name = f"orange flakes {tail()}"

    def asked(who: str, code: str) -> list[bytes]:
        parent = get(who, f"/v1/substances/{CATHINONES}")
        found = (get(who, "/v1/substances", q=words, limit=5) for words in (name, code))
        return [*(reply.body for reply in found), listing(who), parent.body, get(who, f"/v1/substances/{code}").body]

    def listing(who: str) -> bytes:
        return bytes(get(who, "/v1/substances", limit=1000, after="TZZ").body)

    code = next_code(registered(post)["code"])
    before = {who: asked(who, code) for who in ("AZ-LAB", "AZ-DCA/admin1")}
    structure = {"smiles": f"CNC(C)C(=O)c1ccc({tail()})cc1"}
    made = post("TM-LAB", "/v1/provisional", {"name": name, "structure": structure}).json()
    assert made["code"] == code
    for who in ("TM-CUS", "TM-DCA/admin1"):
        by_name, by_code = (get(who, "/v1/substances", q=words, limit=5).json()["items"] for words in (name, code))
        assert (by_name[0]["code"], by_name[0]["kind"], by_name[0]["name"]) == (code, "provisional", name)
        assert by_code[0]["code"] == code
        assert code.encode() in listing(who)
        shown = get(who, f"/v1/substances/{code}").json()
        assert (shown["parent"], shown["smiles"]) == (CATHINONES, made["smiles"])
        assert code in {below["code"] for below in get(who, f"/v1/substances/{CATHINONES}").json()["children"]}
    assert {who: asked(who, code) for who in before} == before, "another country is answered as if there were none"
    assert post("TM-DCA/policy", f"/v1/provisional/{code}/publication", {}).status == 200
    for who in before:
        assert get(who, "/v1/substances", q=name).json()["items"][0]["code"] == code
        assert code.encode() in listing(who)


def next_code(code: str) -> str:
    stem, _, number = code.rpartition("-")
    return f"{stem}-{int(number) + 1}"


def test_its_resolution_is_followed_everywhere_and_changes_no_record(
    exchange: Exchange, post: Post, get: Get, second_key: str
) -> None:
    made = registered(post)
    customs = Agency(exchange, "TM-CUS")
    record = heroin("TM-CUS", items=[item(made["code"], "белый порошок", "1.5", "kg", status="SUSP")])
    assert customs.post(customs.sign(record)).status == 201
    path = f"/v1/seizures/{record.id}"
    before = get("TM-CUS", path).json()

    def found(substance: str) -> set[str]:
        return {entry["id"] for entry in get("TM-CUS", "/v1/seizures", substance=substance, limit=500).json()["items"]}

    def kilograms(by: str) -> dict[str, str]:
        asked = get("TM-CUS", "/v1/trends", by=by, measure="kg", owner="TM").json()
        return {cell["key"][by]: cell for cell in asked["cells"]}

    assert record.id in found(CATHINONES)
    assert record.id not in found(METHYLONE)
    resolution = {"substance": METHYLONE, "reason": "NMR"}
    assert post("TM-LAB", f"/v1/provisional/{made['code']}/resolution", resolution).json()["type"] == (
        "/problems/registrant-decides"
    )
    differs = post(second_key, f"/v1/provisional/{made['code']}/resolution", resolution)
    assert differs.json()["type"] == "/problems/structure-differs"
    resolution["structure_differs"] = True
    assert post(second_key, f"/v1/provisional/{made['code']}/resolution", resolution).status == 200
    for published in (False, True):
        if published:
            assert post("TM-DCA/policy", f"/v1/provisional/{made['code']}/publication", {}).status == 200
        assert record.id in found(METHYLONE)
        assert record.id in found(made["code"])
        after = get("TM-CUS", path).json()
        assert after["facets"] == before["facets"]
        (line,) = after["derived"]["items"]
        assert (line["substance"], line["resolved"]) == (made["code"], METHYLONE)
        assert METHYLONE in kilograms("substance")
        assert made["code"] not in kilograms("substance")
    assert "synthetic-cathinones" in kilograms("group")
    engine = create_engine(exchange.settings.database_as(), isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        connection.execute(text("SELECT core.fold_cube(0)"))
    with engine.begin() as connection:
        differing = connection.execute(text("SELECT sum(differing) FROM core.check_cube()")).scalar_one()
    assert differing == 0


@pytest.mark.parametrize("substance", ["SAR-000036", "SAR-999999"])
def test_an_unknown_turns_out_to_be_a_substance(post: Post, second_key: str, substance: str) -> None:
    made = registered(post)
    refused = post(second_key, f"/v1/provisional/{made['code']}/resolution", {"substance": substance, "reason": "x"})
    assert refused.json()["type"] == "/problems/resolution-unknown"
