"""The interface's own description (OpenAPI 3.1), completed with what the framework cannot see: the verified
bodies and the refusals.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic.json_schema import models_json_schema

_REFERENCE = "#/components/schemas/{model}"
_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "A refusal (RFC 9457). `type` is one of problems.json; other members say more.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "pattern": "^/problems/[a-z0-9-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "pointer": {"type": "string", "description": "JSON pointer (RFC 6901) to what was refused"},
    },
}


def describe_bodies(app: FastAPI) -> None:
    """Make `app.openapi()` name the body of each route that takes one through `json_body`."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            bodies = _bodies(app)
            models = {model for *_, model, _ in bodies}
            schemas, definitions = models_json_schema(
                [(model, "validation") for model in sorted(models, key=lambda m: m.__name__)],
                ref_template=_REFERENCE,
            )
            document.setdefault("components", {}).setdefault("schemas", {}).update(definitions.get("$defs", {}))
            for path, method, model, media_types in bodies:
                content = {kind: {"schema": schemas[model, "validation"]} for kind in media_types}
                document["paths"][path][method]["requestBody"] = {"required": True, "content": content}
            _describe_refusals(document)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _describe_refusals(document: dict[str, Any]) -> None:
    """Every operation refuses in one form, which is not the framework's."""
    schemas = document["components"]["schemas"]
    schemas |= {"Problem": _PROBLEM}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    content = {"application/problem+json": {"schema": {"$ref": _REFERENCE.format(model="Problem")}}}
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"description": "Refused", "content": content}


def _bodies(app: FastAPI) -> list[tuple[str, str, Any, tuple[str, ...]]]:
    """(path, method, model, media types) of every route with a JSON body."""
    found = []
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context, "dependant", None)
        for model, media_types in _declared(dependant) if isinstance(dependant, Dependant) else ():
            for method in sorted(context.methods or ()):
                found.append((context.path_format or "", method.lower(), model, media_types))
    return found


def _declared(dependant: Dependant) -> list[tuple[Any, tuple[str, ...]]]:
    own = getattr(dependant.call, "body", None)
    inner = [body for child in dependant.dependencies for body in _declared(child)]
    return inner if own is None else [own, *inner]
