"""What RDKit says of a structure. Runs in the sandbox only: nothing here is called in a worker's own process.

The parent is the structure without counter-ions and charges that salts bring (`FragmentParent`, `Uncharger`): lists
name the base, laboratories the salt. The skeleton is the first block of an InChIKey, which leaves stereochemistry out.
Similarity: Morgan fingerprints of radius 2 in 2,048 bits, Tanimoto.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from rdkit import Chem, DataStructs, RDLogger
from rdkit.Chem import Descriptors, rdFingerprintGenerator, rdMolDescriptors
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.Chem.MolStandardize import rdMolStandardize

from service.sandbox import Refusal

RDLogger.DisableLog("rdApp.*")

MAX_ATOMS = 250  # heavy: no small molecule that a laboratory of drugs finds has more
MAX_SMARTS = 2_000
NEAREST = 8
Molecule = Any


def examine(data: bytes) -> dict[str, Any]:
    """A structure against the rules and candidates that come with it. JSON in, JSON out; see `ask.examined`."""
    asked = json.loads(data)
    molecule = read(asked["structure"])
    parent = parent_of(molecule)
    return {
        **identity(molecule, parent),
        "matched": [rule["rule"] for rule in asked["rules"] if fits(parent, rule)],
        "nearest": _nearest(parent, asked["candidates"]),
        "svg": drawn(molecule) if asked.get("draw") else None,
    }


def draw(data: bytes) -> str:
    """A structure as SVG."""
    return drawn(read(json.loads(data)["structure"]))


def match(data: bytes) -> list[str]:
    """The codes of those structures that a rule fits, after its own test structures have been asked.

    Refused: a pattern that is no SMARTS, and a rule that misses a structure it says it matches, or the reverse.
    """
    asked = json.loads(data)
    rule, structures = asked["rule"], asked["structures"]
    for name, expected in (("matches", True), ("spares", False)):
        for smiles in rule.get(name, ()):
            if fits(parent_of(read({"smiles": smiles})), rule) is not expected:
                raise Refusal(f"the definition {'misses' if expected else 'takes in'} its test structure {smiles}")
    return [code for code, smiles in structures if fits(parent_of(read({"smiles": smiles})), rule)]


def matches(data: bytes) -> dict[str, list[str]]:
    """By rule, the codes of those structures that it fits."""
    asked = json.loads(data)
    parents = [(code, parent_of(read({"smiles": smiles}))) for code, smiles in asked["structures"]]
    return {rule["rule"]: [code for code, parent in parents if fits(parent, rule)] for rule in asked["rules"]}


def read(structure: Mapping[str, str]) -> Molecule:
    """`{"smiles": …}` or `{"mol": …}` (an MDL MOL block, V2000 or V3000)."""
    try:
        text = structure.get("smiles")
        molecule = Chem.MolFromSmiles(text) if text else Chem.MolFromMolBlock(structure["mol"])
    except Exception as error:
        raise Refusal(f"RDKit cannot read it: {type(error).__name__}") from None
    if molecule is None:
        raise Refusal("RDKit refuses it: its syntax, a valence or an aromatic ring is impossible")
    atoms = molecule.GetNumHeavyAtoms()
    if not 0 < atoms <= MAX_ATOMS:
        raise Refusal(f"a structure has 1 to {MAX_ATOMS} heavy atoms, this has {atoms}")
    if any(atom.GetAtomicNum() == 0 for atom in molecule.GetAtoms()):
        raise Refusal("it has an atom that is not determined (*, R): give one structure, or none")
    return molecule


def parent_of(molecule: Molecule) -> Molecule:
    parent = rdMolStandardize.Uncharger().uncharge(rdMolStandardize.FragmentParent(molecule))
    Chem.SanitizeMol(parent)  # what has no rings comes without word of them, and patterns ask
    return parent


def identity(molecule: Molecule, parent: Molecule) -> dict[str, Any]:
    """Names of the structure as given (`exact`) and of its parent; masses in g/mol as decimal strings."""
    centres = Chem.FindMolChiralCenters(parent, includeUnassigned=True, useLegacyImplementation=False)
    return {
        "smiles": Chem.MolToSmiles(molecule),
        "inchikey": Chem.MolToInchiKey(molecule),
        "parent_smiles": Chem.MolToSmiles(parent),
        "parent_inchikey": Chem.MolToInchiKey(parent),
        "formula": rdMolDescriptors.CalcMolFormula(parent),
        "molar_mass": f"{Descriptors.MolWt(parent):.3f}",
        "monoisotopic_mass": f"{Descriptors.ExactMolWt(parent):.5f}",
        "salt": Chem.MolToSmiles(molecule) != Chem.MolToSmiles(parent),
        "stereo": "none" if not centres else "open" if any(c[1] == "?" for c in centres) else "given",
    }


def fits(molecule: Molecule, rule: Mapping[str, Any]) -> bool:
    """Any of `smarts`, none of `unless`, and what else the rule bounds: molar mass, elements, chain length."""
    if not any(molecule.HasSubstructMatch(pattern(s)) for s in rule["smarts"]):
        return False
    if any(molecule.HasSubstructMatch(pattern(s)) for s in rule.get("unless", ())):
        return False
    if (most := rule.get("max_mass")) is not None and Descriptors.MolWt(molecule) > most:
        return False
    elements = rule.get("elements")
    return not elements or {atom.GetSymbol() for atom in molecule.GetAtoms()} <= {*elements, "H"}


@cache
def pattern(smarts: str) -> Molecule:
    found = Chem.MolFromSmarts(smarts) if len(smarts) <= MAX_SMARTS else None
    if found is None or found.GetNumAtoms() == 0:
        raise Refusal(f"{smarts[:60]!r} is no SMARTS pattern")
    return found


def _nearest(molecule: Molecule, candidates: Iterable[Sequence[str]]) -> list[dict[str, str]]:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    own = generator.GetFingerprint(molecule)
    scored = []
    for code, smiles in candidates:
        other = Chem.MolFromSmiles(smiles)
        if other is not None:
            scored.append((DataStructs.TanimotoSimilarity(own, generator.GetFingerprint(other)), code))
    scored.sort(key=lambda found: (-found[0], found[1]))
    return [{"code": code, "similarity": f"{score:.2f}"} for score, code in scored[:NEAREST] if score > 0]


def drawn(molecule: Molecule) -> str:
    picture = rdMolDraw2D.MolDraw2DSVG(360, 260)
    picture.drawOptions().clearBackground = False
    rdMolDraw2D.PrepareAndDrawMolecule(picture, molecule)
    picture.FinishDrawing()
    return str(picture.GetDrawingText())
