"""Whether what is deployed has a known vulnerability: the locks against advisories in the OSV format.

The advisories are brought by whoever has a link: this asks no network. https://ossf.github.io/osv-schema says what an
advisory holds and when it affects a version. Ends with 1 when something is affected, with 2 when there are none to ask.
"""

import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import semver
from cyclonedx.model.component import Component
from packaging.utils import canonicalize_name
from packaging.version import Version as PythonVersion

from deploy.materials import components

Advisory = dict[str, Any]
Order = Callable[[str], Any]
ECOSYSTEMS: dict[str, tuple[str, Order]] = {
    "pypi": ("PyPI", PythonVersion),
    "npm": ("npm", semver.Version.parse),
}


def advisories(place: Path) -> Iterator[Advisory]:
    """Every advisory of a file or folder; withdrawn ones are none."""
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                read = [archive.read(name) for name in sorted(archive.namelist()) if name.endswith(".json")]
        else:
            read = [path.read_bytes()] if path.suffix == ".json" else []
        for content in read:
            if not (advisory := json.loads(content)).get("withdrawn"):
                yield advisory


def affects(affected: dict[str, Any], version: str, order: Order) -> bool:
    """As the schema's section on evaluation has it: a version that is listed, or one inside a range.

    A range that the ecosystem itself cannot read affects: somebody has to look.
    """
    if any(_same(listed, version, order) for listed in affected.get("versions", [])):
        return True
    ranges = [found["events"] for found in affected.get("ranges", []) if found["type"] in {"ECOSYSTEM", "SEMVER"}]
    try:
        return any(_within(events, order(version), order) for events in ranges)
    except ValueError:
        return True


def _same(listed: str, version: str, order: Order) -> bool:
    try:
        return bool(order(listed) == order(version))
    except ValueError:
        return listed == version


def _within(events: list[dict[str, str]], version: Any, order: Order) -> bool:
    """Whether the last event at or before the version says that it is vulnerable."""

    def at(event: dict[str, str]) -> tuple[bool, Any, bool]:
        ((what, where),) = event.items()
        return (True, order(where), what == "last_affected") if where != "0" else (False, order("0.0.0"), False)

    vulnerable = False
    for event in sorted((event for event in events if "limit" not in event), key=at):
        after_zero, where, last = at(event)
        if not after_zero or (version > where if last else version >= where):
            vulnerable = "introduced" in event
    return vulnerable


def findings(known: Iterator[Advisory], parts: list[Component]) -> Iterator[str]:
    """A line for each advisory that affects a part."""
    by_name: dict[tuple[str, str], list[tuple[str, Order]]] = {}
    for part in parts:
        ecosystem, order = ECOSYSTEMS[part.purl.type]
        name = "/".join(filter(None, (part.group, part.name)))
        by_name.setdefault((ecosystem, name), []).append((part.version or "", order))
    for advisory in known:
        for affected in advisory.get("affected", []):
            package = affected["package"]
            name = canonicalize_name(package["name"]) if package["ecosystem"] == "PyPI" else package["name"]
            for version, order in by_name.get((package["ecosystem"], name), []):
                if affects(affected, version, order):
                    yield f"{name} {version}: {advisory['id']} {advisory.get('summary', '')}".rstrip()


def main() -> None:
    given = sys.argv[1] if sys.argv[1:] else os.environ.get("SARHAD_ADVISORIES", "")
    known = list(advisories(Path(given))) if given else []
    if not known:
        print(f"Nothing was audited: no advisories{f' in {given}' if given else ' are given (SARHAD_ADVISORIES)'}.")
        sys.exit(2)
    parts = components()
    found = list(dict.fromkeys(findings(iter(known), parts)))
    newest = max(advisory["modified"] for advisory in known)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(parts)} packages, {len(known)} advisories, the newest of {newest}: {len(found)} found.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
