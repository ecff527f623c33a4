"""The committed schemas, code lists and examples say what the service does."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from sarhad.records import read as read_record

from service.records.codes import code_list, list_names
from service.records.contract import documents, text


def validator(schemas: Path, name: str) -> Any:
    folder = schemas / "records"
    schema = json.loads((folder / name).read_text(encoding="utf-8"))
    for facet, reference in schema["properties"].items():
        if "$ref" in reference:
            schema["properties"][facet] = json.loads((folder / reference["$ref"]).read_text(encoding="utf-8"))
    return jsonschema_rs.validator_for(schema)


def test_the_committed_schemas_are_those_of_the_code(schemas: Path) -> None:
    folder = schemas / "records"
    committed = {*folder.glob("*.json"), *folder.glob("facets/*.json")} - {folder / "vectors.json"}
    expected = documents()
    assert {str(path.relative_to(folder)) for path in committed} == set(expected)
    for name, document in expected.items():
        assert (folder / name).read_text(encoding="utf-8") == text(document), f"{name}: run service.records.contract"


def test_the_examples_keep_the_schemas(genuine: dict[str, Any], schemas: Path) -> None:
    record = read_record(genuine["record"])
    assert validator(schemas, "header.json").is_valid(record.header)
    assert validator(schemas, "payload.json").is_valid(record.payload)
    if genuine["name"] != "seizure-redacted":
        validator(schemas, f"{record.payload['kind']}.json").validate(record.facets)


def test_an_example_is_the_record_beside_it(genuine: dict[str, Any], schemas: Path) -> None:
    folder = schemas / "records" / "examples"
    signed = (folder / f"{genuine['name']}.sdjwt").read_text(encoding="ascii")
    assert signed == genuine["record"]
    facets = json.loads((folder / f"{genuine['name']}.json").read_text(encoding="utf-8"))
    assert read_record(signed).facets == facets


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("where.country", "Tajikistan"),
        ("items", []),
        ("when.month", "2025-13"),
        ("suspect", "x"),
        ("reported", None),
    ],
)
def test_the_schemas_refuse_what_the_service_refuses(
    seizure_facets: dict[str, Any], schemas: Path, pointer: str, value: Any
) -> None:
    assert not validator(schemas, "seizure.json").is_valid({**seizure_facets, pointer: value})


@pytest.mark.parametrize("name", list_names())
def test_a_code_list_has_labels_and_sources(name: str, schemas: Path) -> None:
    codes = code_list(name)
    lines = (schemas / "codes" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    assert len(codes) == len(lines) - 1, "a code stands twice"
    for entry in codes.values():
        assert all(part and part == part.strip() for part in entry)
