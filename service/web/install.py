"""Puts the edge around an application."""

from fastapi import FastAPI

from service.settings import Settings
from service.signing import ServiceKeys
from service.web import logs
from service.web.description import describe_bodies
from service.web.edge import Edge, Settle
from service.web.operations import router
from service.web.rendering import install_handlers
from service.web.sessions import Shares


def install(app: FastAPI, settle: Settle) -> None:
    """Logs, problem rendering, health routes, and signed answers, each settled first. Needs `app.state.settings`.

    The service's key is read or made with the first request, or by whoever asks `app.state.service_key()` first:
    describing the interface needs none. It is the one whose turn it is at that moment.
    """
    settings: Settings = app.state.settings
    logs.configure()

    app.state.service_keys = keys = ServiceKeys(settings)
    app.state.service_key = keys.current
    app.state.reading_shares = Shares(settings.database_pool)
    app.state.writing_shares = Shares(settings.database_pool)
    app.router.redirect_slashes = False  # another path is another request, and was not signed
    install_handlers(app)
    describe_bodies(app)
    app.include_router(router)
    app.add_middleware(Edge, settings=settings, keys=keys, settle=settle)
