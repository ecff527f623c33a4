"""What a browser is told, and what another page could make of it: no cookie, no origin but our own, nothing listed."""

import httpx
import pytest

from tests.exchange import CONSOLE, Exchange

ELSEWHERE = {"origin": "https://elsewhere.example", "access-control-request-method": "GET"}


@pytest.mark.parametrize("path", ["/healthz", "/v1/countries", "/v1/console", "/nowhere", "/openapi.json"])
def test_no_cookie_is_set_and_no_other_page_is_let_in(exchange: Exchange, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        headers = exchange.anyone.request(method, path, headers=ELSEWHERE).headers
        assert "set-cookie" not in headers
        assert [name for name in headers if name.startswith("access-control-")] == []
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "TRACK", "PROPFIND"])
def test_what_nobody_needs_is_refused(exchange: Exchange, method: str) -> None:
    answer = exchange.anyone.request(method, "/v1/countries", headers={"x-secret": "4711"})
    assert answer.status_code in {400, 405}
    assert "4711" not in answer.text


@pytest.mark.skipif(not CONSOLE.is_dir(), reason="the console is not built")
def test_the_page_runs_its_own_scripts_alone(exchange: Exchange) -> None:
    with httpx.Client(base_url=exchange.settings.console) as browser:
        page = browser.get("/console/")
        policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
        assert (
            policy["default-src"]
            == policy["base-uri"]
            == policy["form-action"]
            == policy["frame-ancestors"]
            == "'none'"
        )
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["require-trusted-types-for"] == "'script'"
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert browser.get("/console/assets/").status_code == 404
        assert browser.get("/console/../pyproject.toml").status_code == 404
        assert browser.get("/console/%2e%2e/%2e%2e/package.json").status_code == 404
