"""The gate as PostgreSQL holds it: tokens, row security, writes and delays, against whoever speaks SQL to it."""

import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from tests.exchange import Exchange, heroin
from tests.policies.entrance import Entrance
from tests.policies.readers import OWNER, PARTNER, VIEWS, World, seen


def test_each_reader_sees_its_share(entrance: Entrance, world: World) -> None:
    assert seen(entrance, world, world.tokens["owner"]) == {"month", "cell", "point", "hidden"}
    assert seen(entrance, world, world.tokens["owner"], "shared.own_report") == {
        "month",
        "cell",
        "point",
        "hidden",
    }
    assert seen(entrance, world, world.tokens["partner"]) == {"month", "cell", "point"}
    assert seen(entrance, world, world.tokens["partner"], "shared.report_placed") == {"cell", "point"}
    assert seen(entrance, world, world.tokens["partner"], "shared.report_line") == {"cell", "point"}
    assert seen(entrance, world, world.tokens["partner"], "shared.own_report") == set()


@pytest.mark.parametrize("reader", ["stranger", "auditor", "key administrator", "operator"])
def test_nobody_else_sees_anything(entrance: Entrance, world: World, reader: str) -> None:
    for view in (*VIEWS, "shared.own_report"):
        assert seen(entrance, world, world.tokens[reader], view) == set()


def _signed(superuser: Engine, claim: str) -> str:
    """A token as the gate would sign it: what only the holder of its key can make."""
    with superuser.begin() as connection:
        sign = "SELECT encode(public.hmac(convert_to(:claim, 'UTF8'), key, 'sha256'), 'hex') FROM gate.secret"
        return f"{claim}.{connection.execute(text(sign), {'claim': claim}).scalar_one()}"


def _spoilt(superuser: Engine, owner: str, partner: str) -> Iterator[tuple[str, str | None]]:
    context, expiry, key, roles, ending = owner.split(".", 4)
    nonce, _, tag = ending.rpartition(".")  # with the mark of what it was minted by
    yield "none", None
    yield "empty", ""
    yield "garbage", "x" * 200
    yield "no number", "a.b.c." + "0" * 64
    yield "tag alone", tag
    yield "claim alone", f"{context}.{expiry}.{key}.{roles}.{nonce}"
    yield "tag of nothing", _signed(superuser, "")[1:][::-1]
    yield "claim of one, tag of the other", f"{context}.{expiry}.{key}.{roles}.{nonce}.{partner.rsplit('.', 1)[1]}"
    yield "other context", f"{int(context) + 1}.{expiry}.{key}.{roles}.{nonce}.{tag}"
    yield "later expiry", f"{context}.{int(expiry) + 9}.{key}.{roles}.{nonce}.{tag}"
    yield "other key", f"{context}.{expiry}.other.{roles}.{nonce}.{tag}"
    yield "other roles", f"{context}.{expiry}.{key}.policy_officer.{nonce}.{tag}"
    yield "last digit", owner[:-1] + ("0" if owner[-1] != "0" else "1")
    yield "upper case", f"{context}.{expiry}.{nonce}.{tag.upper()}"
    yield "tail", owner + "0"
    yield "expired", _signed(superuser, f"{context}.{int(expiry) - 1000}.{key}.{roles}.{nonce}")
    yield "context that is not there", _signed(superuser, f"2147483647.{expiry}.{key}.{roles}.{nonce}")


def test_a_token_without_a_key_leaves_no_field_out(superuser: Engine, world: World) -> None:
    with superuser.connect() as connection:
        made = text("SELECT gate.token(id, NULL, ARRAY['reporter', 'analyst']) FROM gate.context LIMIT 1")
        fields = connection.execute(made).scalar_one().split(".")
        connection.rollback()
    assert (len(fields), *fields[2:4]) == (7, "", "reporter+analyst")


def test_without_a_token_in_force_there_is_no_country_and_no_row(
    entrance: Entrance, superuser: Engine, world: World
) -> None:
    tried = 0
    for name, spoilt in _spoilt(superuser, world.tokens["owner"], world.tokens["partner"]):
        for role in ("sarhad_read", "sarhad_write"):
            with entrance(role, spoilt) as session:
                assert session.execute(text("SELECT gate.country()")).scalar_one() is None, name
                assert session.execute(text("SELECT gate.masks()")).scalar_one() is None, name
                assert session.execute(text("SELECT count(*) FROM shared.own_report")).scalar_one() == 0, name
        for view in VIEWS:
            assert seen(entrance, world, spoilt, view) == set(), name
        tried += 1
    assert tried == 17


def test_a_token_opens_its_own_context_only_and_for_one_transaction(entrance: Entrance, world: World) -> None:
    with entrance("sarhad_read", world.tokens["partner"]) as session:
        assert session.execute(text("SELECT gate.country()")).scalar_one() == PARTNER
        session.rollback()
        assert session.execute(text("SELECT gate.country()")).scalar_one() is None
        assert session.execute(text("SELECT count(*) FROM shared.report")).scalar_one() == 0


_REPORT = """INSERT INTO core.report (record_id, version, kind, agency, country, key_id, handling, scope_id, latest,
  status, digest, content_hash, jwt, disclosures, log_salt, leaf_hash, receipt, warnings, at_instant, at_day,
  at_month, month_end)
  VALUES (gen_random_uuid(), 1, 'seizure', :agency, :country, 'k', 'TLP:AMBER', :scope, true, 'reported', '', '',
  'j',   array_fill(NULL::text, ARRAY[19]), '', '', 'r', '[]', now(), now(), now(), :month_end)"""
_LINE = """INSERT INTO core.report_line (record_id, version, line, scope_id, month_end, substance, status,
  quantity, unit, rule) VALUES (:record, 1, 99, :scope, '2026-03-31', 'SAR-000608', 'PRES', 1, 'KG', 'mass')"""


def scope_of(superuser: Engine, record: str) -> int:
    with superuser.connect() as connection:
        query = text("SELECT scope_id FROM core.report WHERE record_id = :record AND latest")
        return int(connection.execute(query, {"record": record}).scalar_one())


@pytest.mark.parametrize(
    ("country", "agency"), [(OWNER, OWNER), (PARTNER, PARTNER), (PARTNER, OWNER)], ids=["country", "scope", "agency"]
)
def test_a_writer_files_nothing_under_the_name_of_another_country(
    entrance: Entrance, superuser: Engine, world: World, country: str, agency: str
) -> None:
    scope = scope_of(superuser, world.records["point"])
    values = {"country": country, "agency": f"{agency}-CUS", "scope": scope, "month_end": "2026-03-31"}
    with entrance("sarhad_write", world.tokens["partner"]) as session, pytest.raises(Exception, match="report"):
        session.execute(text(_REPORT), values)


def test_an_agency_stands_under_its_own_country(entrance: Entrance, superuser: Engine, world: World) -> None:
    scope = scope_of(superuser, world.records["point"])
    values = {"country": OWNER, "agency": f"{PARTNER}-CUS", "scope": scope, "month_end": "2026-03-31"}
    with (
        entrance("sarhad_write", world.tokens["owner"]) as session,
        pytest.raises(Exception, match="report_agency_check"),
    ):
        session.execute(text(_REPORT), values)


def test_a_line_goes_to_an_own_record_under_its_scope(
    entrance: Entrance, superuser: Engine, world: World, exchange: Exchange
) -> None:
    mine = exchange.client(f"{PARTNER}-CUS").submit(exchange.sign(heroin(f"{PARTNER}-CUS"))).id
    own, foreign = scope_of(superuser, mine), scope_of(superuser, world.records["point"])
    refusals = set()
    for record, scope in (
        (world.records["point"], own),
        (world.records["point"], foreign),
        (mine, foreign),
        (str(uuid.uuid4()), own),
    ):
        with entrance("sarhad_write", world.tokens["partner"]) as session:
            with pytest.raises(ProgrammingError) as refused:
                session.execute(text(_LINE), {"record": record, "scope": scope})
            refusals.add(str(refused.value.orig))
    assert len(refusals) == 1, "the refusal does not tell whether the record is there"
    with entrance("sarhad_write", world.tokens["partner"]) as session:
        session.execute(text(_LINE), {"record": mine, "scope": own})


def test_a_writer_changes_and_deletes_nothing(entrance: Entrance, world: World) -> None:
    for statement in (
        "UPDATE core.report SET jwt = ''",
        "DELETE FROM core.report",
        "DELETE FROM core.report_line",
        "TRUNCATE core.report CASCADE",
        "UPDATE core.policy SET document = '{}'",
        "INSERT INTO gate.rule (owner) VALUES ('TM')",
    ):
        with (
            entrance("sarhad_write", world.tokens["owner"]) as session,
            pytest.raises(ProgrammingError, match="denied"),
        ):
            session.execute(text(statement))
    with entrance("sarhad_write", world.tokens["partner"]) as session:
        supersede = text("SELECT gate.supersede(CAST(:record AS uuid), 1)")
        assert session.execute(supersede, {"record": world.records["point"]}).scalar_one() is False
    for country in (OWNER, None):
        with (
            entrance("sarhad_write", world.tokens["partner"]) as session,
            pytest.raises(Exception, match="own country"),
        ):
            session.execute(
                text("SELECT gate.adopt(CAST(:country AS char(2)), 'national', 1, '[]')"), {"country": country}
            )


def test_a_scope_that_is_not_compiled_is_invisible_and_raises_nothing(
    superuser: Engine, entrance: Entrance, world: World
) -> None:
    """What a reader sees between the making of a scope and its compilation, if anything ever came between."""
    with superuser.connect() as connection:
        connection.execute(text("SET LOCAL ROLE sarhad_owner"))
        scope = connection.execute(
            text("""INSERT INTO gate.scope (id, owner, kind, groups, handling, agency)
                    SELECT count(*) + 5, :owner, 'seizure', 1 << 30, 0, :agency FROM gate.scope
                    RETURNING id"""),
            {"owner": OWNER, "agency": f"{OWNER}-CUS"},
        ).scalar_one()
        connection.execute(text("RESET ROLE"))
        values = {"country": OWNER, "agency": f"{OWNER}-CUS", "scope": scope, "month_end": "2026-03-31"}
        connection.execute(text(_REPORT), values)
        for reader in ("owner", "partner"):
            connection.execute(
                text("SELECT set_config('sarhad.context', :token, true)"), {"token": world.tokens[reader]}
            )
            connection.execute(text("SET LOCAL ROLE sarhad_read"))
            for view in ("shared.report", "shared.report_placed", "shared.own_report"):
                rows = connection.execute(text(f"SELECT count(*) FROM {view} WHERE jwt = 'j'"))
                assert rows.scalar_one() == 0
            connection.execute(text("RESET ROLE"))
        connection.rollback()


@pytest.mark.parametrize(("days", "visible"), [(-1, False), (0, True), (1, True)])
def test_a_delay_counts_from_the_end_of_the_month(
    superuser: Engine, world: World, token: Callable[..., str], days: int, visible: bool
) -> None:
    """A record whose month ended `90 + days` ago, under a rule that holds it back for 90."""
    with superuser.connect() as connection:
        run = connection.execute
        scope = scope_of(superuser, world.records["point"])
        run(text("UPDATE gate.compiled SET delays = array_fill(90, ARRAY[cardinality(masks)])"))
        ended = connection.execute(text("SELECT current_date")).scalar_one() - timedelta(days=90 + days)
        assert isinstance(ended, date)
        run(text(_REPORT), {"country": OWNER, "agency": f"{OWNER}-CUS", "scope": scope, "month_end": ended})
        run(text("SELECT set_config('sarhad.context', :token, true)"), {"token": world.tokens["partner"]})
        run(text("SET LOCAL ROLE sarhad_read"))
        assert run(text("SELECT count(*) FROM shared.report WHERE jwt = 'j'")).scalar_one() == visible
        connection.rollback()
