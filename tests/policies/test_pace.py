"""A country changes what it shares so often an hour, whichever worker it asks; to stop sharing is always possible."""

from collections.abc import Iterator

import pytest
from sarhad import ProblemError
from sqlalchemy import Engine, create_engine, text

from service.settings import Settings
from tests.exchange import Exchange, Region

RULE = {
    "id": "to-kg",
    "effect": "permit",
    "audience": {"countries": ["KG"]},
    "handling_up_to": "TLP:GREEN",
    "facets": ["items"],
    "time": "month",
}
# As if all that changed so far had changed an hour earlier.
LATER = text(
    """WITH policies AS (UPDATE core.policy_decision SET decided_at = decided_at - interval '1 hour')
    UPDATE core.suspension SET lifted_at = lifted_at - interval '1 hour'"""
)


@pytest.fixture
def paced(settings: Settings, region: Region, superuser: Engine) -> Iterator[Exchange]:
    """Two workers, and two changes of a country an hour."""
    with superuser.begin() as connection:
        connection.execute(LATER)
    running = Exchange.start(settings, region, SARHAD_POLICY_CHANGES_PER_HOUR="2")
    yield running
    running.stop()


@pytest.fixture
def superuser(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_as())
    yield engine
    engine.dispose()


def test_a_country_changes_what_it_shares_so_often_an_hour(paced: Exchange, superuser: Engine) -> None:
    first, second = (paced.client(f"TM-DCA/{name}", None) for name in ("policy", "policy2"))

    def suspended() -> str:
        return str(first.suspend({"towards_country": "KG", "reason": "a doubt"})["id"])

    paced.adopt("TM", RULE)
    second.lift_suspension(suspended(), "no doubt")
    stopped = suspended()
    version = first.get_policy("TM")["latest"] + 1
    nothing = {"policy": "sarhad-policy/1", "country": "TM", "version": version, "rules": []}
    proposed = paced.propose(nothing)
    with pytest.raises(ProblemError) as refused:
        paced.approve("TM", version, proposed)
    for _ in range(3):  # whichever worker answers
        with pytest.raises(ProblemError) as lifting:
            second.lift_suspension(stopped, "no doubt")
        assert (lifting.value.status, lifting.value.kind) == (429, "too-many-policy-changes")
    assert (refused.value.status, refused.value.kind) == (429, "too-many-policy-changes")
    assert refused.value.members["limit"] == 2
    assert 0 < refused.value.members["retry_after"] <= 3600
    uzbek, other = (paced.client(f"UZ-DCA/{name}", None) for name in ("policy", "policy2"))
    made = uzbek.suspend({"towards_agency": "KG-LAB", "reason": "a doubt"})
    other.lift_suspension(made["id"], "no doubt")
    with superuser.begin() as connection:
        connection.execute(LATER)
    second.lift_suspension(stopped, "no doubt")
    paced.approve("TM", version, proposed)
