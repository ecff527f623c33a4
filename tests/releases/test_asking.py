"""Asking the originator: from the question to the facet in the asker's next read, and back."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sarhad import Client, ProblemError

from service.settings import Settings
from tests.exchange import Exchange, Region
from tests.releases.parties import ASKER, OWNER, Parties
from tests.releases.refused import refused

REASON = "the same stamp was found in our case"


@pytest.fixture
def asked(parties: Parties, record: str) -> str:
    """An open request of the asker for the narrative and the exact time of a record."""
    return str(parties.asker.ask_originator(record, ["narrative", "when.instant"], REASON)["id"])


def test_what_is_granted_in_full_is_in_the_next_read(parties: Parties, record: str, asked: str) -> None:
    assert "narrative" not in parties.asker.get(record)["facets"]
    answered = parties.officer.answer_request(asked, "full", obligations=["no_onward"], days=30)
    assert answered["state"] == "answered"
    assert answered["answer"]["facets"] == ["when.instant", "narrative"]
    assert answered["answer"]["obligations"] == ["no_onward"]
    given = parties.asker.get(record)["facets"]
    assert given["narrative"]["text"] == "Found behind the seats."
    assert given["when.instant"] == "2026-03-14T04:20:00+05:00"
    assert given["when.day"] == "2026-03-14", "an exact time implies the day"
    assert given["items"], "what the policy gives stays given"
    assert "reference" not in given


def test_a_part_is_given_and_no_more(parties: Parties, record: str, asked: str) -> None:
    parties.officer.answer_request(asked, "part", facets=["narrative"])
    given = parties.asker.get(record)["facets"]
    assert "narrative" in given
    assert "when.instant" not in given
    assert parties.asker.request(asked)["answer"]["facets"] == ["narrative"]


def test_a_grant_is_for_the_agency_and_the_purpose_that_asked(parties: Parties, record: str, asked: str) -> None:
    parties.officer.answer_request(asked, "full")
    others = (
        parties.exchange.client(f"{ASKER}-CUS", "analysis"),
        parties.exchange.client(f"{ASKER}-DCA"),
    )
    for other in others:
        assert "narrative" not in other.get(record)["facets"]
    assert refused(lambda: parties.third.get(record)).status == 404


def test_a_refusal_has_its_reason_and_gives_nothing(parties: Parties, record: str, asked: str) -> None:
    parties.filer.answer_request(asked, "refused", refusal="ongoing-investigation", text="The case is before court.")
    seen = parties.asker.request(asked)
    assert (seen["state"], seen["answer"]) == (
        "refused",
        {"refusal": "ongoing-investigation", "text": "The case is before court."},
    )
    assert "narrative" not in parties.asker.get(record)["facets"]


def test_a_correction_keeps_what_was_granted(parties: Parties, asked: str, record: str) -> None:
    parties.officer.answer_request(asked, "full")
    parties.correct(record, narrative={"text": "Found in the roof.", "language": "en"})
    assert parties.asker.get(record)["facets"]["narrative"]["text"] == "Found in the roof."


def test_only_an_officer_gives(parties: Parties, asked: str) -> None:
    problem = refused(lambda: parties.filer.answer_request(asked, "full"))
    assert (problem.status, problem.kind) == (403, "officer-required")
    other = parties.exchange.client(f"{OWNER}-LAB")
    problem = refused(lambda: other.answer_request(asked, "refused", refusal="other", text="No."))
    assert (problem.status, problem.kind) == (403, "not-the-filing-agency")
    assert parties.asker.request(asked)["state"] == "open"


def test_asking_for_what_is_not_seen_is_asking_for_nothing(
    parties: Parties, record: str, hidden: str, absent: str
) -> None:
    answers = [
        refused(lambda client=client, id_=id_: client.ask_originator(id_, ["narrative"], REASON)).document
        for client, id_ in ((parties.asker, hidden), (parties.asker, absent), (parties.third, record))
    ]
    assert answers[0]["status"] == 404
    assert answers[0] == answers[1] == answers[2]


def test_a_facet_that_is_given_is_not_asked_for(parties: Parties, record: str) -> None:
    problem = refused(lambda: parties.asker.ask_originator(record, ["narrative", "items"], REASON))
    assert (problem.status, problem.kind, problem.pointer) == (409, "facet-already-given", "/facets/1")
    assert problem.members["given"] == ["items"]
    own = refused(lambda: parties.officer.ask_originator(record, ["narrative"], REASON))
    assert own.kind == "facet-already-given", "the owner is given everything"


@pytest.mark.parametrize(
    ("facets", "reason"),
    [(["unknown"], REASON), ([], REASON), (["narrative", "narrative"], REASON), (["narrative"], "")],
)
def test_a_question_that_is_none_is_refused(parties: Parties, record: str, facets: list[str], reason: str) -> None:
    before = parties.asker.requests(role="asker")["counts"]
    assert refused(lambda: parties.asker.ask_originator(record, facets, reason)).status in (400, 422)
    assert parties.asker.requests(role="asker")["counts"] == before


def test_without_a_purpose_nothing_is_asked(parties: Parties, record: str) -> None:
    silent = parties.exchange.client(f"{ASKER}-CUS", None)
    assert refused(lambda: silent.ask_originator(record, ["narrative"], REASON)).kind == "purpose-required"


def test_one_question_at_a_time(parties: Parties, record: str, asked: str) -> None:
    problem = refused(lambda: parties.asker.ask_originator(record, ["case"], REASON))
    assert (problem.status, problem.kind) == (409, "request-already-open")
    parties.asker.withdraw_request(asked)
    assert parties.asker.ask_originator(record, ["case"], REASON)["state"] == "open"


def test_what_is_settled_stays_settled(parties: Parties, asked: str) -> None:
    assert parties.asker.withdraw_request(asked)["state"] == "withdrawn"
    for act in (
        lambda: parties.officer.answer_request(asked, "full"),
        lambda: parties.filer.answer_request(asked, "refused", refusal="other", text="No."),
        lambda: parties.asker.withdraw_request(asked),
    ):
        assert (refused(act).status, refused(act).kind) == (409, "request-settled")


def test_a_part_is_of_what_was_asked(parties: Parties, asked: str) -> None:
    for facets in (["items"], ["narrative", "case"], ["narrative", "when.instant"]):
        problem = refused(lambda facets=facets: parties.officer.answer_request(asked, "part", facets=facets))
        assert (problem.kind, problem.pointer) == ("part-not-asked", "/facets")


@pytest.mark.parametrize(
    "terms",
    [
        {"decision": "part"},
        {"decision": "full", "facets": ["narrative"]},
        {"decision": "refused"},
        {"decision": "refused", "refusal": "other"},
        {"decision": "refused", "refusal": "mood", "text": "No."},
        {"decision": "full", "refusal": "other"},
        {"decision": "full", "days": 367},
        {"decision": "full", "days": 0},
        {"decision": "full", "obligations": ["keep it quiet"]},
    ],
)
def test_an_answer_that_is_none_is_refused(parties: Parties, asked: str, terms: dict[str, object]) -> None:
    assert refused(lambda: parties.officer.answer_request(asked, **terms)).status in (400, 422)  # type: ignore[arg-type]
    assert parties.asker.request(asked)["state"] == "open"


def test_each_side_does_its_part_only(parties: Parties, asked: str) -> None:
    asker, owner = parties.asker, parties.officer
    assert refused(lambda: asker.answer_request(asked, "full")).kind == "not-the-owner"
    assert refused(lambda: owner.withdraw_request(asked)).kind == "not-the-owner"


def test_a_request_concerns_its_two_sides(parties: Parties, asked: str, absent: str) -> None:
    outsiders: list[Client] = [
        parties.third,
        parties.exchange.client("RU-DCA/policy"),
        parties.exchange.client(f"{ASKER}-DCA"),
    ]
    for outsider in outsiders:
        for act in (
            outsider.request,
            outsider.withdraw_request,
            lambda id_, outsider=outsider: outsider.answer_request(id_, "full"),
        ):
            theirs = refused(lambda act=act: act(asked)).document
            assert theirs == refused(lambda act=act: act(absent)).document
            assert theirs["status"] == 404
        for role in ("owner", "asker"):
            assert asked not in str(outsider.requests(role=role))
        assert asked not in str(outsider.inbox())


def test_what_is_overdue_shows_and_counts_and_may_be_answered(
    parties: Parties, asked: str, database: Callable[..., None]
) -> None:
    before = parties.officer.requests()["counts"]
    database("UPDATE core.release_request SET deadline = now() - interval '1 day' WHERE id = :id", id=asked)
    after = parties.officer.requests(state="overdue")
    assert after["counts"]["overdue"] == before["overdue"] + 1
    assert after["counts"]["open"] == before["open"] - 1
    assert [item["state"] for item in after["items"] if item["id"] == asked] == ["overdue"]
    assert asked not in str(parties.officer.requests(state="open")["items"])
    assert parties.asker.request(asked)["state"] == "overdue"
    assert parties.officer.answer_request(asked, "full")["state"] == "answered"


def test_requests_are_listed_page_by_page(parties: Parties) -> None:
    made = [parties.asker.ask_originator(parties.file(), ["narrative"], REASON)["id"] for _ in range(3)]
    found: list[str] = []
    cursor = None
    while len(found) < 3:
        page = parties.asker.requests(role="asker", limit=1, cursor=cursor)
        found += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert found == made[::-1]
    refusal = refused(lambda: parties.officer.requests(role="owner", limit=1, cursor=cursor))
    assert refusal.kind == "invalid-cursor", "a cursor is for one reader and one question"


def test_of_an_answer_and_a_withdrawal_one_holds(parties: Parties) -> None:
    outcomes = set()
    for _ in range(8):
        record = parties.file()
        id_ = parties.asker.ask_originator(record, ["narrative"], REASON)["id"]
        acts = (
            lambda id_=id_: parties.officer.answer_request(id_, "full"),
            lambda id_=id_: parties.asker.withdraw_request(id_),
        )
        with ThreadPoolExecutor(2) as threads:
            done = [threads.submit(act) for act in acts]
        held = [future.exception() for future in done]
        assert [type(fault) for fault in held if fault] == [ProblemError]
        state = parties.asker.request(id_)["state"]
        outcomes.add(state)
        assert ("narrative" in parties.asker.get(record)["facets"]) == (state == "answered")
    assert outcomes <= {"answered", "withdrawn"}


def test_each_step_is_a_leaf_of_the_governance_log(
    parties: Parties, record: str, governed: Callable[[str], list[str]]
) -> None:
    id_ = parties.asker.ask_originator(record, ["narrative"], REASON)["id"]
    parties.officer.answer_request(id_, "full")
    other = parties.asker.ask_originator(record, ["case"], REASON)["id"]
    parties.asker.withdraw_request(other)
    assert governed(id_) == ["ask-originator", "answer-request"]
    assert governed(other) == ["ask-originator", "withdraw-request"]


ASKED = "SELECT count(*) FROM core.release_request WHERE asker_country = :a AND owner = :o"


@pytest.fixture
def short(settings: Settings, region: Region, counted: Callable[..., int], parties: Parties) -> Iterator[Parties]:
    """An exchange in which the asker's country may ask the owner twice more today."""
    most = counted(ASKED, a=ASKER, o=OWNER) + 2
    made = Parties(Exchange.start(settings, region, workers=1, SARHAD_REQUESTS_PER_OWNER_AND_DAY=str(most)))
    yield made
    made.exchange.stop()


def test_a_country_asks_an_owner_so_often_a_day(short: Parties, record: str, hidden: str, absent: str) -> None:
    """With whichever agency, and also what it withdraws: each request comes into the owner's inbox."""
    other = short.exchange.client(f"{ASKER}-DCA")
    withdrawn = short.asker.ask_originator(record, ["narrative"], REASON)["id"]
    short.asker.withdraw_request(withdrawn)
    other.ask_originator(record, ["narrative"], REASON)
    problem = refused(lambda: short.asker.ask_originator(record, ["narrative"], REASON))
    assert (problem.status, problem.kind) == (429, "too-many-asked")
    assert 0 < int(problem.members["retry_after"]) <= 86_400
    unseen = [refused(lambda id_=id_: short.asker.ask_originator(id_, ["case"], REASON)) for id_ in (hidden, absent)]
    assert unseen[0].document == unseen[1].document, "what is not shared is not counted"
