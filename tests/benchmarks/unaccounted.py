"""The service without its access log, only to be measured beside the service: `python -m tests.benchmarks.unaccounted`.

No setting does this. The composition is taken apart here.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from granian import Granian
from sqlalchemy import text

import service.app
from service.cli import serve
from service.identity import callers
from service.web.edge import Edge


async def _settle_nothing(scope: Mapping[str, Any], status: int, answer: bytes) -> None:
    return None


def create_app() -> FastAPI:
    callers._ENTER = text("SELECT '' FROM set_config('sarhad.context', :token, true)")
    app = service.app.create_app()
    for layer in app.user_middleware:
        if layer.cls is Edge:
            layer.kwargs["settle"] = _settle_nothing
    return app


class _Server(Granian):
    def __init__(self, target: str, **options: Any) -> None:
        super().__init__(f"{__spec__.name}:create_app" if __spec__ else target, **options)


if __name__ == "__main__":
    serve.Granian = _Server
    serve.app()
