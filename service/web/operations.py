"""Health, readiness and metrics: unsigned, and telling nothing about content."""

from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from alembic.script import ScriptDirectory
from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from service.problems import Problem
from service.web.metrics import exposition

router = APIRouter(include_in_schema=False)
_MIGRATIONS = Path(__file__).parents[2] / "migrations"


class NotReady(Problem):
    """The service cannot take requests yet."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def alive() -> dict[str, str]:
    """This worker answers."""
    return {"status": "ok"}


@router.api_route("/readyz", methods=["GET", "HEAD"])
async def ready(request: Request) -> dict[str, str]:
    """The database answers, at the migration that this code was written for."""
    async with request.app.state.database.authn() as session:
        applied = await session.scalar(text("SELECT version_num FROM core.alembic_version"))
    if applied != _head():
        raise NotReady("the database is at another migration than the code")
    return {"status": "ready"}


@router.get("/metrics")
async def metrics() -> Response:
    """Prometheus text format, all workers together."""
    body, media_type = exposition()
    return Response(body, media_type=media_type)


@lru_cache
def _head() -> str | None:
    return ScriptDirectory(_MIGRATIONS).get_current_head()
