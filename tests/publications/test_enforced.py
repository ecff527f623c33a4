"""What the database itself holds to, whoever speaks SQL to it as a role of the service."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from service.disclosure.keys import record_key
from service.settings import Settings
from service.substances.catalogue import Catalogue
from tests.disclosure.levels import class_of
from tests.exchange import Exchange
from tests.publications.conftest import Filed, approve, definition

SUBSTANCES = Path(__file__).parents[2] / "schemas" / "substances"
_CELLS = text("SELECT * FROM gate.publication_cells(:id, :time, :place, :substance, '2021-01-01', '2021-12-01')")


@pytest.fixture
def writer(settings: Settings) -> Iterator[Connection]:
    """What the service's writing role can do, never committed."""
    engine = create_engine(settings.database_as("sarhad_write"))
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


@pytest.fixture(scope="module")
def publication(open_exchange: Exchange, filed: list[Filed]) -> str:
    """Approved by UZ only."""
    proposed = open_exchange.client("KZ-DCA", None).propose_publication(definition(f"p-{uuid.uuid4().hex[:9]}"))
    approve(open_exchange, proposed, "UZ")
    return str(proposed["id"])


def cells(connection: Connection, publication: str, time: str, place: str, substance: str) -> list[tuple[object, ...]]:
    values = {"id": publication, "time": time, "place": place, "substance": substance}
    return [tuple(row) for row in connection.execute(_CELLS, values)]


def test_the_function_gives_cells_of_the_approving_owner_with_ten_events_and_more(
    writer: Connection, publication: str
) -> None:
    found = cells(writer, publication, "month", "country", "group")
    assert [(row[0], row[1], row[3], row[4]) for row in found] == [
        ("2021-01", "UZ", "UZ", 24),
        ("2021-02", "UZ", "UZ", 30),
    ]
    assert cells(writer, str(uuid.uuid4()), "month", "country", "group") == []


@pytest.mark.parametrize(
    "levels", [("day", "country", "group"), ("month", "cell", "group"), ("month", "country", "line")]
)
def test_other_levels_give_nothing(writer: Connection, publication: str, levels: tuple[str, str, str]) -> None:
    assert cells(writer, publication, *levels) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM shared.publication_line",
        "SELECT * FROM shared.publication_member",
        "SELECT gate.publication_scopes()",
        "SELECT gate.record_key(gen_random_uuid())",
        "SELECT * FROM gate.cell_secret",
        "INSERT INTO core.publication_approval SELECT gen_random_uuid(), 'UZ', 4, '', 'k'",
        "UPDATE core.publication_approval SET handling = 4",
        "UPDATE core.publication SET definition = '{}'",
        "UPDATE core.publication_release SET document = ''",
        "DELETE FROM core.publication_release",
    ],
)
@pytest.mark.parametrize("role", ["sarhad_read", "sarhad_write"])
def test_no_role_of_the_service_goes_round_the_functions(settings: Settings, role: str, statement: str) -> None:
    engine = create_engine(settings.database_as(role))
    with engine.connect() as connection:
        connection.execute(text("SELECT set_config('sarhad.publication', gen_random_uuid()::text, true)"))
        with pytest.raises(ProgrammingError) as refused:
            connection.execute(text(statement))
    engine.dispose()
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_only_a_policy_officer_approves_and_only_for_its_own_country(
    superuser: Engine, writer: Connection, publication: str
) -> None:
    with superuser.connect() as connection:
        digest = connection.execute(
            text("SELECT digest FROM core.publication WHERE id = :id"), {"id": publication}
        ).scalar_one()
    statement = text("SELECT gate.approve_publication(:id, :digest, 4::smallint, 'k')")
    values = {"id": publication, "digest": digest}
    enter = text("SELECT set_config('sarhad.context', :token, true)")
    for country, role, allowed in (("TJ", "analyst", False), ("TJ", "policy_officer", True)):
        with superuser.begin() as connection:
            token = connection.execute(
                text("SELECT gate.enter(:country, :agency, ARRAY[:role], '')"),
                {"country": country, "agency": f"{country}-DCA", "role": role},
            ).scalar_one()
        writer.execute(enter, {"token": token})
        if allowed:
            assert writer.execute(statement, values).scalar_one() is True
            by = text("SELECT country FROM core.publication_approval WHERE publication_id = :id ORDER BY 1")
            assert list(writer.execute(by, {"id": publication}).scalars()) == ["TJ", "UZ"]
        else:
            with pytest.raises(DBAPIError, match="only a policy officer"):
                writer.execute(statement, values)
        writer.rollback()
    with pytest.raises(DBAPIError, match="only a policy officer"):
        writer.execute(statement, values)


@pytest.mark.parametrize(("towards", "held_back"), [(None, True), ("KZ", True), ("TJ", False)])
def test_what_is_suspended_towards_everyone_or_the_proposer_is_not_published(
    superuser: Engine, writer: Connection, publication: str, towards: str | None, held_back: bool
) -> None:
    """An approval given before does not outlast the kill switch."""
    with superuser.begin() as connection:
        enter = text("SELECT gate.enter('UZ', 'UZ-DCA', ARRAY['policy_officer'], '')")
        token = connection.execute(enter).scalar_one()
    writer.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
    suspend = text("SELECT gate.suspend(NULL, :towards, NULL, NULL, 'officer', 'trust is lost')")
    writer.execute(suspend, {"towards": towards})
    assert (cells(writer, publication, "month", "country", "group") == []) is held_back


def test_the_database_computes_the_same_keys_and_classes(superuser: Engine, secret: bytes, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        for number in range(200):
            id_ = uuid.UUID(int=number << 100 | number)
            computed = connection.execute(text("SELECT gate.record_key(:id)"), {"id": id_}).scalar_one()
            assert computed == record_key(secret, id_)
        rows = connection.execute(text("SELECT code, class, policy_group FROM gate.substance_classes()")).all()
    catalogue = Catalogue.from_files(SUBSTANCES)
    groups = {code: entry.substance.group for code, entry in catalogue.entries.items()}
    known = {row.code: (row[1], row.policy_group) for row in rows if not row.code.startswith("UNK-")}
    assert known == {code: (class_of(entry.lineage, groups), groups[code]) for code, entry in catalogue.entries.items()}
