"""A saved question is asked by each as itself, on a schedule by the service, and a change is told without a figure."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sarhad import Client, ProblemError
from sqlalchemy import Engine, create_engine, text

from service.questions.again import difference
from tests.awaiting import eventually
from tests.exchange import Exchange, heroin

pytestmark = pytest.mark.xdist_group("exports")
ASKS = {"by": "month", "measure": "seizures,kg", "from": "1996-01", "to": "1997-01"}
TERMS = {"name": "Heroin by month", "shared": "key"}


def refused(act: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ProblemError) as problem:
        act()
    return problem.value.status, problem.value.kind


@pytest.fixture
def saved(exchange: Exchange) -> Any:
    made: list[tuple[Client, str]] = []

    def save(name: str, **terms: Any) -> str:
        client = exchange.client(name, "analysis")
        made.append((client, client.save_question({"asks": ASKS, **TERMS, **terms})["id"]))
        return made[-1][1]

    yield save
    for client, id_ in made:
        client.drop_question(id_)


@pytest.fixture
def superuser(exchange: Exchange) -> Iterator[Engine]:
    engine = create_engine(exchange.settings.database_as())
    yield engine
    engine.dispose()


def seizure_of(exchange: Exchange, agency: str, month: int, kg: str) -> None:
    report = heroin(agency, instant=f"1996-{month:02}-05T10:00:00+05:00")
    exchange.client(agency).submit(exchange.sign(report))


def test_a_question_shared_with_the_agency_is_seen_by_its_other_keys(exchange: Exchange, saved: Any) -> None:
    second = exchange.client(exchange.add_holder("TM-CUS/second", "analyst"), "analysis")
    private, shared = saved("TM-CUS"), saved("TM-CUS", shared="agency")
    assert second.question(shared)["mine"] is False
    assert refused(lambda: second.question(private)) == (404, "not-found")


def test_a_question_keeps_how_it_was_looked_at(exchange: Exchange, saved: Any) -> None:
    view = {"map": "cell", "over": "flows", "at": "69.17,41.46,9"}
    id_ = saved("TM-CUS", shared="members", view=view)
    for name in ("TM-CUS", "RU-CUS"):
        assert exchange.client(name, "analysis").question(id_)["view"] == view
    assert exchange.client("TM-CUS", "analysis").question(saved("TM-CUS"))["view"] is None
    for wrong in (
        {"map": 3},
        {"Map": "cell"},
        {"map": "c\n"},
        {"map": "c" * 101},
        {"x" * n: "1" for n in range(1, 22)},
    ):
        assert refused(lambda: saved("TM-CUS", view=wrong))[0] == 422, wrong  # noqa: B023 - called at once


@pytest.mark.parametrize(
    ("shared", "readers"),
    [
        ("key", set()),
        ("agency", set()),
        ("country", {"TM-LAB", "TM-DCA"}),
        ("members", {"TM-LAB", "TM-DCA", "RU-CUS"}),
    ],
)
def test_a_question_is_seen_by_whom_it_is_shared_with(
    exchange: Exchange, saved: Any, shared: str, readers: set[str]
) -> None:
    id_ = saved("TM-CUS", shared=shared, schedule="weekly", threshold="10")
    own = exchange.client("TM-CUS", "analysis").question(id_)
    assert (own["mine"], own["schedule"], own["threshold"]) == (True, "weekly", "10")
    for name in ("TM-LAB", "TM-DCA", "RU-CUS"):
        client = exchange.client(name, "analysis")
        listed = json.dumps(client.questions())
        if name in readers:
            found = client.question(id_)
            assert (found["asks"], found["mine"]) == (ASKS, False)
            assert not {"schedule", "threshold", "told_at", "changed_at", "next_at"} & found.keys()
            assert id_ in listed
        else:
            assert refused(lambda client=client: client.question(id_)) == (404, "not-found")
            assert refused(lambda client=client: client.ask_question(id_)) == (404, "not-found")
            assert id_ not in listed
        assert refused(lambda client=client: client.drop_question(id_)) == (404, "not-found")
        assert refused(lambda client=client: client.change_question(id_, TERMS)) == (404, "not-found")


def test_shared_is_the_question_and_not_the_answer(exchange: Exchange, saved: Any) -> None:
    seizure_of(exchange, "TM-CUS", 3, "1")
    id_ = saved("TM-CUS", shared="members")
    assert exchange.client("TM-CUS", "analysis").ask_question(id_)["cells"]
    assert exchange.client("RU-CUS", "analysis").ask_question(id_)["cells"] == []


def test_a_change_is_told_to_the_agency_without_a_figure(exchange: Exchange, jobs: None, saved: Any) -> None:
    client, engine = exchange.client("TM-CUS", "analysis"), create_engine(exchange.settings.database_as())
    id_ = saved("TM-CUS", schedule="daily")

    def asked_again() -> dict[str, Any]:
        """Once this very job is done: when a worker starts, it may ask due questions of its own accord."""
        with engine.begin() as connection:
            row = connection.execute(
                text("SELECT key_id, purpose FROM core.question WHERE id = :id"), {"id": id_}
            ).one()
            job = connection.execute(
                text("SELECT jobs.defer('questions:again', 'quick', CAST(:args AS jsonb), NULL, NULL)"),
                {"args": json.dumps({"question": id_, "key": row.key_id, "purpose": row.purpose})},
            ).scalar_one()
        settled = text("SELECT count(*) FROM jobs.settled WHERE job_id = :job")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            eventually(lambda: connection.execute(settled, {"job": job}).scalar_one())
        return client.question(id_)

    assert asked_again()["changed_at"] is None, "the first answer changes nothing"
    assert asked_again()["changed_at"] is None
    seizure_of(exchange, "TM-CUS", 7, "2")
    assert asked_again()["changed_at"] is not None
    (notice,) = [n for n in exchange.client("TM-CUS", None).inbox()["items"] if n["kind"] == "question-changed"]
    assert (notice["subject"], notice["facts"]) == (f"/v1/questions/{id_}", {"cause": "figures"})
    engine.dispose()


def test_a_scheduled_question_is_asked_in_the_lane_of_its_country(
    exchange: Exchange, jobs: None, saved: Any, superuser: Engine
) -> None:
    id_ = saved("TM-CUS", schedule="daily")
    with superuser.begin() as connection:
        connection.execute(text("SELECT jobs.defer('questions:look', 'quick', '{\"timestamp\": 0}', NULL, NULL)"))
    eventually(lambda: exchange.client("TM-CUS", "analysis").question(id_)["told_at"])
    with superuser.connect() as connection:
        job = text("SELECT queue_name, lock FROM jobs.procrastinate_jobs WHERE args ->> 'question' = :id")
        assert set(connection.execute(job, {"id": id_}).all()) == {("lane", "questions:TM")}


DUE = text("UPDATE core.question SET next_at = now() WHERE id = ANY (CAST(:ids AS uuid[]))")
TAKEN = text("SELECT q.id::text, q.country FROM gate.due_questions() d JOIN core.question q USING (id)")


def test_whatever_is_said_of_its_schedule_a_question_is_asked_once_a_period(
    exchange: Exchange, saved: Any, superuser: Engine
) -> None:
    client, id_ = exchange.client("TM-CUS", "analysis"), saved("TM-CUS", schedule="daily")
    with superuser.begin() as connection:
        connection.execute(DUE, {"ids": [id_]})
        assert id_ in [row.id for row in connection.execute(TAKEN)]
    for schedule, days in (("daily", 1), ("weekly", 7), (None, None), ("daily", 1)):
        changed = client.change_question(id_, {**TERMS, "schedule": schedule, "threshold": "3"})
        if days is not None:
            after = datetime.fromisoformat(changed["next_at"]) - datetime.now(UTC)
            assert timedelta(days=days) - timedelta(hours=1) < after <= timedelta(days=days)


def test_of_one_country_so_many_questions_are_queued_at_a_time(
    exchange: Exchange, saved: Any, superuser: Engine
) -> None:
    ids = [saved("TM-CUS", schedule="monthly") for _ in range(22)] + [saved("RU-CUS", schedule="monthly")]
    with superuser.connect() as connection:  # nothing of it stays
        connection.execute(DUE, {"ids": ids})
        taken = connection.execute(TAKEN).all()
        assert [row.country for row in taken].count("TM") == 20
        assert ids[-1] in [row.id for row in taken]
        rest = {row.id for row in connection.execute(TAKEN)}
        assert {row.id for row in taken} | rest >= set(ids)


COPIES = text(
    """INSERT INTO core.question (id, key_id, country, agency, purpose, name, asks, shared, schedule, next_at)
    SELECT gen_random_uuid(), key_id, country, agency, purpose, 'copy', asks, shared, 'monthly',
      now() + interval '9 days' FROM core.question, generate_series(1, 200) WHERE id = :id"""
)


def test_a_country_has_so_many_scheduled(exchange: Exchange, saved: Any, superuser: Engine) -> None:
    id_ = saved("UZ-CUS")
    with superuser.begin() as connection:
        connection.execute(COPIES, {"id": id_})
    try:
        another, wanted = exchange.client("UZ-DCA", "analysis"), {"asks": ASKS, **TERMS, "schedule": "daily"}
        client, terms = exchange.client("UZ-CUS", "analysis"), {**TERMS, "schedule": "daily"}
        for act in (lambda: another.save_question(wanted), lambda: client.change_question(id_, terms)):
            assert refused(act) == (429, "too-many-scheduled")
        assert client.change_question(id_, {**TERMS, "name": "Renamed"})["name"] == "Renamed"
        saved("RU-CUS", schedule="daily")
    finally:
        with superuser.begin() as connection:
            connection.execute(text("DELETE FROM core.question WHERE name = 'copy'"))


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        ({**ASKS, "from": "1996-07", "to": "1996-08", "compare": "previous"}, "previous"),
        ({**ASKS, "changes": "true"}, "changes"),
        ({**ASKS, "measure": "purity"}, "cells"),
        ({**ASKS, "measure": "price", "by": "substance"}, "cells"),
    ],
)
def test_a_saved_question_is_answered_as_the_trends_answer_it(
    exchange: Exchange, saved: Any, asks: dict[str, str], told: str
) -> None:
    client = exchange.client("TM-CUS", "analysis")
    answer = client.ask_question(saved("TM-CUS", asks=asks))
    assert answer == client.trends(**{"from_" if name == "from" else name: value for name, value in asks.items()})
    assert told in json.dumps(answer)


@pytest.mark.parametrize(
    ("threshold", "before", "after", "cause"),
    [
        ("0", "100", "100", None),
        ("0", "100", "101", "figures"),
        ("10", "100", "109", None),
        ("10", "100", "110", "figures"),
        ("10", "100", "90", "figures"),
        ("10", "0", "0.001", "figures"),
    ],
)
def test_a_change_is_as_large_as_was_asked(threshold: str, before: str, after: str, cause: str | None) -> None:
    last, now = ({"policy": "p", "cells": of, "totals": {"kg": of}} for of in (before, after))
    assert difference(last, now, Decimal(threshold)) == cause
    if cause:
        assert difference(last | {"policy": "other"}, now, Decimal(threshold)) == "policies"


def test_quartiles_have_no_total_and_any_change_of_them_is_told() -> None:
    last, now = ({"policy": "p", "cells": of, "totals": {}} for of in "ab")
    assert difference(last, now, Decimal(20)) == "figures"
    assert difference(last, last, Decimal(20)) is None


@pytest.mark.parametrize(
    ("wanted", "status", "kind"),
    [
        ({"asks": {"by": "hidden"}}, 422, "unknown-dimension"),
        ({"asks": {"measure": "hidden"}}, 422, "unknown-measure"),
        ({"asks": {"nothing": 1}}, 422, "no-such-question"),
        ({"asks": {"from": "2025-07", "to": "2025-05"}}, 422, "impossible-period"),
        ({"asks": {"compare": "previous"}}, 422, "impossible-period"),
        ({"asks": {"substance": "SAR-999999"}}, 422, "unknown-label"),
        ({"asks": {"bbox": "1,2"}}, 400, "invalid-box"),
        ({"schedule": "hourly"}, 422, "invalid-request"),
        ({"shared": "world"}, 422, "invalid-request"),
        ({"threshold": "-1"}, 422, "invalid-request"),
        ({"name": ""}, 422, "invalid-request"),
        ({"name": "a\nb"}, 422, "invalid-request"),
        ({"more": 1}, 422, "invalid-request"),
    ],
)
def test_what_is_refused_leaves_nothing(exchange: Exchange, wanted: Any, status: int, kind: str) -> None:
    client = exchange.client("RU-LAB", "analysis")
    assert refused(lambda: client.save_question({"asks": ASKS, **TERMS, **wanted})) == (status, kind)
    assert client.questions()["items"] == []


def test_terms_are_changed_and_a_question_is_forgotten(exchange: Exchange) -> None:
    client = exchange.client("RU-DCA", "analysis")
    id_ = client.save_question({"asks": ASKS, **TERMS})["id"]
    changed = client.change_question(id_, {"name": "Other", "shared": "country", "schedule": "monthly"})
    assert (changed["name"], changed["shared"], changed["asks"]) == ("Other", "country", ASKS)
    assert changed["next_at"] is not None
    client.drop_question(id_)
    assert refused(lambda: client.question(id_)) == (404, "not-found")
    assert client.questions()["items"] == []
