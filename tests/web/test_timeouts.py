"""A question that takes too long is ended by PostgreSQL and answered with advice; the connection serves the next."""

import httpx
from sqlalchemy import text

from service.app import create_app
from service.settings import Settings
from service.web import ReadSession


async def test_a_statement_that_takes_too_long_is_answered_with_retry_advice(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/v1/slow")
    async def slow(session: ReadSession) -> dict[str, str]:
        await session.execute(text("SET LOCAL statement_timeout = 50"))
        await session.execute(text("SELECT pg_sleep(60)"))
        return {"never": "told"}

    @app.get("/v1/quick")
    async def quick(session: ReadSession) -> dict[str, int]:
        return {"one": (await session.execute(text("SELECT 1"))).scalar_one()}

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=settings.origin) as client:
        answers = [await client.get("/v1/slow") for _ in range(settings.database_pool + 1)]
        after = await client.get("/v1/quick")
    await app.state.database.dispose()
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].headers["retry-after"] == "5"
    assert answers[0].json()["type"] == "/problems/unavailable"
    assert "longer" in answers[0].json()["detail"]
    assert after.json() == {"one": 1}, "no connection of the pool is stuck"
