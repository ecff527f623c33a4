"""The bill of materials of what is deployed: the locked Python packages and the npm packages of the console.

CycloneDX 1.6, made from the locks alone: the same locks give the same bytes, wherever and whenever. So it has no time,
and its serial number follows from its content. Packages that only build the console have the scope `excluded`.
Debian's packages are not in it: their versions are those of the host.
"""

import json
import re
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "deploy" / "requirements.txt"
CONSOLE = ROOT / "clients" / "web" / "package-lock.json"
_PINNED = re.compile(r"^([a-z0-9-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)


def python_packages(lock: str) -> Iterator[Component]:
    """Each with the hashes of its files, any of which may be what is installed."""
    for name, version, hashes in _PINNED.findall(lock):
        purl = PackageURL("pypi", name=name, version=version)
        files = [HashType(alg=HashAlgorithm.SHA_256, content=found) for found in re.findall(r"sha256:(\w+)", hashes)]
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=purl.to_string(),
            purl=purl,
            scope=ComponentScope.REQUIRED,
            external_references=[
                ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(purl.to_string()), hashes=files)
            ],
        )


def npm_packages(lock: str) -> Iterator[Component]:
    """Each once per version, however often it is installed; what any place needs to run is required."""
    installed: dict[tuple[str, str], dict[str, str]] = {}
    for place, package in sorted(json.loads(lock)["packages"].items(), key=lambda one: "dev" in one[1]):
        if place:
            installed.setdefault((place.rpartition("node_modules/")[2], package["version"]), package)
    for (name, version), package in installed.items():
        namespace, _, short = name.rpartition("/")
        purl = PackageURL("npm", namespace=namespace or None, name=short, version=version)
        content = b64decode(package["integrity"].removeprefix("sha512-")).hex()
        yield Component(
            type=ComponentType.LIBRARY,
            group=namespace or None,
            name=short,
            version=version,
            bom_ref=purl.to_string(),
            purl=purl,
            scope=ComponentScope.EXCLUDED if "dev" in package else ComponentScope.REQUIRED,
            hashes=[HashType(alg=HashAlgorithm.SHA_512, content=content)],
        )


def components() -> list[Component]:
    return [*python_packages(PYTHON.read_text()), *npm_packages(CONSOLE.read_text())]


def bill(parts: list[Component]) -> str:
    """The document, as JSON."""
    bom = Bom(components=parts, serial_number=uuid5(NAMESPACE_OID, "sarhad"))
    bom.metadata.component = whole = Component(type=ComponentType.APPLICATION, name="sarhad", bom_ref="sarhad")
    bom.register_dependency(whole, parts)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"]
    document["serialNumber"] = uuid5(NAMESPACE_OID, json.dumps(document)).urn
    return json.dumps(document, indent=2) + "\n"


def main() -> None:
    document = bill(components())
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(document)
    else:
        sys.stdout.write(document)


if __name__ == "__main__":
    main()
