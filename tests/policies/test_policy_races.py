"""What ends sharing while a policy is put in place stays ended: the policy is weighed before it takes its lock."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import Connection, Engine, text

from tests.awaiting import eventually
from tests.exchange import Exchange, heroin
from tests.policies.reports import refused

OWNER, READER = "TM", "UZ-CUS"
SHARE = {
    "id": "share",
    "effect": "permit",
    "audience": {"countries": ["UZ"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items"],
    "time": "month",
    "place": "country",
}
Meanwhile = Callable[..., AbstractContextManager[Connection]]
_WEIGHING = text("SELECT count(*) FROM pg_locks WHERE relation = 'core.country_group'::regclass AND NOT granted")


@pytest.fixture
def meanwhile(exchange: Exchange, superuser: Engine, token: Callable[..., str]) -> Meanwhile:
    """A transaction of the owner's officer that begins and ends while the owner's next policy is being weighed."""

    @contextmanager
    def enter(*rules: dict[str, object]) -> Iterator[Connection]:
        officer = token(OWNER, "policy_officer", purpose="", agency="DCA")
        with ThreadPoolExecutor(1) as pool, superuser.connect() as connection:
            connection.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": officer})
            connection.execute(text("LOCK TABLE core.country_group"))
            adopting = pool.submit(exchange.adopt, OWNER, *rules)
            eventually(lambda: connection.execute(_WEIGHING).scalar_one())
            yield connection
            connection.commit()
            adopting.result()

    return enter


_ENTER = text("SELECT gate.enter('UZ', :agency, ARRAY['analyst', 'reporter'], 'operational')")


def test_a_suspension_ordered_meanwhile_holds(exchange: Exchange, meanwhile: Meanwhile) -> None:
    exchange.adopt(OWNER, SHARE)
    record = exchange.client(f"{OWNER}-CUS").submit(exchange.sign(heroin(f"{OWNER}-CUS"))).id
    assert exchange.client(READER).get(record)
    with meanwhile(SHARE) as connection:
        made = connection.execute(text("SELECT gate.suspend(NULL, 'UZ', NULL, NULL, 'officer', 'trust is lost')"))
        suspension = made.scalar_one()
        connection.execute(_ENTER, {"agency": READER})  # the reader's next request takes in what was stopped
    try:
        assert refused(lambda: exchange.client(READER).get(record)).status == 404
    finally:
        exchange.client(f"{OWNER}-DCA/policy2", None).lift_suspension(str(suspension), "the test is over")
    assert exchange.client(READER).get(record)
