"""Advisory locks are numbers that all of a database share: two features with one number wait for each other."""

import re
from collections import defaultdict
from pathlib import Path

from service.locks import Alone, Seed, Turn

ROOT = Path(__file__).parents[2]
Lock = Alone | Turn | Seed
WRITTEN: dict[type[Lock], str] = {
    Alone: r"lock(?:_shared)?\((\d+)\)",
    Turn: r"lock(?:_shared)?\((\d+), hashtext\(",
    Seed: r"hashtextextended\(.+, (\d{2,})\)",
}
SQL: dict[str, set[Lock]] = {
    "versions/0005_gate.py": {Alone.GATE},
    "grains.py": {Alone.CUBE_FOLDING},
    "versions/0018_analyses.py": {Seed.EXHIBITS},
    "versions/0021_provisional.py": {Turn.PROVISIONAL},
    "versions/0028_contents.py": {Alone.CUBE_FOLDING},
    "versions/0032_map_of_all.py": {Alone.CUBE_FOLDING},
    "sql/0009_compile.sql": {Alone.GATE, Turn.RULES},
    "sql/0009_record_rules.sql": {Turn.RULES},
    "sql/0010_suspensions.sql": {Turn.SUSPENSIONS},
    "sql/0010_tokens.sql": {Alone.GATE},
    "sql/0019_jobs.sql": {Seed.LANES},
    "sql/0022_candidates.sql": {Alone.ALERTS},
    "sql/0025_passes.sql": {Alone.LINK_PASSES},
    "sql/0030_examined.sql": {Seed.EXHIBITS},
}


def test_every_lock_that_a_migration_takes_is_named() -> None:
    """A number without a name raises; one that another feature has shows as one more that takes it."""
    found: dict[str, set[Lock]] = defaultdict(set)
    for path in (ROOT / "migrations").rglob("*.*"):
        for kind, written in WRITTEN.items():
            for number in re.findall(written, path.read_text()) if path.suffix in (".py", ".sql") else ():
                found[str(path.relative_to(ROOT / "migrations"))].add(kind(int(number)))
    assert found == SQL


def test_no_two_features_take_one_lock() -> None:
    takers: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "service").rglob("*.py"):
        text = path.read_text()
        assert not any(re.search(written, text) for written in WRITTEN.values()), f"{path} has a number of its own"
        for name in re.findall(r"\b(?:Alone|Turn|Seed)\.[A-Z_]+", text):
            takers[name].add(path.parent.name)
    assert {name: features for name, features in takers.items() if len(features) > 1} == {}
    in_sql = {f"{type(lock).__name__}.{lock.name}" for locks in SQL.values() for lock in locks}
    assert not takers.keys() & in_sql, "what a migration takes has a number that no feature takes besides"
    assert takers.keys() | in_sql == {f"{kind.__name__}.{lock.name}" for kind in WRITTEN for lock in kind}
