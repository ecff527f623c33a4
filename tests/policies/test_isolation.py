"""A country's change of policy costs what its own rules cost, whatever the others wrote."""

import json

from tests.policies.compiled import NOTHING, Gate
from tests.policies.evaluator import Labels, Reader

MARK = 7


def test_adopting_a_policy_leaves_the_places_of_other_owners_alone(gate: Gate) -> None:
    reader = Reader("TJ", "TJ-CUS", frozenset({"analyst"}), "analysis")
    records = [Labels(owner, "seizure", frozenset({"cannabis"}), "TLP:GREEN", f"{owner}-CUS") for owner in ("KZ", "UZ")]
    gate.scopes(records)
    gate.contexts([reader])
    gate.run("UPDATE gate.compiled SET masks = ARRAY(SELECT CAST(:mark AS int) FROM gate.scope)", mark=MARK)
    gate.become("UZ")
    gate.run("SELECT gate.adopt('UZ', 'national', 1, '[]')")
    decisions = gate.decisions()
    assert decisions[reader, records[0]][0] == MARK
    assert decisions[reader, records[1]] == NOTHING


def test_beyond_a_ration_new_combinations_of_groups_share_the_strictest_scope(gate: Gate) -> None:
    """A record chooses its groups: without a ration, one country could fill every reader's arrays."""
    gate.become("TM")
    gate.run(
        "INSERT INTO gate.scope (id, owner, kind, groups, handling, agency)"
        " SELECT (SELECT count(*) FROM gate.scope) + n - 1, 'TM', 'seizure', n, 0, 'TM-CUS'"
        " FROM generate_series(1, 4096) n"
    )
    label = {"kind": "seizure", "handling": 0, "agency": "TM-CUS"}
    asked = json.dumps([label | {"groups": 5000}, label | {"groups": 7}])
    given = {
        row.groups: row.id for row in gate.run("SELECT * FROM gate.scopes_for(CAST(:asked AS jsonb))", asked=asked)
    }
    groups = {row.id: row.groups for row in gate.run("SELECT id, groups FROM gate.scope")}
    assert {groups_asked: groups[id_] for groups_asked, id_ in given.items()} == {5000: 2**31 - 1, 7: 7}
