"""`sarhad admin facets`: countries' keys under which sensitive facets are kept, and sealing what was filed before."""

from typing import Annotated
from uuid import UUID

import typer
from sarhad.errors import ConfigurationError
from sqlalchemy import Connection, create_engine, text

from service.cli.acting import command_settings, said_plainly
from service.records import sealing
from service.records.registry import BITS

app = typer.Typer(no_args_is_help=True, help="Keys of countries under which sensitive facets are kept.")

_HELD = " OR ".join(f"disclosures[{BITS[facet] + 1}] IS NOT NULL" for facet in sealing.SENSITIVE)
# Whoever may not see every row is refused. Triggers act as roles that may not.
_ALL_ROWS, _AS_USUAL = text("SET LOCAL row_security = off"), text("SET LOCAL row_security = on")
_SOME = text(
    "SELECT record_id, version, disclosures, content_hash FROM core.report WHERE country = :country"
    f" AND (record_id, version) > (:record, :version) AND ({_HELD}) ORDER BY record_id, version LIMIT :count"
    " FOR NO KEY UPDATE"
)
_KEEP = text(
    "UPDATE core.report SET disclosures = :disclosures, content_hash = :content"
    " WHERE record_id = :record AND version = :version"
)
_COUNTED = text(
    "UPDATE core.report_fact SET persons = core.facet(:persons) -> 'groups'"
    " WHERE record_id = :record AND version = :version AND persons IS NOT NULL"
)


@app.command("key", epilog="Example: sarhad admin facets key facet-keys/KZ-1.key; or 'pkcs11:token=…;object=KZ-1?…'")
def make_key(
    place: Annotated[str, typer.Argument(help="File of the state folder, or PKCS#11 URI; then named in the settings.")],
) -> None:
    """Make a country's key (AES-256). Keep a copy apart from every backup: without it its facets are gone."""
    try:
        sealing.make(place, command_settings().state_dir)
    except (OSError, ConfigurationError) as fault:
        typer.echo(f"Refused: {fault}", err=True)
        raise typer.Exit(1) from None


@app.command(epilog="Example: sarhad admin facets seal")
def seal(batch: Annotated[int, typer.Option(min=1, help="Versions of records in one transaction.")] = 500) -> None:
    """Seal what was filed before its country had a key, and what lies under an earlier one, under its first key.

    May be ended at any time and said again. Then VACUUM core.report, core.report_fact; logs of the database and backups
    from before still hold what was in clear.
    """
    settings = command_settings()
    keys = sealing.Keyring.of(settings)
    with said_plainly(settings):
        engine = create_engine(settings.database_as())
        for country in (one.country for one in settings.facet_keys):
            done = 0
            last: tuple[UUID, int] | None = UUID(int=0), 0
            while last is not None:
                with engine.begin() as connection:
                    sealed, last = _sealed(connection, keys, country, last, batch)
                done += sealed
            typer.echo(f"{country}: {done} versions of records sealed")
        engine.dispose()


def _sealed(
    connection: Connection, keys: sealing.Keyring, country: str, after: tuple[UUID, int], batch: int
) -> tuple[int, tuple[UUID, int] | None]:
    """How many were sealed of the next, and the last of them, if others may follow."""
    connection.execute(_ALL_ROWS)
    asked = {"country": country, "record": after[0], "version": after[1], "count": batch}
    rows = connection.execute(_SOME, asked).all()
    connection.execute(_AS_USUAL)
    kept = []
    for row in rows:
        renewed = keys.renew(row.disclosures, row.content_hash, country, row.record_id, row.version)
        if renewed is not None:
            names = {"record": row.record_id, "version": row.version, "persons": renewed[0][BITS["persons"]]}
            kept.append({**names, "disclosures": renewed[0], "content": renewed[1]})
    if kept:
        connection.execute(_KEEP, kept)
        connection.execute(_COUNTED, kept)
    return len(kept), (rows[-1].record_id, rows[-1].version) if len(rows) == batch else None
