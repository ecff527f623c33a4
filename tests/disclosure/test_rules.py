"""Threshold, dominance, hierarchies, keys and the published table: what each is, one by one."""

import random
import subprocess
import sys
import uuid
from decimal import Decimal
from pathlib import Path

import pytest

from service.disclosure import MEMBERS, PUBLIC, Cell, Rules, disclose
from service.disclosure.keys import MODULUS, draw, key_sum, record_key
from service.disclosure.noise import COMMITTED, committed, read
from service.substances.catalogue import Catalogue
from tests.disclosure.levels import class_of

SCHEMAS = Path(__file__).parents[2] / "schemas"


def cell(events: int, kg: str = "100", *, weighed: int | None = None, key: int = 7, agency: str = "50") -> Cell:
    return Cell(
        dimensions=("2025", "*", "heroin-opiates"),
        events=events,
        weighed=events if weighed is None else weighed,
        kg=Decimal(kg),
        largest=(Decimal(10), Decimal(9)),
        agency_largest=Decimal(agency),
        key_sum=key,
    )


@pytest.mark.parametrize("rules", [MEMBERS, PUBLIC])
def test_fewer_contributors_than_the_threshold_are_never_told(rules: Rules) -> None:
    for events in range(rules.least):
        for key in range(0, MODULUS, MODULUS // 50):
            told = disclose([cell(events, key=key)], rules)[0]
            assert (told.events, told.kg) == (None, None)


def test_no_cell_is_told_below_the_threshold_and_no_empty_cell_is_told_at_all() -> None:
    for events in range(5, 20):
        told = {disclose([cell(events, key=key)])[0].events for key in range(3000)}
        assert min(number for number in told if number is not None) >= MEMBERS.least
    empty = Cell(("x",), 0, 0, Decimal(0), (), Decimal(0), 0)
    assert disclose([empty])[0].events is None


def test_a_mass_of_few_records_is_withheld_though_the_events_are_many() -> None:
    told = disclose([cell(60, weighed=4)])[0]
    assert told.events is not None
    assert told.kg is None
    assert disclose([cell(60, weighed=5)])[0].kg is not None


def test_a_mass_of_one_agency_is_withheld() -> None:
    assert disclose([cell(60, agency="90")])[0].kg is not None
    assert disclose([cell(60, agency="90.1")])[0].kg is None


def test_a_threshold_below_five_is_refused() -> None:
    with pytest.raises(ValueError, match="5"):
        Rules(least=4)


def test_figures_are_close_and_not_biased() -> None:
    """Over many keys the mean is true, the standard deviations are 2 events and a quarter of the largest record."""
    told = [disclose([cell(50, key=key)])[0] for key in range(20_000)]
    numbers = [found.events for found in told if found.events is not None]
    masses = [float(found.kg) for found in told if found.kg is not None]
    assert len(numbers) == len(masses) == 20_000
    assert abs(sum(numbers) / len(numbers) - 50) < 0.1
    assert abs(sum((n - 50) ** 2 for n in numbers) / len(numbers) - 4) < 0.2
    assert abs(sum(masses) / len(masses) - 100) < 0.1
    assert abs(sum((m - 100) ** 2 for m in masses) / len(masses) - 2.5**2) < 0.3
    assert 42 <= min(numbers) < 45 < 55 < max(numbers) <= 58
    assert 92.5 <= min(masses) < 95 < 105 < max(masses) <= 108, "107.5, rounded to three digits"


def test_a_published_mass_has_three_significant_digits() -> None:
    for kg in ("123456.789", "1234.5", "61.234"):
        large = cell(50, kg=kg, agency="20")
        told = disclose([large])[0].kg
        assert told is not None
        assert len(told.as_tuple().digits) == 3


def test_the_committed_table_is_what_its_script_makes_and_says_what_it_promises(tmp_path: Path) -> None:
    script = (SCHEMAS / "disclosure" / "build.py").read_text()
    (tmp_path / "build.py").write_text(script)
    subprocess.run([sys.executable, tmp_path / "build.py"], check=True)
    assert (tmp_path / "ptable.csv").read_bytes() == COMMITTED.read_bytes()
    table = committed()
    assert sorted(table.events) == [5, 6, 7, 8]
    assert (table.most_events, table.most_mass) == (8, Decimal("0.75"))
    for row, distribution in (*table.events.items(), (None, table.mass)):
        shares = [high - low for low, high in zip((0, *distribution.uppers), distribution.uppers, strict=False)]
        assert sum(shares) == MODULUS
        mean = sum(noise * share for noise, share in zip(distribution.noises, shares, strict=True)) / MODULUS
        variance = sum(noise**2 * share for noise, share in zip(distribution.noises, shares, strict=True)) / MODULUS
        assert abs(mean) < Decimal("1e-6")
        assert abs(variance - (Decimal("0.0625") if row is None else 4)) < Decimal("1e-4")
        assert row is None or row + min(distribution.noises) >= 0, "no negative number of events"


def test_a_table_that_does_not_cover_every_draw_is_refused(tmp_path: Path) -> None:
    lines = COMMITTED.read_text().splitlines()
    (tmp_path / "short.csv").write_text("\n".join(lines[:-1]))
    with pytest.raises(ValueError, match="cover"):
        read(tmp_path / "short.csv")


def test_keys_add_up_and_depend_on_the_secret() -> None:
    ids = [uuid.UUID(int=n) for n in range(1000)]
    keys = [record_key(b"one", id_) for id_ in ids]
    assert keys != [record_key(b"two", id_) for id_ in ids]
    assert all(0 <= key < MODULUS for key in keys)
    assert len(set(keys)) == 1000
    random.shuffle(keys)
    assert key_sum([key_sum(keys[:300]), key_sum(keys[300:])]) == key_sum(keys)


def test_the_noise_of_a_total_does_not_follow_from_that_of_its_parts() -> None:
    """Keys add up, draws do not."""
    chance = random.Random(5)
    alike = 0
    for _ in range(2000):
        a, b = chance.getrandbits(32), chance.getrandbits(32)
        alike += abs((draw(a, "events") + draw(b, "events")) % MODULUS - draw((a + b) % MODULUS, "events")) < 1 << 24
    assert alike < 40


def test_every_substance_has_one_class_in_one_group() -> None:
    catalogue = Catalogue.from_files(SCHEMAS / "substances")
    groups = {code: entry.substance.group for code, entry in catalogue.entries.items()}
    for code, entry in catalogue.entries.items():
        class_ = class_of(entry.lineage, groups)
        assert groups[class_] == groups[code]
        assert class_of(catalogue.entries[class_].lineage, groups) == class_, "the class of a class is itself"
