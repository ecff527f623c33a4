"""The units leave a process that was taken over little to do."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
EXPOSURE = 2.0  # of 10, as systemd counts


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_hardly_exposed(unit: Path) -> None:
    threshold = f"--threshold={EXPOSURE * 10:.0f}"
    looked = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--json=short", threshold, str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    left = [row["description"] for row in json.loads(looked.stdout) if row["exposure"]]
    assert looked.returncode == 0, left


def test_there_is_a_unit() -> None:
    assert [unit.name for unit in UNITS] == ["sarhad.service"]
