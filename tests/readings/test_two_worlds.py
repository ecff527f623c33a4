"""What others read leaves no trace in what a country is told: neither in its statement, nor in its people's readings,
nor in its balance. (The size of the access log tells how much is going on: the stated exception of all log routes.)
"""

from collections.abc import Callable

from tests.exchange import Exchange
from tests.readings.conftest import OUTSIDER, OWNER, PARTNER
from tests.readings.test_statement import AUDITOR, ask

Share = Callable[..., str]


def told(exchange: Exchange, quarter: str) -> list[bytes]:
    """All that the owner's and the outsider's auditors are told, but of their own asking."""
    outsiders = f"{OUTSIDER}-DCA/auditor"
    answers = [
        ask(exchange, AUDITOR, f"/v1/statements/{OWNER}"),
        ask(exchange, AUDITOR, f"/v1/statements/{OWNER}", "text/csv", country=PARTNER),
        ask(exchange, AUDITOR, f"/v1/statements/{OWNER}/balance", quarter=quarter),
        ask(exchange, AUDITOR, "/v1/readings", agency=f"{OWNER}-CUS"),
        ask(exchange, outsiders, f"/v1/statements/{OUTSIDER}"),
        ask(exchange, outsiders, f"/v1/statements/{OUTSIDER}/balance", quarter=quarter),
        ask(exchange, outsiders, "/v1/readings", agency=f"{OUTSIDER}-CUS"),
    ]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.content for answer in answers]


def test_what_others_read_of_others_changes_nothing_that_a_country_is_told(
    exchange: Exchange, shared: Share, quarter: str
) -> None:
    exchange.adopt(OUTSIDER)  # it shares nothing, whatever other tests had it share
    record = shared()
    exchange.client(f"{PARTNER}-CUS").get(record)
    exchange.client(f"{OWNER}-CUS").search(limit=1)
    exchange.client(f"{OUTSIDER}-CUS").search()
    before = told(exchange, quarter)
    own = shared(f"{PARTNER}-CUS")
    for _ in range(3):
        exchange.client(f"{PARTNER}-CUS").get(own)
        exchange.client(f"{PARTNER}-CUS").search(owner=PARTNER)
        exchange.client(f"{PARTNER}-LAB", "forensic").search(owner=OUTSIDER)
    assert told(exchange, quarter) == before


def test_what_is_read_of_a_countrys_records_changes_its_statement(
    exchange: Exchange, shared: Share, quarter: str
) -> None:
    """The comparison above can tell."""
    record = shared()
    before = told(exchange, quarter)
    exchange.client(f"{PARTNER}-CUS").get(record)
    after = told(exchange, quarter)
    assert all(was != now for was, now in zip(before[:3], after[:3], strict=True))
    assert before[3:] == after[3:]
