"""What the gate gives is what the whole rule model says, in situations drawn at random; and its doors are shut.

Ceilings, rules of single records, validity, event months, obligations, groups, observers, suspensions, trials and
drafts: `oracle.py` says what each reader must get, `random_gate.py` puts it into the gate and compares.
"""

import os

import pytest
from sqlalchemy import Engine

from tests.policies import figures
from tests.policies.affairs import open_affairs
from tests.policies.counted import counted
from tests.policies.doors import open_doors, situation
from tests.policies.features import open_features
from tests.policies.random_gate import Stage, differences, draw

SITUATIONS = 400 if os.environ.get("SARHAD_THOROUGH") else 8


@pytest.mark.parametrize("seed", range(SITUATIONS))
def test_every_reader_gets_what_the_rules_say(superuser: Engine, seed: int) -> None:
    with superuser.connect() as connection:
        assert differences(connection, draw(seed)) == []
        connection.rollback()


def test_every_figure_is_of_what_is_given_and_due(superuser: Engine) -> None:
    with superuser.connect() as connection:
        assert differences(connection, counted()) == []
        connection.rollback()


def test_every_door_of_the_gate_is_shut_to_whom_it_should_be(superuser: Engine) -> None:
    with superuser.connect() as connection:
        stage = Stage(connection, situation())
        stage.play()
        figures.stand(stage)
        assert [*open_doors(stage), *open_affairs(stage), *open_features(stage)] == []
        connection.rollback()
