"""Files of the built page with the headers that hold it to its own origin."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

# Nothing but this origin; no inline script or style, no evaluation; the one policy that makes script addresses is the
# page's own (Trusted Types).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self';"
    " connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types console maplibre"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "permissions-policy": "geolocation=(self), publickey-credentials-get=(self), publickey-credentials-create=(self)",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_FOR_EVER = "public, max-age=31536000, immutable"  # the name holds a hash of the content
_ASK = "no-cache"


class Pages(StaticFiles):
    """The folder that the build wrote; a file is sent packed where the build packed it and the browser takes it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        packed = f"{path}.gz" if "gzip" in Headers(scope=scope).get("accept-encoding", "") else None
        response = await self._packed(packed, path, scope) if packed else await super().get_response(path, scope)
        response.headers.update(self._headers(path))
        return response

    async def _packed(self, packed: str, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(packed, scope)
        except HTTPException:
            return await super().get_response(path, scope)
        plain = await super().get_response(path, scope)
        response.headers["content-type"] = plain.headers["content-type"]
        response.headers["content-encoding"] = "gzip"
        return response

    @staticmethod
    def _headers(path: str) -> Mapping[str, Any]:
        return {
            **_HEADERS,
            "cache-control": _FOR_EVER if path.startswith("assets/") else _ASK,
            "vary": "accept-encoding",
        }
