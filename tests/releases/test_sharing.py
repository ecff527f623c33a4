"""The rules of one record: granted, blocked, embargoed, taken away; each effective on the next request."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sarhad import ProblemError
from sqlalchemy import create_engine, text

from service.settings import Settings
from tests.awaiting import eventually
from tests.exchange import Exchange, Region
from tests.releases.parties import ASKER, OWNER, THIRD, Parties, later, sees
from tests.releases.refused import refused

WITHIN_THE_HOUR = datetime.now(UTC).replace(minute=59, second=59, microsecond=999999).isoformat()


def grant(*facets: str, days: float = 30, **audience: Any) -> dict[str, Any]:
    return {"kind": "grant", "facets": list(facets), "until": later(days), **audience}


def block(**audience: Any) -> dict[str, Any]:
    return {"kind": "block", **audience}


def test_a_record_is_granted_to_who_would_not_see_it(parties: Parties, hidden: str) -> None:
    assert sees(parties.asker, hidden) is None
    parties.share(hidden, grant("items", "when.day", countries=[ASKER]))
    assert sees(parties.asker, hidden) == sees(parties.exchange.client(f"{ASKER}-DCA"), hidden)
    assert (sees(parties.asker, hidden) or {}).keys() == {"items", "when.day", "when.month"}
    assert sees(parties.third, hidden) is None
    parties.unshare(hidden)
    assert sees(parties.asker, hidden) is None


def test_an_audience_is_any_of_the_countries_and_agencies_named(parties: Parties, hidden: str) -> None:
    parties.share(hidden, grant("items", countries=[ASKER], agencies=[f"{THIRD}-CUS"], purposes=["operational"]))
    for name, purpose, seen in (
        (f"{ASKER}-CUS", "operational", True),
        (f"{ASKER}-DCA", "operational", True),
        (f"{ASKER}-CUS", "analysis", False),
        (f"{THIRD}-CUS", "operational", True),
        (f"{THIRD}-DCA", "operational", False),
    ):
        assert (sees(parties.exchange.client(name, purpose), hidden) is not None) is seen, (name, purpose)


def test_a_block_takes_away_what_the_policy_gives(parties: Parties, record: str) -> None:
    before = sees(parties.asker, record)
    parties.share(record, block(agencies=[f"{ASKER}-CUS"]), client=parties.filer)
    assert sees(parties.asker, record) is None
    assert sees(parties.exchange.client(f"{ASKER}-DCA"), record) == before
    assert sees(parties.filer, record), "the owner sees all its own"
    parties.unshare(record)
    assert sees(parties.asker, record) == before


@pytest.mark.parametrize("audience", [{}, {"countries": [ASKER]}, {"agencies": [f"{ASKER}-CUS"]}])
def test_a_block_outweighs_a_grant(parties: Parties, record: str, audience: dict[str, Any]) -> None:
    parties.share(record, grant("narrative", countries=[ASKER]), block(**audience))
    assert sees(parties.asker, record) is None


def test_an_embargo_is_for_all_and_ends_by_itself(parties: Parties, record: str, database: Callable[..., None]) -> None:
    parties.share(record, {"kind": "embargo", "until": later(30)}, client=parties.filer)
    assert sees(parties.asker, record) is None
    for ended in (
        "UPDATE gate.rule SET valid_until = now() WHERE record = :id",
        "UPDATE core.record_rule SET until = now() WHERE record_id = :id",
    ):
        database(ended, id=record)
    database("UPDATE gate.compiled SET until = now()")
    assert sees(parties.asker, record) is not None
    assert parties.filer.sharing(record)["rules"] == []


def test_rules_end_at_full_hours_and_what_hides_is_said_once_however_often(
    parties: Parties, record: str, counted: Callable[..., int]
) -> None:
    """Else one record would have every reader of every country judged anew each second."""
    day = datetime.fromisoformat(later(10)).replace(minute=30)
    asked = [(day + timedelta(seconds=n / 2)).isoformat() for n in range(50)]
    held = parties.share(record, *({"kind": "embargo", "until": until} for until in asked), client=parties.filer)
    for rule, until in zip(held["rules"], sorted(asked), strict=True):
        ends = datetime.fromisoformat(rule["until"])
        assert (ends.minute, ends.second, ends.microsecond) == (0, 0, 0)
        assert timedelta() <= ends - datetime.fromisoformat(until) < timedelta(hours=1)
    assert counted("SELECT count(*) FROM gate.rule WHERE record = :id", id=record) == 1
    (kept,) = parties.share(hour := parties.file(), block(until="2030-05-01T12:00:00Z"))["rules"]
    assert kept["until"] == "2030-05-01T12:00:00+00:00"
    granted = [
        parties.share(hour, grant("items", countries=[ASKER]) | {"until": until})["rules"][-1]["until"]
        for until in ("2027-05-01T12:59:59.999999+05:00", "2027-05-01T12:00:00+05:30", "2027-05-01T09:00:00Z")
    ]
    assert granted == [f"2027-05-01T{hour}:00:00+00:00" for hour in ("07", "06", "09")], "no later than was said"


def test_a_grant_ends_by_itself(parties: Parties, hidden: str, database: Callable[..., None]) -> None:
    parties.share(hidden, grant("items", countries=[ASKER], days=2 / 24))
    assert sees(parties.asker, hidden) is not None
    # the hours until then are left out, and readers judged as if they had been
    database(
        "UPDATE gate.rule SET valid_until = clock_timestamp() + interval '3 seconds' WHERE record = :id", id=hidden
    )
    database("SELECT gate.compile(gate.readers())")
    assert sees(parties.asker, hidden) is not None
    eventually(lambda: not shown(parties, hidden))


def shown(parties: Parties, id_: str) -> bool:
    """Whether the asker sees the record at this moment."""
    try:
        return bool(parties.asker.get(id_))
    except ProblemError:
        return False


def test_rules_outlive_a_correction_and_a_new_label(parties: Parties, record: str) -> None:
    parties.share(record, grant("narrative", countries=[ASKER]), block(countries=[THIRD]))
    parties.correct(record, narrative={"text": "Found in the roof.", "language": "en"})
    seen = sees(parties.asker, record)
    assert seen is not None
    assert seen["narrative"]["text"] == "Found in the roof."
    parties.share(record, block())
    parties.correct(record, narrative={"text": "Found in the tank.", "language": "en"})
    assert sees(parties.asker, record) is None


def test_what_widens_takes_an_officer(parties: Parties, record: str) -> None:
    problem = refused(lambda: parties.share(record, grant("narrative", countries=[ASKER]), client=parties.filer))
    assert (problem.status, problem.kind) == (403, "officer-required")
    parties.share(record, block(), client=parties.filer)
    assert refused(lambda: parties.unshare(record, client=parties.filer)).kind == "officer-required"
    assert sees(parties.asker, record) is None
    parties.unshare(record)
    parties.share(record, grant("narrative", countries=[ASKER]))
    parties.unshare(record, client=parties.filer)
    assert "narrative" not in (sees(parties.asker, record) or {}), "to take a grant away is to narrow"


def test_what_narrows_is_for_the_filing_agency(parties: Parties, record: str) -> None:
    for name in (f"{OWNER}-LAB", f"{OWNER}-DCA"):
        problem = refused(lambda name=name: parties.share(record, block(), client=parties.exchange.client(name)))
        assert (problem.status, problem.kind) == (403, "not-the-filing-agency")
    assert sees(parties.asker, record) is not None


def test_the_rules_are_the_owners_secret(parties: Parties, record: str, absent: str) -> None:
    parties.share(record, grant("narrative", countries=[ASKER]))
    for client in (parties.asker, parties.third, parties.exchange.client(f"{ASKER}-DCA/policy")):
        for act in (client.sharing, lambda id_, client=client: client.put_sharing(id_, {"version": 0})):
            theirs = refused(lambda act=act: act(record)).document
            assert theirs == refused(lambda act=act: act(absent)).document
            assert theirs["status"] == 404


def test_rules_of_one_record_are_bounded_and_an_embargo_always_fits(parties: Parties, record: str) -> None:
    parties.share(record, *(grant("narrative", countries=[ASKER]) for _ in range(40)))
    problem = refused(lambda: parties.share(record, grant("narrative", countries=[ASKER])))
    assert (problem.status, problem.kind) == (409, "too-many-rules")
    assert sees(parties.asker, record) is not None
    parties.share(record, {"kind": "embargo", "until": later(30)})
    assert sees(parties.asker, record) is None


def test_other_officers_are_told_of_a_grant_and_of_no_block(parties: Parties, hidden: str) -> None:
    kid = parties.exchange.region.profiles[f"{OWNER}-DCA/policy"].load_request_key().public.kid
    told = len(notices(parties, hidden))
    parties.share(hidden, block(countries=[THIRD]))
    assert len(notices(parties, hidden)) == told
    parties.share(hidden, grant("items", countries=[ASKER]))
    assert notices(parties, hidden)[0]["facts"] == {"record": hidden, "by": kid}
    assert hidden not in str(parties.filer.inbox(limit=500))


def notices(parties: Parties, id_: str) -> list[dict[str, Any]]:
    found = parties.officer.inbox(kind="record-granted", limit=500)["items"]
    return [note for note in found if note["facts"]["record"] == id_]


def test_who_ends_a_block_is_told_of_to_other_officers_and_to_who_filed(parties: Parties, record: str) -> None:
    kid = parties.exchange.region.profiles[f"{OWNER}-DCA/policy"].load_request_key().public.kid
    parties.share(record, block(), client=parties.filer)
    parties.share(record, {"kind": "embargo", "until": later(30)}, client=parties.filer)
    parties.unshare(record)
    for told in (parties.officer, parties.filer):
        found = [note["facts"] for note in told.inbox(kind="record-released", limit=500)["items"]]
        assert {"record": record, "by": kid, "ended": ["block", "embargo"]} in found
    assert record not in str(parties.asker.inbox(limit=500))


def test_of_what_an_officer_did_alone_another_takes_note(parties: Parties, hidden: str) -> None:
    parties.share(hidden, grant("items", countries=[ASKER]), block(countries=[THIRD]))
    parties.unshare(hidden)
    second = parties.exchange.client(f"{OWNER}-DCA/policy2")
    for kind in ("record-granted", "record-released"):
        found = parties.officer.inbox(kind=kind, limit=500)["items"]
        (notice,) = [note["id"] for note in found if note["facts"]["record"] == hidden]
        problem = refused(lambda n=notice: parties.officer.acknowledge_notice(n))
        assert (problem.status, problem.kind) == (403, "own-act")
        second.acknowledge_notice(notice)
        parties.officer.acknowledge_notice(notice)  # once more does no harm


WIDENED = """SELECT count(DISTINCT record_id) FROM core.record_rule
    WHERE owner = :o AND (kind = 'grant' OR ended_at IS NOT NULL)"""

EARLIER = text("UPDATE core.record_rule SET made_at = made_at - interval '23 hours' WHERE record_id = :id")


@pytest.fixture
def narrow(settings: Settings, region: Region, counted: Callable[..., int], parties: Parties) -> Iterator[Parties]:
    """An exchange in which the owner's officers may widen one more record today."""
    most = counted(WIDENED, o=OWNER) + 1
    made = Parties(Exchange.start(settings, region, workers=1, SARHAD_RECORDS_GRANTED_PER_DAY=str(most)))
    yield made
    made.exchange.stop()


def test_officers_widen_so_many_records_a_day_alone(narrow: Parties, hidden: str, settings: Settings) -> None:
    """A record that was widened twice counts once, until a day after the last time."""
    blocked = narrow.file()
    narrow.share(blocked, block(countries=[THIRD]))
    narrow.share(hidden, grant("items", countries=[ASKER]))
    with create_engine(settings.database_as()).begin() as connection:
        connection.execute(EARLIER, {"id": hidden})
    narrow.share(hidden, grant("narrative", countries=[ASKER]))
    another = narrow.file()
    for widening in (lambda: narrow.share(another, grant("items", countries=[ASKER])), lambda: narrow.unshare(blocked)):
        problem = refused(widening)
        assert (problem.status, problem.kind) == (429, "too-many-granted")
        assert 80_000 < int(problem.members["retry_after"]) <= 86_400
    narrow.share(another, block(countries=[ASKER]))


def test_the_end_of_a_block_counts_as_a_grant_does(narrow: Parties, record: str, hidden: str) -> None:
    narrow.share(record, block(countries=[ASKER]))
    narrow.unshare(record)
    problem = refused(lambda: narrow.share(hidden, grant("items", countries=[ASKER])))
    assert (problem.status, problem.kind) == (429, "too-many-granted")


def test_officers_that_grant_at_once_do_not_pass_the_bound(narrow: Parties) -> None:
    records = [narrow.file(handling="TLP:RED") for _ in range(6)]
    with ThreadPoolExecutor(len(records)) as threads:
        done = [threads.submit(narrow.share, id_, grant("items", countries=[ASKER])) for id_ in records]
    faults = [future.exception() for future in done]
    assert faults.count(None) == 1
    assert {fault.kind for fault in faults if isinstance(fault, ProblemError)} == {"too-many-granted"}


def test_two_officers_do_not_undo_each_other(parties: Parties, record: str) -> None:
    parties.share(record, block(countries=[THIRD]))
    problem = refused(lambda: parties.officer.put_sharing(record, {"version": 0, "add": []}))
    assert (problem.status, problem.kind, problem.members["expected"]) == (409, "sharing-changed", 1)

    def add(country: str) -> object:
        return parties.officer.put_sharing(
            record,
            {"version": 1, "keep": [kept], "add": [{"kind": "block", "countries": [country], "reason": "race"}]},
        )

    (kept,) = [rule["id"] for rule in parties.officer.sharing(record)["rules"]]
    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(add, country) for country in ("KZ", "KG", "TJ", "UZ")]
    faults = [future.exception() for future in done]
    assert len([fault for fault in faults if fault is None]) == 1
    assert {fault.kind for fault in faults if isinstance(fault, ProblemError)} == {"sharing-changed"}
    assert len(parties.officer.sharing(record)["rules"]) == 2


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (grant("narrative", days=367, countries=[ASKER]), "invalid-term"),
        (grant("narrative", days=-1, countries=[ASKER]), "invalid-term"),
        ({**grant("narrative", countries=[ASKER]), "until": WITHIN_THE_HOUR}, "invalid-term"),
        ({**grant("narrative", countries=[ASKER]), "until": "9999-12-31T23:30:00-12:00"}, "invalid-term"),
        (block(until="0001-01-01T00:00:00+14:00"), "invalid-term"),
        ({"kind": "embargo", "until": later(4000)}, "invalid-term"),
        (block(until=later(-1)), "invalid-term"),
        (grant("narrative", countries=["FR"]), "invalid-audience"),
        (grant("narrative", agencies=["AZ-NONE"]), "invalid-audience"),
        (block(countries=[OWNER]), "invalid-audience"),
        (grant("narrative"), "invalid-request"),
        (grant("all", countries=[ASKER]), "invalid-request"),
        ({"kind": "embargo"}, "invalid-request"),
        (block(facets=["items"]), "invalid-request"),
        (block(reason=""), "invalid-request"),
        ({"kind": "permit"}, "invalid-request"),
    ],
)
def test_a_rule_that_is_none_changes_nothing(parties: Parties, record: str, rule: dict[str, Any], kind: str) -> None:
    before = parties.officer.sharing(record)
    problem = refused(lambda: parties.share(record, rule))
    assert problem.kind == kind
    assert problem.document.get("pointer", "/add") or problem.document["errors"]
    assert parties.officer.sharing(record) == before
    assert sees(parties.asker, record) is not None
