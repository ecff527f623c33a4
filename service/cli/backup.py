"""`sarhad backup` and `sarhad restore`: encrypted backups and every moment between them, by pgBackRest.

pgBackRest runs as the operating system's user who owns the cluster's files. Its one file of settings, which this makes,
holds the passphrase of the repository, and the key of the store that it lies in: without it no backup can be read, so
it is kept apart from both.
"""

import os
import re
import secrets
import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from sqlalchemy import create_engine, text

from service.cli.acting import command_settings, said_plainly
from service.settings import Settings

STANZA = "sarhad"
ARCHIVE_SECONDS = 60  # the most that is written and not in the repository yet, on a healthy machine
app = typer.Typer(no_args_is_help=True, help="Encrypted backups of the database, and what was written since.")
restore_app = typer.Typer()

PLACE = ("repo1-type", "repo1-path", "repo1-s3-bucket", "repo1-s3-endpoint")  # where a repository lies

ConfigOption = Annotated[
    Path,
    typer.Option("--config", envvar="SARHAD_BACKUP_CONFIG", help="pgBackRest's settings, with the passphrase."),
]
_WHERE = text(
    "SELECT current_setting('data_directory') AS data, current_setting('unix_socket_directories') AS sockets,"
    " current_setting('port') AS port, current_user AS superuser, current_setting('archive_mode') AS archiving"
)


@app.command(
    epilog="Examples: sarhad backup setup /srv/backup --config /etc/sarhad/pgbackrest.conf, then restart PostgreSQL;"
    " sarhad backup setup s3://backups/sarhad --config /etc/sarhad/pgbackrest.conf"
)
def setup(
    repository: Annotated[
        str,
        typer.Argument(
            help="Where the repository lies: a folder on another disk, or s3://bucket/prefix with AWS_ENDPOINT_URL,"
            " AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_CA_BUNDLE, for a store of one's own)."
        ),
    ],
    config: ConfigOption,
    keep: Annotated[int, typer.Option(min=1, help="Full backups that are kept, with all moments since.")] = 4,
) -> None:
    """Write pgBackRest's settings with a new passphrase (kept if there are some), and have the database archive.

    Copy the file to where you would look for it after a fire: without it the backups cannot be read.
    """
    settings = command_settings()
    with said_plainly(settings):
        found = _ask(settings)
        _require_program()
        config = config.resolve()
        kept = _in_a_store(repository) if "://" in repository else {"repo1-path": Path(repository).resolve()}
        if config.exists():
            _require_same(config, kept)
        owner = Path(found.data).stat()
        for folder in (*([] if "://" in repository else [kept["repo1-path"]]), config.parent / "pgbackrest"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chown(folder, owner.st_uid, owner.st_gid)
        if not config.exists():
            _write(config, _text(found, kept, config.parent / "pgbackrest", keep), owner)
        command = f"pgbackrest --config={shlex.quote(str(config))} --stanza={STANZA} archive-push %p"
        _tell(settings, {"archive_mode": "on", "archive_command": command, "archive_timeout": f"{ARCHIVE_SECONDS}s"})
    typer.echo(f"{config} holds the passphrase: keep a copy apart from this machine and from {repository}.")
    if found.archiving != "on":
        typer.echo("Restart PostgreSQL (stop and start ./deploy/up), then: sarhad backup run")


@app.command(epilog="Example: sarhad backup run --full --config /etc/sarhad/pgbackrest.conf, every night from a timer")
def run(
    config: ConfigOption,
    full: Annotated[bool, typer.Option("--full", help="All files anew, not only what changed.")] = False,
) -> None:
    """Back up while the service runs; checks first that what is written reaches the repository."""
    _pgbackrest(config, "stanza-create")
    _pgbackrest(config, "check")
    _pgbackrest(config, "backup", f"--type={'full' if full else 'incr'}")


@app.command("list", epilog="Example: sarhad backup list --config /etc/sarhad/pgbackrest.conf")
def list_(config: ConfigOption) -> None:
    """The backups, their sizes, and the moments that can be restored to."""
    _pgbackrest(config, "info")


@restore_app.callback(
    invoke_without_command=True,
    epilog="Example: sarhad restore --at 2026-03-01T09:30:00+05:00 --config /etc/sarhad/backup.conf, then fsck",
)
def restore(
    config: ConfigOption,
    at: Annotated[
        str | None, typer.Option(help="A moment with its offset (RFC 3339); else all that was written.")
    ] = None,
) -> None:
    """Put the files of the stopped database back as of a moment; the next start replays up to it.

    Nothing is archived from there until `sarhad backup setup` says so again: look first (sarhad fsck), and restore to
    another moment where it is not the right one.
    """
    moment = ["--type=default"]
    if at is not None:
        moment = ["--type=time", f"--target={_moment(at):%Y-%m-%d %H:%M:%S.%f}+00", "--target-action=promote"]
    data = Path(_setting(config, "pg1-path"))
    if (data / "postmaster.pid").exists() and _lives(data / "postmaster.pid"):
        raise typer.BadParameter(f"the database in {data} runs: stop it first")
    if not data.exists():
        owner = config.stat()
        data.mkdir(mode=0o700)
        os.chown(data, owner.st_uid, owner.st_gid)
    _pgbackrest(config, "restore", "--delta", "--archive-mode=off", *moment)
    typer.echo("Start PostgreSQL and wait until it has recovered, then: sarhad fsck, with what the witnesses kept.")


def _moment(given: str) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter("a moment is written 2026-03-01T09:30:00+05:00", param_hint="--at")
    return moment.astimezone(UTC)


def _lives(file: Path) -> bool:
    try:
        return Path(f"/proc/{int(file.read_text().split()[0])}").exists()
    except (OSError, ValueError, IndexError):
        return False


def _ask(settings: Settings) -> Any:
    engine = create_engine(settings.database_as())
    with engine.connect() as connection:
        found = connection.execute(_WHERE).one()
    engine.dispose()
    if not Path(found.data).is_dir():
        raise typer.BadParameter(
            f"the database's files ({found.data}) are not on this machine: run this where they are"
        )
    return found


def _tell(settings: Settings, values: dict[str, str]) -> None:
    engine = create_engine(settings.database_as(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name, value in values.items():
            connection.exec_driver_sql(
                f"ALTER SYSTEM SET {name} = '{value.replace(chr(39), chr(39) * 2)}'".replace("%", "%%")
            )
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()


def _in_a_store(url: str) -> dict[str, Any]:
    """pgBackRest's settings for a repository in an S3-compatible store, which it speaks with over TLS alone."""
    where = urlsplit(url)
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    given = {name: os.environ.get(name) for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    if where.scheme != "s3" or not where.hostname:
        raise typer.BadParameter(f"{url} is neither a folder nor s3://bucket/prefix")
    if endpoint.scheme != "https" or not endpoint.hostname:
        raise typer.BadParameter("AWS_ENDPOINT_URL is the store's https:// address")
    if missing := [name for name, value in given.items() if not value]:
        raise typer.BadParameter(f"the store is reached with {' and '.join(missing)}, which the environment lacks")
    bundle = os.environ.get("AWS_CA_BUNDLE")
    return {
        "repo1-type": "s3",
        "repo1-path": where.path or "/",
        "repo1-s3-bucket": where.hostname,
        "repo1-s3-endpoint": endpoint.hostname,
        "repo1-s3-region": given["AWS_REGION"],
        "repo1-s3-key": given["AWS_ACCESS_KEY_ID"],
        "repo1-s3-key-secret": given["AWS_SECRET_ACCESS_KEY"],
        "repo1-s3-uri-style": "path",
        "repo1-storage-port": endpoint.port or 443,
        **({"repo1-storage-ca-file": Path(bundle).resolve()} if bundle else {}),
    }


def _text(found: Any, kept: dict[str, Any], folder: Path, keep: int) -> str:
    everywhere = {
        **kept,
        "repo1-cipher-type": "aes-256-cbc",
        "repo1-cipher-pass": secrets.token_urlsafe(48),
        "repo1-retention-full": keep,
        "repo1-bundle": "y",  # small files together: a store takes its time for each
        "compress-type": "zst",
        "start-fast": "y",
        "log-level-file": "off",
        "log-path": folder,
        "lock-path": folder,
    }
    here = {
        "pg1-path": found.data,
        "pg1-socket-path": found.sockets.split(",")[0].strip(),
        "pg1-port": found.port,
        "pg1-user": found.superuser,
    }
    sections = (("global", everywhere), (STANZA, here))
    return "\n".join(f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in of.items()) for name, of in sections)


def _write(file: Path, content: str, owner: os.stat_result) -> None:
    """Readable by the owner of the cluster alone, from the first moment."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as writing:
        os.fchown(writing.fileno(), owner.st_uid, owner.st_gid)
        writing.write(content)


def _setting(config: Path, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}=(.+)$", config.read_text() if config.is_file() else "", re.MULTILINE)
    if found is None:
        raise typer.BadParameter(f"{config} is not what sarhad backup setup writes", param_hint="--config")
    return found[1]


def _require_same(config: Path, kept: dict[str, Any]) -> None:
    """Another repository would begin empty, under the passphrase of this one."""
    written = dict(re.findall(r"^([\w-]+)=(.+)$", config.read_text(), re.MULTILINE))
    if any(written.get(name, "") != str(kept.get(name, "")) for name in PLACE):
        raise typer.BadParameter(f"another repository than that of {config}: name that one, or another --config")


def _require_program() -> None:
    if shutil.which("pgbackrest") is None:
        raise typer.BadParameter("pgBackRest is not installed: apt-get install pgbackrest")


def _pgbackrest(config: Path, command: str, *arguments: str) -> None:
    """Run it as the owner of the cluster's files, who owns the settings; what it says goes on, progress by tenths."""
    _require_program()
    _setting(config, "pg1-path")
    owner = config.stat()
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        identity = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": [owner.st_gid]}
    level = "detail" if command in {"backup", "restore"} else "warn"
    ours = [f"--config={config.resolve()}", f"--stanza={STANZA}", f"--log-level-console={level}"]
    with subprocess.Popen(
        ["pgbackrest", *ours, *arguments, command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", **identity,
    ) as running:  # fmt: skip
        tenth = -1
        for line in running.stdout or ():
            done = re.search(r"\(.*, (\d+)(?:\.\d+)?%\)", line)
            if done is None and " DETAIL: " not in line:
                typer.echo(line.rstrip())
            elif done is not None and int(done[1]) // 10 != tenth:
                tenth = int(done[1]) // 10
                typer.echo(f"  {done[1]} %")
    if running.returncode:
        typer.echo(f"pgBackRest refused {command}; the reason is above.", err=True)
        raise typer.Exit(1)
