"""A country's change of policy costs what its own rules cost, whatever the others wrote."""

from tests.policies.compiled import Gate
from tests.policies.evaluator import Labels, Reader

MARK = 7


def test_adopting_a_policy_leaves_the_places_of_other_owners_alone(gate: Gate) -> None:
    reader = Reader("TJ", "TJ-CUS", frozenset({"analyst"}), "analysis")
    records = [Labels(owner, "seizure", frozenset({"cannabis"}), "TLP:GREEN") for owner in ("KZ", "UZ")]
    gate.scopes(records)
    gate.contexts([reader])
    gate.run("UPDATE gate.compiled SET masks = ARRAY(SELECT CAST(:mark AS int) FROM gate.scope)", mark=MARK)
    gate.become("UZ")
    gate.run("SELECT gate.adopt('UZ', '[]')")
    decisions = gate.decisions()
    assert decisions[reader, records[0]] == (MARK, 0)
    assert decisions[reader, records[1]] == (0, 0)


def test_beyond_a_ration_new_combinations_of_groups_share_the_strictest_scope(gate: Gate) -> None:
    """A record chooses its groups: without a ration, one country could fill every reader's arrays."""
    gate.become("TM")
    gate.run(
        "INSERT INTO gate.scope SELECT (SELECT count(*) FROM gate.scope) + n - 1, 'TM', 'seizure', n, 0"
        " FROM generate_series(1, 4096) n"
    )
    asked = '[{"kind": "seizure", "groups": 5000, "handling": 0}, {"kind": "seizure", "groups": 7, "handling": 0}]'
    given = {
        row.groups: row.id for row in gate.run("SELECT * FROM gate.scopes_for(CAST(:asked AS jsonb))", asked=asked)
    }
    groups = {row.id: row.groups for row in gate.run("SELECT id, groups FROM gate.scope")}
    assert {groups_asked: groups[id_] for groups_asked, id_ in given.items()} == {5000: 2**31 - 1, 7: 7}
