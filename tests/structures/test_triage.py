"""The triage rules against the catalogue: their test structures, and what they get right of known groups."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from service.structures import chemistry
from service.structures.rules import TABLE, TriageRule, triage_rules
from service.substances.catalogue import Catalogue

CATALOGUE = Catalogue.from_files(TABLE.parent)
STRUCTURES = {
    code: Chem.MolFromSmiles(entry.substance.smiles)
    for code, entry in CATALOGUE.entries.items()
    if entry.substance.smiles
}
# UNODC's groups that a structure can tell: plants are told by the plant.
TOLD = frozenset(rule.nps_group for rule in triage_rules())


def fitting(molecule: Chem.Mol) -> TriageRule | None:
    for rule in triage_rules():
        if chemistry.fits(molecule, {"smarts": rule.smarts, "unless": rule.unless}):
            return rule
    return None


@pytest.mark.parametrize("rule", triage_rules(), ids=lambda rule: rule.rule)
def test_a_rule_matches_and_spares_its_test_structures(rule: TriageRule) -> None:
    assert rule.matches
    for code in rule.matches:
        assert fitting(STRUCTURES[code]) is rule, code
    for code in rule.spares:
        assert fitting(STRUCTURES[code]) is not rule, code
    assert CATALOGUE.entries[rule.parent].substance.kind == "class"
    assert rule.source in CATALOGUE.references
    assert rule.status in ("tested", "reviewed")


def test_no_rule_puts_an_entry_whose_group_is_known_into_another_and_says_how_many_it_was_tested_on() -> None:
    right, wrong, silent = Counter[str](), [], []
    for code, molecule in STRUCTURES.items():
        group = CATALOGUE.entries[code].substance.nps_group
        if group not in TOLD:
            continue
        found = fitting(molecule)
        if found is None:
            silent.append(code)
        elif found.nps_group != group:
            wrong.append((code, group, found.rule))
        else:
            right[found.rule] += 1
    assert wrong == []
    assert right == {rule.rule: rule.tested for rule in triage_rules()}
    assert right.total() >= 300
    assert len(silent) <= 0.05 * right.total(), silent


def test_few_of_what_is_no_new_psychoactive_substance_is_flagged() -> None:
    quiet = {"precursors", "adulterants", "pharmaceuticals"}
    others = [code for code in STRUCTURES if CATALOGUE.group(code) in quiet]
    flagged = [code for code in others if fitting(STRUCTURES[code])]
    assert len(others) > 100
    assert len(flagged) <= 4, flagged


@settings(max_examples=60, deadline=None, derandomize=True)
@given(code=st.sampled_from(sorted(STRUCTURES)), seed=st.integers(1, 10**6))
def test_a_class_depends_neither_on_the_spelling_nor_on_the_salt(code: str, seed: int) -> None:
    expected = fitting(chemistry.parent_of(STRUCTURES[code]))
    spelled = Chem.MolToRandomSmilesVect(STRUCTURES[code], 1, randomSeed=seed)[0]
    for smiles in (spelled, spelled + ".Cl"):
        assert fitting(chemistry.parent_of(chemistry.read({"smiles": smiles}))) is expected


def test_the_table_stands_beside_the_catalogue() -> None:
    assert Path("schemas/substances/triage.csv").resolve() == TABLE
