"""`sarhad serve`: the HTTP service on the loopback interface, one worker per core."""

import os
import tempfile
from typing import Any

import typer
from granian import Granian
from granian.constants import Interfaces, Loops
from pydantic_core import PydanticUndefined

from service.settings import Settings

app = typer.Typer(rich_markup_mode=None)


class _Forgetful(dict[int, float]):
    """When a worker was last replaced: never. Granian would end the whole service if one died twice in 5.5 s."""

    def __setitem__(self, worker: int, moment: float) -> None:
        pass


def settings_text() -> str:
    """Every setting with its default and meaning, from the declarations themselves."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = "required" if field.default is PydanticUndefined else f"default {_shown(field.default)}"
        lines.append(f"\b\nSARHAD_{name.upper()} ({default})\n  {field.description}")
    return "\n\n".join(lines)


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


@app.callback(
    invoke_without_command=True,
    help="Serve the HTTP interface on 127.0.0.1; a reverse proxy adds TLS (deploy/nginx).\n\n"
    "Settings come from the environment, or from the TOML file that SARHAD_CONFIG names (no prefix):"
    f"\n\n{settings_text()}",
)
def serve() -> None:
    settings = Settings()
    with tempfile.TemporaryDirectory(prefix="sarhad-metrics-") as shared:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared  # the workers count here; any of them can sum
        server = Granian(
            "service.app:create_app",
            factory=True,
            interface=Interfaces.ASGI,
            loop=Loops.uvloop,
            address="127.0.0.1",
            port=settings.port,
            workers=settings.workers or len(os.sched_getaffinity(0)),
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=30,
            log_access=False,
        )
        server.respawned_wrks = _Forgetful()
        server.serve()
