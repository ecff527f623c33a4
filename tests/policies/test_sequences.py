"""No sequence of requests tells two worlds apart that differ only in what the reader may not see.

`test_two_worlds.py` asks one question after the other, of worlds in which the reader does nothing. Here it goes its own
way: every operation of the contract once, in any order, and then some again; with the ids, cursors and ETags that
earlier answers gave, and with reports, questions, orders and requests of its own. What it makes has another id and time
in each world: answers are alike up to these (`renamed.py`), and byte for byte in all else.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from service.app import create_app
from tests.policies.documents import RULES
from tests.policies.questions import AGGREGATES, EXCEPTED, SD_JWT, operations
from tests.policies.renamed import Renaming
from tests.policies.sequences import Operation, Walk
from tests.policies.test_two_worlds import (
    DRAFTS,
    PAIRS,
    READERS,
    ROLES,
    WIDE,
    Filled,
    Name,
    Pair,
    alike,
    fill,
    given_to,
)
from tests.policies.twins import Draft, new_id
from tests.policies.worlds import Answer, World, Worlds, begin, drop

pytestmark = pytest.mark.xdist_group("sequences")  # two services of its own: what readers do stays in them

# What a reader leaves behind, besides reports: gone before the next one comes.
LEFT = (
    "access", "notice", "release_request", "recall", "recall_recipient", "subscription", "alert", "alert_candidate",
    "alert_queue", "question", "export", "policy_draft", "pack",
)  # fmt: skip
THOROUGH = bool(os.environ.get("SARHAD_THOROUGH"))
LOGS = "/v1/log/"
FILERS = [name for name in READERS if "reporter" in ROLES[name[0]]]  # who may do most


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    unhurried = {f"SARHAD_{name}HITS_PER_MINUTE": "1000000" for name in ("", "COUNTRY_")}
    made, databases = begin(tmp_path_factory.mktemp("worlds"), SARHAD_JOBS="false", **unhurried)
    yield made
    made.end()
    drop(databases)


@pytest.fixture(scope="module")
def contract() -> dict[Operation, dict[str, Any]]:
    """Every operation that is served, with its description where the contract has one."""
    app = create_app()
    paths = app.openapi()["paths"]
    return {(method, path): paths.get(path, {}).get(method.lower(), {}) for method, path in sorted(operations(app))}


def start(worlds: Worlds, contract: dict[Operation, Any], name: Name, filled: Filled, seed: int) -> Walk:
    """A reader that has asked nothing yet. What is not compared is what `test_two_worlds.py` states as exceptions."""

    def comparable(operation: Operation, record: str | None, accept: str) -> bool:
        _, path = operation
        found = filled.shown.get(record or "")
        shown = given_to(name, found[0], record or "", filled.rules) if found else None
        if path in EXCEPTED or path.startswith(LOGS):
            return False
        if path == AGGREGATES:
            return not filled.countable(name)
        if path.endswith("/proof"):
            return found is not None and "reported" not in (shown or ())
        return accept != SD_JWT or record in filled.same or shown is None

    heard = [*filled.shown, *filled.added]
    names = Renaming(datetime.now(UTC) - timedelta(seconds=1), set(heard))
    return Walk(worlds, name, Random(seed), contract, heard, filled.facets, names, comparable)


def emptied(worlds: Worlds) -> None:
    for world in worlds.both:
        world.run(f"TRUNCATE {', '.join(f'core.{table}' for table in LEFT)} CASCADE")


@settings(
    max_examples=40 if THOROUGH else 2,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # an example takes seconds: none is tried again for a smaller one
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(
    rules=RULES,
    wide=WIDE,
    name=st.sampled_from(READERS if THOROUGH else FILERS),
    pairs=st.lists(PAIRS, min_size=2, max_size=5),
    more=st.lists(DRAFTS, min_size=2, max_size=4),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_sequence_of_requests_tells_two_worlds_apart(
    worlds: Worlds,
    contract: dict[Operation, dict[str, Any]],
    rules: list[dict[str, Any]],
    wide: dict[str, Any],
    name: Name,
    pairs: list[Pair],
    more: list[Draft],
    seed: int,
) -> None:
    emptied(worlds)
    filled = fill(worlds, [wide, *rules], name, pairs, more)
    assert alike(name, filled)
    walk = start(worlds, contract, name, filled, seed)
    every, reads = list(contract), [operation for operation in contract if operation[0] == "GET"]
    walk.rng.shuffle(every)
    go(walk, every)
    go(walk, walk.rng.choices(every, k=len(every)) if THOROUGH else walk.rng.choices(reads, k=60))
    assert walk.asked == contract.keys()


def go(walk: Walk, operations: Iterable[Operation]) -> None:
    for operation in operations:
        walk.step(operation)


class Leaking:
    """Both worlds, with how many reports each holds in a header of every answer."""

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._worlds, name)

    def ask(self, *asked: Any) -> tuple[Answer, ...]:
        return tuple(
            replace(answer, headers=(*answer.headers, ("x-rows", str(reports(world)))))
            for world, answer in zip(self._worlds.both, self._worlds.ask(*asked), strict=True)
        )


def reports(world: World) -> int:
    with create_engine(world.settings.database_as()).connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM core.report")) or 0)


@pytest.fixture
def walk(worlds: Worlds, contract: dict[Operation, dict[str, Any]]) -> Walk:
    """Of an analyst, beside a record that it may not see."""
    emptied(worlds)
    name = ("TJ-CUS", "operational")
    hidden = Draft("seizure", "precursors", "TLP:RED", "UZ-CUS", (*range(21), 0))
    return start(worlds, contract, name, fill(worlds, [], name, [], [hidden]), 0)


def test_a_count_of_hidden_records_in_a_header_is_noticed(walk: Walk) -> None:
    walk.step(("GET", "/v1/units"))
    walk.worlds = cast(Worlds, Leaking(walk.worlds))
    with pytest.raises(AssertionError, match="x-rows"):
        walk.step(("GET", "/v1/units"))


def test_a_hole_in_row_security_is_noticed(walk: Walk) -> None:
    reads = [operation for operation in walk.operations if operation[0] == "GET"]
    for world in walk.worlds.both:
        world.run("CREATE POLICY hole ON core.report FOR SELECT TO gate_record USING (latest)")
    try:
        with pytest.raises(AssertionError, match="is told apart"):
            go(walk, reads)
    finally:
        for world in walk.worlds.both:
            world.run("DROP POLICY hole ON core.report")


BEGAN = datetime.now(UTC)
BEFORE, AFTER = (f"{BEGAN + timedelta(minutes=m):%Y-%m-%dT%H:%M:%S.%fZ}" for m in (-1, 1))
LATER = f"{BEGAN + timedelta(minutes=2):%Y-%m-%dT%H:%M:%S.%fZ}"
A, B, C, HIDDEN = (new_id() for _ in range(4))
TOKENS = ("A" * 50, "B" * 50)


@pytest.mark.parametrize(
    ("answers", "alike_"),
    [
        ([(f'"{A}"', f'"{B}"')], True),
        ([(f'"{A}" at {AFTER}', f'"{B}" at {LATER}')], True),
        ([(f'"{A}"', f'"{B}"'), (f'"{A}" again', f'"{B}" again')], True),
        ([(f'"{A}"', f'"{HIDDEN}"')], False),
        ([(f'"{A}"', f'"{B}"'), (f'"{A}" again', f'"{C}" again')], False),
        ([(f'"{A}"', f'"{B}"'), (f'"{C}" other', f'"{B}" other')], False),
        ([(f'"{A}"', f'"{A}"'), (f'"{A}" again', f'"{B}" again')], False),
        ([(f'"{A}"', f'"{B}" ')], False),
        ([(f'"{A}" at {AFTER}', f'"{B}" at {BEFORE}')], False),
        ([("1 of 3", "1 of 4")], False),
        ([TOKENS], False),
        ([(f"{A} next {TOKENS[0]}", f"{B} next {TOKENS[1]}")], True),
        ([(f"{A} next {TOKENS[0]}", f"{B} next {TOKENS[1]}A")], True),
        ([(f"{A} next {TOKENS[0]}", f"{B} next {TOKENS[1]}{'A' * 9}")], False),
    ],
)
def test_answers_are_alike_up_to_names_made_since_and_in_nothing_else(
    answers: list[tuple[str, str]], alike_: bool
) -> None:
    names = Renaming(BEGAN, {HIDDEN})
    pairs = [(Answer(200, (), first.encode()), Answer(200, (), other.encode())) for first, other in answers]
    assert all(names.difference(*pair) is None for pair in pairs) is alike_
