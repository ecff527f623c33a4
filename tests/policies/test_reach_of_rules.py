"""Rules in time, rules for who is no member, rules of one record: PostgreSQL against the second reading."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from service.policies.document import OutsiderWithoutEnd, check_outsiders
from tests.policies.compiled import HIT, NOTHING, VISIBLE, Decision, Gate, expected
from tests.policies.documents import POLICIES, READERS, RECORDS, document, documents
from tests.policies.evaluator import Labels, Reader, sight

READER = Reader("TJ", "TJ-CUS", frozenset({"analyst"}), "analysis")
RECORD = Labels("KZ", "seizure", frozenset({"cannabis"}), "TLP:GREEN", "KZ-CUS")
PERMIT: dict[str, Any] = {"effect": "permit", "audience": {}, "handling_up_to": "TLP:RED", "time": "month"}
DENY: dict[str, Any] = {"effect": "deny", "audience": {}}


@pytest.fixture
def one(gate: Gate) -> Gate:
    gate.scopes([RECORD])
    gate.contexts([READER])
    return gate


def seen(gate: Gate) -> Decision:
    """What the reader sees of the record after its next request."""
    gate.contexts([READER])
    return gate.decisions()[READER, RECORD]


def adopt(gate: Gate, *rules: dict[str, Any]) -> None:
    gate.adopt({"KZ": document("KZ", list(rules))})


def lapse(gate: Gate) -> datetime:
    until = gate.run(
        "SELECT min(k.until) FROM gate.compiled k JOIN gate.context c ON c.id = context_id WHERE c.country = 'TJ'"
    ).scalar_one()
    assert isinstance(until, datetime)
    return until


def test_a_context_lapses_when_a_rule_begins_or_ends_next(one: Gate) -> None:
    begins, ends = datetime(2900, 1, 1, tzinfo=UTC), datetime(2950, 1, 1, tzinfo=UTC)
    adopt(one, PERMIT | {"valid_from": begins.isoformat(), "valid_until": ends.isoformat()})
    assert seen(one) == NOTHING
    assert lapse(one) == begins
    adopt(one, PERMIT | {"valid_until": ends.isoformat()})
    assert seen(one) != NOTHING
    assert lapse(one) == begins, "it may lapse early, never late"
    one.run("UPDATE gate.compiled SET until = now()")
    assert seen(one) != NOTHING
    assert lapse(one) == ends


def test_a_lapsed_context_gives_nothing_and_comes_back_with_its_next_token(one: Gate) -> None:
    adopt(one, PERMIT)
    token = one.run("SELECT gate.enter('TJ', 'TJ-CUS', ARRAY['analyst'], 'analysis')").scalar_one()
    one.run("SELECT set_config('sarhad.context', :token, true)", token=token)
    assert one.run("SELECT gate.masks()").scalar_one()
    one.run("UPDATE gate.compiled SET until = now()")
    for of in ("masks", "delays", "duties", "policy_version"):
        assert one.run(f"SELECT gate.{of}()").scalar_one() is None, of
    token = one.run("SELECT gate.enter('TJ', 'TJ-CUS', ARRAY['analyst'], 'analysis')").scalar_one()
    one.run("SELECT set_config('sarhad.context', :token, true)", token=token)
    assert one.run("SELECT gate.masks()").scalar_one()


def test_a_policy_to_come_replaces_the_one_before_at_its_instant(one: Gate) -> None:
    adopt(one, PERMIT)
    one.become("KZ")
    coming = datetime(2900, 1, 1, tzinfo=UTC)
    one.run("SELECT gate.adopt('KZ', 'national', 2, '[]', :at)", at=coming)
    assert seen(one) != NOTHING
    assert lapse(one) == coming
    one.become("KZ")
    one.run("SELECT gate.adopt('KZ', 'national', 3, '[]')")
    assert seen(one) == NOTHING
    assert one.run("SELECT count(*) FROM gate.rule WHERE owner = 'KZ'").scalar_one() == 0


@settings(
    max_examples=6, deadline=None, derandomize=True, phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(policies=POLICIES, outsiders=st.sampled_from((frozenset({"TJ"}), frozenset({"UZ", "TJ"}))))
def test_who_is_no_member_is_named_or_sees_nothing(
    gate: Gate, policies: dict[str, list[dict[str, Any]]], outsiders: frozenset[str]
) -> None:
    year = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2026-12-31T00:00:00Z"}
    rules = {owner: [*listed, *(rule | year for rule in listed)] for owner, listed in policies.items()}
    gate.empty()
    for country in outsiders:
        gate.run("UPDATE core.country SET status = 'third' WHERE code = :c", c=country)
    gate.scopes(RECORDS)
    gate.contexts(READERS)
    read = documents(rules)
    gate.adopt(read)
    now = datetime.now(UTC)
    for (reader, record), decision in gate.decisions().items():
        if reader in READERS:
            found = sight(reader, record, read, now=now, outsiders=outsiders)
            assert decision == expected(found, reader.country == record.owner), (reader, record)
    for country in outsiders:
        gate.run("UPDATE core.country SET status = 'member' WHERE code = :c", c=country)


def test_a_document_that_names_an_outsider_for_ever_is_refused() -> None:
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    for days, refused in ((366, False), (367, True), (None, True)):
        ends = {} if days is None else {"valid_until": (begins + timedelta(days=days)).isoformat()}
        rule = PERMIT | {"audience": {"agencies": ["IR-CUS"]}, "valid_from": begins.isoformat()} | ends
        policy = document("KZ", [PERMIT, rule])
        if not refused:
            check_outsiders(policy, frozenset({"KZ"}))
            continue
        with pytest.raises(OutsiderWithoutEnd, match="IR is no member") as why:
            check_outsiders(policy, frozenset({"KZ"}))
        assert why.value.pointer == "/rules/1/valid_until"


def test_a_country_that_is_no_member_any_more_sees_nothing_from_its_next_request(one: Gate) -> None:
    adopt(one, PERMIT)
    assert seen(one) != NOTHING
    one.run("UPDATE core.country SET status = 'observer' WHERE code = 'TJ'")
    assert seen(one) == NOTHING


def test_a_group_is_who_is_in_it(one: Gate) -> None:
    adopt(one, PERMIT | {"audience": {"groups": ["mountains"]}})
    assert seen(one) == NOTHING
    one.run("INSERT INTO core.country_group VALUES ('mountains', 'TJ')")
    assert seen(one) != NOTHING
    one.run("DELETE FROM core.country_group WHERE code = 'mountains'")
    assert seen(one) == NOTHING


def test_combinations_of_other_roles_make_no_contexts_and_contexts_are_rationed(gate: Gate) -> None:
    enter = "SELECT gate.enter('TJ', 'TJ-CUS', :roles, 'analysis')"
    for more in ([], ["auditor"], ["auditor", "operator"], ["key_administrator"]):
        gate.run(enter, roles=["analyst", *more])
    count = "SELECT count(*) FROM gate.context WHERE country = 'TJ'"
    assert gate.run(count).scalar_one() == 1
    gate.run(
        "INSERT INTO gate.context (country, agency, roles, purpose)"
        " SELECT 'TJ', 'TJ-' || n, '{analyst}', 'health' FROM generate_series(1, 1023) n"
    )
    gate.run(enter, roles=["analyst"])  # one that is there
    with pytest.raises(DBAPIError, match="at most 1024 contexts") as refused:
        gate.run(enter, roles=["reporter"])
    assert getattr(refused.value.orig, "sqlstate", None) == "SG001"


_REPORT = """INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest,
  status, digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day,
  at_month, month_end)
  SELECT :record, :version, 'seizure', 'KZ-CUS', 'KZ', 'k', 'TLP:GREEN', min(id), true, 'reported', '', '',
  'j', array_fill(NULL::text, ARRAY[19]), '', '', 'r', '[]', now(), now(), now(), :month_end
  FROM gate.scope WHERE owner = 'KZ' AND record IS NULL"""


class Filed:
    """One report of the record's scope, read as the reader sees it."""

    def __init__(self, gate: Gate, month_end: str = "2026-03-31") -> None:
        self.gate, self.id = gate, uuid.uuid4()
        gate.run("INSERT INTO core.agency VALUES ('KZ-CUS', 'KZ', 'CU', '') ON CONFLICT DO NOTHING")
        gate.run(_REPORT, record=self.id, version=1, month_end=month_end)

    def rules(self, *rules: dict[str, Any]) -> None:
        self.gate.become("KZ")
        connection: Connection = self.gate.connection
        connection.execute(text("SELECT gate.record_rules(:id, :rules)"), {"id": self.id, "rules": json.dumps(rules)})

    def expect(self, month_end: str) -> None:
        """What its next version needs, if that is of this month."""
        self.gate.become("KZ")
        wanted = {"record": str(self.id), "month_end": month_end}
        wanted["scope"] = self.gate.run(
            "SELECT min(id) FROM gate.scope WHERE owner = 'KZ' AND record IS NULL"
        ).scalar_one()
        self.gate.run("SELECT gate.private_scopes_for(CAST(:w AS jsonb))", w=json.dumps([wanted]))

    def correct(self, month_end: str) -> None:
        """The second version."""
        self.expect(month_end)
        self.gate.run("SELECT gate.supersede(:id, 1)", id=self.id)
        self.gate.run(_REPORT, record=self.id, version=2, month_end=month_end)

    def shown(self) -> int | None:
        """The mask of the record, None where no row is shown."""
        self.gate.contexts([READER])
        token = self.gate.run("SELECT gate.enter('TJ', 'TJ-CUS', ARRAY['analyst'], 'analysis')").scalar_one()
        self.gate.run("SELECT set_config('sarhad.context', :token, true)", token=token)
        self.gate.run("SET LOCAL ROLE sarhad_read")
        mask = self.gate.run("SELECT mask FROM shared.report WHERE record_id = :id", id=self.id).scalar()
        self.gate.run("RESET ROLE")
        return mask if mask is None else int(mask)


UNTIL = {"valid_until": "2999-01-01T00:00:00Z"}
GRANT = {"permit": True, "countries": ["TJ"], "facets": 1 << 18} | UNTIL
EMBARGO = {"permit": False} | UNTIL


def test_a_grant_adds_at_once_and_a_block_takes_all(one: Gate) -> None:
    filed = Filed(one)
    assert filed.shown() is None
    filed.rules(GRANT)
    granted = filed.shown()
    assert granted is not None
    assert granted & ((1 << 19) - 1) == 1 << 18
    adopt(one, PERMIT)
    both = filed.shown()
    assert both is not None
    assert both & ((1 << 19) - 1) == 1 << 18 | 1 << 4
    filed.rules(GRANT, EMBARGO | {"countries": ["UZ"]})
    assert filed.shown() == both, "a block of another"
    filed.rules(GRANT, EMBARGO)
    assert filed.shown() is None
    filed.rules()
    assert filed.shown() == both & ~(1 << 18)


def test_a_grant_does_not_wait_for_the_delay_of_the_policy_and_does_not_lift_it(one: Gate) -> None:
    filed = Filed(one, str((datetime.now(UTC) - timedelta(days=5)).date()))
    adopt(one, PERMIT | {"delay_days": 30})
    assert filed.shown() is None
    filed.rules(GRANT)
    granted = filed.shown()
    assert granted is not None
    assert granted & ((1 << 19) - 1) == 1 << 18, "the month is still delayed"
    over = (datetime.now(UTC) + timedelta(days=25)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert lapse(one) == over, "and comes when the delay is over"


def test_a_ceiling_holds_for_grants_too(one: Gate) -> None:
    filed = Filed(one)
    filed.rules(GRANT)
    one.become("KZ")
    one.run("SELECT gate.adopt('KZ', 'agency:KZ-CUS', 1, '[]')")
    assert filed.shown() is None
    one.become("KZ")
    one.run("SELECT gate.adopt('KZ', 'agency:KZ-CUS', 2, NULL)")
    assert filed.shown() is not None


def test_a_later_version_stays_under_the_rules_of_its_record(one: Gate) -> None:
    filed = Filed(one)
    adopt(one, PERMIT)
    filed.rules(EMBARGO)
    filed.correct("2026-04-30")
    assert filed.shown() is None
    filed.rules()
    assert filed.shown() is not None


def test_a_later_version_of_such_a_record_has_a_scope_of_its_own_or_is_none(one: Gate) -> None:
    filed = Filed(one)
    filed.rules(EMBARGO)
    one.become("KZ")
    with pytest.raises(DBAPIError, match="no scope for this version") as refused:
        one.run(_REPORT, record=filed.id, version=2, month_end="2026-04-30")
    assert getattr(refused.value.orig, "sqlstate", None) == "SG005"


def test_a_version_to_come_changes_nothing_before_it_is_there(one: Gate) -> None:
    filed = Filed(one, str((datetime.now(UTC) - timedelta(days=5)).date()))
    adopt(one, PERMIT | {"delay_days": 30})
    filed.rules(EMBARGO | {"countries": ["UZ"]})
    filed.expect("2020-01-31")
    assert filed.shown() is None, "the delay of its month"
    filed.correct("2020-01-31")
    assert filed.shown() is not None


def test_a_rule_of_a_record_has_an_end(one: Gate) -> None:
    filed = Filed(one)
    with pytest.raises(DBAPIError, match="has an end"):
        filed.rules({"permit": True, "countries": ["TJ"], "facets": 1})


@pytest.mark.parametrize(
    ("window", "shown"),
    [
        ({"events_from": "2026-03"}, True),
        ({"events_from": "2026-04"}, False),
        ({"events_until": "2026-03"}, True),
        ({"events_until": "2026-02"}, False),
        ({"events_from": "2026-03", "events_until": "2026-03"}, True),
    ],
)
def test_an_event_window_holds_in_row_security(one: Gate, window: dict[str, str], shown: bool) -> None:
    filed = Filed(one)
    adopt(one, PERMIT | window)
    assert (filed.shown() is not None) is shown
    filed.rules(EMBARGO | {"countries": ["UZ"]})
    assert (filed.shown() is not None) is shown, "and for a record with rules of its own"


@pytest.mark.parametrize("gives", ["aggregates", "hits"])
def test_what_may_only_be_counted_or_matched_is_in_no_view(one: Gate, gives: str) -> None:
    filed = Filed(one)
    adopt(one, PERMIT | {"gives": gives, "facets": ["items", "reference"]})
    mask = seen(one)[0]
    assert mask
    assert not mask >> VISIBLE & 1
    assert (mask >> HIT & 1) is (1 if gives == "hits" else 0)
    assert filed.shown() is None
