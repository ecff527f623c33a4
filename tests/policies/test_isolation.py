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
