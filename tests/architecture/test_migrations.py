"""The migrations build what the models say, from nothing and a second time."""

import asyncio

from alembic import command
from alembic.script import ScriptDirectory

from service.cli.db import alembic_config
from service.settings import Settings


async def test_models_and_migrations_do_not_drift(settings: Settings) -> None:
    await asyncio.to_thread(command.check, alembic_config(settings))  # raises where they differ


async def test_an_upgrade_of_a_current_database_does_nothing(settings: Settings) -> None:
    await asyncio.to_thread(command.upgrade, alembic_config(settings), "head")


def test_the_migrations_are_one_line() -> None:
    script = ScriptDirectory.from_config(alembic_config(Settings()))
    assert len(script.get_heads()) == 1
    revisions = [revision.revision for revision in script.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
