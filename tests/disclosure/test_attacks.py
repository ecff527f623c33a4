"""What an attacker gets from all published margins together: never a protected cell, unless the noise is taken away."""

import random
import uuid
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from statistics import mean

import pytest

from service.disclosure import MEMBERS, Cell, disclose
from service.disclosure.keys import key_sum, record_key
from service.disclosure.noise import NoiseTable, committed
from tests.disclosure.attacker import ROWS, on_events, on_mass
from tests.disclosure.tables import SILENT, cell_of, events_at_random, margins, published

EVENTS_WIDTH = 4  # a protected number of events has at least five possible values
MASS_WIDTH = 2 * MEMBERS.p  # a protected mass is open by p of its largest record, above and below together
SEEDS = range(4)
SECRET = b"a secret of the tests"
Widths = list[float]


def widths(seed: int, table: NoiseTable) -> tuple[Widths, Widths]:
    """How far the attack leaves open: numbers of events of 1 to 4, and masses in shares of the largest record."""
    true = margins(events_at_random(seed), SECRET)
    told = published(true, MEMBERS, table)
    distinct = {tuple(ROWS[cell]): cell for cell in told}.values()
    events, masses = [], []
    attack = on_events(told, MEMBERS, table)
    for cell in distinct:
        if told[cell].events is None and 0 < true[cell].events < MEMBERS.least:
            low, high = attack.interval(cell)
            assert low - 1e-6 <= true[cell].events <= high + 1e-6, "the attack is sound"
            events.append(high - low)
    attack = on_mass(told, true, table)
    for cell in distinct:
        if told[cell].kg is None and true[cell].events:
            low, high = attack.interval(cell)
            assert low - 1e-3 <= float(true[cell].kg) <= high + 1e-3, "the attack is sound"
            masses.append((high - low) / float(true[cell].largest[0]))
    assert len(events) > 20
    assert len(masses) > 20
    return events, masses


@pytest.mark.parametrize("seed", SEEDS)
def test_all_margins_together_pin_no_protected_cell(seed: int) -> None:
    events, masses = widths(seed, committed())
    assert min(events) > EVENTS_WIDTH - 1e-6
    assert min(masses) > float(MASS_WIDTH)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_threshold_and_the_dominance_rule_alone_would_not_hold(seed: int) -> None:
    """The same attack on the same tables without noise finds protected cells exactly."""
    events, masses = widths(seed, SILENT)
    assert min(events) < 1e-6
    assert min(masses) < 0.01


def one_subtraction(table: NoiseTable, count: int = 2000) -> Iterator[tuple[int, int]]:
    """(true, computed) where 40 events less the 37 published elsewhere should leave 3."""
    for number in range(count):
        keys = [record_key(SECRET, uuid.UUID(int=number * 1000 + n)) for n in range(40)]
        cells = [_counted("all", keys), _counted("most", keys[:37]), _counted("rest", keys[37:])]
        whole, most, hidden = disclose(cells, table=table)
        assert hidden.events is None
        assert whole.events is not None
        assert most.events is not None
        yield 3, whole.events - most.events


def _counted(name: str, keys: list[int]) -> Cell:
    mass = Decimal(len(keys))
    return Cell((name,), len(keys), len(keys), mass, (Decimal(1), Decimal(1)), mass / 2, key_sum(keys))


def test_one_subtraction_finds_a_hidden_number_by_luck_only() -> None:
    """Guessing among 1 to 4 is right one time in four."""
    assert mean(true == found for true, found in one_subtraction(SILENT, 20)) == 1
    found = [difference for _, difference in one_subtraction(committed())]
    assert mean(difference == 3 for difference in found) < 0.25
    assert mean(difference in range(1, 5) for difference in found) < 0.6, "most differences are impossible or wrong"
    assert 2.7 < mean(found) < 3.3, "and the figures are not biased"


def test_asking_again_or_otherwise_gives_the_same_noise() -> None:
    """A thousand questions, in any order, among any other cells, of records in any order: one answer."""
    events = [event for event in events_at_random(1) if event.leaf[2].startswith("g1")][:60]
    answers = set()
    for seed in range(1000):
        random.Random(seed).shuffle(events)
        asked = cell_of((f"question {seed}",), events, SECRET)
        other = cell_of(("other",), events[: seed % 60], SECRET)
        told = disclose([other, asked, other])[1]
        answers.add((told.events, told.kg))
    assert len(answers) == 1


def test_the_same_records_under_another_name_have_the_same_figures() -> None:
    """A country with one reporting unit, a quarter with one month: no second draw of the noise."""
    true = margins(events_at_random(2), SECRET)
    by_records: dict[tuple[int, int], set[tuple[object, object]]] = {}
    for told, cell in zip(disclose(list(true.values())), true.values(), strict=True):
        by_records.setdefault((cell.key_sum, cell.events), set()).add((told.events, told.kg))
    assert len(by_records) < len(true)
    assert all(len(answers) == 1 for answers in by_records.values())


def test_averaging_over_every_route_to_a_cell_does_not_find_it() -> None:
    """Estimates by (a margin less its other children), over all margins of many tables, keep an error of events."""
    errors = []
    for seed in range(30, 60):
        true = margins(events_at_random(seed), SECRET)
        told = published(true)
        for cell, figure in told.items():
            if figure.events is not None or not 0 < true[cell].events < MEMBERS.least or "2025-Q1" in cell:
                continue
            month, unit, substance = cell
            estimates = []
            for parent, siblings in (
                (("2025-Q1", unit, substance), [(f"2025-0{n}", unit, substance) for n in (1, 2, 3)]),
                ((month, unit[:2], substance), [(month, f"{unit[:2]}-{n}", substance) for n in (1, 2)]),
            ):
                others = [told[s].events for s in siblings if s in told and s != cell]
                whole = told[parent].events if parent in told else None
                if cell in siblings and whole is not None and all(other is not None for other in others):
                    estimates.append(whole - sum(other or 0 for other in others))
            if len(estimates) == 2:
                errors.append(mean(estimates) - true[cell].events)
    assert len(errors) > 40
    assert mean(error * error for error in errors) > 1, "a standard error of more than one event"


def heavy(mine: int, theirs: Decimal) -> Cell:
    """`mine` records of a kilogram each, of two agencies that tell each other, and one of `theirs` kilograms."""
    kg = Decimal(mine) + theirs
    keys = [record_key(SECRET, uuid.UUID(int=n + int(theirs * 1000))) for n in range(mine + 1)]
    largest = tuple(sorted((Decimal(1), theirs), reverse=True))
    return Cell(("x",), mine + 1, mine + 1, kg, largest, Decimal(mine) / 2, key_sum(keys))


@pytest.mark.parametrize("mine", [20, 30, 60])
def test_who_contributed_all_but_one_record_does_not_learn_that_one(mine: int) -> None:
    """It subtracts its own. What is left is off by more than p mostly, and what the noise allows reaches beyond p on
    both sides, but for the rarest draws.
    """
    table = committed()
    off, open_ = [], []
    for number in range(2000):
        theirs = Decimal(2) + Decimal(number) / 1000
        cell = heavy(mine, theirs)
        told = disclose([cell])[0]
        assert told.kg is not None
        guess, reach = told.kg - mine, table.most_mass * theirs
        assert guess - reach <= theirs + 1
        assert guess + reach >= theirs - 1
        off.append(abs(guess - theirs) > MEMBERS.p * theirs)
        open_.append(guess - reach < theirs * (1 - MEMBERS.p) and guess + reach > theirs * (1 + MEMBERS.p))
    assert mean(off) > 0.6
    assert mean(open_) > 0.98


def test_a_single_large_seizure_withholds_the_mass_and_not_the_number() -> None:
    cell = heavy(30, Decimal(2000))
    told = disclose([cell])[0]
    assert told.events is not None
    assert told.kg is None


def test_the_second_largest_cannot_estimate_the_largest() -> None:
    """p% rule: 100 kg and 90 kg with 9 kg of small ones is withheld, with 11 kg it is not."""
    keys = key_sum([1, 2, 3])
    for rest, withheld in ((Decimal("9.9"), True), (Decimal(10), False)):
        kg = 190 + rest
        cell = Cell(("x",), 50, 50, kg, (Decimal(100), Decimal(90)), Decimal(100), keys)
        assert (disclose([cell])[0].kg is None) is withheld


def test_a_correction_of_one_mass_does_not_show_its_size() -> None:
    """The figure before and after differ by more than the correction: the noise is drawn anew."""
    keys = key_sum(record_key(SECRET, uuid.UUID(int=n)) for n in range(20))
    figures = []
    for step in range(50):
        kg = Decimal(100) + step
        cell = Cell(("x",), 20, 20, kg, (Decimal(20), Decimal(15)), Decimal(60), keys)
        figures.append(disclose([cell])[0].kg)
    steps = [later - earlier for earlier, later in pairwise(f for f in figures if f is not None)]
    assert mean(abs(step - 1) > Decimal("0.5") for step in steps) > 0.8
