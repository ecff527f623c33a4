"""How long stages took, computed by hand beside what the service says; who is told; silence."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sarhad import ProblemError
from sarhad.records import Record, correction, item, retraction, zero

from tests.analyses.conftest import enrol
from tests.analyses.laboratory import Laboratory, examination, exhibit_number
from tests.awaiting import eventually
from tests.exchange import Exchange, heroin
from tests.timeliness.conftest import Moved

PERIOD = {"first_month": "2026-03", "last_month": "2026-06"}
WIDE = {
    "id": "wide",
    "effect": "permit",
    "audience": {},
    "handling_up_to": "TLP:AMBER",
    "time": "instant",
    "place": "point",
}


def told(exchange: Exchange, officer: str = "KZ-DCA/admin1", **months: str) -> dict[str, Any]:
    return exchange.client(officer, None).timeliness(**(PERIOD | months))


def lag(answer: dict[str, Any], stage: str, agency: str | None, month: str | None = None) -> tuple[Any, ...] | None:
    """(n, without, median, p90) of the one figure; None where there is none."""
    found = [
        (one["n"], one["without"], one["median"], one["p90"])
        for one in answer["lags"]
        if (one["stage"], one["agency"], one["month"]) == (stage, agency, month)
    ]
    assert len(found) < 2
    return found[0] if found else None


def covered(answer: dict[str, Any], agency: str) -> dict[str, Any]:
    return next(one for one in answer["agencies"] if one["agency"] == agency)


@pytest.fixture(scope="module")
def lab(exchange: Exchange) -> Laboratory:
    return asyncio.run(enrol(exchange))["KZ-LAB"]


@pytest.fixture(scope="module")
def file(exchange: Exchange, moved: Moved) -> Callable[..., str]:
    """Files a record as if at `at`; answers with its id."""

    def filed(record: Record, at: str) -> str:
        id_ = exchange.client(record.agency).submit(exchange.sign(record)).id
        moved("core.report", id_, received_at=at)
        return id_

    return filed


@pytest.fixture(scope="module")
def records(exchange: Exchange, lab: Laboratory, moved: Moved, file: Callable[..., str]) -> dict[str, str]:
    """Kazakhstan's customs in March and May, its laboratory in April; each lag as a test says it by hand."""
    first, second = exhibit_number(), exhibit_number()
    lines = [
        item(None, "heroin", "1", "kg", status="PRES", exhibit=first),
        item(None, "heroin", "2", "kg", status="PRES", exhibit=second),
    ]
    made = {
        # 2 h after the event; then 10 h; then a day alone: from its beginning 36 h
        "hours": file(heroin(instant="2026-03-10T10:00:00+00:00", items=lines), "2026-03-10T12:00:00Z"),
        "later": file(heroin(instant="2026-03-11T00:00:00+00:00"), "2026-03-11T10:00:00Z"),
        "day": file(heroin(instant=None, day="2026-03-12"), "2026-03-13T12:00:00Z"),
        "month": file(heroin(instant=None, month="2026-03"), "2026-03-20T00:00:00Z"),
        "zero": file(
            zero("KZ-CUS", reference=f"Z-{time.time_ns()}", country="KZ", month="2026-04"), "2026-05-01T06:00:00Z"
        ),
    }
    # received on 16 and 19 March, issued on the 20th: 4 days and 1; filed at 06:00 on the 22nd: 54 h
    both = examination(first)["exhibits"] + [
        {"n": 2, "number": second, "received": "2026-03-19", "received_from": "KZ-CUS"}
    ]
    reply = lab.file(lab.found(first, laboratory=examination(first, exhibits=both, started="2026-03-20")))
    assert reply.status == 201, reply.body
    made["analysis"] = reply.json()["id"]
    moved("core.report", made["analysis"], received_at="2026-04-22T06:00:00Z")
    return made


def test_each_lag_is_what_the_records_say(exchange: Exchange, records: dict[str, str]) -> None:
    answer = told(exchange)
    assert (answer["country"], answer["first_month"], answer["last_month"]) == ("KZ", "2026-03", "2026-06")
    # 2, 10 and 36 hours: the 90th percentile is 10 + 0.8 * 26; a month alone has no value
    assert lag(answer, "event-to-report", "KZ-CUS") == (3, 1, 10.0, 30.8)
    assert lag(answer, "event-to-report", "KZ-CUS", "2026-03") == (3, 1, 10.0, 30.8)
    assert lag(answer, "event-to-report", "KZ-CUS", "2026-05") is None  # a report of none has no event
    # 4 days and 1: 24 + 0.9 * 72
    assert lag(answer, "exhibit-to-analysis", "KZ-LAB") == (2, 0, 60.0, 88.8)
    # from 20 March to 22 April 06:00
    assert lag(answer, "analysis-to-filing", "KZ-LAB", "2026-04") == (1, 0, 33 * 24 + 6.0, 33 * 24 + 6.0)
    # line 1 has a result after 10 March 12:00; what was found counts for line 1 alone
    waited = (datetime(2026, 4, 22, 6, tzinfo=UTC) - datetime(2026, 3, 10, 12, tzinfo=UTC)).total_seconds() / 3600
    assert lag(answer, "report-to-result", "KZ-CUS", "2026-03") == (1, 1, waited, waited)
    for stage in ("event-to-report", "report-to-result"):
        assert lag(answer, stage, None, "2026-03") == lag(answer, stage, "KZ-CUS", "2026-03")
    assert {one["stage"] for one in answer["stages"]} >= {one["stage"] for one in answer["lags"]}
    assert all(one["meaning"] and one["without"] for one in answer["stages"])


def test_silence_is_a_month_without_any_record(exchange: Exchange, records: dict[str, str]) -> None:
    answer = told(exchange)
    customs, laboratory, silent = (covered(answer, f"KZ-{one}") for one in ("CUS", "LAB", "DCA"))
    assert (customs["records"], customs["zero_reports"]) == (5, 1)
    assert (customs["reported"], customs["zero"]) == ([["2026-03", "2026-03"]], [["2026-05", "2026-05"]])
    assert customs["silent"] == [["2026-04", "2026-04"], ["2026-06", "2026-06"]]
    assert customs["last_filed"] == "2026-05-01T06:00:00Z"
    assert (laboratory["records"], laboratory["silent"]) == (1, [["2026-03", "2026-03"], ["2026-05", "2026-06"]])
    assert (silent["records"], silent["last_filed"]) == (0, None)
    assert silent["silent"] == [["2026-03", "2026-06"]]
    april = told(exchange, first_month="2026-04", last_month="2026-04")
    assert covered(april, "KZ-CUS") == {
        **customs,
        "records": 0,
        "zero_reports": 0,
        "reported": [],
        "zero": [],
        "silent": [["2026-04", "2026-04"]],
    }


def test_a_correction_changes_the_event_and_not_the_filing_and_a_retraction_ends_both(
    exchange: Exchange, moved: Moved
) -> None:
    client = exchange.client("RU-CUS")
    signed = exchange.sign(heroin("RU-CUS", instant="2026-03-02T00:00:00+00:00"))
    id_ = client.submit(signed).id
    moved("core.report", id_, received_at="2026-03-02T05:00:00Z")
    assert lag(told(exchange, "RU-DCA/admin2"), "event-to-report", "RU-CUS") == (1, 0, 5.0, 5.0)
    corrected = exchange.sign(correction(signed, when_instant="2026-03-01T22:00:00+00:00", when_day="2026-03-01"))
    client.submit(corrected)
    answer = told(exchange, "RU-DCA/admin2")
    assert lag(answer, "event-to-report", "RU-CUS") == (1, 0, 7.0, 7.0)
    assert covered(answer, "RU-CUS")["records"] == 1
    client.submit(
        exchange.sign(retraction(corrected, reason="a drill", language="en", reported="2026-03-03T00:00:00Z"))
    )
    answer = told(exchange, "RU-DCA/admin2")
    assert lag(answer, "event-to-report", "RU-CUS") is None
    assert covered(answer, "RU-CUS") == {
        **covered(answer, "RU-CUS"),
        "records": 0,
        "last_filed": "2026-03-02T05:00:00Z",
    }


def test_a_record_is_in_the_log_once_a_checkpoint_covers_it(exchange: Exchange) -> None:
    now = datetime.now(UTC)
    month = {"first_month": f"{now:%Y-%m}", "last_month": f"{now:%Y-%m}"}
    officer = "TM-DCA/auditor"
    exchange.client("TM-CUS").submit(exchange.sign(heroin("TM-CUS")))

    def entered() -> bool:
        found = lag(told(exchange, officer, **month), "report-to-log", "TM-CUS")
        assert found is not None
        return found[:2] == (1, 0)

    eventually(entered)
    n, _, median, p90 = lag(told(exchange, officer, **month), "report-to-log", "TM-CUS") or ()
    limits = exchange.client("TM-CUS").service()["limits"]
    assert (n, median) == (1, p90)
    assert 0 <= median <= limits["merge_delay_seconds"] / 3600


def test_requests_of_others_are_counted_for_the_agency_that_filed(exchange: Exchange, moved: Moved) -> None:
    exchange.adopt("UZ", {**WIDE, "facets": ["items"]})
    record = exchange.client("UZ-CUS").submit(exchange.sign(heroin("UZ-CUS"))).id
    asked = [
        exchange.client(f"{country}-CUS").ask_originator(record, ["narrative"], "the same stamp")["id"]
        for country in ("KG", "TJ", "AZ")
    ]
    officer = exchange.client("UZ-DCA/policy", None)
    officer.answer_request(asked[0], "refused", refusal="legal-bar", text="Sealed by the court.")
    exchange.client("AZ-CUS").withdraw_request(asked[2])
    moved("core.release_request", asked[0], "id", asked_at="2026-03-01T00:00:00Z", settled_at="2026-03-02T06:00:00Z")
    moved("core.release_request", asked[1], "id", asked_at="2026-03-04T00:00:00Z")
    answer = told(exchange, "UZ-DCA/policy")
    assert lag(answer, "request-to-answer", "UZ-CUS", "2026-03") == (1, 1, 30.0, 30.0)
    assert lag(told(exchange, "KG-DCA/policy"), "request-to-answer", None) is None  # who asked is told nothing here


@pytest.mark.parametrize("name", ["KZ-CUS", "KZ-LAB", "KZ-DCA"])
def test_who_reports_or_analyses_is_refused(exchange: Exchange, name: str) -> None:
    with pytest.raises(ProblemError) as refused:
        exchange.client(name).timeliness()
    assert (refused.value.status, refused.value.type) == (403, "/problems/role-required")


def test_the_three_roles_are_told_the_same(exchange: Exchange, records: dict[str, str]) -> None:
    answers = [told(exchange, f"KZ-DCA/{one}") for one in ("admin1", "admin2", "policy", "auditor")]
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0]["lags"]) > 10


@pytest.mark.parametrize(
    "months",
    [{"first_month": "2026-07"}, {"first_month": "2023-06", "last_month": "2026-06"}, {"last_month": "2099-01"}],
    ids=["after", "many", "to come"],
)
def test_a_period_is_whole_and_bounded(exchange: Exchange, months: dict[str, str]) -> None:
    with pytest.raises(ProblemError) as refused:
        told(exchange, **months)
    assert (refused.value.status, refused.value.type) == (422, "/problems/impossible-period")


def test_without_a_period_it_is_the_year_that_ends_now(exchange: Exchange) -> None:
    answer = exchange.client("KZ-DCA/auditor", None).timeliness()
    now = datetime.now(UTC)
    assert answer["last_month"] == f"{now:%Y-%m}"
    assert answer["first_month"] == f"{now.year - (now.month < 12)}-{now.month % 12 + 1:02}"


def test_what_other_countries_hold_changes_no_byte(
    exchange: Exchange, lab: Laboratory, records: dict[str, str], file: Callable[..., str]
) -> None:
    """Their reports, their analyses of exhibits with our numbers, and their requests to each other."""
    ours = exhibit_number()
    file(heroin(items=[item(None, "heroin", "1", "kg", status="PRES", exhibit=ours)]), "2026-03-25T00:00:00Z")
    client = exchange.client("KZ-DCA/admin1", None)
    eventually(lambda: all(one["without"] == 0 for one in told(exchange)["lags"] if one["stage"] == "report-to-log"))
    before = client.fetch("/v1/timeliness?first_month=2026-03&last_month=2026-06").content
    foreign = asyncio.run(enrol(exchange))["KG-LAB"]
    assert foreign.file(foreign.found(ours)).status == 201
    exchange.adopt("KG", {**WIDE, "facets": ["items"]})
    theirs = file(heroin("KG-CUS", instant="2026-03-01T00:00:00+00:00"), "2026-03-28T00:00:00Z")
    exchange.client("TJ-CUS").ask_originator(theirs, ["narrative"], "the same stamp")
    file(heroin("TJ-CUS", instant="2026-05-01T00:00:00+00:00"), "2026-05-02T00:00:00Z")
    assert client.fetch("/v1/timeliness?first_month=2026-03&last_month=2026-06").content == before
    assert lag(told(exchange, "KG-DCA/admin1"), "event-to-report", "KG-CUS") is not None
    own = lab.file(lab.found(ours))
    assert own.status == 201
    assert client.fetch("/v1/timeliness?first_month=2026-03&last_month=2026-06").content != before
