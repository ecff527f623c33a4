"""Where two people are needed, a person is one, whatever keys its sign-ins bring: analyses, links and alerts."""

from typing import Any

import pytest
from sarhad.analyses import issue_reviewed
from sarhad.records import Record

from tests.analyses.laboratory import heroin_found
from tests.exchange import Exchange
from tests.links.wiring import passes
from tests.signin.conftest import Browser, add_officer
from tests.signing.wire import Reply, send, sign

TABLET = {
    "exhibit": 1, "form": "TAB", "colour": "pink", "logo": "one hand", "shape": "round", "score": "SINGLE",
    "diameter_mm": "8.1",
}  # fmt: skip


class Officer:
    """Somebody who signs in again and again, each time with new keys."""

    def __init__(self, exchange: Exchange, agency: str, roles: tuple[str, ...]) -> None:
        self._exchange = exchange
        self._first = Browser(exchange)
        assert self._first.enrol(add_officer(exchange, agency, roles)["code"]).status_code == 201

    def sign_in(self) -> Browser:
        browser = Browser(self._exchange)
        browser.passkey = self._first.passkey
        assert browser.sign_in().status_code == 201
        return browser


@pytest.fixture(scope="module")
def chemist(exchange: Exchange) -> Officer:
    return Officer(exchange, "TJ-LAB", ("laboratory",))


@pytest.fixture(scope="module")
def colleague(exchange: Exchange) -> Officer:
    return Officer(exchange, "TJ-LAB", ("laboratory",))


def found(**facets: Any) -> Record:
    return heroin_found("TJ-LAB", **facets)


def file(analyst: Browser, reviewer: Browser, record: Record) -> Reply:
    """The analysis, signed by the one and countersigned by the other."""
    signed = issue_reviewed(analyst.records, reviewer.records, record)
    body, form = signed.encode(), "application/sd-jwt"
    return send(analyst.origin, sign(analyst.requests, analyst.origin, "POST", "/v1/analyses", body, content_type=form))


def test_nobody_reviews_an_own_analysis_with_the_keys_of_another_sign_in(chemist: Officer, colleague: Officer) -> None:
    analyst, again, other = chemist.sign_in(), chemist.sign_in(), colleague.sign_in()
    record = found()
    refused = file(analyst, again, record)
    assert (refused.status, refused.problem) == (422, "reviewer-is-analyst")
    assert "one person" in refused.json()["detail"]
    assert file(analyst, other, record).status == 201


def test_nobody_confirms_a_link_twice_by_signing_in_again(
    exchange: Exchange, chemist: Officer, colleague: Officer
) -> None:
    first, again, other = chemist.sign_in(), chemist.sign_in(), colleague.sign_in()
    one = found(marks=[TABLET])
    for record in (one, found(marks=[TABLET])):
        assert file(first, other, record).status == 201
    passes(exchange.settings)
    (link,) = first.ask("GET", f"/v1/links?record={one.id}", purpose="forensic").json()["items"]
    path = f"/v1/links/{link['id']}/confirmation"
    assert first.ask("POST", path, {}, "forensic").json()["state"] == "proposed"
    refused = again.ask("POST", path, {}, "forensic")
    assert (refused.status, refused.problem) == (409, "second-key-needed")
    assert other.ask("POST", path, {}, "forensic").json()["state"] == "confirmed"


def test_nobody_issues_an_own_alert_by_signing_in_again(exchange: Exchange) -> None:
    officer, second = (Officer(exchange, "TJ-DCA", ("analyst", "policy_officer")) for _ in range(2))
    author = officer.sign_in()
    drafted = author.ask("POST", "/v1/alerts", {"title": "A new powder", "text": "Gloves."}, "operational")
    assert drafted.status == 201, drafted.body
    path, order = (
        f"/v1/alerts/{drafted.json()['id']}/issue",
        {"level": "INFO", "handling": "TLP:RED", "countries": ["TJ"]},
    )
    for browser in (author, officer.sign_in()):
        refused = browser.ask("POST", path, order, "operational")
        assert (refused.status, refused.problem) == (403, "second-key-issues")
    assert second.sign_in().ask("POST", path, order, "operational").status == 200
