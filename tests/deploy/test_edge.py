"""What the configuration of nginx lets through: TLS 1.3 alone, no figures, no word of itself."""

import re
from pathlib import Path

CONF = (Path(__file__).parents[2] / "deploy" / "nginx" / "sarhad.conf").read_text()
DIRECTIVES = re.findall(r'^[ ]*(\w+)[ ]+((?:"[^"]*"|[^";\n{])+);', CONF, re.MULTILINE)


def given(name: str) -> list[str]:
    return [value for found, value in DIRECTIVES if found == name]


def test_nothing_is_answered_in_clear() -> None:
    assert given("listen") == ["443 ssl http2"]
    assert given("ssl_protocols") == ["TLSv1.3"]
    assert given("add_header") == ['Strict-Transport-Security "max-age=31536000; includeSubDomains" always']


def test_figures_are_for_the_host_alone() -> None:
    assert "location = /metrics { allow 127.0.0.1; deny all; proxy_pass http://sarhad; }" in CONF


def test_it_says_nothing_of_itself_and_sets_no_header_that_means_something() -> None:
    assert given("server_tokens") == ["off"]
    assert given("gzip") == ["off"]
    assert set(given("proxy_set_header")) == {"Host $http_host", 'Connection ""'}


def test_slow_and_large_requests_end_here() -> None:
    assert given("client_header_timeout") == ["15s"]
    assert given("client_body_timeout") == ["60s"]
    assert given("keepalive_timeout") == ["20s"]
    assert given("client_max_body_size") == ["1m", "1g", "9m"]  # of all; of batches; of pieces of files
