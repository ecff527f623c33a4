"""The composition root: the only module that knows every feature."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import structlog
from fastapi import Depends, FastAPI
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import State

from service import web
from service.aggregates.routes import router as aggregates
from service.alerts.routes import router as alerts
from service.alerts.stream import Streams
from service.alerts.tasks import follow as watch
from service.alerts.tasks import follow_changed as watch_changed
from service.alerts.tasks import follow_links as watch_links
from service.analyses.imprints import keep_imprints
from service.analyses.kind import AnalysisKind
from service.analyses.link import follow as link_exhibits
from service.analyses.link import follow_unknown as link_unknown
from service.analyses.routes import router as analyses
from service.attachments import keep as attachments_kept
from service.attachments.named import attach
from service.attachments.routes import router as attachments
from service.attachments.store import Files
from service.bulletins.routes import router as bulletins
from service.console.pages import Pages
from service.console.routes import router as console
from service.database import Database
from service.exports.routes import router as exports
from service.identity import nonces
from service.identity.callers import present_as
from service.identity.routes import router as identity
from service.lasting import made_to_last
from service.ledger import sequence
from service.ledger.routes import router as ledger
from service.library.routes import router as library
from service.library.shelf import Shelf
from service.links import seek as links_seeking
from service.links.routes import router as links
from service.listings.routes import router as listings
from service.notices.routes import router as notices
from service.observations.kinds import KINDS as OBSERVED
from service.observations.routes import router as observations
from service.ogc.routes import router as ogc
from service.packs.routes import router as packs
from service.paging import Cursors
from service.places import renewal
from service.places.routes import router as places
from service.policies.routes import router as policies
from service.previews.routes import reports as foresight
from service.previews.routes import router as previews
from service.profiles.routes import router as profiles
from service.provisional.routes import router as provisional
from service.provisional.settle import carrying
from service.publications.routes import router as publications
from service.questions.routes import router as questions
from service.readings import partitions
from service.readings.routes import router as readings
from service.readings.settle import Settling
from service.readings.write import AccessWriter
from service.records import sealing
from service.releases.routes import router as releases
from service.seizures.harmonise import Reference
from service.seizures.norms import Norms
from service.seizures.routes import router as seizures
from service.seizures.row import Candidate, Fresh
from service.seizures.scopes import ScopeIds
from service.settings import Settings
from service.signin.providers import Providers
from service.signin.routes import router as signin
from service.substances.catalogue import Catalogue
from service.substances.routes import router as substances
from service.timelines.routes import router as timelines
from service.timeliness.routes import router as timeliness
from service.trends import keep as cube
from service.trends.routes import router as trends
from service.witnesses.routes import router as witnesses

_log = structlog.get_logger("sarhad.app")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Reference data once per worker; the log's sequencer and the nonces' keeper while the worker lives."""
    state = app.state
    state.reference, state.places = await _reference(state.database)
    state.catalogue, state.atlas = state.reference.catalogue, state.reference.atlas
    keys = state.service_keys
    state.files = Files(state.settings)
    state.cursors = Cursors(keys.secret)
    tasks = [
        asyncio.create_task(sequence.run(state.database, state.settings, keys)),
        asyncio.create_task(nonces.run(state.database)),
        asyncio.create_task(_renew_places(state)),
        asyncio.create_task(partitions.run(state.database)),
        asyncio.create_task(cube.run(state.database)),
        asyncio.create_task(attachments_kept.run(state.database, state.files)),
        asyncio.create_task(links_seeking.run(state.database, watch_links)),
    ]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await state.database.dispose()


async def _reference(database: Database) -> tuple[Reference, renewal.Digests]:
    """The reference data and which places they are, once the database answers: a worker that starts while it
    recovers must not give up, for the server ends when its workers keep failing.
    """
    while True:
        try:
            with made_to_last():
                async with database.reading() as session:
                    catalogue = await Catalogue.from_database(session)
                found = await renewal.renewed(database, None)
                assert found is not None  # nothing is known yet
                digests, atlas = found
                return Reference(catalogue, catalogue.units, atlas), digests
        except (OperationalError, OSError) as fault:
            _log.warning("waiting for the database", fault=type(fault).__name__)
            await asyncio.sleep(1)


async def _renew_places(state: State) -> None:
    """Places that the operator loads while the workers run; a failure waits for the next turn."""
    while True:
        await asyncio.sleep(renewal.EVERY_SECONDS)
        try:
            found = await renewal.renewed(state.database, state.places)
        except (SQLAlchemyError, OSError) as fault:
            _log.warning("places wait", fault=type(fault).__name__)
            continue
        if found is not None:
            state.places, state.atlas = found
            state.reference = replace(state.reference, atlas=state.atlas)
            _log.info("places renewed")


async def _beside(session: AsyncSession, filed: Sequence[Candidate]) -> None:
    """With the rows of records: which files they name, and what their imprints look like."""
    await attach(session, filed)
    await keep_imprints(session, filed)


async def _follow(scope_ids: ScopeIds, session: AsyncSession, filed: Sequence[Fresh]) -> None:
    """Last in the transaction that files records: rules are to look at them, exhibits find analyses."""
    await watch(session, filed)
    changed = await link_exhibits(session, scope_ids, filed)
    await watch_changed(session, changed)


async def _follow_unknown(scope_ids: ScopeIds, session: AsyncSession, code: str) -> None:
    """In the transaction that tells more of an unknown: lines of the country that found it follow, and rules look at
    every record that carries it, of whichever country.
    """
    changed = await link_unknown(session, scope_ids, code)
    await watch_changed(session, list({*changed, *await carrying(session, code)}))


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    sealing.use(settings)
    app = FastAPI(
        title="Sarhad",
        version="1",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(web.hold_to_text)],
    )
    app.state.settings = settings
    app.state.database = Database(settings)
    app.state.replica = web.Replica(app.state.database, settings.replica_staleness)
    app.state.scope_ids = ScopeIds(app.state.database)
    app.state.norms = Norms()
    app.state.kinds = {"analysis": AnalysisKind(), **{kind.name: kind for kind in OBSERVED}}
    app.state.beside = _beside
    app.state.follow = partial(_follow, app.state.scope_ids)
    app.state.follow_unknown = partial(_follow_unknown, app.state.scope_ids)
    app.state.providers = Providers(settings.providers, settings.console)
    app.state.shelf = Shelf()
    app.state.streams = Streams(settings.streams_per_country)
    app.state.access_writer = AccessWriter(app.state.database)
    web.install(app, Settling(app.state.access_writer, settings.origins))
    app.include_router(ledger, dependencies=[Depends(present_as())])
    for router in (
        identity,
        signin,
        notices,
        substances,
        places,
        readings,
        policies,
        seizures,
        analyses,
        observations,
        attachments,
        library,
        profiles,
        links,
        releases,
        alerts,
        listings,
        provisional,
        publications,
        aggregates,
        trends,
        ogc,
        timelines,
        timeliness,
        packs,
        bulletins,
        previews,
        foresight,
        exports,
        questions,
        witnesses,
    ):
        app.include_router(router)
    app.include_router(console)
    if settings.console_dir is not None:
        app.mount("/console", Pages(settings.console_dir), name="console")
    return app
