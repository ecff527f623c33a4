"""The composition root: the only module that knows every feature."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import Depends, FastAPI

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
from service.seizures.routes import router as seizures
from service.seizures.scopes import ScopeIds
from service.settings import Settings
from service.substances.catalogue import Catalogue
from service.substances.routes import router as substances


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Reference data once per worker; the log's sequencer and the nonces' keeper while the worker lives."""
    state = app.state
    async with state.database.reading() as session:
        catalogue = await Catalogue.from_database(session)
        atlas = await Atlas.from_database(session)
    state.reference = Reference(catalogue, catalogue.units, atlas)
    state.catalogue, state.atlas = catalogue, atlas
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


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    app = FastAPI(title="Sarhad", version="1", lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.database = Database(settings)
    app.state.scope_ids = ScopeIds(app.state.database)
    web.install(app)
    app.include_router(ledger, dependencies=[Depends(present_as())])
    for router in (identity, substances, places, policies, seizures):
        app.include_router(router)
    return app
