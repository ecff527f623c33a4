"""`sarhad admin service-key`: the service's own keys, and how one follows another while the service runs."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from sarhad import tokens
from sarhad.errors import ConfigurationError
from sarhad.keys import in_token

from service.cli.acting import as_operator, command_settings
from service.identity.governance import OPERATOR, record
from service.signing import ServiceKey, ServiceKeys

app = typer.Typer(no_args_is_help=True, help="The service's own keys, and how one follows another.")


@app.command("list", epilog="Example: sarhad admin service-key list")
def list_keys() -> None:
    """Every key of the service, the oldest first: when it signs, and where it is."""
    keys = ServiceKeys(command_settings())
    now = datetime.now(UTC)
    for turn in keys.turns:
        state = "announced" if not turn.has_begun(now) else "signs" if turn.kid == keys.current(now).kid else "former"
        place = turn.place.partition("?")[0]
        typer.echo(f"{turn.kid}  {state:9}  {turn.begins or 'from the beginning':32}  {place}")


@app.command(
    epilog="Example: sarhad admin service-key rotate --in-hours 24; with a token: --key 'pkcs11:token=…;object=next?…'"
)
def rotate(
    key: Annotated[
        str | None,
        typer.Option(
            help="PKCS#11 URI of the key that is to follow; it is made where the token has none. Else a file."
        ),
    ] = None,
    in_hours: Annotated[
        float, typer.Option(min=0.001, help="It signs after so long; every host needs it in its state folder by then.")
    ] = 24,
    overlap_days: Annotated[
        float, typer.Option(min=0, help="So long the old key signs checkpoints beside it, then it may be destroyed.")
    ] = 30,
) -> None:
    """Announce the key that is to follow the present one, vouched for by it; the service changes over by itself.

    Members' clients follow without being told. Receipts and checkpoints of the old key stay true.
    """
    settings = command_settings()
    keys = ServiceKeys(settings)
    begins = datetime.now(UTC) + timedelta(hours=in_hours)

    async def act(session: Any) -> str:
        place, made = _made(keys, key) if key is not None else _filed(settings.state_dir)
        old = keys.turns[-1].kid
        await record(session, None, "service-key-announced", kid=made.kid, after=old, jwk=dict(made.jwk),
                     begins=begins.isoformat(), by=OPERATOR)  # fmt: skip
        keys.announce(place, made, begins=begins, overlap=timedelta(days=overlap_days))
        return made.kid

    try:
        kid = as_operator(act)
    except (ValueError, OSError, ConfigurationError) as fault:
        typer.echo(f"Refused: {fault}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{kid}  signs from {begins.isoformat(timespec='seconds')}")


def _made(keys: ServiceKeys, uri: str) -> tuple[str, ServiceKey]:
    if not in_token(uri):
        raise ValueError("--key is a PKCS#11 URI; without it a file is made in the state folder")
    try:
        return uri, keys.at(uri)
    except ValueError:
        tokens.generate(uri)
    return uri, keys.at(uri)


def _filed(folder: Any) -> tuple[str, ServiceKey]:
    made = ServiceKey.generate()
    place = f"service-key-{made.kid[:12]}.pem"
    made.save(folder / place)
    return place, made
