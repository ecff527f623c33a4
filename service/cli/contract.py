"""`python -m service.cli.contract`: writes every generated file of the contract into `schemas/`.

`documents()` is what the files must hold; a test compares. Code lists, tables
and examples beside them are written by hand.
"""

from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import service
from service.app import create_app
from service.exports.columns import stix_extension
from service.policies.document import PolicyDocument
from service.problems import Problem
from service.records import contract as records
from service.settings import Settings

SCHEMAS = Path(__file__).parents[2] / "schemas"


def documents() -> dict[str, Any]:
    """Every generated document by its path below `schemas/`."""
    return {
        "openapi.json": create_app(Settings()).openapi(),
        "problems.json": problems(),
        "exports/stix-seizure.schema.json": {"$schema": records.DIALECT, **stix_extension()},
        "policies/policy.schema.json": {"$schema": records.DIALECT, **PolicyDocument.model_json_schema()},
        **{f"records/{path}": document for path, document in records.documents().items()},
    }


def problems() -> list[dict[str, Any]]:
    """Every refusal the service knows, by type: what `type`, `title` and `status` of a problem may be."""
    for module in walk_packages(service.__path__, "service."):
        if not module.name.startswith("service.cli"):
            import_module(module.name)
    return [
        {"type": kind.type_uri(), "title": (kind.__doc__ or "").strip().splitlines()[0], "status": int(kind.status)}
        for kind in sorted(_kinds(Problem), key=lambda kind: kind.type_uri())
    ]


def _kinds(kind: type[Problem]) -> list[type[Problem]]:
    return [kind for below in kind.__subclasses__() for kind in (below, *_kinds(below))]


def main() -> None:
    for path, document in documents().items():
        file = SCHEMAS / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(records.text(document), encoding="utf-8")


if __name__ == "__main__":
    main()
