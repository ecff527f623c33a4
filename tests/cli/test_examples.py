"""The operator's commands explain themselves with an example, as the agencies' do."""

from collections.abc import Iterator
from importlib.metadata import entry_points

import click
import pytest
import typer


def commands(group: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    """(`admin key enrol`, the command) of every command under a group."""
    inner = getattr(group, "commands", {})
    if not inner:
        yield " ".join(path), group
    for name, command in inner.items():
        yield from commands(command, (*path, name))


SERVERS = [
    found
    for entry in sorted(entry_points(group="sarhad.commands"), key=lambda entry: entry.name)
    for found in commands(typer.main.get_command(entry.load()), (entry.name,))
]


@pytest.mark.parametrize(("name", "command"), SERVERS, ids=[name for name, _ in SERVERS])
def test_every_command_of_the_server_has_an_example(name: str, command: click.Command) -> None:
    said = f"{command.help or ''}\n{command.epilog or ''}"
    assert f"sarhad {name.split(maxsplit=1)[0]}" in said, f"sarhad {name} --help shows no example"


def test_there_are_such_commands() -> None:
    assert {"admin key enrol", "db upgrade", "demo load"} <= {name for name, _ in SERVERS}
