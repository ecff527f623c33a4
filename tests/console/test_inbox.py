"""What a report led to: a result, a question of a neighbour, a recall; each is read, acted upon and put away."""

from typing import Any

import pytest
from playwright.async_api import expect
from sarhad.records import item

from tests.analyses.laboratory import HEROIN, Laboratory, exhibit_number
from tests.console.conftest import Console, Opening, signed_in
from tests.exchange import Exchange, heroin

SHARED: dict[str, Any] = {
    "id": "neighbours", "effect": "permit", "audience": {"countries": ["UZ"]}, "purposes": ["operational"],
    "handling_up_to": "TLP:AMBER", "facets": ["items"], "time": "month", "place": "country",
}  # fmt: skip


@pytest.fixture(scope="module")
def laboratory(exchange: Exchange) -> Laboratory:
    exchange.adopt("TJ", SHARED)
    reviewer = exchange.region.profiles[exchange.add_holder("TJ-LAB/reviewer")]
    return Laboratory(exchange, "TJ-LAB", reviewer.load_record_key())


@pytest.fixture
def report(exchange: Exchange, laboratory: Laboratory) -> str:
    """A report of Tajik customs that Uzbekistan sees a part of, and what the laboratory found in its exhibit."""
    number = exhibit_number("TJ-CUS")
    filed = exchange.sign(heroin("TJ-CUS", items=[item(HEROIN, "героин", "1.2", "kg", exhibit=number)]))
    id_ = exchange.client("TJ-CUS").submit(filed).id
    reply = laboratory.file(laboratory.found(number))
    assert reply.status == 201, reply.body
    return id_


async def notice(console: Console, words: str) -> Any:
    await console.page.get_by_role("link", name="Inbox").click()
    found = console.page.get_by_role("listitem").filter(has_text=words)
    await found.first.wait_for()
    return found.first


async def test_a_result_of_the_laboratory_is_read_by_the_officer_who_reported(
    exchange: Exchange, opened: Opening, report: str
) -> None:
    officer = await signed_in(exchange, opened, "TJ-CUS", "reporter")
    told = await notice(officer, "A laboratory's result changed a report of ours")
    await told.get_by_text("Heroin · confirmed", exact=False).wait_for()
    await officer.seen("inbox")
    await told.get_by_role("link").press("Enter")
    await officer.page.get_by_text("Derived by the service").wait_for()
    told = await notice(officer, "A laboratory's result changed a report of ours")
    before = await officer.page.get_by_role("listitem").count()
    await told.get_by_role("button", name="Taken note of").press("Enter")
    await expect(officer.page.get_by_role("listitem")).to_have_count(before - 1)
    await officer.page.get_by_label("State").select_option("acknowledged")
    await officer.page.get_by_role("listitem").first.wait_for()


async def test_a_neighbour_asks_for_more_and_is_given_a_part(exchange: Exchange, opened: Opening, report: str) -> None:
    analyst = await signed_in(exchange, opened, "UZ-CUS", "analyst")
    await analyst.open(f"record/{report}")
    await analyst.page.get_by_label("Exact time").press("Space")
    await analyst.page.get_by_label("Narrative").press("Space")
    await analyst.page.get_by_label("Why, for the owner to judge").fill("The same car came here a day later.")
    await analyst.page.get_by_role("button", name="Sign and ask").press("Enter")
    await analyst.page.get_by_text("An answer is due by").wait_for()

    owner = await signed_in(exchange, opened, "TJ-DCA", "policy_officer")
    await owner.page.get_by_role("link", name="Inbox (").wait_for()
    told = await notice(owner, "Somebody asks for more of a record of ours")
    await told.get_by_role("link").press("Enter")
    await owner.page.get_by_text("The same car came here a day later.").wait_for()
    await owner.seen("request")
    await owner.page.get_by_label("Narrative").press("Space")
    await owner.page.get_by_role("button", name="Sign and give").press("Enter")
    await owner.page.get_by_role("term").filter(has_text="Answer").wait_for()

    told = await notice(analyst, "Our request was answered")
    await told.get_by_role("link").press("Enter")
    answer = analyst.page.get_by_role("definition").last
    await expect(answer).to_contain_text("Exact time")
    await expect(answer).not_to_contain_text("Narrative")
    await analyst.open(f"record/{report}")
    await analyst.page.get_by_role("heading", name="14 March 2026 04:20").wait_for()


async def test_a_request_is_refused_with_its_ground(exchange: Exchange, opened: Opening, report: str) -> None:
    asked = exchange.client("UZ-CUS").ask_originator(report, ["narrative"], "How was it found?")
    owner = await signed_in(exchange, opened, "TJ-DCA", "policy_officer")
    await owner.open(f"request/{asked['id']}")
    await owner.page.get_by_label("Ground").select_option("ongoing-investigation")
    await owner.page.get_by_label("In words, for who asked").fill("Until the trial.")
    await owner.page.get_by_role("button", name="Sign and refuse").press("Enter")
    answer = owner.page.get_by_role("definition").last
    await expect(answer).to_contain_text("an investigation goes on · Until the trial.")


async def test_a_recall_is_answered_by_who_has_read(exchange: Exchange, opened: Opening, report: str) -> None:
    analyst = await signed_in(exchange, opened, "UZ-CUS", "analyst")
    await analyst.open(f"record/{report}")
    await analyst.page.get_by_text("Not given to you for this purpose").wait_for()
    exchange.client("TJ-DCA/policy", None).recall({"records": [report], "reason": "It was salt."})

    told = await notice(analyst, "Records that we read are taken back by their owner")
    await told.get_by_role("link").press("Enter")
    await analyst.page.get_by_text("It was salt.").wait_for()
    await analyst.seen("recall")
    await analyst.page.get_by_role("button", name="Sign and answer").press("Enter")
    await expect(analyst.page.get_by_role("definition").last).to_contain_text("copies deleted")
