"""`sarhad admin`: the operator begins a country: its agencies, first keys and roles.

After that the country's own key administrators act, two by two, through the signed interface. Every act here
leaves a leaf in the governance log, in the operator's name.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import select

from service.cli.acting import as_operator
from service.cli.admin_facets import app as facets
from service.cli.admin_groups import app as group
from service.cli.admin_service_key import app as service_key
from service.identity import enrol
from service.identity.governance import OPERATOR
from service.identity.models import KEY_USES, STATUSES, Agency, AgencyKey, Country, Person, RoleGrant
from service.identity.people import add_person as add
from service.identity.people import end_person
from service.identity.possession import prove
from service.identity.revoke import revoke_by_operator
from service.identity.status import change_status
from service.problems import NotFound
from service.signin.codes import issue
from service.signing import jwk_of

app = typer.Typer(no_args_is_help=True, help="Begin a country: agencies, first keys and roles.")
country = typer.Typer(no_args_is_help=True, help="Member states, observers and third countries.")
agency = typer.Typer(no_args_is_help=True, help="Authorities that hold keys.")
key = typer.Typer(no_args_is_help=True, help="Public keys.")
role = typer.Typer(no_args_is_help=True, help="Roles of request-signing keys.")
person = typer.Typer(no_args_is_help=True, help="Officers who sign in at the console.")
for name, commands in (
    *(("country", country), ("group", group), ("agency", agency)),
    *(("key", key), ("role", role), ("person", person), ("service-key", service_key), ("facets", facets)),
):
    app.add_typer(commands, name=name)

Status = StrEnum("Status", {status.upper(): status for status in STATUSES})  # type: ignore[misc]
Use = StrEnum("Use", {use.upper().replace("-", "_"): use for use in KEY_USES})  # type: ignore[misc]
CountryCode = Annotated[str, typer.Argument(help="ISO 3166-1 alpha-2.")]
AgencyCode = Annotated[str, typer.Argument(help="Country and code, such as KZ-CUS.")]
Kid = Annotated[str, typer.Argument(help="RFC 7638 thumbprint of the key.")]
TAKES_KID = {"ignore_unknown_options": True}
"""For a command with a Kid: one thumbprint of 64 begins with a hyphen, and is no option."""


@country.command("add", epilog="Example: sarhad admin country add AF Afghanistan --status observer")
def add_country(
    code: CountryCode,
    name: str,
    status: Annotated[Status, typer.Option(help="Only a member is meant by rules for everybody.")] = Status("member"),
) -> None:
    """Enrol a country: a member state, or one that is given only what names it."""
    as_operator(lambda session: enrol.enrol_country(session, code, name, status.value))


@country.command("status", epilog="Example: sarhad admin country status AF observer --reason 'Resolution 12'")
def set_status(
    code: CountryCode, status: Status, reason: Annotated[str, typer.Option(help="Kept in the governance log.")]
) -> None:
    """Make a country a member, an observer or a third country, from its next request on."""
    as_operator(lambda session: change_status(session, code, status.value, reason))


@country.command("list", epilog="Example: sarhad admin country list")
def list_countries() -> None:
    """Every enrolled country, and which are no members."""
    for row in as_operator(lambda session: session.scalars(select(Country).order_by(Country.code))):
        typer.echo(f"{row.code}  {row.name}{'' if row.status == 'member' else f'  ({row.status})'}")


@agency.command("add", epilog="Example: sarhad admin agency add KZ-CUS 'State Revenue Committee, customs' --type CU")
def add_agency(
    code: AgencyCode,
    name: str,
    kind: Annotated[str, typer.Option("--type", help="DC drug control, CU customs, BG border guard, LAB …")],
) -> None:
    """Enrol an agency of an enrolled country."""
    as_operator(lambda session: enrol.enrol_agency(session, code, kind, name))


@agency.command("list", epilog="Example: sarhad admin agency list")
def list_agencies() -> None:
    """Every enrolled agency."""
    for row in as_operator(lambda session: session.scalars(select(Agency).order_by(Agency.code))):
        typer.echo(f"{row.code:16} {row.type:9} {row.name}")


@key.command(
    "enrol", epilog="Example: sarhad admin key enrol KZ-NCP request.json --use request-signing --role key_administrator"
)
def enrol_key(
    owner: AgencyCode,
    file: Annotated[
        Path,
        typer.Argument(help="What `sarhad keys request` printed; or a public key as JWK or PEM. Never a private key."),
    ],
    use: Annotated[Use, typer.Option(help="A key has one use.")],
    roles: Annotated[list[str] | None, typer.Option("--role", help="Role it begins with.")] = None,
    proof: Annotated[str | None, typer.Option(help="Proof of possession (JWS), if the file has none.")] = None,
) -> None:
    """Enrol a public key of an agency, with the roles it begins with; prints its kid.

    The key must have signed its enrolment: `sarhad keys request` makes that proof where the private key is.
    """
    jwk, shown = read_enrolment(file, use.value)

    async def act(session: Any) -> str:
        prove(owner, use.value, jwk, proof or shown)
        kid = await enrol.enrol_key(session, owner, use.value, jwk)
        for name in roles or ():
            await enrol.grant_role(session, kid, name)
        return kid

    typer.echo(as_operator(act))


@key.command("list", epilog="Example: sarhad admin key list KZ-NCP")
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


@key.command(
    "revoke",
    context_settings=TAKES_KID,
    epilog="Example: sarhad admin key revoke THUMBPRINT --reason 'Both officers lost their keys'",
)
def revoke_key(kid: Kid, reason: Annotated[str, typer.Option(help="Kept in the governance log.")]) -> None:
    """Revoke a key from the next request on, for a country whose officers lost theirs."""
    as_operator(lambda session: revoke_by_operator(session, kid, reason))


@role.command("grant", context_settings=TAKES_KID, epilog="Example: sarhad admin role grant THUMBPRINT policy_officer")
def grant(kid: Kid, name: Annotated[str, typer.Argument(help="key_administrator, policy_officer …")]) -> None:
    """Give a role to a request-signing key."""
    as_operator(lambda session: enrol.grant_role(session, kid, name))


@role.command(
    "withdraw", context_settings=TAKES_KID, epilog="Example: sarhad admin role withdraw THUMBPRINT policy_officer"
)
def withdraw(kid: Kid, name: str) -> None:
    """Take a role from a key."""
    as_operator(lambda session: enrol.withdraw_role(session, kid, name))


@person.command("add")
def add_person(
    owner: AgencyCode,
    handle: Annotated[str, typer.Argument(help="What the agency calls the post, such as shift-2; never a name.")],
    roles: Annotated[list[str], typer.Option("--role", help="Role it acts with; may be repeated.")],
) -> None:
    """Let an officer sign in, and print the code with which it enrols its first passkey.

    Example: sarhad admin person add TJ-BG shift-2 --role reporter
    """

    async def act(session: Any) -> str:
        id_ = await add(session, owner, handle, roles)
        code, _, _ = await issue(session, id_, by=OPERATOR, country=None)
        return code

    typer.echo(as_operator(act))


@person.command("list", epilog="Example: sarhad admin person list TJ-BG")
def list_people(owner: AgencyCode) -> None:
    """Officers of an agency, with their roles."""
    query = select(Person).where(Person.agency == owner).order_by(Person.handle)
    for row in as_operator(lambda session: session.scalars(query)):
        typer.echo(f"{row.handle:24} {'ended' if row.ended_at else 'active':8} {', '.join(row.roles)}")


@person.command("code", epilog="Example: sarhad admin person code TJ-BG shift-2")
def issue_code(owner: AgencyCode, handle: str) -> None:
    """Print a new code, for an officer whose device is lost; it holds once, for a day."""

    async def act(session: Any) -> str:
        code, _, _ = await issue(session, await _officer(session, owner, handle), by=OPERATOR, country=None)
        return code

    typer.echo(as_operator(act))


@person.command("end", epilog="Example: sarhad admin person end TJ-BG shift-2 --reason 'Left the service'")
def end(owner: AgencyCode, handle: str, reason: Annotated[str, typer.Option(help="Kept in the log.")]) -> None:
    """Let an officer sign in no more; open sessions end with their next request."""

    async def act(session: Any) -> None:
        await end_person(session, await _officer(session, owner, handle), reason, by=OPERATOR, country=None)

    as_operator(act)


async def _officer(session: Any, owner: str, handle: str) -> UUID:
    found: UUID | None = await session.scalar(select(Person.id).where(Person.agency == owner, Person.handle == handle))
    if found is None:
        raise NotFound(f"{owner} has no officer {handle}")
    return found


def read_enrolment(file: Path, use: str) -> tuple[dict[str, str], str | None]:
    """(JWK, proof) of a requested enrolment for this use; of a bare public key, without a proof."""
    try:
        requested = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return read_public_key(file), None
    for change in requested if isinstance(requested, list) else [requested]:
        if isinstance(change, dict) and change.get("kind") == "enrol-key" and change.get("use") == use:
            return dict(change["jwk"]), change.get("proof")
    if isinstance(requested, list):
        raise typer.BadParameter(f"{file} asks for no key with the use {use}.")
    return read_public_key(file), None


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
