"""POST /v1/structures: what a structure is, whether it is known, what it resembles; what cannot be read is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.provisional.conftest import Post

MEPHEDRONE_HCL = "CNC(C)C(=O)c1ccc(C)cc1.Cl"
METHANE_MOL = (
    "\n  test\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n" + "    0.0000    0.0000    0.0000 C   0  0\nM  END\n"
)


def test_a_salt_is_known_by_its_base(post: Post) -> None:
    found = post("TM-LAB", "/v1/structures", {"structure": {"smiles": MEPHEDRONE_HCL}, "picture": True}).json()
    assert found["parent_inchikey"] == "YELGFTGWJGBAQU-UHFFFAOYSA-N"
    assert found["salt"] is True
    assert {"code": "SAR-000383", "name": "Mephedrone", "match": "same"} in found["known"]
    assert found["triage"]["nps_group"] == "synthetic-cathinones"
    assert found["triage"]["effect_group"] == "stimulants"
    assert "not a legal statement" in found["triage"]["says"]
    assert found["nearest"][0]["code"] == "SAR-000383"
    assert found["svg"].lstrip().startswith("<?xml")
    assert "<script" not in found["svg"]


def test_a_positional_isomer_is_another_substance_that_looks_alike(post: Post) -> None:
    found = post("TM-LAB", "/v1/structures", {"structure": {"smiles": "CCCNC(C)C(=O)c1cccc(C)c1"}}).json()
    assert found["known"] == []
    assert found["nearest"][0]["look"] is True
    assert found["svg"] is None


def test_a_mol_block_is_read_too(post: Post) -> None:
    assert post("TM-LAB", "/v1/structures", {"structure": {"mol": METHANE_MOL}}).json()["formula"] == "CH4"


@pytest.mark.parametrize(
    ("structure", "kind"),
    [
        ({"smiles": "C1CC"}, "structure-refused"),
        ({"smiles": "c1cccc1"}, "structure-refused"),
        ({"smiles": "C(C)(C)(C)(C)C"}, "structure-refused"),
        ({"smiles": "C" * 1_999}, "structure-refused"),
        ({"smiles": "CC*"}, "structure-refused"),
        ({"smiles": "C" * 2_001}, "invalid-request"),
        ({"smiles": "метан"}, "invalid-request"),
        ({"smiles": "C", "mol": "x"}, "invalid-request"),
        ({}, "invalid-request"),
        ({"mol": "not a block"}, "structure-refused"),
        ({"mol": "\n" * 60_000}, "structure-refused"),
        ({"mol": "x" * 64_001}, "invalid-request"),
        ({"mol": "\n\n\n999999  0  0  0  0  0  0  0  0  0999 V2000\n"}, "structure-refused"),
    ],
)
def test_what_is_no_structure_is_refused_with_the_reason(post: Post, structure: Any, kind: str) -> None:
    refused = post("TM-LAB", "/v1/structures", {"structure": structure})
    assert refused.status in (400, 422)
    assert refused.json()["type"] == f"/problems/{kind}"
    assert refused.json()["detail"]


def test_the_structure_of_an_entry_is_drawn(get: Callable[..., Any]) -> None:
    drawn = get("TM-LAB", "/v1/substances/SAR-000383/structure")
    assert (drawn.status, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert get("TM-LAB", "/v1/substances/SAR-000001/structure").status == 404
