"""The methods of both clients: the same, each a route of the contract; and what they answer of the running service."""

import hashlib
import inspect
import json
import re
import time
import typing
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sarhad
from sarhad import AsyncClient, ProblemError, attachments
from sarhad._methods import Methods
from sarhad.listings import sign_listing

from tests.exchange import Exchange, heroin

HEROIN, MEPHEDRONE = "SAR-000608", "SAR-000383"

ROOT = Path(__file__).parents[2]
GIVEN: dict[Any, object] = {int: 1, bytes: b"", str: "x", Mapping: {}}

pytestmark = pytest.mark.xdist_group("exchange")


def public(of: type) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(of) if not name.startswith("_")}


def parameters(method: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(method).parameters.values())


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    plain, awaited = public(sarhad.Client), public(sarhad.AsyncClient)
    assert plain.keys() - {"close"} == awaited.keys() - {"aclose"}
    for name in plain.keys() - {"close"}:
        assert plain[name].__doc__, name
        assert awaited[name].__doc__, name
        if not isinstance(plain[name], property):
            assert [*map(str, parameters(plain[name]))] == [*map(str, parameters(awaited[name]))], name


def test_a_method_tells_its_parameters_and_its_answer() -> None:
    shown = str(inspect.signature(sarhad.Client.get))
    assert shown == "(self, /, record_id: str, *, kind: str | None = None) -> dict[str, typing.Any]"


def test_every_method_asks_for_what_the_contract_has() -> None:
    paths = json.loads((ROOT / "schemas" / "openapi.json").read_text())["paths"]
    routes = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), verbs) for path, verbs in paths.items()]
    asked = {}

    class Asking(Methods):
        def perform(self, call: Any) -> None:
            asked[call.method.lower(), call.path] = call

    for name, method in public(Asking).items():
        if name not in {"perform", "submit"}:  # where a record goes is its own kind's choice
            needed = [
                one for one in parameters(method)[1:] if one.default is one.empty and one.kind is not one.VAR_KEYWORD
            ]
            kinds = [typing.get_origin(one.annotation) or one.annotation for one in needed]
            method(Asking(), *(GIVEN.get(kind, []) for kind in kinds))
    assert len(asked) > 100
    for verb, path in asked:
        assert any(verb in verbs and route.fullmatch(path) for route, verbs in routes), f"{verb} {path}"


def spectrum() -> bytes:
    """A mass spectrum that nobody has sent before."""
    peaks = "165.07 120\n211.075 210\n268.133 400\n328.154 999\n"
    return f"Name: {time.time_ns()}\nPrecursorMZ: 370.1649\nIon_mode: P\nNum Peaks: 4\n{peaks}".encode()


@pytest.fixture
async def awaited(exchange: Exchange) -> AsyncIterator[Any]:
    """An asynchronous client for an agency: `awaited("KZ-CUS")`."""
    opened: list[AsyncClient] = []

    def of(name: str, purpose: str = "operational") -> AsyncClient:
        key = exchange.region.profiles[name].load_request_key()
        opened.append(AsyncClient(service=exchange.settings.origin, key=key, purpose=purpose))
        return opened[-1]

    yield of
    for client in opened:
        await client.aclose()


async def test_what_the_plain_client_knows_of_itself_the_other_knows_too(exchange: Exchange, awaited: Any) -> None:
    plain, client = exchange.client("KZ-CUS"), awaited("KZ-CUS")
    assert client.address == plain.address == exchange.settings.origin
    assert (await client.service_key).kid == plain.service_key.kid
    answer = await client.fetch("/v1/units")
    assert (answer.status_code, answer.content) == (200, plain.fetch("/v1/units").content)
    assert (await client.fetch("/v1/none")).status_code == 404


async def test_a_standing_order_begins_and_ends_and_a_draft_is_read(exchange: Exchange, awaited: Any) -> None:
    plain, client = exchange.client("KZ-CUS"), awaited("KZ-CUS")
    order = (await client.subscribe({"name": "All that is new", "delivery": "digest"}))["id"]
    assert order in [one["id"] for one in plain.subscriptions()["items"]]
    assert json.loads(await client.digest(order))["events"] == json.loads(plain.digest(order))["events"]
    assert plain.deliveries(order, state="dead")["items"] == (await client.deliveries(order))["items"] == []
    plain.unsubscribe(order)
    ended = {one["id"]: one["ended"] for one in (await client.subscriptions())["items"]}
    assert ended[order]

    drafted = plain.draft_alert({"title": "Red tablets", "text": "Reported by a clinic."})["id"]
    assert (await client.alert(drafted))["title"] == "Red tablets"
    assert drafted in [one["id"] for one in plain.alerts(state="reviewed")["items"]]
    assert plain.alert_candidates(limit=5) == await client.alert_candidates(limit=5)
    with pytest.raises(ProblemError):  # another key has to
        await client.issue_alert(drafted, {"level": "INFO", "handling": "TLP:AMBER", "countries": ["KG"]})
    for act in (plain.acknowledge_alert, lambda id_: plain.end_alert(id_, "closed", "Done")):
        with pytest.raises(ProblemError):
            act(drafted)


async def test_a_file_is_sent_listed_named_and_fetched(exchange: Exchange, awaited: Any) -> None:
    plain, client, data = exchange.client("KZ-CUS"), awaited("KZ-CUS"), spectrum()
    begun = await client.begin_upload(len(data), hashlib.sha256(data).hexdigest())
    assert plain.upload(begun["id"])["received"] == 0
    await client.give_upload_up(begun["id"])
    with pytest.raises(ProblemError):
        await client.upload(begun["id"])

    begun = await client.begin_upload(len(data), hashlib.sha256(data).hexdigest())
    kept = (await client.extend_upload(begun["id"], 0, data))["attachment"]
    assert kept["sha256"] in [one["sha256"] for one in plain.own_attachments(limit=100)["items"]]
    assert await client.own_attachment(kept["sha256"]) == plain.own_attachment(kept["sha256"]) == data
    named = {"line": 1, "technique": "MS", **{name: kept[name] for name in ("media_type", "sha256", "size")}}
    record = (await client.submit(exchange.sign(heroin("KZ-CUS", spectra=[named])))).id
    assert [one["sha256"] for one in (await client.attachments(record))["items"]] == [kept["sha256"]]
    assert await client.attachment(record, kept["sha256"], 10) == data[10:]
    assert attachments.fetch(plain, record, kept["sha256"], data[:7]) == data


async def test_a_reference_spectrum_is_submitted_found_and_taken_back(exchange: Exchange, awaited: Any) -> None:
    plain, client = exchange.client("KG-LAB", "forensic"), awaited("KG-LAB", "forensic")
    (added,) = (await client.submit_spectra(spectrum(), licence="CC0", substance=HEROIN))["added"]
    assert added in [one["id"] for one in plain.spectra_library(substance=HEROIN, limit=100)["items"]]
    assert (await client.library_spectrum(added))["peaks"] == plain.library_spectrum(added)["peaks"]
    found = await client.search_spectra(spectrum(), hits=False)
    assert found["candidates"] == plain.search_spectra(spectrum())["candidates"]
    assert found["candidates"][0]["substance"] == HEROIN
    await client.withdraw_spectrum(added)
    with pytest.raises(ProblemError):
        plain.library_spectrum(added)


async def test_the_catalogue_structures_and_lists_are_asked(exchange: Exchange, awaited: Any) -> None:
    plain, client = exchange.client("RU-LAB"), awaited("RU-LAB")
    assert HEROIN in [one["code"] for one in (await client.find_substances(q="heroin"))["items"]]
    assert (await client.substance(HEROIN)) == plain.substance(HEROIN)
    assert (await client.drawing(MEPHEDRONE)).startswith("<?xml")
    examined = await client.examine_structure({"smiles": "CNC(C)C(=O)c1ccc(C)cc1"})
    assert examined == plain.examine_structure({"smiles": "CNC(C)C(=O)c1ccc(C)cc1"}, picture=False)

    made = (await client.register_provisional({"name": "white powder", "formula": "C17H19NO2"}))["code"]
    assert plain.provisional_substance(made)["name"] == "white powder"
    assert made in [one["code"] for one in plain.provisional_substances(owner="RU", resolved="false")["items"]]
    officer = exchange.client("RU-DCA/policy", None)
    assert officer.publish_provisional(made)["code"] == made
    with pytest.raises(ProblemError):  # another key has to
        await client.resolve_provisional(made, {"substance": MEPHEDRONE, "reason": "x", "structure_differs": False})

    document = {
        "listing": "sarhad-listing/1", "country": "TM", "entry": f"tm-{time.time_ns()}", "version": 1,
        "substance": MEPHEDRONE, "schedule": "List I", "legal_basis": "Order 1", "valid_from": "2012-01-01",
    }  # fmt: skip
    key = exchange.region.profiles["TM-DCA/policy"].load_record_key()
    exchange.client("TM-DCA/policy", None).enter_listing(sign_listing(key, document))
    assert document["entry"] in [one["entry"] for one in (await client.listings(country="TM", limit=100))["items"]]
    assert (await client.listing("TM", document["entry"]))["versions"]
    assert (await client.control(MEPHEDRONE, "2020-01-01"))["countries"]["TM"]["status"] == "listed"
    assert (await client.listing_table(substance=MEPHEDRONE)) == plain.listing_table(substance=MEPHEDRONE)
