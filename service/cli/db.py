"""`sarhad db`: roles, migrations and reference data of the database."""

import asyncio
import re
from pathlib import Path
from typing import Any

import psycopg
import typer
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from psycopg import sql
from sqlalchemy import Connection, create_engine

import migrations
from service.cli.acting import command_settings, said_plainly
from service.cli.cube import cube
from service.cli.links import learn_links
from service.cli.reference import load_reference
from service.policies import canary
from service.settings import Settings

ROLES_SQL = Path(__file__).parents[2] / "deploy" / "roles.sql"

app = typer.Typer(no_args_is_help=True, help="Roles, migrations and reference data.")
app.command(epilog="Example: sarhad db cube --check")(cube)
app.command(epilog="Example: sarhad db learn-links --keep")(learn_links)


@app.command(epilog="Example: sarhad db upgrade")
def upgrade() -> None:
    """Make the roles that are missing and bring the schema to this release; nothing to do is fine."""
    settings = command_settings()
    with said_plainly(settings):
        with create_engine(settings.database_as()).begin() as connection:
            connection.exec_driver_sql(ROLES_SQL.read_text())
            _set_passwords(connection, settings)
        command.upgrade(alembic_config(settings), "head")
        _prove(settings)


@app.command(epilog="Example: sarhad db check")
def check() -> None:
    """Fail unless the schema is at this release and equals the models."""
    settings = command_settings()
    try:
        with said_plainly(settings):
            command.check(alembic_config(settings))
    except CommandError as fault:
        typer.echo(f"{fault}", err=True)
        raise typer.Exit(1) from fault
    typer.echo("The schema is at this release and equals the models.")


@app.command(epilog="Example: sarhad db load")
def load() -> None:
    """Load reference data (substances, units, places); current tables are left alone."""
    settings = command_settings()
    with said_plainly(settings):
        loaded = asyncio.run(load_reference(settings))
    for feature in loaded:
        typer.echo(f"      loaded: {feature}")


def _prove(settings: Settings) -> None:
    """A planted record that nobody may see is seen by nobody (`service/policies/canary.py`)."""
    try:
        with create_engine(settings.database_as()).connect() as connection:
            canary.inspect(connection)
            canary.plant(connection)
    except canary.Exposed as fault:
        typer.echo(f"The database does not hold the gate: {fault}", err=True)
        raise typer.Exit(1) from None


def _set_passwords(connection: Connection, settings: Settings) -> None:
    """The login roles get SARHAD_DATABASE_PASSWORD, as a SCRAM verifier: the server never sees or logs the password."""
    if settings.database_password is None:
        return
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    password = settings.database_password.get_secret_value().encode()
    (array,) = re.findall(r"FOREACH login IN ARRAY ARRAY\[(.*?)\]", ROLES_SQL.read_text(), re.DOTALL)
    for role in re.findall(r"'(\w+)'", array):
        verifier = driver.pgconn.encrypt_password(password, role.encode(), b"scram-sha-256").decode()
        driver.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))


def alembic_config(settings: Settings) -> Config:
    """Alembic's configuration, without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.attributes["url"] = settings.database_as()
    return config
