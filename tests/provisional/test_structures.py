"""POST /v1/structures: what a structure is, whether it is known, what it resembles; what cannot be read is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from service.substances.catalogue import Catalogue
from service.substances.load import SCHEMAS
from tests.provisional.conftest import Post

MEPHEDRONE_HCL = "CNC(C)C(=O)c1ccc(C)cc1.Cl"
CAFFEINE = "Cn1c(=O)c2c(ncn2C)n(C)c1=O"
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
    assert (found["triage"]["status"], found["triage"]["tested"] > 50) == ("tested", True)
    assert found["nearest"][0]["code"] == "SAR-000383"
    assert found["svg"].lstrip().startswith("<?xml")
    assert "<script" not in found["svg"]


def test_a_positional_isomer_is_another_substance_that_looks_alike(post: Post) -> None:
    found = post("TM-LAB", "/v1/structures", {"structure": {"smiles": "CCCNC(C)C(=O)c1cccc(C)c1"}}).json()
    assert found["known"] == []
    assert found["nearest"][0]["look"] is True
    assert found["svg"] is None


def test_the_nearest_are_the_most_alike_of_all_controlled_structures(post: Post) -> None:
    """Tanimoto of Morgan fingerprints (radius 2, 2,048 bits), worked out here anew over the whole catalogue."""
    smiles = "CCCNC(C)C(=O)c1cccc(C)c1"
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    own = generator.GetFingerprint(Chem.MolFromSmiles(smiles))
    alike = {
        code: DataStructs.TanimotoSimilarity(own, generator.GetFingerprint(Chem.MolFromSmiles(entry.substance.smiles)))
        for code, entry in Catalogue.from_files(SCHEMAS).entries.items()
        if entry.schedules and entry.substance.smiles
    }
    best = sorted(alike, key=lambda code: (-alike[code], code))[:8]
    found = post("TM-LAB", "/v1/structures", {"structure": {"smiles": smiles}}).json()["nearest"]
    assert [(near["code"], near["similarity"]) for near in found] == [(code, f"{alike[code]:.2f}") for code in best]
    assert all(near["schedules"] for near in found)


def test_what_nobody_controls_is_known_and_not_among_the_nearest(post: Post) -> None:
    found = post("TM-LAB", "/v1/structures", {"structure": {"smiles": CAFFEINE}}).json()
    assert [(entry["code"], entry["match"]) for entry in found["known"]] == [("SAR-000215", "same")]
    assert found["nearest"]
    assert "SAR-000215" not in {near["code"] for near in found["nearest"]}


def test_a_mol_block_is_read_too(post: Post) -> None:
    assert post("TM-LAB", "/v1/structures", {"structure": {"mol": METHANE_MOL}}).json()["formula"] == "CH4"


def test_a_mol_block_of_the_third_version_says_the_same_as_smiles(post: Post) -> None:
    block = Chem.MolToV3KMolBlock(Chem.MolFromSmiles(MEPHEDRONE_HCL))
    assert "V3000" in block
    found, named = (
        post("TM-LAB", "/v1/structures", {"structure": structure}).json()
        for structure in ({"mol": block}, {"smiles": MEPHEDRONE_HCL})
    )
    assert found == named


def test_another_stereochemistry_is_known_by_its_skeleton(post: Post) -> None:
    found = post("TM-LAB", "/v1/structures", {"structure": {"smiles": "CN[C@@H](C)C(=O)c1ccc(C)cc1"}}).json()
    assert found["stereo"] == "given"
    assert {"code": "SAR-000383", "name": "Mephedrone", "match": "skeleton"} in found["known"]


def test_what_another_country_has_not_published_is_not_known_by_its_structure(post: Post) -> None:
    """Neither as a duplicate nor by a word more or less than of a structure that nobody entered."""
    entered, other = (f"CNC(C)C(=O)c1ccc(C{'C' * n}N)cc1" for n in (21, 23))
    code = post("TM-LAB", "/v1/provisional", {"name": "powder", "structure": {"smiles": entered}}).json()["code"]
    mine = post("TM-LAB", "/v1/structures", {"structure": {"smiles": entered}}).json()
    assert [(entry["code"], entry["match"]) for entry in mine["known"]] == [(code, "same")]
    theirs, unheard = (
        post("KG-LAB", "/v1/structures", {"structure": {"smiles": smiles}}).json() for smiles in (entered, other)
    )
    for told in (theirs, unheard):
        assert told["known"] == []
        assert code not in json.dumps(told)
    assert theirs.keys() == unheard.keys()
    for shown in ("triage", "control", "gaps"):
        assert theirs[shown] == unheard[shown]


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
