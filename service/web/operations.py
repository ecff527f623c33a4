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
    """The database answers, at the migration that this code was written for or at a later one, which it does not know:
    a release goes on while the next one's migrations are applied. The service's key is the one whose turn it is.
    """
    async with request.app.state.database.authn() as session:
        applied = await session.scalar(text("SELECT version_num FROM core.alembic_version"))
    if applied is None or applied in _earlier():
        raise NotReady("the database is at an earlier migration than the code")
    if not request.app.state.service_keys.in_turn():
        raise NotReady(
            "the key whose turn it is to sign is not on this host, and members believe the one before it no more"
        )
    return {"status": "ready"}


@router.get("/metrics")
async def metrics() -> Response:
    """Prometheus text format, all workers together."""
    body, media_type = exposition()
    return Response(body, media_type=media_type)


@lru_cache
def _earlier() -> frozenset[str]:
    """Migrations that this code needs more than."""
    scripts = ScriptDirectory(_MIGRATIONS)
    return frozenset(each.revision for each in scripts.walk_revisions()) - {scripts.get_current_head()}
