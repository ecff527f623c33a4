"""Drafts: what the officers of one country work on, nobody else sees, and no rule follows from."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sarhad import Client
from sqlalchemy import Engine, text

from tests.clients.test_surface import command
from tests.exchange import Exchange
from tests.policies.reports import refused

OWNER = "TJ"
RULE = {
    "id": "share", "effect": "permit", "audience": {}, "handling_up_to": "TLP:GREEN", "facets": ["items"],
    "time": "month", "place": "country",
}  # fmt: skip


@pytest.fixture(scope="module")
def officer(exchange: Exchange) -> Client:
    return exchange.client(f"{OWNER}-DCA/policy", None)


@pytest.fixture(scope="module")
def colleague(exchange: Exchange) -> Client:
    return exchange.client(f"{OWNER}-DCA/policy2", None)


@pytest.fixture(autouse=True)
def _none_left(officer: Client) -> Iterator[None]:
    yield
    for draft in officer.policy_drafts(OWNER)["items"]:
        officer.discard_draft(OWNER, draft["id"])


def document(officer: Client, *rules: dict[str, Any]) -> dict[str, Any]:
    version = officer.get_policy(OWNER)["latest"] + 1
    return {"policy": "sarhad-policy/1", "country": OWNER, "version": version, "rules": list(rules)}


def test_officers_of_the_country_share_a_draft_and_change_it(officer: Client, colleague: Client) -> None:
    begun = officer.begin_draft(OWNER, "With TM", {"rules": "later"})
    assert begun["revision"] == 1
    assert begun["fault"]["pointer"] == "/policy"
    saved = colleague.change_draft(OWNER, begun["id"], "With TM and UZ", document(officer, RULE), 1)
    assert (saved["revision"], saved["fault"], saved["name"]) == (2, None, "With TM and UZ")
    assert saved["begun"]["by"] != saved["changed"]["by"]
    late = refused(lambda: officer.change_draft(OWNER, begun["id"], "With TM", {}, 1))
    assert (late.status, late.kind, late.members["expected"]) == (409, "draft-changed", 2)
    assert officer.policy_draft(OWNER, begun["id"]) == saved
    (listed,) = officer.policy_drafts(OWNER)["items"]
    assert "document" not in listed
    colleague.discard_draft(OWNER, begun["id"])
    assert refused(lambda: officer.policy_draft(OWNER, begun["id"])).status == 404


def test_nobody_else_knows_of_it(exchange: Exchange, officer: Client) -> None:
    draft = officer.begin_draft(OWNER, "Ours", document(officer, RULE))["id"]
    stranger = exchange.client("KG-DCA/policy", None)
    none = str(uuid.uuid4())
    theirs, nothing = (refused(lambda i=i: stranger.policy_draft(OWNER, i)) for i in (draft, none))
    assert theirs.status == nothing.status == 404
    assert theirs.document == nothing.document
    assert stranger.policy_drafts(OWNER)["items"] == []
    for call in (
        lambda: stranger.change_draft(OWNER, draft, "Mine", {}, 1),
        lambda: stranger.discard_draft(OWNER, draft),
        lambda: stranger.begin_draft(OWNER, "For them", {}),
    ):
        assert refused(call).kind == "not-your-policy"
    assert refused(lambda: stranger.discard_draft("KG", draft)).status == 404
    for name in (f"{OWNER}-CUS", f"{OWNER}-DCA/auditor"):
        assert refused(lambda n=name: exchange.client(n, None).policy_drafts(OWNER)).kind == "role-required"
    assert refused(lambda: officer.policy_draft(f"{OWNER}-CUS", draft)).status == 404, "of another policy"
    assert officer.policy_draft(OWNER, draft)["name"] == "Ours"


def test_a_draft_is_tried_and_shares_nothing(exchange: Exchange, officer: Client) -> None:
    exchange.adopt(OWNER)
    draft = officer.begin_draft(OWNER, "Open", document(officer, RULE))["id"]
    reader = {"country": "UZ", "agency": "UZ-CUS", "roles": ["analyst"], "purpose": "analysis"}
    shown = officer.preview_policy(OWNER, {"as": reader, "draft": draft})
    assert shown["status"] == 200
    told = officer.simulate_policy(OWNER, {"draft": draft, "from": "2026-01-01", "to": "2026-12-31"})
    assert told["under"] == officer.get_policy(OWNER)["latest"] + 1
    assert officer.get_policy(OWNER)["in_force"]["document"]["rules"] == []
    both = {"as": reader, "draft": draft, "version": 1}
    assert refused(lambda: officer.preview_policy(OWNER, both)).kind == "invalid-request"
    unknown = {"as": reader, "draft": str(uuid.uuid4())}
    assert refused(lambda: officer.preview_policy(OWNER, unknown)).status == 404


def test_a_draft_that_is_proposed_ends(exchange: Exchange, officer: Client) -> None:
    proposed = document(officer, RULE)
    officer.begin_draft(OWNER, "This", {**proposed, "version": 1})
    other = officer.begin_draft(OWNER, "Another", document(officer))["id"]
    exchange.propose(proposed)
    assert [draft["id"] for draft in officer.policy_drafts(OWNER)["items"]] == [other]
    officer.reject_policy(OWNER, proposed["version"], "the test is over")


def test_drafts_come_in_pages_and_are_not_without_end(officer: Client) -> None:
    made = [officer.begin_draft(OWNER, f"Draft {n}", {})["id"] for n in range(50)]
    first = officer.policy_drafts(OWNER, limit=30)
    second = officer.policy_drafts(OWNER, limit=30, cursor=first["next"])
    assert [d["id"] for d in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None
    assert refused(lambda: officer.begin_draft(OWNER, "One more", {})).kind == "too-many-drafts"


def test_the_database_holds_drafts_to_officers_of_their_country(superuser: Engine, officer: Client) -> None:
    officer.begin_draft(OWNER, "Ours", {})
    enter = text("SELECT set_config('sarhad.context', gate.enter(:c, :a, CAST(:r AS text[]), ''), true)")
    for country, roles, seen in (
        (OWNER, ["policy_officer"], 1),
        (OWNER, ["analyst"], 0),
        ("KG", ["policy_officer"], 0),
    ):
        with superuser.connect() as connection:
            connection.execute(enter, {"c": country, "a": f"{country}-DCA", "r": roles})
            connection.execute(text("SET LOCAL ROLE sarhad_write"))
            assert connection.execute(text("SELECT count(*) FROM shared.policy_draft")).scalar_one() == seen
            connection.rollback()


def test_the_commands_save_show_check_and_propose(exchange: Exchange, officer: Client, tmp_path: Path) -> None:
    profile = exchange.region.profiles[f"{OWNER}-DCA/policy"]
    replace(profile, service=exchange.settings.origin).save()
    as_ = ("--as", str(profile.directory))
    file = tmp_path / "draft.json"
    file.write_text(json.dumps(document(officer, RULE)))
    assert "There is no draft" in command("policy", "draft", "list", *as_).stdout
    saved = command("policy", "draft", "save", str(file), "--name", "With all", *as_)
    assert saved.returncode == 0, saved.stderr
    (draft,) = officer.policy_drafts(OWNER)["items"]
    assert draft["id"] in saved.stdout
    assert "With all" in command("policy", "draft", "list", *as_).stdout
    assert json.loads(command("policy", "draft", "show", draft["id"], *as_).stdout)["country"] == OWNER
    assert "[share]" in command("policy", "draft", "check", draft["id"], *as_).stdout
    proposed = command("policy", "draft", "propose", draft["id"], *as_)
    assert "is proposed" in proposed.stdout, proposed.stderr
    assert officer.policy_drafts(OWNER)["items"] == []
    officer.reject_policy(OWNER, officer.get_policy(OWNER)["latest"], "the test is over")
