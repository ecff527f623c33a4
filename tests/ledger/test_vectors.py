"""The committed vectors are what the service makes: a change of format cannot go unseen."""

import importlib.util
import json
from pathlib import Path

import pytest

from service.ledger.tiles import format_path, parse_path

FOLDER = Path(__file__).parents[2] / "schemas/log"
VECTORS = json.loads((FOLDER / "vectors.json").read_text())


def test_the_committed_vectors_are_current() -> None:
    spec = importlib.util.spec_from_file_location("log_vectors", FOLDER / "build.py")
    assert spec
    assert spec.loader
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    assert builder.build() == VECTORS


@pytest.mark.parametrize(("name", "tile"), VECTORS["tile_names"].items())
def test_tile_names(name: str, tile: dict[str, int]) -> None:
    assert parse_path(name) == (tile["n"], tile["width"])
    assert format_path(tile["n"], tile["width"]) == name


def test_the_example_of_the_specification() -> None:
    assert parse_path("x001/x234/067") == (1_234_067, 256)


MISSPELT = """
0 00 0000 x000/001 000/001 x001/x234 000.p/0 000.p/256 000.p/999 000.p/01 000.p/ ../000 000/ -01 ٠٠٠
"""


@pytest.mark.parametrize("name", ["", *MISSPELT.split()])
def test_a_tile_has_one_name_only(name: str) -> None:
    with pytest.raises(ValueError):
        parse_path(name)
