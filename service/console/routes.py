"""/ leads to the console where one is built, and /v1/console says at which origin it is."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from service.problems import NotFound

router = APIRouter(tags=["console"])


class ProviderView(BaseModel):
    """Who identifies the officers of a country, beside their passkeys."""

    country: str
    name: str


class ConsoleView(BaseModel):
    """Passkeys belong to a host name: the page goes there before anybody signs in."""

    origin: str
    providers: list[ProviderView]


@router.get("/", include_in_schema=False)
async def home(request: Request) -> RedirectResponse:
    if request.app.state.settings.console_dir is None:
        raise NotFound("no resource has this path")
    return RedirectResponse("/console/", HTTPStatus.TEMPORARY_REDIRECT)


@router.get("/v1/console")
async def describe_console(request: Request) -> ConsoleView:
    """The origin of the console, and by which providers one may sign in at it."""
    settings = request.app.state.settings
    providers = [ProviderView(country=provider.country, name=provider.name) for provider in settings.providers]
    return ConsoleView(origin=settings.console, providers=providers)
