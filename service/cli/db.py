"""`sarhad db`: roles, migrations and reference data of the database that SARHAD_DATABASE_URL names."""

import asyncio
from pathlib import Path

import typer
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

import migrations
from service.cli.reference import load_reference
from service.settings import Settings

ROLES_SQL = Path(__file__).parents[2] / "deploy" / "roles.sql"

app = typer.Typer(no_args_is_help=True, help="Roles, migrations and reference data.")


@app.command()
def upgrade() -> None:
    """Make the roles that are missing and bring the schema to this release; nothing to do is fine."""
    settings = Settings()
    try:
        with create_engine(settings.database_as()).begin() as connection:
            connection.exec_driver_sql(ROLES_SQL.read_text())
        command.upgrade(alembic_config(settings), "head")
    except OperationalError as fault:
        typer.echo(f"Cannot reach the database of SARHAD_DATABASE_URL: {fault.orig}", err=True)
        raise typer.Exit(1) from fault


@app.command()
def check() -> None:
    """Fail unless the schema is at this release and equals the models."""
    try:
        command.check(alembic_config(Settings()))
    except CommandError as fault:
        typer.echo(f"{fault}", err=True)
        raise typer.Exit(1) from fault
    typer.echo("The schema is at this release and equals the models.")


@app.command()
def load() -> None:
    """Load reference data (substances, units, places); current tables are left alone."""
    for feature in asyncio.run(load_reference(Settings())):
        typer.echo(f"      loaded: {feature}")


def alembic_config(settings: Settings) -> Config:
    """Alembic's configuration, without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.attributes["url"] = settings.database_as()
    return config
