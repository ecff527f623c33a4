"""`sarhad demo`: the demonstration region becomes what deploy/demo says; what is there stays."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.cli.acting import command_settings, owner_session, said_plainly
from service.cli.demo_policies import PolicyRefused, adopt_policies
from service.cli.demo_region import Region, read_region
from service.database import administration
from service.identity.enrol import enrol_agency, enrol_country, enrol_key, grant_role
from service.identity.governance import OPERATOR
from service.identity.models import AgencyKey, Country, Person
from service.identity.people import add_person
from service.identity.status import change_status
from service.policies.models import PolicyDecision
from service.settings import Settings
from service.signin.codes import issue, pending
from service.signin.models import Passkey
from service.signing import ServiceKeys, thumbprint

app = typer.Typer(no_args_is_help=True, help="The demonstration region.")


@app.callback()
def demo() -> None:
    """The demonstration region: fictitious agencies and keys of real countries, with default policies."""


@app.command(epilog="Example: sarhad demo load .sarhad/demo")
def load(
    directory: Annotated[Path, typer.Argument(help="Where the keys are, or are put.")] = Path(".sarhad/demo"),
) -> None:
    """Make the keys that are missing, enrol them, and adopt a default policy where a member has none."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = command_settings()
    with said_plainly(settings):
        asyncio.run(_load(settings, directory))


async def _load(settings: Settings, directory: Path) -> None:
    region = read_region()
    service_jwk = ServiceKeys(settings).current().jwk
    async with owner_session(settings) as session:
        fresh = await _enrol(session, region, directory, settings.origin, service_jwk)
        await _invite(session, region, directory)
    if fresh:
        typer.echo(f"      {fresh} keys of {len(region.countries)} countries enrolled ({directory})")
    if missing := sorted(region.members - await _adopted(settings)):
        try:
            await adopt_policies(settings, directory, missing)
        except PolicyRefused as refusal:
            typer.echo(f"A default policy was refused: {refusal}", err=True)
            raise typer.Exit(1) from refusal
        typer.echo(f"      default policies adopted: {' '.join(missing)}")


async def _invite(session: AsyncSession, region: Region, directory: Path) -> None:
    """Officers for the console, and beside the keys of its agency the code of each that has enrolled no passkey."""
    for agency in region.agencies:
        for handle, roles in agency.people.items():
            known = await session.scalar(select(Person.id).where(Person.agency == agency.code, Person.handle == handle))
            person = known or await add_person(session, agency.code, handle, roles)
            file = directory / agency.code / f"{handle}.code"
            if await session.scalar(select(Passkey.person).where(Passkey.person == person)) is not None:
                file.unlink(missing_ok=True)
                continue
            if file.exists() and await pending(session, person):
                continue
            code, _, _ = await issue(session, person, by=OPERATOR, country=None)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(f"{code}\n")


async def _adopted(settings: Settings) -> set[str]:
    """Countries with an approved policy, as the user of the database URL sees them: row security binds the owner."""
    engine = administration(settings)
    try:
        async with engine.connect() as connection:
            approved = select(PolicyDecision.country).where(PolicyDecision.decision == "approved")
            return set(await connection.scalars(approved))
    finally:
        await engine.dispose()


async def _enrol(
    session: AsyncSession, region: Region, directory: Path, origin: str, service_jwk: dict[str, str]
) -> int:
    """Enrol whoever is missing; answers with the number of new keys."""
    known = set(await session.scalars(select(AgencyKey.kid)))
    fresh = 0
    enrolled = dict((await session.execute(select(Country.code, Country.status))).tuples().all())
    for code, name in region.countries.items():
        status = region.status(code)
        if code not in enrolled:
            await enrol_country(session, code, name, status)
        elif enrolled[code] != status:
            await change_status(session, code, status, "As the demonstration region describes it")
    for agency in region.agencies:
        await enrol_agency(session, agency.code, agency.type, agency.name)
        for holder in agency.holders:
            for use, jwk in holder.ensure_keys(directory, origin, service_jwk).items():
                if thumbprint(jwk) in known:
                    continue
                fresh += 1
                kid = await enrol_key(session, agency.code, use, jwk)
                for role in holder.roles if use == "request-signing" else ():
                    await grant_role(session, kid, role)
    return fresh
