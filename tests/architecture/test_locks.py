"""Advisory locks are numbers that all of a database share: two features with one number wait for each other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ONE_NUMBER = re.compile(r"advisory_xact_lock(?:_shared)?\((\d+)\)")
FEATURES = {
    "service/notices/notify.py": "notices",
    "service/trends/keep.py": "the cube's daily check",
    "migrations/versions/0005_gate.py": "gate",
    "migrations/sql/0009_compile.sql": "gate",
    "migrations/sql/0010_tokens.sql": "gate",
    "migrations/versions/0016_cube_kept.py": "the cube's folding",
    "migrations/versions/0028_contents.py": "the cube's folding",
    "migrations/sql/0022_candidates.sql": "alerts",
    "migrations/sql/0025_passes.sql": "the passes of links",
}


def test_no_two_features_take_the_lock_of_one_number() -> None:
    holders: dict[str, set[str]] = {}
    for path in sorted(
        [*ROOT.glob("service/**/*.py"), *ROOT.glob("migrations/**/*.py"), *ROOT.glob("migrations/sql/*")]
    ):
        for number in _ONE_NUMBER.findall(path.read_text()):
            holders.setdefault(number, set()).add(FEATURES[str(path.relative_to(ROOT))])
    assert len(holders) >= 4, "the locks are found"
    assert {number: names for number, names in holders.items() if len(names) > 1} == {}
