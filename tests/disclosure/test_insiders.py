"""A contributor of a figure knows its own part. What it subtracts, files anew or leaves out finds no other's."""

import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from statistics import mean

import pytest

from service.disclosure import PUBLIC, Cell, Disclosed, disclose
from service.disclosure.keys import key_sum, record_key
from service.disclosure.noise import NoiseTable, committed
from service.disclosure.rules import few
from tests.disclosure.attacker import ROWS, attack_on, on_events
from tests.disclosure.tables import SILENT, Event, cell_of, events_at_random, margins

SECRET = b"a secret of the tests"
INSIDER, VICTIM = "KZ", "UZ"
WIDTH = 4  # a protected number of events has at least five possible values
Cells = dict[tuple[str, ...], Cell]
Told = dict[tuple[str, ...], Disclosed]


def two_owners(seed: int) -> tuple[Cells, Cells]:
    """The margins of an insider's records and of another's, in the same places, months and substances."""
    events = events_at_random(seed)
    theirs = [event for event in events_at_random(seed + 1000) if event.leaf[2].startswith("g1")]
    return margins(events, SECRET), margins(theirs, SECRET)


def subtracted(mine: Cells, theirs: Cells, table: NoiseTable) -> Told:
    """What every margin of both leaves to a contributor that knows its own part as it was counted, noise and all."""
    parts = [cell for name in mine for cell in (mine[name], theirs[name])]
    told = {figure.dimensions: figure for figure in disclose(parts, PUBLIC, table)}
    own = {figure.dimensions: figure for figure in disclose(list(mine.values()), PUBLIC, table)}
    left = {}
    for name, figure in told.items():
        events = (figure.events or 0) - (own[name].events or 0)
        kg = None if figure.kg is None else figure.kg - (own[name].kg or 0)
        left[name] = Disclosed(name, events or None, kg if events else None)
    return left


@pytest.mark.parametrize("seed", range(3))
def test_a_contributor_that_subtracts_its_own_pins_no_protected_cell(seed: int) -> None:
    """The linear programme over all margins, less the insider's part, against numbers of 1 to 9 events."""
    table = committed()
    mine, theirs = two_owners(seed)
    attack = on_events(subtracted(mine, theirs, table), PUBLIC, table)
    widths = []
    for name in {tuple(ROWS[name]): name for name in theirs}.values():
        if 0 < theirs[name].events < PUBLIC.least:
            low, high = attack.interval(name)
            assert low - 1e-6 <= theirs[name].events <= high + 1e-6, "the attack is sound"
            widths.append(high - low)
    assert len(widths) > 20
    assert min(widths) > WIDTH - 1e-6


def test_the_same_attack_without_noise_pins_them() -> None:
    mine, theirs = two_owners(0)
    attack = on_events(subtracted(mine, theirs, SILENT), PUBLIC, SILENT)
    small = [name for name in theirs if 0 < theirs[name].events < PUBLIC.least]
    assert min(high - low for low, high in map(attack.interval, small)) < 1e-6


@pytest.mark.parametrize("seed", range(2))
def test_what_is_left_of_a_mass_is_open_by_a_fifth_of_its_largest_record(seed: int) -> None:
    """The insider knows the other's largest record in every cell that is told, too."""
    table = committed()
    mine, theirs = two_owners(seed)
    told = {f.dimensions: f for f in disclose([c for name in mine for c in (mine[name], theirs[name])], PUBLIC, table)}
    own = {figure.dimensions: figure for figure in disclose(list(mine.values()), PUBLIC, table)}
    known = {}
    for name, figure in told.items():
        counted = figure.events is not None and figure.events > (own[name].events or 0)
        if counted and figure.kg is not None and (own[name].events is None or own[name].kg is not None):
            reach = float(table.most_mass * theirs[name].largest[0]) + _rounding(figure.kg) + _rounding(own[name].kg)
            left = float(figure.kg - (own[name].kg or 0))
            known[name] = max(0.0, left - reach), left + reach
    attack = attack_on(known)
    widths = []
    for name in {tuple(ROWS[name]): name for name in theirs}.values():
        if theirs[name].events and name not in known:
            low, high = attack.interval(name)
            assert low - 1e-3 <= float(theirs[name].kg) <= high + 1e-3, "the attack is sound"
            widths.append((high - low) / float(theirs[name].largest[0]))
    assert len(known) > 20
    assert len(widths) > 20
    assert min(widths) > float(2 * PUBLIC.p)


def _rounding(kg: Decimal | None) -> float:
    """Half of the last of three significant digits."""
    return 0.0 if kg is None else 0.5 * 10.0 ** (kg.adjusted() - 2)


def part(owner: str, count: int, start: int = 0, kg: Decimal = Decimal(1)) -> Cell:
    """One owner's part: `count` records of a kilogram, of two agencies, numbered from `start`."""
    keys = [record_key(SECRET, uuid.uuid5(uuid.NAMESPACE_URL, f"{owner}{start + n}")) for n in range(count)]
    return Cell(("x",), count, count, kg * count, (kg, kg)[:count], kg * count / 2, key_sum(keys))


@pytest.mark.parametrize("theirs", range(1, PUBLIC.least))
def test_a_part_below_the_threshold_is_not_in_the_figure_at_all(theirs: int) -> None:
    """Whatever the noise: the figure is that of the contributors that have enough."""
    for start in range(200):
        mine = part(INSIDER, 60, start)
        assert disclose([mine, part(VICTIM, theirs)], PUBLIC) == disclose([mine], PUBLIC)


def averaged(figure: Callable[[Cell], int | None], draws: Iterable[int]) -> float:
    """What an insider finds of the other's number that files one more record for every release, and averages."""
    found = []
    for number in draws:
        told = figure(part(INSIDER, 60 + number))
        assert told is not None
        found.append(told - 60 - number)
    return mean(found)


def test_filing_anew_draws_no_other_noise_for_the_others() -> None:
    """One figure for all the other's records together, as this once was, gives way to forty releases."""
    theirs = part(VICTIM, 12)
    (alone,) = disclose([theirs], PUBLIC)

    def pooled(mine: Cell) -> int | None:
        keys = key_sum((mine.key_sum, theirs.key_sum))
        cell = replace(mine, events=mine.events + theirs.events, key_sum=keys, kg=mine.kg + theirs.kg)
        return disclose([cell], PUBLIC)[0].events

    def by_owner(mine: Cell) -> int | None:
        (own,), (told,) = disclose([mine], PUBLIC), disclose([mine, theirs], PUBLIC)
        assert told.events is not None
        assert own.events is not None
        return told.events - own.events + mine.events  # the insider knows its own noise, at the most

    assert abs(averaged(pooled, range(200)) - 12) < 0.5
    left = averaged(by_owner, range(200))
    assert left == (alone.events or 0), "exactly what the other's own cell would tell, every time"


def test_a_later_version_with_one_more_country_shows_that_country_as_its_own_cell_would() -> None:
    first, second = [part("KZ", 30), part("UZ", 40)], part("TJ", 11)
    (before,), (after,), (alone,) = (
        disclose(first, PUBLIC),
        disclose([*first, second], PUBLIC),
        disclose([second], PUBLIC),
    )
    assert (after.events or 0) - (before.events or 0) == (alone.events or 0)
    few_of_them = part("TJ", 3)
    assert disclose([*first, few_of_them], PUBLIC) == [before]
    assert few(few_of_them.events, PUBLIC)


def test_a_mass_is_withheld_where_any_part_of_it_is_mostly_one_seizure() -> None:
    mine = part("KZ", 40, kg=Decimal(50))
    theirs = part("UZ", 20)
    heavy = replace(theirs, kg=Decimal(520), largest=(Decimal(500), Decimal(1)), agency_largest=Decimal(510))
    assert disclose([mine, theirs], PUBLIC)[0].kg is not None
    told = disclose([mine, heavy], PUBLIC)[0]
    assert told.events is not None
    assert told.kg is None


def test_one_agency_alone_has_no_mass_and_two_countries_of_one_agency_each_have() -> None:
    mine, theirs = (replace(part(owner, 20), agency_largest=Decimal(20)) for owner in ("KZ", "UZ"))
    assert disclose([mine], PUBLIC)[0].kg is None
    assert disclose([mine, theirs], PUBLIC)[0].kg is not None


def test_no_part_that_is_safe_makes_a_sum_that_is_not() -> None:
    """The p% rule of every part implies it of every coalition's remainder: random parts."""
    chance = random.Random(5)
    for _ in range(300):
        events = [
            Event(uuid.uuid4(), ("", owner, ""), f"{owner}-CUS", Decimal(f"{chance.lognormvariate(0, 2):.3f}"))
            for owner in ("KZ", "UZ", "TJ")
            for _ in range(12)
        ]
        parts = [cell_of(("x",), [e for e in events if e.leaf[1] == owner], SECRET) for owner in ("KZ", "UZ", "TJ")]
        safe = [not _p_rule(cell) for cell in parts]
        whole = cell_of(("x",), events, SECRET)
        assert not (all(safe) and _p_rule(whole))


def _p_rule(cell: Cell) -> bool:
    return cell.kg - sum(cell.largest) < PUBLIC.p * cell.largest[0]
