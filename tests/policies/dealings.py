"""What an owner and one partner settle between them, in one world: a third country's answers tell nothing of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.policies.worlds import Question, World

PARTNER = "KZ-CUS"


def deal(world: World, shown: str, hidden: str, kept: str) -> list[Question]:
    """Requests, grants, blocks and recalls about a record that the third country is shown, and two that it is not.

    Returns the questions about them that the third country might ask, had it heard of their ids.
    """
    partner, filer = world.client(PARTNER), world.client("UZ-CUS")
    officer = world.client("UZ-DCA/policy")
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    add: list[dict[str, Any]] = [
        {"kind": "grant", "agencies": [PARTNER], "facets": ["items", "narrative"], "until": until, "reason": "joint"}
    ]
    for record in (hidden, kept):
        officer.put_sharing(record, {"version": 0, "add": add})
        partner.get(record)
    given, refused, open_ = (
        partner.ask_originator(record, [facet], "same stamp")["id"]
        for record, facet in ((shown, "marks"), (hidden, "marks"), (kept, "case"))
    )
    officer.answer_request(given, "full", obligations=["no_onward"])
    filer.answer_request(refused, "refused", refusal="legal-bar", text="Sealed by the court.")
    recall = filer.recall({"records": [kept], "reason": "wrong case"})
    if [one["agency"] for one in recall["recipients"]] != [PARTNER]:
        raise AssertionError("the partner has read what was recalled")
    partner.acknowledge_recall(recall["id"], "deleted")
    version = filer.sharing(hidden)["version"]
    filer.put_sharing(hidden, {"version": version, "keep": [], "add": [{"kind": "block", "reason": "no more"}]})
    return [
        *(Question(f"/v1/requests/{id_}") for id_ in (given, refused, open_)),
        Question(f"/v1/recalls/{recall['id']}"),
        Question("/v1/requests", {"record": shown, "role": "asker"}),
        Question("/v1/requests", {"record": kept, "role": "asker"}),
    ]
