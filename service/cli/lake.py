"""`sarhad lake`: Parquet on the service's host, as wide as one key's view and no wider, and questions to it."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from pydantic import ValidationError

from service.cli.acting import as_service, command_settings, said_plainly
from service.exports.asked import Made
from service.exports.asked import ask as asked
from service.exports.lake import Lake, make
from service.identity.behalf import KeyGone
from service.identity.caller import PURPOSES
from service.records import sealing
from service.settings import Settings
from service.trends.question import Trend

app = typer.Typer(no_args_is_help=True, help="Parquet for analysis with DuckDB or Spark, on the service's host.")


@app.callback()
def lake() -> None:
    """The lake is read beside the service and never served."""


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Replaced as a whole.")],
    key: Annotated[str, typer.Option(help="Thumbprint of the enrolled key it is made for: sarhad admin key list.")],
    purpose: Annotated[str, typer.Option(help=f"One of {', '.join(sorted(PURPOSES))}.")] = "analysis",
) -> None:
    """Write what a key is given, by owner, scope and year; each owner reads it in its statement.

    \b
    sarhad lake export /srv/lake --key NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs
    duckdb -c "SELECT owner, year, sum(kg) FROM read_parquet('/srv/lake/*/*/*/*.parquet') GROUP BY ALL"
    """
    if purpose not in PURPOSES:
        raise typer.BadParameter(f"one of {', '.join(sorted(PURPOSES))}", param_hint="--purpose")
    settings = command_settings()
    sealing.use(settings)
    try:
        with said_plainly(settings):
            lake = Lake(key, purpose, directory)
            made = as_service(settings, lambda database: make(database, settings, lake))
    except OSError as fault:
        typer.echo(f"Cannot write {directory}: {fault.strerror or fault}", err=True)
        raise typer.Exit(1) from None
    except KeyGone:
        typer.echo("No enrolled key in force has this thumbprint: see sarhad admin key list", err=True)
        raise typer.Exit(1) from None
    owners = ", ".join(f"{owner} {number}" for owner, number in made["records"].items())
    typer.echo(f"{made['rows']} lines in {directory}; records: {owners or 'none is shared with this key'}")
    if left_out := made["left_out"]["no_export"]:
        typer.echo(f"left out, because their owners forbid export: {left_out}")


@app.command()
def ask(
    directory: Annotated[Path, typer.Argument(help="A lake that `sarhad lake export` made.")],
    by: Annotated[str, typer.Option(help="One or two of the dimensions of `sarhad trends`.")] = "month",
    measure: Annotated[str, typer.Option(help="Any of seizures, items, kg, quantity, tablets.")] = "seizures,kg",
    since: Annotated[str | None, typer.Option("--from", help="First month: 2025-01.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Month after the last.")] = None,
    owner: Annotated[str | None, typer.Option(help="Country that reported.")] = None,
    group: Annotated[str | None, typer.Option(help="Group of substances.")] = None,
    substance: Annotated[str | None, typer.Option(help="Catalogue code, with its descendants.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="duckdb or spark; by default what SARHAD_LAKE_ENGINE says.")
    ] = None,
) -> None:
    """Ask the lake what `sarhad trends` answers, as the key that it was made for: the same figures as JSON, or none.

    Policies hold as they are now: files of scopes that the key is not given any more are not opened. Spark runs on this
    machine, or on the cluster that SARHAD_LAKE_SPARK names. The engines are installed by deploy/lake/install.

    \b
    sarhad lake ask /srv/lake --by year,owner
    sarhad lake ask /srv/lake --by quarter,group --from 2020-01 --measure seizures,kg,tablets
    SARHAD_LAKE_SPARK=spark://head:7077 sarhad lake ask /srv/lake --by month,substance --engine spark
    """
    said = {
        "by": by,
        "measure": measure,
        "from": since,
        "to": until,
        "owner": owner,
        "group": group,
        "substance": substance,
    }
    settings = command_settings()
    try:
        question = Trend.model_validate({name: of for name, of in said.items() if of is not None})
        if engine is not None:
            settings = Settings.model_validate({**settings.model_dump(), "lake_engine": engine})
        made = Made.read(directory)
        with said_plainly(settings):
            told = as_service(settings, lambda database: asked(database, settings, made, question))
    except ValidationError as fault:
        wrong = fault.errors()[0]
        raise typer.BadParameter(f"{wrong['loc'][-1]}: {wrong['msg']}") from None
    except OSError as fault:
        typer.echo(f"Cannot read a lake in {directory}: {fault.strerror or fault}", err=True)
        raise typer.Exit(1) from None
    except KeyGone:
        typer.echo("The key that this lake was made for is not in force any more", err=True)
        raise typer.Exit(1) from None
    typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
