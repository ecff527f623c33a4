"""Keys enrolled by the operator, for tests that spend or lose them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from sarhad import PrivateKey
from sqlalchemy.ext.asyncio import async_sessionmaker

from service.database import administration
from service.identity.enrol import enrol_key, grant_role
from service.settings import Settings


def enrol_now(
    settings: Settings,
    key: PrivateKey,
    agency: str,
    roles: tuple[str, ...] = (),
    use: str = "request-signing",
    *,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> PrivateKey:
    """Enrol `key` and answer with it; from any test, also one that has a running loop."""

    async def enrol() -> None:
        engine = administration(settings)
        async with async_sessionmaker(engine).begin() as session:
            kid = await enrol_key(session, agency, use, key.public.jwk, not_before=not_before, not_after=not_after)
            for role in roles:
                await grant_role(session, kid, role)
        await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, enrol()).result()
    return key
