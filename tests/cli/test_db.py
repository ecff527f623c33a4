"""`sarhad db`: what a release brings, and that it brings it once."""

from service.cli import db
from tests.cli.conftest import Command


def test_the_migrations_build_exactly_what_the_models_say(command: Command) -> None:
    assert "equals the models" in command(db.app, "check").output


def test_a_second_upgrade_and_load_change_nothing(command: Command) -> None:
    command(db.app, "upgrade")
    command(db.app, "load")
    command(db.app, "check")
