"""The committed contract is what the code says: `python -m service.cli.contract` writes it; drift fails."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, ValidationError

from service.cli.contract import SCHEMAS, documents, problems
from service.policies.document import PolicyDocument
from service.records.contract import text
from tests.exchange import Exchange

POLICIES = SCHEMAS / "policies"
GENERATED = documents()
EXAMPLES = sorted((POLICIES / "examples").glob("*.json"))


@pytest.mark.parametrize("path", sorted(GENERATED))
def test_committed_equals_generated(path: str) -> None:
    committed = (SCHEMAS / path).read_text(encoding="utf-8")
    assert committed == text(GENERATED[path]), "run: python -m service.cli.contract"


def test_served_equals_committed(exchange: Exchange) -> None:
    served = httpx.get(f"{exchange.settings.origin}/openapi.json").json()
    assert served == json.loads((SCHEMAS / "openapi.json").read_text(encoding="utf-8"))


def test_every_refusal_is_listed_once_with_a_title_and_a_status() -> None:
    listed = problems()
    assert len({entry["type"] for entry in listed}) == len(listed)
    for entry in listed:
        assert re.fullmatch("/problems/[a-z0-9]+(-[a-z0-9]+)*", entry["type"])
        assert 400 <= entry["status"] <= 599
        assert entry["title"].endswith((".", ":")) or len(entry["title"]) > 20
    assert {"/problems/duplicate-reference", "/problems/signature-refused", "/problems/not-found"} <= {
        entry["type"] for entry in listed
    }


def test_every_operation_describes_its_refusals() -> None:
    document = GENERATED["openapi.json"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"], path
            assert "422" not in operation["responses"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_policy_example_is_valid_for_schema_and_service(example: Path) -> None:
    document: dict[str, Any] = json.loads(example.read_text(encoding="utf-8"))
    Draft202012Validator(json.loads((POLICIES / "policy.schema.json").read_text())).validate(document)
    PolicyDocument.model_validate(document)


def test_the_policy_schema_refuses_what_is_no_policy() -> None:
    schema = json.loads((POLICIES / "policy.schema.json").read_text())
    document = json.loads(EXAMPLES[0].read_text(encoding="utf-8"))
    for broken in ({**document, "policy": "other/1"}, {**document, "extra": 1}, {**document, "version": 0}):
        with pytest.raises(ValidationError):
            Draft202012Validator(schema).validate(broken)
