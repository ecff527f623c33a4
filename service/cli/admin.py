"""`sarhad admin`: the operator begins a country: its agencies, first keys and roles.

After that the country's own key administrators act, two by two, through the signed interface. Every act here
leaves a leaf in the governance log, in the operator's name.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import select

from service.cli.acting import as_operator
from service.identity import enrol
from service.identity.models import KEY_USES, Agency, AgencyKey, Country, RoleGrant
from service.identity.revoke import revoke_by_operator
from service.signing import jwk_of

app = typer.Typer(no_args_is_help=True, help="Begin a country: agencies, first keys and roles.")
country = typer.Typer(no_args_is_help=True, help="Member states.")
agency = typer.Typer(no_args_is_help=True, help="Authorities that hold keys.")
key = typer.Typer(no_args_is_help=True, help="Public keys.")
role = typer.Typer(no_args_is_help=True, help="Roles of request-signing keys.")
for name, group in (("country", country), ("agency", agency), ("key", key), ("role", role)):
    app.add_typer(group, name=name)

Use = StrEnum("Use", {use.upper().replace("-", "_"): use for use in KEY_USES})  # type: ignore[misc]
AgencyCode = Annotated[str, typer.Argument(help="Country and code, such as KZ-CUS.")]
Kid = Annotated[str, typer.Argument(help="RFC 7638 thumbprint of the key.")]


@country.command("add")
def add_country(code: Annotated[str, typer.Argument(help="ISO 3166-1 alpha-2.")], name: str) -> None:
    """Enrol a member state."""
    as_operator(lambda session: enrol.enrol_country(session, code, name))


@country.command("list")
def list_countries() -> None:
    """Every enrolled state."""
    for row in as_operator(lambda session: session.scalars(select(Country).order_by(Country.code))):
        typer.echo(f"{row.code}  {row.name}")


@agency.command("add")
def add_agency(
    code: AgencyCode,
    name: str,
    kind: Annotated[str, typer.Option("--type", help="DC drug control, CU customs, BG border guard, LAB …")],
) -> None:
    """Enrol an agency of an enrolled country."""
    as_operator(lambda session: enrol.enrol_agency(session, code, kind, name))


@agency.command("list")
def list_agencies() -> None:
    """Every enrolled agency."""
    for row in as_operator(lambda session: session.scalars(select(Agency).order_by(Agency.code))):
        typer.echo(f"{row.code:16} {row.type:9} {row.name}")


@key.command("enrol")
def enrol_key(
    owner: AgencyCode,
    file: Annotated[Path, typer.Argument(help="Public key: JWK (JSON) or PEM. Never a private key.")],
    use: Annotated[Use, typer.Option(help="A key has one use.")],
    roles: Annotated[list[str] | None, typer.Option("--role", help="Role it begins with.")] = None,
) -> None:
    """Enrol a public key of an agency, with the roles it begins with; prints its kid."""
    jwk = read_public_key(file)

    async def act(session: Any) -> str:
        kid = await enrol.enrol_key(session, owner, use.value, jwk)
        for name in roles or ():
            await enrol.grant_role(session, kid, name)
        return kid

    typer.echo(as_operator(act))


@key.command("list")
def list_keys(owner: AgencyCode) -> None:
    """Keys of an agency, with their roles."""
    query = (
        select(AgencyKey, RoleGrant.role)
        .outerjoin(RoleGrant, RoleGrant.kid == AgencyKey.kid)
        .where(AgencyKey.agency == owner)
        .order_by(AgencyKey.enrolled_at, AgencyKey.kid)
    )
    for row, held in as_operator(lambda session: session.execute(query)):
        state = "revoked" if row.revoked_at else "valid"
        typer.echo(f"{row.kid}  {row.use:15} {row.alg:6} {state:8} {held or ''}")


@key.command("revoke")
def revoke_key(kid: Kid, reason: Annotated[str, typer.Option(help="Kept in the governance log.")]) -> None:
    """Revoke a key from the next request on, for a country whose officers lost theirs."""
    as_operator(lambda session: revoke_by_operator(session, kid, reason))


@role.command("grant")
def grant(kid: Kid, name: Annotated[str, typer.Argument(help="key_administrator, policy_officer …")]) -> None:
    """Give a role to a request-signing key."""
    as_operator(lambda session: enrol.grant_role(session, kid, name))


@role.command("withdraw")
def withdraw(kid: Kid, name: str) -> None:
    """Take a role from a key."""
    as_operator(lambda session: enrol.withdraw_role(session, kid, name))


def read_public_key(file: Path) -> dict[str, str]:
    """The public JWK of a file; a private key is refused, because it must never leave its agency."""
    try:
        data = file.read_bytes()
        if b"PRIVATE" in data or b'"d"' in data:
            raise typer.BadParameter(f"{file} holds a private key; send its public half only.")
        if data.lstrip().startswith(b"{"):
            return dict(json.loads(data))
        return jwk_of(load_pem_public_key(data))  # type: ignore[arg-type]
    except OSError as fault:
        raise typer.BadParameter(f"Cannot read {file}: {fault.strerror}") from fault
    except ValueError as fault:
        raise typer.BadParameter(f"{file} is no public key as JWK or PEM: {fault}") from fault
