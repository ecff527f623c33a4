"""The bill of materials names all that the locks install, and known vulnerabilities of it are found."""

import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.materials import CONSOLE, PYTHON, components

ROOT = Path(__file__).parents[2]


def run(command: str, *arguments: str, advisories: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "deploy" / command), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "SARHAD_ADVISORIES": advisories},
    )


def test_the_same_locks_give_the_same_valid_bill(tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    assert run("sbom", str(file)).returncode == 0
    written = file.read_text()
    assert run("sbom").stdout == written
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None
    assert str(ROOT) not in written


def test_names_every_package_of_both_locks_with_its_hashes() -> None:
    bill = json.loads(run("sbom").stdout)
    named = {part["purl"]: part for part in bill["components"]}
    pinned = re.findall(r"^(\S+)==(\S+) ", PYTHON.read_text(), re.MULTILINE)
    installed = {place: package for place, package in json.loads(CONSOLE.read_text())["packages"].items() if place}
    python = {f"pkg:pypi/{name}@{version}" for name, version in pinned}
    npm = {
        f"pkg:npm/{place.rpartition('node_modules/')[2].replace('@', '%40')}@{package['version']}"
        for place, package in installed.items()
    }
    assert named.keys() == python | npm
    hashes = [
        found["content"]
        for purl in python
        for found in named[purl]["externalReferences"][0]["hashes"]
    ]  # fmt: skip
    assert sorted(hashes) == sorted(re.findall(r"sha256:(\w+)", PYTHON.read_text()))
    assert all(len(named[purl]["hashes"][0]["content"]) == 128 for purl in npm)
    assert named[next(purl for purl in npm if "/preact@" in purl)]["scope"] == "required"
    assert named[next(purl for purl in npm if "/typescript@" in purl)]["scope"] == "excluded"
    assert set(bill["dependencies"][-1]["dependsOn"]) == named.keys()


def version_of(name: str) -> str:
    return next(part.version or "" for part in components() if part.name == name)


def advisory(identifier: str, ecosystem: str, name: str, **affected: Any) -> dict[str, Any]:
    package = {"ecosystem": ecosystem, "name": name}
    return {
        "schema_version": "1.6.0",
        "id": identifier,
        "modified": "2026-11-01T00:00:00Z",
        "summary": "An example",
        "affected": [{"package": package, **affected}],
    }


def since(*events: dict[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"ranges": [{"type": kind, "events": list(events)}]}


def write(folder: Path, *found: dict[str, Any]) -> Path:
    for one in found:
        (folder / f"{one['id']}.json").write_text(json.dumps(one))
    return folder


def test_a_vulnerable_pinned_version_is_found(tmp_path: Path) -> None:
    vite = version_of("vite")
    write(
        tmp_path,
        advisory("EX-1", "PyPI", "Pillow", **since({"introduced": "0"}, {"last_affected": version_of("pillow")})),
        advisory("EX-2", "PyPI", "fastapi", versions=[version_of("fastapi")]),
        advisory("EX-3", "npm", "@preact/signals", **since({"introduced": "2.0.0-beta.1"}, kind="SEMVER")),
    )
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        again = since({"fixed": "1.0.0"}, {"introduced": vite}, {"introduced": "0"}, kind="SEMVER")
        archive.writestr("EX-4.json", json.dumps(advisory("EX-4", "npm", "vite", **again)))
    audit = run("audit", advisories=str(tmp_path))
    assert audit.returncode == 1
    assert re.findall(r"EX-\d", audit.stdout) == ["EX-1", "EX-2", "EX-3", "EX-4"]
    assert f"vite {vite}: EX-4 An example" in audit.stdout
    assert "4 advisories, the newest of 2026-11-01T00:00:00Z: 4 found." in audit.stdout


def test_what_does_not_concern_us_is_not_found(tmp_path: Path) -> None:
    pillow = version_of("pillow")
    withdrawn = advisory("EX-5", "PyPI", "pillow", versions=[pillow]) | {"withdrawn": "2026-11-02T00:00:00Z"}
    write(
        tmp_path,
        advisory("EX-1", "PyPI", "pillow", **since({"introduced": "0"}, {"fixed": pillow})),
        advisory("EX-2", "PyPI", "pillow", versions=["0.1"], **since({"introduced": "9999"})),
        advisory("EX-3", "npm", "pillow", **since({"introduced": "0"})),  # another registry's package of this name
        advisory("EX-4", "PyPI", "django", **since({"introduced": "0"})),
        withdrawn,
    )
    audit = run("audit", str(tmp_path))
    assert (audit.returncode, audit.stderr) == (0, "")
    assert "4 advisories" in audit.stdout
    assert audit.stdout.endswith(" 0 found.\n")


@pytest.mark.parametrize("given", ["nothing", "an empty folder"])
def test_without_advisories_it_says_that_it_audited_nothing(tmp_path: Path, given: str) -> None:
    audit = run("audit", advisories="" if given == "nothing" else str(tmp_path))
    assert audit.returncode == 2
    assert audit.stdout.startswith("Nothing was audited: no advisories")


def test_a_bound_that_nobody_can_read_is_found(tmp_path: Path) -> None:
    write(tmp_path, advisory("EX-1", "PyPI", "pillow", **since({"introduced": "0"}, {"fixed": "the next one"})))
    assert run("audit", str(tmp_path)).returncode == 1
