"""The rules of one record as the gate takes them."""

from datetime import UTC, datetime, timedelta

import pytest

from service.releases.enforce import gate_rows
from service.releases.models import RecordRule

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rule(kind: str, **given: object) -> RecordRule:
    return RecordRule(
        **{"kind": kind, "facets": 0, "duties": 0, "made_at": NOW, "until": NOW + timedelta(days=1), **given}
    )


@pytest.mark.parametrize("kind", ["block", "embargo"])
def test_what_narrows_waits_for_no_clock(kind: str) -> None:
    """A server whose clock is behind the service's would go on showing a recalled record until it has caught up."""
    (row,) = gate_rows([rule(kind)])
    assert (row["permit"], row["valid_from"]) == (False, None)


def test_of_rules_that_hide_from_all_the_last_to_end_is_said() -> None:
    """Each end is a moment at which all readers are judged anew."""
    named, longest = rule("block", countries=["KG"]), rule("embargo", until=NOW + timedelta(days=3))
    rows = gate_rows([rule("embargo"), longest, named, rule("block")])
    assert [(row["countries"], row["valid_until"]) for row in rows] == [
        (["KG"], named.until.isoformat() if named.until else None),
        (None, (NOW + timedelta(days=3)).isoformat()),
    ]
    assert [row["position"] for row in rows] == [0, 1]
    assert gate_rows([longest, rule("block", until=None)])[0]["valid_until"] == "infinity"


def test_a_grant_runs_from_when_it_was_made_so_that_a_year_is_a_year() -> None:
    (row,) = gate_rows([rule("grant", facets=1, agencies=["KG-CUS"])])
    assert (row["permit"], row["valid_from"], row["countries"]) == (True, NOW.isoformat(), ["KG"])
