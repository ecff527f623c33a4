"""`sarhad fsck`: everything that the exchange promised, read again from what is stored."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, create_engine, text

from service.cli.acting import command_settings, said_plainly
from service.ledger import audit as logs
from service.ledger.checkpoints import Checkpoint, KeptCheckpoints, origin_of, verify
from service.ledger.models import Log
from service.records import sealing
from service.seizures import audit as records
from service.settings import Settings
from service.signing import ServiceKeys
from service.signing.service_key import FILE
from service.signing.service_keys import LIST

app = typer.Typer()
Keys = dict[str, Ed25519PublicKey]

# What was told of a leaf outside the table of reports: each is merged or waits.
_PROMISED = {
    Log.GOVERNANCE: "SELECT sha256('\\x00'::bytea || sha256(salt || sha256(convert_to(document, 'UTF8')))) AS leaf,"
    " leaf_hash FROM core.governance_event",
    Log.ACCESS: "SELECT leaf_hash AS leaf, leaf_hash FROM core.access",
}
_BROKEN = """SELECT count(*) FILTER (WHERE leaf <> leaf_hash), count(*) FILTER (WHERE NOT EXISTS
  (SELECT FROM core.log_leaf l WHERE l.log = :log AND l.leaf_hash = p.leaf_hash) AND NOT EXISTS
  (SELECT FROM core.log_pending w WHERE w.log = :log AND sha256('\\x00'::bytea || w.entry) = p.leaf_hash))
  FROM ({promised}) p"""


@app.callback(
    invoke_without_command=True,
    epilog="Example: sarhad fsck --against kz-records.checkpoint --against tj-records.checkpoint --keep",
)
def fsck(
    against: Annotated[
        list[Path] | None,
        typer.Option(help="A checkpoint that a witness kept (its `*.checkpoint` file); may be repeated."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep those as signed: the service refuses to serve from an older log.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Verify the signature of every record, every leaf, tile, receipt and checkpoint, and what was signed elsewhere.

    Reads only, in one snapshot, beside a running service or before it starts. Exit code 0 when all holds, else 1.
    """
    settings, began = command_settings(), time.monotonic()
    sealing.use(settings)
    try:
        keys = _keys(settings)
    except (OSError, ValueError) as fault:
        typer.echo(f"The service's key: {fault}. It is in SARHAD_STATE_DIR.", err=True)
        raise typer.Exit(1) from None
    signed = _signed(settings, keys, against or [], keep=keep)
    with said_plainly(settings):
        engine = create_engine(settings.database_as(), isolation_level="REPEATABLE READ")
        with engine.connect() as connection:
            audited = [_log(connection, settings, keys, log, signed) for log in Log]
            filed = records.audit(
                connection, keys, origin=origin_of(settings.origin, Log.RECORDS), said=_progress("versions of records")
            )
            connection.rollback()
        engine.dispose()
    faults = [f"{found.log.value}: {fault}" for found in audited for fault in found.faults] + filed.faults
    figures = {
        "records": filed.versions,
        "logs": {f.log.value: {"leaves": f.leaves, "tiles": f.tiles, "checkpoints": f.checkpoints} for f in audited},
        "compared_with": len(signed),
        "seconds": round(time.monotonic() - began, 2),
        "faults": faults,
    }
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        for found in audited:
            typer.echo(
                f"{found.log.value}: {found.leaves} leaves, {found.tiles} tiles, {found.checkpoints} checkpoints"
            )
        typer.echo(f"{filed.versions} versions of records; compared with {len(signed)} checkpoints kept elsewhere")
        for sentence in faults:
            typer.echo(f"  {sentence}")
        typer.echo("Something is wrong." if faults else "All holds.")
    if faults:
        raise typer.Exit(1)


def _keys(settings: Settings) -> Keys:
    """Every key that the service ever had, by thumbprint; none is made. Raises OSError, ValueError."""
    if settings.service_key is None and not any((settings.state_dir / name).exists() for name in (FILE, LIST)):
        raise FileNotFoundError(f"{settings.state_dir / FILE} is not there")
    return ServiceKeys(settings).known()


def _log(connection: Connection, settings: Settings, keys: Keys, log: Log, signed: list[Checkpoint]) -> logs.LogAudit:
    origin = origin_of(settings.origin, log)
    found = logs.audit(
        connection,
        log,
        origin=origin,
        public_keys=keys.values(),
        signed=[checkpoint for checkpoint in signed if checkpoint.origin == origin],
        said=_progress(f"leaves of {log.value}"),
    )
    if log in _PROMISED:
        question = text(_BROKEN.format(promised=_PROMISED[log]))
        other, absent = connection.execute(question, {"log": log.value}).one()
        if other:
            found.faults.append(f"{other} openings do not give their leaf")
        if absent:
            found.faults.append(f"{absent} leaves were promised and are not in the log")
    return found


def _signed(settings: Settings, keys: Keys, files: list[Path], *, keep: bool) -> list[Checkpoint]:
    """What the service kept beside the database, and what witnesses kept; each signed by the log's own key."""
    folder, found = KeptCheckpoints(settings.state_dir), []
    for log in Log:
        kept = folder.last(log)
        found += [kept] if kept is not None else []
    origins = {origin_of(settings.origin, log): log for log in Log}
    for file in files:
        try:
            note = file.read_text(encoding="utf-8")
            origin = note.split("\n", 1)[0]
            if origin not in origins:
                raise ValueError(f"it is of {origin!r}, not of {', '.join(origins)}")
            found.append(verify(note, origin, keys.values()))
        except (OSError, ValueError) as fault:
            typer.echo(f"{file}: {fault}", err=True)
            raise typer.Exit(1) from None
        if keep:
            folder.keep(origins[origin], note)
    return found


def _progress(of: str) -> Callable[[int], None]:
    """A word on standard error after every so many."""
    return lambda count: typer.echo(f"  {count} {of} …", err=True)
