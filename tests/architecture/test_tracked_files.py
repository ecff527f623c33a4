"""What is committed: no registry or machine of ours, no URL in a lock, nothing new at the top."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {
    "README.md",
    "pyproject.toml",
    ".ci",
    ".gitignore",
    "service",
    "schemas",
    "clients",
    "migrations",
    "deploy",
    "tests",
}

# Composed, so that this file does not hold what it forbids.
REGISTRIES = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs", "org"), ("registry", "yarnpkg", "com"),
            ("proxy", "golang", "org"), ("crates", "io"), ("index", "docker", "io"), ("deb", "debian", "org"),
        )
    )
)  # fmt: skip
MACHINE = re.compile(
    "(?<![A-Za-z0-9_.])/(?:" + "|".join(("home", "work", "Users", "root")) + ")/[A-Za-z0-9_.-]+|/tm" + "p/w/"
)
WHERE_FROM = re.compile(r'"resolved"\s*:|^[^#\n"]*://|--(extra-)?index-url|--find-links', re.MULTILINE)
LOCKS = {*re.findall(r'compile_lock\("([^"]+)"', (ROOT / "deploy" / "lock").read_text(encoding="utf-8"))}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def test_nothing_is_added_at_the_top() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP


def test_no_file_names_a_package_registry() -> None:
    assert [str(path.relative_to(ROOT)) for path in tracked() if REGISTRIES.search(text_of(path))] == []


def test_no_file_names_a_place_on_someones_machine() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {match.group()}" for path in tracked() for match in MACHINE.finditer(text_of(path))
    }
    assert found == set()


def test_locks_hold_hashes_and_no_urls() -> None:
    files = tracked()
    assert {path.relative_to(ROOT).as_posix() for path in files} >= LOCKS
    locks = [path for path in files if path.relative_to(ROOT).as_posix() in LOCKS or path.name == "package-lock.json"]
    for lock in locks:
        content = text_of(lock)
        assert not WHERE_FROM.search(content), lock.name
        assert "sha512-" in content or "--hash=sha256:" in content, lock.name


def test_the_patterns_find_what_they_forbid() -> None:
    assert REGISTRIES.search("https://" + "registry." + "npmjs.org/x")
    assert MACHINE.search("cd /" + "home/ann")
    assert not MACHINE.search("https://example.org/" + "home/ann")
