"""National lists: entered by an officer's signature, compared side by side with gaps; refused when wrong."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sarhad.listings import sign_listing
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import administration
from service.listings import generic
from service.listings.control import control_of, lists
from tests.exchange import Exchange
from tests.seizures.wiring import Agency
from tests.signing.wire import Reply, send, sign

MEPHEDRONE, PENTEDRONE, CATHINONES, CAFFEINE = "SAR-000383", "SAR-000393", "SAR-000036", "SAR-000215"
Enter = Callable[..., Reply]


@pytest.fixture(scope="module")
def enter(exchange: Exchange) -> Enter:
    def entering(country: str, /, officer: str = "policy", **members: Any) -> Reply:
        profile = exchange.region.profiles[f"{country}-DCA/{officer}"]
        document = {
            "listing": "sarhad-listing/1",
            "country": country,
            "entry": f"e-{time.time_ns()}",
            "version": 1,
            "schedule": "List I",
            "legal_basis": "Order 1, item 2",
            "valid_from": "2015-01-01",
        } | members
        signed = sign_listing(profile.load_record_key(), document)
        origin = exchange.settings.origin
        wire = sign(
            profile.load_request_key(), origin, "POST", "/v1/listings", signed.encode(),
            content_type="application/jose",
        )  # fmt: skip
        return send(origin, wire)

    return entering


def cathinones(**members: Any) -> dict[str, Any]:
    """A definition in the manner of generic laws: 2-amino-1-phenyl-1-alkanones up to 500 u."""
    return {
        "definition": "2-Amino-1-phenyl-1-propanone and its derivatives by substitution, up to 500 u.",
        "smarts": ["c1ccccc1[CX3](=O)[CX4][NX3;!$(NC=O)]"],
        "max_mass": 500,
        "matches": ["CNC(C)C(=O)c1ccc(C)cc1"],
        "spares": ["CC(N)Cc1ccccc1"],
    } | members


def control(exchange: Exchange, code: str, **query: str) -> dict[str, Any]:
    return dict(Agency(exchange, "AZ-CUS").get(f"/v1/substances/{code}/control", **query).json())


def test_a_substance_a_class_and_a_definition_control_and_silence_is_no_gap(exchange: Exchange, enter: Enter) -> None:
    assert enter("KG", substance=MEPHEDRONE).status == 201
    assert enter("TJ", substance=CATHINONES).status == 201
    assert enter("UZ", generic=cathinones()).status == 201
    assert enter("KZ", substance=CAFFEINE).status == 201
    found = control(exchange, MEPHEDRONE)
    status = {country: cell["status"] for country, cell in found["countries"].items()}
    assert {k: status[k] for k in ("KG", "TJ", "UZ", "KZ", "RU")} == {
        "KG": "listed", "TJ": "class", "UZ": "generic", "KZ": "not-listed", "RU": "no-data",
    }  # fmt: skip
    assert "KZ" in found["gaps"]
    assert "RU" not in found["gaps"]
    assert [entry["convention"] for entry in found["conventions"]] == ["1971"]
    assert control(exchange, "SAR-000361")["countries"]["UZ"]["status"] == "not-listed"
    before = control(exchange, MEPHEDRONE, on="2014-12-31")["countries"]
    assert {before[country]["status"] for country in ("KG", "TJ", "UZ")} == {"not-listed"}


def test_the_table_has_a_row_for_all_that_anyone_controls(exchange: Exchange, enter: Enter) -> None:
    assert enter("KG", substance=MEPHEDRONE).status == 201
    asked: dict[str, str] = {"substance": CATHINONES, "limit": "20"}
    rows: list[dict[str, Any]] = []
    while True:
        page = Agency(exchange, "AZ-CUS").get("/v1/listings/table", **asked).json()
        rows += page["items"]
        if page["next"] is None:
            break
        asked["after"] = page["next"]
    codes = [row["substance"] for row in rows]
    assert codes == sorted(set(codes))
    assert MEPHEDRONE in codes
    assert {member["country"] for member in page["members"]} >= {"KZ", "RU"}
    with_gaps = Agency(exchange, "AZ-CUS").get("/v1/listings/table", substance=CATHINONES, gaps="true").json()["items"]
    assert {row["substance"] for row in with_gaps} == {row["substance"] for row in rows if row["gaps"]} != set()


def test_an_entry_changes_by_versions_and_each_stays_with_its_signature(exchange: Exchange, enter: Enter) -> None:
    entry = f"v-{time.time_ns()}"
    assert enter("TM", entry=entry, substance=PENTEDRONE).status == 201
    again = enter("TM", entry=entry, substance=PENTEDRONE)
    assert (again.status, again.json()["expected"]) == (409, 2)
    ended = {"version": 2, "entry": entry, "substance": PENTEDRONE, "valid_until": "2020-01-01"}
    assert enter("TM", "policy2", **ended).status == 201
    assert control(exchange, PENTEDRONE)["countries"]["TM"]["status"] == "not-listed"
    assert control(exchange, PENTEDRONE, on="2019-12-31")["countries"]["TM"]["status"] == "listed"
    assert enter("TM", entry=entry, version=3, substance=PENTEDRONE, withdrawn="a wrong code").status == 201
    assert control(exchange, PENTEDRONE, on="2019-12-31")["countries"]["TM"]["entries"] == []
    shown = Agency(exchange, "AZ-CUS").get(f"/v1/listings/TM/{entry}").json()
    assert [version["version"] for version in shown["versions"]] == [1, 2, 3]
    assert all(version["signed"].count(".") == 2 for version in shown["versions"])
    with create_engine(exchange.settings.database_as()).connect() as connection:
        acts = connection.execute(
            text("SELECT count(*) FROM core.governance_event WHERE strpos(document, :entry) > 0"), {"entry": entry}
        ).scalar_one()
    assert acts == 3


def test_definitions_answer_for_a_structure_that_no_entry_has(exchange: Exchange, enter: Enter) -> None:
    entry = f"g-{time.time_ns()}"
    assert enter("UZ", entry=entry, generic=cathinones()).status == 201
    key, origin = exchange.region.profiles["AZ-LAB"].load_request_key(), exchange.settings.origin
    body = b'{"structure": {"smiles": "CCCCCCCCNC(C)C(=O)c1ccc(CCC)cc1"}}'
    found = send(origin, sign(key, origin, "POST", "/v1/structures", body)).json()
    assert found["known"] == []
    assert entry in {listed["entry"] for listed in found["control"]["UZ"]["entries"]}
    assert found["control"]["RU"]["status"] == "no-data"


async def test_a_definition_is_asked_about_what_the_catalogue_takes_in_later(exchange: Exchange, enter: Enter) -> None:
    """Loaded with new entries, or with a structure mended; asked twice it says the same."""
    assert enter("UZ", generic=cathinones()).status == 201
    new, today = "SAR-999990", datetime.now(UTC).date()
    engine = administration(exchange.settings)
    async with engine.connect() as connection, connection.begin() as transaction:

        async def status() -> str:
            held = await lists(AsyncSession(connection), today)
            return str(control_of(new, (new,), held)["UZ"]["status"])

        await connection.execute(text("SET LOCAL ROLE sarhad_owner"))
        await connection.execute(
            text("""INSERT INTO core.substance (code, kind, name_en, policy_group, smiles)
              SELECT :new, 'substance', 'New', policy_group, 'CNC(CC)C(=O)c1ccc(CCC)cc1' FROM core.substance
              WHERE code = :cathinones"""),
            {"new": new, "cathinones": CATHINONES},
        )
        assert await status() == "not-listed", "as it was without asking again"
        assert await generic.load(connection) is True
        assert await status() == "generic"
        assert await generic.load(connection) is False
        await connection.execute(text("UPDATE core.substance SET smiles = 'CCO' WHERE code = :new"), {"new": new})
        assert await generic.load(connection) is True
        assert await status() == "not-listed"
        await transaction.rollback()
    await engine.dispose()


def test_definitions_are_asked_about_unknowns_too(exchange: Exchange, enter: Enter) -> None:
    """One that fits is no gap; without a structure it cannot be told whether there is one."""
    assert enter("UZ", generic=cathinones()).status == 201
    assert enter("TJ", substance=CATHINONES).status == 201
    assert enter("KZ", substance=CAFFEINE).status == 201
    key, origin = exchange.region.profiles["KG-LAB"].load_request_key(), exchange.settings.origin

    def registered(**members: Any) -> str:
        given = json.dumps({"name": "unknown", "parent": CATHINONES} | members).encode()
        reply = send(origin, sign(key, origin, "POST", "/v1/provisional", given))
        assert reply.status == 201, reply.body
        return str(reply.json()["code"])

    drawn = registered(structure={"smiles": "CCCCCNC(CC)C(=O)c1ccc(CCCCC)cc1"})
    other = registered(structure={"smiles": "CCCCCNC(CC)Cc1ccc(CCCCC)cc1"})
    undrawn = registered(formula="C20H33NO")
    asked = {"substance": CATHINONES, "after": "TZZ", "limit": "500"}
    page = Agency(exchange, "KG-CUS").get("/v1/listings/table", **asked).json()["items"]
    rows = {row["substance"]: row for row in page}
    expected = {drawn: ("generic", False), other: ("not-listed", True), undrawn: ("not-asked", False)}
    for code, (status, gap) in expected.items():
        assert (rows[code]["countries"]["UZ"]["status"], "UZ" in rows[code]["gaps"]) == (status, gap)
        assert "KZ" in rows[code]["gaps"]
        alone = dict(Agency(exchange, "KG-CUS").get(f"/v1/substances/{code}/control").json())
        assert (alone["countries"], alone["gaps"]) == (rows[code]["countries"], rows[code]["gaps"])
        assert alone["definitions_asked"] is (status != "not-asked")
        assert alone["definitions_not_asked"] == ([] if status != "not-asked" else ["UZ"])
    elsewhere = Agency(exchange, "AZ-CUS").get("/v1/listings/table", **asked).body
    assert not any(code.encode() in elsewhere for code in expected), "an unknown is its own country's"


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({}, "listing-malformed"),
        ({"substance": MEPHEDRONE, "generic": cathinones()}, "listing-malformed"),
        ({"substance": "SAR-999999"}, "listed-substance-unknown"),
        ({"substance": MEPHEDRONE, "valid_until": "2014-01-01"}, "listing-malformed"),
        ({"substance": MEPHEDRONE, "valid_from": "2015-02-30"}, "listing-malformed"),
        ({"substance": MEPHEDRONE, "extra": 1}, "listing-malformed"),
        ({"substance": MEPHEDRONE, "country": "UZ"}, "not-your-list"),
        ({"generic": cathinones(smarts=["c1cccc"])}, "structure-refused"),
        ({"generic": cathinones(smarts=["N"], matches=["CCO"])}, "structure-refused"),
        ({"generic": cathinones(spares=["CNC(C)C(=O)c1ccc(C)cc1"])}, "structure-refused"),
        ({"generic": cathinones(max_mass=100)}, "structure-refused"),
    ],
)
def test_what_does_not_hold_is_refused_and_not_entered(
    exchange: Exchange, enter: Enter, members: dict[str, Any], kind: str
) -> None:
    entry = f"r-{time.time_ns()}"
    refused = enter("KZ", **({"entry": entry} | members))
    assert refused.json()["type"] == f"/problems/{kind}"
    assert Agency(exchange, "AZ-CUS").get(f"/v1/listings/KZ/{entry}").status == 404


def test_only_a_policy_officer_enters_and_only_with_its_agencys_signature(exchange: Exchange) -> None:
    document = {
        "listing": "sarhad-listing/1", "country": "KZ", "entry": "x", "version": 1, "substance": MEPHEDRONE,
        "schedule": "I", "legal_basis": "x", "valid_from": "2015-01-01",
    }  # fmt: skip
    signed = sign_listing(exchange.region.profiles["KG-DCA/policy"].load_record_key(), document).encode()
    origin = exchange.settings.origin
    for name, status in (("KZ-CUS", 403), ("KZ-DCA/policy", 422)):
        key = exchange.region.profiles[name].load_request_key()
        wire = sign(key, origin, "POST", "/v1/listings", signed, content_type="application/jose")
        assert send(origin, wire).status == status
