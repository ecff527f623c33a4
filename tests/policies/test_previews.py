"""A preview shows what the reader really gets of these records; a simulation counts what would change."""

import json
import uuid
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sarhad import Client, ProblemError
from sarhad._calls import Call
from sarhad.records import Record
from sqlalchemy import Engine, text
from starlette.requests import Request

from service.app import create_app
from service.database import Database
from service.identity.caller import Caller
from service.previews import look, simulate
from service.settings import Settings
from service.web.sessions import sharing_country
from tests.exchange import Exchange, heroin
from tests.policies.documents import PERMITS, RULES
from tests.policies.evaluator import TLP
from tests.policies.reports import refused
from tests.readings.test_every_route import reading_routes

OWNER = "UZ"
READERS = {
    "TJ-CUS": ("TJ", ["analyst", "reporter"], "analysis"),
    "KZ-CUS": ("KZ", ["analyst", "reporter"], "operational"),
    "TJ-LAB": ("TJ", ["laboratory"], "health"),
}
SEARCH = "/v1/seizures"


@pytest.fixture(scope="module")
def officer(exchange: Exchange) -> Client:
    return exchange.client(f"{OWNER}-DCA/policy", None)


@pytest.fixture(scope="module")
def records(exchange: Exchange) -> list[str]:
    """One report of each label, in the same month, with a value in most facets."""
    client = exchange.client(f"{OWNER}-CUS")
    filed = []
    for number, handling in enumerate(TLP):
        record: Record = heroin(
            f"{OWNER}-CUS",
            handling=handling,
            reference=f"preview-{uuid.uuid4()}",
            instant=f"2019-05-{number + 10}T10:00:00+05:00",
            where_point={"lat": "39.6542", "lon": "66.9597"},
            where_admin1={"code": "UZ-SA"},
            transport={"mode": "3"},
        )
        filed.append(client.submit(exchange.sign(record)).id)
    return filed


def eyes(name: str) -> dict[str, Any]:
    country, roles, purpose = READERS[name]
    return {"country": country, "agency": name, "roles": roles, "purpose": purpose}


def draft(officer: Client, rules: list[dict[str, Any]]) -> dict[str, Any]:
    version = officer.get_policy(OWNER)["latest"] + 1
    numbered = [{"id": str(number), **rule} for number, rule in enumerate(rules)]
    return {"policy": "sarhad-policy/1", "country": OWNER, "version": version, "rules": numbered}


def really(call: Any, *arguments: Any) -> tuple[int, Any]:
    try:
        return 200, call(*arguments)
    except ProblemError as problem:
        return problem.status, problem.document


WIDE = PERMITS.map(lambda rule: rule | {"audience": {}, "purposes": None, "kinds": None, "substance_groups": None})


@examples(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rules=RULES, wide=WIDE, name=st.sampled_from(sorted(READERS)))
def test_a_preview_is_what_that_reader_really_gets(
    exchange: Exchange,
    officer: Client,
    records: list[str],
    rules: list[dict[str, Any]],
    wide: dict[str, Any],
    name: str,
) -> None:
    """Before the draft is adopted the preview tells what its adoption shows, byte for byte."""
    document = draft(officer, [wide, *rules])
    period = {"owner": OWNER, "from": "2019-05-01T00:00:00Z", "to": "2019-06-01T00:00:00Z"}
    questions = [(SEARCH, period, "application/json"), (SEARCH, {"owner": OWNER}, "application/geo+json")]
    questions += [
        (f"{SEARCH}/{id_}", {}, form) for id_ in records for form in ("application/json", "application/sd-jwt")
    ]
    questions += [(f"{SEARCH}/{records[0]}/versions", {}, "application/json")]
    figures = [
        ("/v1/trends", {"by": "month,group"}),
        ("/v1/trends", {"by": "day", "from": "2019-05", "to": "2019-06"}),
        ("/v1/flows", {}),
        ("/v1/analyses", {}),
    ]
    questions += [(path, {"owner": OWNER, **params}, "application/json") for path, params in figures]
    shown = [
        officer.preview_policy(
            OWNER,
            {"as": eyes(name), "document": document, "question": {"path": path, "params": params, "accept": form}},
        )
        for path, params, form in questions
    ]
    exchange.approve(OWNER, document["version"], exchange.propose(document))
    reader = exchange.client(name, READERS[name][2])
    for (path, params, form), preview in zip(questions, shown, strict=True):
        status, body = really(reader.perform, _asked(path, params, form))
        assert preview["status"] == status
        assert _comparable(preview["body"]) == _comparable(body), path


def _asked(path: str, params: dict[str, str], form: str) -> Any:
    def parse(response: Any) -> Any:
        return response.text if form == "application/sd-jwt" else json.loads(response.content)

    return Call("GET", path, parse, params=params, headers={"accept": form})


def _comparable(body: Any) -> Any:
    """Without the version of the reader's policies, and the cursor sealed with it."""
    return {k: v for k, v in body.items() if k not in ("policy", "next")} if isinstance(body, dict) else body


def test_a_preview_opens_nothing_else(exchange: Exchange, officer: Client, records: list[str]) -> None:
    other = exchange.client("RU-CUS").submit(exchange.sign(heroin("RU-CUS"))).id
    own_eyes = {"country": "RU", "agency": "RU-CUS", "roles": ["analyst"], "purpose": "analysis"}
    found = officer.preview_policy(OWNER, {"as": own_eyes, "question": {"path": f"{SEARCH}/{other}"}})
    assert found["status"] == 404
    figures = officer.preview_policy(OWNER, {"as": own_eyes, "question": {"path": "/v1/trends"}})["body"]
    assert [row["owner"] for row in figures["coverage"]["owners"] if row["reported"]] in ([], [OWNER])
    none = officer.preview_policy(
        OWNER, {"as": own_eyes, "question": {"path": "/v1/trends", "params": {"owner": "RU"}}}
    )
    assert none["body"]["cells"] == []
    for path in ("/v1/changes", "/v1/policies/RU", "/v1/seizures/../keys", "/v1/suspensions", "/v1/trends/x"):
        refusal = refused(lambda path=path: officer.preview_policy(OWNER, {"as": own_eyes, "question": {"path": path}}))
        assert (refusal.status, refusal.kind) == (400, "not-previewed")
    stranger = exchange.client("KZ-DCA/policy", None)
    assert refused(lambda: stranger.preview_policy(OWNER, {"as": own_eyes})).kind == "not-your-policy"
    assert refused(lambda: exchange.client("UZ-CUS").preview_policy(OWNER, {"as": own_eyes})).kind == "role-required"
    silent = {**own_eyes, "purpose": None}
    told = officer.preview_policy(OWNER, {"as": silent})
    assert (told["status"], told["body"]["type"]) == (403, "/problems/purpose-required")


def test_a_simulation_counts_who_would_gain_and_who_would_lose(
    exchange: Exchange, officer: Client, records: list[str]
) -> None:
    share = {
        "effect": "permit",
        "audience": {"countries": ["TJ"], "roles": ["analyst"]},
        "purposes": ["analysis"],
        "handling_up_to": "TLP:GREEN",
        "facets": ["items"],
        "time": "month",
        "place": "country",
    }
    exchange.adopt(OWNER, {"id": "0", **share})
    wider = {**share, "handling_up_to": "TLP:AMBER", "facets": ["items", "transport", "narrative"]}
    other = {**share, "audience": {"countries": ["KZ"], "roles": ["laboratory"]}, "purposes": ["health"]}
    period = {"from": "2019-05-01", "to": "2019-06-01"}
    found = officer.simulate_policy(OWNER, {"document": draft(officer, [wider, other]), **period})
    assert found["records"] == len(records)
    by_reader = {(c["country"], tuple(c["roles"])): c for c in found["changes"]}
    assert {key[0] for key in by_reader} == {"TJ", "KZ"}
    analysts = by_reader["TJ", ("analyst",)]
    assert (analysts["purposes"], analysts["agency"]) == (["analysis"], None)
    amber = records[TLP.index("TLP:AMBER")]
    examples = {"newly": [amber], "lost": []}
    assert analysts["records"] == {"before": 2, "after": 3, "newly": 1, "lost": 0, "examples": examples}
    assert analysts["facets"]["transport"] == {"newly": 3, "lost": 0}
    assert analysts["facets"]["items"] == {"newly": 1, "lost": 0}
    laboratories = by_reader["KZ", ("laboratory",)]
    assert laboratories["records"]["newly"] == 2
    nothing = officer.simulate_policy(OWNER, {"document": draft(officer, []), **period})
    lost = {(c["country"], tuple(c["roles"])): c["records"]["lost"] for c in nothing["changes"]}
    assert lost["TJ", ("analyst",)] == 2
    same = officer.simulate_policy(OWNER, {"document": draft(officer, [share]), **period})
    assert same["changes"] == []
    backwards = {"from": "2019-06-01", "to": "2019-05-01"}
    assert refused(lambda: officer.simulate_policy(OWNER, backwards)).kind == "invalid-request"


def test_what_an_officer_is_shown_stands_in_the_access_log(
    exchange: Exchange, officer: Client, superuser: Engine
) -> None:
    """Through the eyes of its own agency an officer reads everything: no way round the log."""
    own = {"country": OWNER, "agency": f"{OWNER}-CUS", "roles": ["reporter"], "purpose": "operational"}
    record = exchange.client(f"{OWNER}-CUS").submit(exchange.sign(heroin(f"{OWNER}-CUS"))).id
    shown = officer.preview_policy(OWNER, {"as": own, "question": {"path": f"{SEARCH}/{record}"}})
    assert shown["status"] == 200
    key = exchange.region.profiles[f"{OWNER}-DCA/policy"].load_request_key().kid
    logged = text("SELECT method, owner, agency FROM core.access WHERE key_id = :key AND :record = ANY (record_ids)")
    with superuser.connect() as connection:
        found = connection.execute(logged, {"key": key, "record": uuid.UUID(record)}).all()
        trials = connection.scalar(text("SELECT count(*) FROM gate.context WHERE trial = :own"), {"own": OWNER})
    assert [tuple(row) for row in found] == [("POST", OWNER, f"{OWNER}-DCA")]
    assert trials == 0, "what a preview looked through is gone with its answer"


def test_what_a_simulation_counts_and_names_stands_in_the_access_log(
    exchange: Exchange, officer: Client, records: list[str], superuser: Engine
) -> None:
    wide = {"effect": "permit", "audience": {}, "handling_up_to": "TLP:RED", "time": "month"}
    period = {"from": "2019-05-01", "to": "2019-06-01"}
    told = officer.simulate_policy(OWNER, {"document": draft(officer, [wide]), **period})
    shown = {id_ for effect in told["changes"] for id_ in effect["records"]["examples"]["newly"]}
    assert set(records) <= shown
    key = exchange.region.profiles[f"{OWNER}-DCA/policy"].load_request_key().kid
    logged = text(
        "SELECT owner, records, record_ids, policy FROM core.access WHERE key_id = :key"
        " AND route = '/v1/policies/{owner}/simulation' ORDER BY at DESC LIMIT 1"
    )
    with superuser.connect() as connection:
        entry = connection.execute(logged, {"key": key}).one()
    assert (entry.owner, entry.records) == (OWNER, told["records"])
    assert {str(id_) for id_ in entry.record_ids} == shown
    assert entry.policy


# Routes that give shared data and are not looked at through another's eyes, and why.
NOT_PREVIEWED = {
    "/ogc/collections/": "the rows and columns of /v1/seizures, from the same views",
    "/v1/records/{record_id}/attachments": "the owner has its own files; which a reader is given, the facets say",
    "/v1/alerts": "what was told to the reader's own keys; of a trial there are none",
    "/v1/subscriptions": "what the reader's own keys have asked for; of a trial there are none",
    "/v1/exports": "files that the reader's own keys have asked for; built by the question, which is previewed",
    "/v1/links": "proposals weighed for those who see both records; which records a reader sees is previewed",
    "/v1/profiles/": "records of laboratories by likeness; which of them a reader sees is previewed",
    "/v1/questions": "what the reader's own keys have saved; the question itself is previewed",
}


def test_every_route_that_gives_shared_data_is_previewed_or_not_for_a_reason() -> None:
    """A new route stands here, or in `look.PREVIEWED`, before it is served."""
    gets = {path for path, its in create_app().openapi()["paths"].items() if "get" in its}
    shared = {path for path, _, caller in reading_routes() if caller.purpose} & gets
    reasoned = {path for path in shared if path.startswith(tuple(NOT_PREVIEWED))}
    assert set(look.PREVIEWED) <= shared
    assert shared - set(look.PREVIEWED) == reasoned


async def test_a_preview_draws_on_the_connections_of_who_looks() -> None:
    """Not of the reader it looks through, whom an officer could otherwise lock out."""
    request = Request({"type": "http", "state": {}})
    request.state.caller = Caller("key", "KG-CUS", "KG", frozenset({"analyst"}))
    assert sharing_country(request) == "KG"
    request.state.charged = "UZ"
    assert sharing_country(request) == "UZ"


async def test_a_simulation_of_too_many_kinds_of_records_is_refused(
    settings: Settings, records: list[str], superuser: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "MOST_BUCKETS", 2)
    database = Database(settings)
    with superuser.connect() as connection:
        enter = text("SELECT gate.enter(:country, :agency, ARRAY['policy_officer'], '')")
        token = connection.execute(enter, {"country": OWNER, "agency": f"{OWNER}-DCA"}).scalar_one()
        connection.commit()
    try:
        async with database.writing() as session:
            await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
            with pytest.raises(simulate.SimulationTooLarge):
                await simulate.buckets(session, date(2019, 5, 1), date(2019, 6, 1))
    finally:
        await database.dispose()
