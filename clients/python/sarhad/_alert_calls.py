"""The calls about alerts, candidates and standing orders. All of them state the client's purpose."""

from collections.abc import Mapping
from typing import Any

from sarhad._calls import Call, _act, _content, _get, _nothing, _segment


def _say(path: str, document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    return _act(path, document, purposeful=True)


def alert_candidates(**params: Any) -> Call[dict[str, Any]]:
    """What the rules have found in one's own eyes, newest first; by `state`."""
    return _get("/v1/alerts/candidates", params)


def review_candidate(candidate_id: str, document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Raise a candidate to an alert or dismiss it: `{"decision": "raise" | "dismiss", "title", "text"}`."""
    return _say(f"/v1/alerts/candidates/{_segment(candidate_id)}/review", document)


def draft_alert(document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Draft an alert that no rule proposed; another key issues it."""
    return _say("/v1/alerts", document)


def alerts(**params: Any) -> Call[dict[str, Any]]:
    """Alerts of one's own country and those that reached one, newest first; by `state`."""
    return _get("/v1/alerts", params)


def alert(alert_id: str) -> Call[dict[str, Any]]:
    """One alert; its issuer also reads who took note and what they say."""
    return _get(f"/v1/alerts/{_segment(alert_id)}")


def issue_alert(alert_id: str, document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Issue what another key drafted: `{"level", "handling", "countries"}`; without countries to every member."""
    return _say(f"/v1/alerts/{_segment(alert_id)}/issue", document)


def acknowledge_alert(alert_id: str) -> Call[dict[str, Any]]:
    """Take note of an alert."""
    return _say(f"/v1/alerts/{_segment(alert_id)}/acknowledgement", {})


def answer_alert(alert_id: str, document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Tell the issuer what came of an alert: `action`, and whether it was `useful`."""
    return _say(f"/v1/alerts/{_segment(alert_id)}/feedback", document)


def end_alert(alert_id: str, state: str, reason: str) -> Call[dict[str, Any]]:
    """End an own alert: `closed`, or `retracted`."""
    return _say(f"/v1/alerts/{_segment(alert_id)}/ending/{state}", {"reason": reason})


def subscribe(document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """A standing order: have the rules look through one's eyes and be told, `{"name", "delivery", …}`."""
    return _say("/v1/subscriptions", document)


def subscriptions() -> Call[dict[str, Any]]:
    """The standing orders of one's agency."""
    return _get("/v1/subscriptions")


def unsubscribe(subscription_id: str) -> Call[None]:
    """End a standing order."""
    return Call("DELETE", f"/v1/subscriptions/{_segment(subscription_id)}", _nothing, repeatable=False, purposeful=True)


def deliveries(subscription_id: str, /, **params: Any) -> Call[dict[str, Any]]:
    """What became of a webhook's events; by `state`: waiting, sent or dead."""
    return _get(f"/v1/subscriptions/{_segment(subscription_id)}/deliveries", params)


def deliver_again(subscription_id: str, kind: str, subject: str) -> Call[dict[str, Any]]:
    """Try a dead delivery once more."""
    path = f"/v1/subscriptions/{_segment(subscription_id)}/deliveries/{_segment(kind)}/{_segment(subject)}/again"
    return _say(path, {})


def digest(subscription_id: str, day: str | None = None) -> Call[bytes]:
    """A day's events (UTC; yesterday's where none is named) as one JSON file, as one may see them now."""
    path = f"/v1/subscriptions/{_segment(subscription_id)}/digest"
    return Call("GET", path, _content, params={"day": day} if day else {})
