"""From a report to the desk of whom it concerns: candidates in a reader's eyes, alerts, streams, webhooks, digests."""

import hashlib
import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ED25519
from sarhad.records import item
from sqlalchemy import create_engine, text

from service.signing import ServiceKey
from tests.alerts.conftest import Call, Listener, Receiver
from tests.awaiting import eventually
from tests.exchange import Exchange, heroin
from tests.seizures.wiring import Agency

# Each test brings a substance that no other test of the suite files.
RARE = iter(["SAR-000348", "SAR-000350", "SAR-000351", "SAR-000353", "SAR-000354", "SAR-000358", "SAR-000359",
             "SAR-000365", "SAR-000366", "SAR-000374", "SAR-000379", "SAR-000380"])  # fmt: skip
FENTANYL = "SAR-000529"


def filed(customs: Agency, substance: str, handling: str = "TLP:GREEN") -> str:
    record = heroin(customs.name, handling=handling, items=[item(substance, "порошок", "0.5", "kg", status="PRES")])
    assert customs.post(customs.sign(record)).status == 201
    return str(record.id)


@pytest.fixture(scope="module")
def stream(call: Call) -> str:
    made = call("KG-CUS", "POST", "/v1/subscriptions", {"name": "desk", "delivery": "stream"})
    assert made.status == 201, made.body
    return str(made.json()["id"])


@pytest.fixture
def listener(warned: Exchange, stream: str) -> Iterator[Listener]:
    opened = Listener.when_free(warned, "KG-CUS", stream)
    yield opened
    opened.close()


def of(substance: str, rule: str | None = None) -> Callable[[str, Any], bool]:
    def wanted(kind: str, event: Any) -> bool:
        candidate = event.get("candidate", {}) if isinstance(event, dict) else {}
        return candidate.get("substance") == substance and rule in (None, candidate.get("rule"))

    return wanted


def mine(call: Call, name: str = "KG-CUS", **query: str) -> list[dict[str, Any]]:
    return list(call(name, "GET", "/v1/alerts/candidates", limit="200", **query).json()["items"])


def test_a_first_appearance_streams_to_whom_the_record_is_shared(
    customs: Agency, listener: Listener, call: Call
) -> None:
    substance = next(RARE)
    began = time.monotonic()
    record = filed(customs, substance)
    kind, id_, event = listener.until(of(substance))
    latency = time.monotonic() - began
    assert kind == "candidate"
    assert event["candidate"]["record"] == record
    second = listener.until(of(substance))[2]["candidate"]
    assert {event["candidate"]["rule"], second["rule"]} == {"FIRST_IN_REGION", "FIRST_IN_COUNTRY"}
    assert listener.headers["content-type"].startswith("text/event-stream")
    assert "content-digest" not in listener.headers
    assert "signature" in listener.headers
    assert id_
    print(json.dumps({"alert_latency_seconds": round(latency, 2)}))
    filed(customs, substance)  # the second of its kind is no news
    other = next(RARE)
    filed(customs, other)
    listener.until(of(other))
    assert len([c for c in mine(call) if c["substance"] == substance]) == 2


def test_what_is_hidden_neither_warns_nor_keeps_from_warning(customs: Agency, listener: Listener, call: Call) -> None:
    """D15. First in region is said of what the reader sees: a hidden first of another is no oracle by its absence."""
    substance, other = next(RARE), next(RARE)
    filed(customs, substance, handling="TLP:RED")  # Kyrgyzstan is given green only
    filed(customs, other)
    listener.until(of(other))
    assert [c for c in mine(call) if c["substance"] == substance] == []
    shown = filed(customs, substance)
    assert listener.until(of(substance, "FIRST_IN_REGION"))[2]["candidate"]["record"] == shown


def test_a_dangerous_substance_warns_every_time(customs: Agency, listener: Listener) -> None:
    for _ in range(2):
        record = filed(customs, FENTANYL)
        event = listener.until(lambda _, e, r=record: e.get("candidate", {}).get("record") == r
                               and e["candidate"]["rule"] == "DANGEROUS_SUBSTANCE")  # fmt: skip
        assert "overdose" in event[2]["candidate"]["facts"]["why"]


def raised(call: Call, substance: str) -> tuple[str, str]:
    """(candidate, alert) of a first appearance, raised by the analyst of the Kyrgyz customs."""
    (found, *_) = eventually(lambda: [c for c in mine(call) if c["substance"] == substance])
    said = {"decision": "raise", "title": "A new cannabinoid", "text": "Seen at the border; handle with gloves."}
    answer = call("KG-CUS", "POST", f"/v1/alerts/candidates/{found['id']}/review", said)
    assert answer.status == 200, answer.body
    return found["id"], answer.json()["alert"]


def test_an_alert_lives_by_two_keys_and_reaches_who_may_see_what_it_rests_on(
    warned: Exchange, customs: Agency, stream: str, call: Call
) -> None:
    substance = next(RARE)
    record = filed(customs, substance)
    candidate, alert = raised(call, substance)
    again = call("KG-CUS", "POST", f"/v1/alerts/candidates/{candidate}/review", {"decision": "dismiss"})
    assert again.problem == "candidate-settled"
    path = f"/v1/alerts/{alert}"
    order = {"level": "URGENT", "handling": "TLP:GREEN"}
    assert call("KG-CUS", "POST", f"{path}/issue", order).problem == "role-required"
    wide = call("KG-DCA/policy", "POST", f"{path}/issue", {**order, "handling": "TLP:CLEAR"})
    assert (wide.problem, wide.json()["expected"]) == ("handling-too-wide", "TLP:GREEN")
    assert call("KG-DCA/policy", "POST", f"{path}/issue", {**order, "countries": ["XX"]}).problem == "audience-unknown"
    for name in ("KZ-CUS", "UZ-CUS"):
        assert call(name, "GET", path).status == 404  # not issued yet
    assert call("KG-DCA/policy", "POST", f"{path}/issue", order).status == 200
    assert call("KG-DCA/policy", "POST", f"{path}/issue", order).problem == "not-in-this-state"
    shown = call("KZ-CUS", "GET", path)
    assert (shown.status, shown.json()["records"]) == (200, [record])
    # Uzbekistan is a member, and is not given the record that the alert rests on
    unknown = "/v1/alerts/8b1c1f0a-6d0e-4f7b-9a52-0f6e6a2f6f00"
    assert call("UZ-CUS", "GET", path).body == call("UZ-CUS", "GET", unknown).body
    assert alert.encode() not in call("UZ-CUS", "GET", "/v1/alerts").body
    assert call("UZ-CUS", "POST", f"{path}/acknowledgement", {}).status == 404
    said = {"action": "Posts were told.", "useful": True}
    assert call("KZ-CUS", "POST", f"{path}/feedback", said).problem == "not-in-this-state"
    assert call("KZ-CUS", "POST", f"{path}/acknowledgement", {}).status == 200
    assert call("KZ-DCA/policy", "POST", f"{path}/acknowledgement", {}).problem == "acknowledged-before"
    assert call("KZ-CUS", "POST", f"{path}/feedback", said).status == 200
    (answer,) = call("KG-CUS", "GET", path).json()["answers"]
    assert (answer["country"], answer["useful"]) == ("KZ", True)
    kinds = {n["kind"] for n in call("KG-CUS", "GET", "/v1/inbox").json()["items"]}
    assert kinds >= {"alert-acknowledged", "alert-feedback"}
    assert call("KZ-DCA/policy", "POST", f"{path}/ending/retracted", {"reason": "x"}).status == 404
    assert call("KG-DCA/policy", "POST", f"{path}/ending/retracted", {"reason": "A wrong standard."}).status == 200
    assert call("KZ-CUS", "GET", path).json()["state"] == "retracted"
    assert "alert-retracted" in {n["kind"] for n in call("KZ-CUS", "GET", "/v1/inbox").json()["items"]}
    with create_engine(warned.settings.database_as()).connect() as connection:
        acts = connection.execute(
            text("SELECT CAST(document AS json) ->> 'act' FROM core.governance_event WHERE strpos(document, :id) > 0"),
            {"id": alert},
        ).scalars()
        assert set(acts) >= {"review-alert", "issue-alert", "acknowledge-alert", "alert-feedback", "retracted-alert"}


def test_an_alert_that_is_over_is_closed_by_its_country_and_told_as_closed(call: Call, stream: str) -> None:
    drafted = call("KG-CUS", "POST", "/v1/alerts", {"title": "Purple powder", "text": "Handle with gloves."})
    path = f"/v1/alerts/{drafted.json()['id']}"
    over = {"reason": "The supply has dried up."}
    early = call("KG-DCA/policy", "POST", f"{path}/ending/closed", over)
    assert (early.problem, early.json()["expected"]) == ("not-in-this-state", "issued")
    order = {"level": "INFO", "handling": "TLP:GREEN"}
    assert call("KG-DCA/policy", "POST", f"{path}/issue", order).status == 200
    assert call("KZ-CUS", "POST", f"{path}/acknowledgement", {}).status == 200
    assert call("KG-CUS", "POST", f"{path}/ending/closed", over).problem == "role-required"
    assert call("KZ-DCA/policy", "POST", f"{path}/ending/closed", over).status == 404
    assert call("KG-DCA/policy", "POST", f"{path}/ending/closed", over).status == 200
    shown = call("KZ-CUS", "GET", path).json()
    assert (shown["state"], shown["reason"], shown["level"]) == ("closed", over["reason"], "INFO")
    assert path[-36:] in {alert["id"] for alert in call("KZ-CUS", "GET", "/v1/alerts", state="closed").json()["items"]}
    for again in ("closed", "retracted"):
        assert call("KG-DCA/policy", "POST", f"{path}/ending/{again}", over).problem == "not-in-this-state"
    today = time.strftime("%Y-%m-%d", time.gmtime())
    digest = call("KG-CUS", "GET", f"/v1/subscriptions/{stream}/digest", day=today).json()["events"]
    assert [event["kind"] for event in digest if event["id"] == path[-36:]] == ["issued", "closed"]
    notices = call("KZ-CUS", "GET", "/v1/inbox", kind="alert-retracted", limit="500").json()["items"]
    assert path not in {notice["subject"] for notice in notices}, "what is over was not wrong"
    said = {"action": "Posts were told.", "useful": True}
    assert call("KZ-CUS", "POST", f"{path}/feedback", said).status == 200, "what was done is worth knowing afterwards"
    for useful in (False, True):
        assert call("KZ-CUS", "POST", f"{path}/feedback", {**said, "useful": useful}).status == 200
    notices = call("KG-CUS", "GET", "/v1/inbox", kind="alert-feedback", limit="500").json()["items"]
    assert [notice["subject"] for notice in notices].count(path) == 1, "of the first of them"
    assert call("KG-CUS", "GET", path).json()["answers"][0]["useful"] is True


def test_red_names_who_may_read_and_a_second_key_issues(warned: Exchange, call: Call) -> None:
    drafted = call("KG-CUS", "POST", "/v1/alerts", {"title": "x", "text": "y"})
    path = f"/v1/alerts/{drafted.json()['id']}"
    red = {"level": "INFO", "handling": "TLP:RED"}
    assert call("KG-DCA/policy", "POST", f"{path}/issue", red).problem == "audience-unknown"
    assert call("KG-DCA/policy", "POST", f"{path}/issue", {**red, "countries": ["TJ"]}).status == 200
    assert call("TJ-CUS", "GET", path).status == 200
    assert call("KZ-CUS", "GET", path).status == 404
    own = call("KG-DCA/policy", "POST", "/v1/alerts", {"title": "x", "text": "y"}).json()["id"]
    issue = call("KG-DCA/policy", "POST", f"/v1/alerts/{own}/issue", {"level": "INFO", "handling": "TLP:GREEN"})
    assert issue.problem == "second-key-issues"


def test_a_webhook_gets_a_signed_request_and_follows_no_redirect(
    warned: Exchange, customs: Agency, call: Call, receiver: Receiver
) -> None:
    order = {"name": "hook", "delivery": "webhook", "url": receiver.url, "rules": ["FIRST_IN_REGION"]}
    made = call("KG-CUS", "POST", "/v1/subscriptions", order)
    assert made.status == 201, made.body
    hook = f"/v1/subscriptions/{made.json()['id']}"
    substance = next(RARE)
    record = filed(customs, substance)
    path, headers, body = receiver.requests.get(timeout=120)
    event = json.loads(body)
    assert (path, event["candidate"]["record"]) == ("/hook", record)
    jwk = ServiceKey.load_or_create(warned.settings.state_dir)

    class Keys(HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id: str) -> Any:
            assert key_id == jwk.kid
            return jwk.public_key

    class Message:
        method, url = "POST", receiver.url

        def __init__(self) -> None:
            self.headers, self.body = headers, body

    (verified,) = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=Keys()).verify(Message())
    assert {'"@method"', '"@target-uri"', '"@authority"', '"content-digest"'} <= verified.covered_components.keys()
    digest = hashlib.sha256(body).digest()
    assert b64encode(digest).decode() in headers["content-digest"]
    sent = eventually(lambda: call("KG-CUS", "GET", f"{hook}/deliveries", state="sent").json()["items"])
    assert sent[0]["attempts"] == 1
    receiver.status = 302  # redirects are not followed
    second = filed(customs, next(RARE))
    assert json.loads(receiver.requests.get(timeout=120)[2])["candidate"]["record"] == second
    waiting = eventually(
        lambda: [d for d in call("KG-CUS", "GET", f"{hook}/deliveries").json()["items"] if d["fault"] == "Status302"]
    )
    assert waiting[0]["state"] == "waiting"
    assert call("KZ-CUS", "GET", f"{hook}/deliveries").status == 404
    assert call("KG-CUS", "DELETE", hook).status == 204


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({"name": "x", "delivery": "webhook", "url": "https://10.0.0.1/"}, "address-refused"),
        ({"name": "x", "delivery": "webhook", "url": "https://u:p@example.org/"}, "address-refused"),
        ({"name": "x", "delivery": "webhook"}, "invalid-request"),
        ({"name": "x", "delivery": "stream", "groups": ["none"]}, "unknown-group"),
        ({"name": "x", "delivery": "stream", "rules": ["HOROSCOPE"]}, "invalid-request"),
    ],
)
def test_an_order_that_cannot_be_is_refused(call: Call, order: Any, problem: str) -> None:
    assert call("KG-CUS", "POST", "/v1/subscriptions", order).problem == problem


def test_a_stream_goes_on_after_an_event_and_a_digest_holds_the_day(
    warned: Exchange, customs: Agency, stream: str, call: Call
) -> None:
    first, second = next(RARE), next(RARE)
    listener = Listener.when_free(warned, "KG-CUS", stream)
    filed(customs, first)
    _, place, _ = listener.until(of(first, "FIRST_IN_COUNTRY"))
    listener.close()
    filed(customs, second)
    eventually(lambda: [c for c in mine(call) if c["substance"] == second])
    resumed = Listener.when_free(warned, "KG-CUS", stream, after=place)
    came: list[Any] = []
    resumed.until(lambda kind, event: came.append(event) or of(second)(kind, event))
    assert first not in {event.get("candidate", {}).get("substance") for event in came}
    resumed.close()
    assert call("TJ-CUS", "GET", f"/v1/subscriptions/{stream}/stream").status == 404
    path = f"/v1/subscriptions/{stream}/digest"
    days = sorted({one["at"][:10] for one in mine(call) if one["substance"] in (first, second)})
    files = {day: call("KG-CUS", "GET", path, day=day) for day in days}
    found = set[str]()
    for day, file in files.items():
        assert file.headers["content-disposition"].endswith(f'sarhad-{day}.json"')
        events = file.json()["events"]
        found |= {e["candidate"]["substance"] for e in events if "candidate" in e}
        again = call("KG-CUS", "GET", path, day=day).json()["events"]
        assert again[: len(events)] == events, "a day that goes on grows at its end"
    assert {first, second} <= found
    assert call("KG-CUS", "GET", path, day="2020-01-01").json()["events"] == []


def test_streams_are_rationed_and_a_closed_one_gives_its_place_back(warned: Exchange, stream: str) -> None:
    listeners = [Listener.when_free(warned, "KG-CUS", stream) for _ in range(8)]
    assert Listener(warned, "KG-CUS", stream).status == 429
    listeners.pop().close()
    listeners.append(Listener.when_free(warned, "KG-CUS", stream))
    for listener in listeners:
        listener.close()


def test_a_revoked_key_and_a_suspension_end_streams_at_once_and_take_candidates_back(
    warned: Exchange, customs: Agency, stream: str, call: Call, second: str
) -> None:
    """D13, D15."""
    substance = next(RARE)
    filed(customs, substance)
    eventually(lambda: [c for c in mine(call) if c["substance"] == substance])
    of_second = call(second, "POST", "/v1/subscriptions", {"name": "s", "delivery": "stream"}).json()["id"]
    revoked, stopped = Listener.when_free(warned, second, of_second), Listener.when_free(warned, "KG-CUS", stream)
    warned.client("KG-DCA/admin1", None).revoke_key(
        warned.region.profiles[second].load_request_key().public.kid, "A lost key"
    )
    ended = revoked.until(lambda kind, _: kind == "end")
    assert ended[0] == "end"

    suspended = call("KZ-DCA/policy", "POST", "/v1/suspensions", {"towards_country": "KG", "reason": "A leak"})
    assert suspended.status == 201
    stopped.until(lambda kind, _: kind == "end")
    assert mine(call) == []
    today = time.strftime("%Y-%m-%d", time.gmtime())
    left = call("KG-CUS", "GET", f"/v1/subscriptions/{stream}/digest", day=today).json()["events"]
    assert all(event["kind"] != "candidate" and event["alert"]["records"] == [] for event in left)
    lifted = call("KZ-DCA/policy2", "POST", f"/v1/suspensions/{suspended.json()['id']}/lifting", {"reason": "x"})
    assert lifted.status == 200
    assert [c for c in mine(call) if c["substance"] == substance]


def test_deliveries_stand_in_the_owners_access_log(warned: Exchange, stream: str) -> None:
    with create_engine(warned.settings.database_as()).connect() as connection:
        pushed = connection.execute(
            text("SELECT count(*) FROM core.access WHERE method = 'PUSH' AND owner = 'KZ' AND country = 'KG'")
        ).scalar_one()
    assert pushed > 0
