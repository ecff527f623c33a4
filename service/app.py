"""The composition root: the only module that knows every feature."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from fastapi import Depends, FastAPI
from sqlalchemy.exc import OperationalError

from service import web
from service.database import Database
from service.identity import nonces
from service.identity.callers import present_as
from service.identity.routes import router as identity
from service.ledger import sequence
from service.ledger.routes import router as ledger
from service.paging import Cursors
from service.places.atlas import Atlas
from service.places.routes import router as places
from service.policies.routes import router as policies
from service.seizures.harmonise import Reference
from service.seizures.norms import Norms
from service.seizures.routes import router as seizures
from service.seizures.scopes import ScopeIds
from service.settings import Settings
from service.substances.catalogue import Catalogue
from service.substances.routes import router as substances

_log = structlog.get_logger("sarhad.app")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Reference data once per worker; the log's sequencer and the nonces' keeper while the worker lives."""
    state = app.state
    state.reference = await _reference(state.database)
    state.catalogue, state.atlas = state.reference.catalogue, state.reference.atlas
    _set_aside()
    key = state.service_key()
    state.cursors = Cursors(key.private_key.private_bytes_raw())
    tasks = [
        asyncio.create_task(sequence.run(state.database, state.settings, key)),
        asyncio.create_task(nonces.run(state.database)),
    ]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await state.database.dispose()


def _set_aside() -> None:
    """Take the reference data out of the garbage collector's sight: otherwise it weighs the few cycles that
    a batch leaves against a million objects that stay, collects late, and goes through all of them each time.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # from here on it counts without them


async def _reference(database: Database) -> Reference:
    """The reference data, once the database answers: a worker that starts while it recovers must not give up,
    for the server ends when its workers keep failing.
    """
    while True:
        try:
            async with database.reading() as session:
                catalogue = await Catalogue.from_database(session)
                return Reference(catalogue, catalogue.units, await Atlas.from_database(session))
        except (OperationalError, OSError) as fault:
            _log.warning("waiting for the database", fault=type(fault).__name__)
            await asyncio.sleep(1)


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    app = FastAPI(title="Sarhad", version="1", lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.database = Database(settings)
    app.state.scope_ids = ScopeIds(app.state.database)
    app.state.norms = Norms()
    web.install(app)
    app.include_router(ledger, dependencies=[Depends(present_as())])
    for router in (identity, substances, places, policies, seizures):
        app.include_router(router)
    return app
