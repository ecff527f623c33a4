"""Who may read, run and own what in the database: lists that a reviewer has read, against the catalogue."""

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from tests.exchange import Exchange
from tests.policies.entrance import Entrance
from tests.policies.readers import World

LOG_ROLES = {"gate_statement", "gate_readings"}  # read the access log, and nothing else
REPORT_ROLES = {
    f"gate_{n}" for n in ("instant", "day", "month", "undated", "point", "cell", "items", "reference", "own")
}
RECORD = "gate_record"  # rows at every level, without the columns that depend on it
CUBE_ROLES = {"gate_cube", "gate_cube_undated"}
LINK_ROLES = {"gate_link"}
LINKER = "gate_linker"  # compares whole records; nobody becomes it, and what it finds is in the views of gate_link
COUNTER = "gate_counter"  # counts records into the cube: reads every report, writes the cube, and nobody becomes it
GATE_ROLES = REPORT_ROLES | LOG_ROLES | CUBE_ROLES | LINK_ROLES | {COUNTER, LINKER, RECORD}
GATE_ROLES |= {"gate_publication", "gate_aggregate", "gate_hits"}
TIMES = "gate_timeliness"  # when own records came, and nothing of what they say
GATE_ROLES |= {TIMES}
# whose rows a reader's masks choose
MASKED = REPORT_ROLES | CUBE_ROLES | LINK_ROLES | {RECORD, LINKER, "gate_aggregate", "gate_hits"}
LOGINS = {"sarhad_read", "sarhad_write", "sarhad_authn", "sarhad_sequencer", "sarhad_access", "sarhad_jobs"}
ROLES = {"sarhad_owner"} | GATE_ROLES | LOGINS
# What members may know of publications, and what was released to everybody.
PUBLICATIONS = {"publication", "publication_approval", "publication_release", "bulletin"}
# What members say they control: for all members.
LISTINGS = {"national_listing", "listing_match"}
# Methods of profiling and the weights of evidence: registers, the same for every member.
METHODS = {"profile_method", "profile_calibration", "link_model"}
# What may be read outside the gate, reviewed: registers, the same for every member, and the logs' hashes.
READABLE = {
    "sarhad_read": {
        "country",
        "country_group",
        "agency",
        "agency_key",
        "role_grant",
        "change",
        "governance_event",
        "log_leaf",
        "log_tile",
        "log_checkpoint",
        "log_cosignature",
        "library_spectrum",
        "person",  # of the reader's own country
        "passkey",
        "national_identity",  # whose: not who that is
        *PUBLICATIONS,
        *LISTINGS,
        *METHODS,
    },
    "sarhad_write": {
        *LISTINGS,
        "country",
        "country_group",
        "agency",
        "agency_key",
        "role_grant",
        "change",
        "person",
        "passkey",
        "national_identity",
        "enrolment_code",
        "session_key",
        "log_checkpoint",  # what a witness cosigned, and who has
        "log_cosignature",
        "governance_event",  # when the own country acted, for its bound: not what it did
        *PUBLICATIONS,
        *METHODS,
    },
    "sarhad_authn": {"country", "country_group", "agency", "agency_key", "role_grant", "alembic_version"},
    "sarhad_sequencer": {"log_pending", "log_leaf", "log_tile", "log_checkpoint", "cube_check", "link_model"},
    "sarhad_access": set[str](),  # it adds and reads nothing
    "sarhad_jobs": set[str](),  # the queue is in a schema of its own (tests/jobs)
}
REFERENCE = ("substance", "place", "unit", "crossing", "boundary", "reference", "conversion_rule")
GRAINS = ("kind", "group", "substance", "place", "carriage", "cell", "day", "reported", "flow", "person", "map",
          "content")  # fmt: skip
CUBE = {"report_fact", "cube_fresh", "cube_work", *(f"cube_{grain}" for grain in GRAINS)}
CONTENT = {"report", "report_line", "policy", "policy_decision", "policy_draft", "suspension", "access"} | CUBE
CONTENT |= {"analysis", "finding", "content", "exhibit_link"}
CONTENT |= {"attachment", "attachment_ref", "attached_spectrum", "upload"}
CONTENT |= {"observation", "clandestine_site", "pack"}
CONTENT |= {"provisional_substance"}
CONTENT |= {"subscription", "alert_candidate", "alert", "alert_basis", "alert_answer", "alert_told", "alert_delivery"}
CONTENT |= {"alert_queue"}
CONTENT |= {"export", "question"}
CONTENT |= {"profile", "appearance", "link", "link_act", "link_fact", "link_queue", "link_retry"}
CONTENT |= {"notice", "release_request", "record_rule", "recall", "recall_recipient"}
# Functions that run with their owner's rights, and who may call them.
DEFINERS = {
    "gate.adopt": {"sarhad_write"},
    "gate.agency": {"sarhad_read", "sarhad_write", LINKER, *REPORT_ROLES},
    "gate.aggregate_cells": {"sarhad_read"},  # of what the reader may count, and not see; none of few events
    "gate.aggregate_owners": {"sarhad_read"},  # for the access log
    "gate.alert_feedback": {"sarhad_write"},  # of alerts: own country, own agency, own key, each one update
    "gate.delivered": {"sarhad_write"},
    "gate.end_alert": {"sarhad_write"},
    "gate.end_subscription": {"sarhad_write"},
    "gate.issue_alert": {"sarhad_write"},
    "gate.keep_candidates": {"sarhad_write"},  # of the caller's own agency
    "gate.settle_candidate": {"sarhad_write"},
    "gate.watched": {"sarhad_write"},  # whether anybody watches at all
    # ids of what was filed, and countries that have orders
    **{f"gate.{n}": {"sarhad_write"} for n in ("judge_later", "take_unjudged", "judged", "judging", "lanes_due")},
    "gate.looked": {"sarhad_write"},
    "gate.unjudged": {"sarhad_read"},  # ids of what waits for the reader's country; asked of records that it sees
    "gate.watchers": {"sarhad_authn"},  # whose contexts to mint: ids, keys and purposes of standing orders
    "gate.asked_of": {"sarhad_write"},  # when the caller's country asked an owner
    "gate.put_notices": {"sarhad_write"},  # in the name of the caller's country
    "gate.approve_publication": {"sarhad_write"},
    "gate.country_changed": set[str](),  # triggers: who is a member decides what rules mean
    "gate.context_id": set[str](),
    "gate.comparisons": {"sarhad_read"},  # when the caller's country compared profiles, by the access log
    "gate.country": {"sarhad_read", "sarhad_write", RECORD, *LINK_ROLES, *REPORT_ROLES},
    "gate.country_as": {"sarhad_read", TIMES, *LOG_ROLES},
    "gate.shared_now": {"sarhad_read"},  # counts own rows only
    "gate.delays": {"sarhad_read", "sarhad_write", *MASKED},
    "gate.carrying": {"sarhad_write"},  # ids of records with an own unknown, for what judges them in readers' eyes
    "gate.change_draft": {"sarhad_write"},  # of the officer's own country, as the next
    "gate.discard_draft": {"sarhad_write"},
    "gate.drafting": {"sarhad_read", "sarhad_write", "gate_own"},
    "gate.duties": {"sarhad_read", "sarhad_write", RECORD, *REPORT_ROLES},
    "gate.add_reference_spectrum": {"sarhad_write"},  # in the name of the caller's laboratory, as the next
    "gate.remove_reference_spectrum": {"sarhad_write"},
    "gate.spectrum_searches": {"sarhad_read"},  # when the caller's country searched with spectra, by the access log
    "gate.spectrum_hits": {"sarhad_read"},  # whose, which class and which band; no peaks, no score
    "gate.end_upload": {"sarhad_write"},  # of the caller's agency, as the next two
    "gate.extend_upload": {"sarhad_write"},
    "gate.keep_attachment": {"sarhad_write"},
    "gate.enter": set[str](),
    "gate.hold_exhibits": {LINKER},  # locks; numbers of exhibits
    "gate.hold_records": {"sarhad_write"},  # that the calling agency filed
    "gate.has_eyes": {LINKER},  # whether somebody at an agency may still ask in these roles
    "gate.found_as": {"sarhad_write"},  # own analyses only
    "gate.follow_report": set[str](),  # triggers: later versions stay under the rules of the record
    "gate.keep_attached": set[str](),  # a trigger: references to files follow their report
    "gate.keep_beside": set[str](),  # a trigger: what stands beside a report follows it
    "gate.keep_observed": set[str](),  # a trigger, for observed kinds
    "gate.keep_private": set[str](),
    "gate.key": {"sarhad_read", "sarhad_write", LINKER, *REPORT_ROLES},
    "gate.lift": {"sarhad_write"},
    "gate.link_exhibits": {"sarhad_write"},  # lines follow what laboratories say of their exhibits, under its rules
    "gate.one_hand": {"sarhad_write", LINKER},  # whether two keys are of one person: of no record
    "gate.masks": {"sarhad_read", "sarhad_write", *MASKED},
    "gate.mint": {"sarhad_authn"},
    "gate.beat": {"sarhad_authn"},  # the time
    "gate.as_of": {"sarhad_read"},  # the time that a replica has got to
    "gate.plain": {"sarhad_read"},  # whether a delay or a window cuts through what the reader is given
    "gate.policy_version": {"sarhad_read", "sarhad_write", *REPORT_ROLES},
    "gate.preview": {"sarhad_write"},  # checks that a policy officer calls; sees the officer's own country only
    "gate.private_scopes_for": {"sarhad_write"},  # of own records that have such
    "gate.publish_provisional": {"sarhad_write"},  # an officer's, of its own country
    "gate.register_provisional": {"sarhad_write"},
    "gate.resolve_provisional": {"sarhad_write"},
    "gate.publication_cells": {"sarhad_write"},
    "gate.publication_scopes": {"gate_publication"},
    "gate.foreseen": {"sarhad_write"},  # checks that the agency of the scope calls, which files; of its own policy
    "gate.giving": {"sarhad_read", "sarhad_write"},  # who gives the reader anything, and ids of few scopes that do
    "gate.reach": {"sarhad_read", "sarhad_write", *REPORT_ROLES},
    "gate.record_rules": {"sarhad_write"},
    "gate.rule_records": {"sarhad_write"},  # own records only
    "gate.renew": {"sarhad_write"},  # for the holder of a token in force, while its key is valid
    "gate.roles": {"sarhad_read", "sarhad_write", *REPORT_ROLES},
    "gate.scopes_for": {"sarhad_write"},
    "gate.sibling_scopes": {"sarhad_write"},  # of any owner: labels without a record
    "gate.sharers": {"sarhad_read"},  # whose rules in force name the reader
    "gate.supersede": {"sarhad_write"},
    "gate.suspend": {"sarhad_write"},
    "gate.tell_of_alerts": {"sarhad_write"},  # which agencies see an alert, each in its own eyes; ids and level
    "gate.trial_masks": {"sarhad_write"},
    # each moves exports of the calling key; the last gives up what is over
    **{f"gate.{n}_export": {"sarhad_write"} for n in ("begin", "progress", "finish", "delete")},
    # each acts on a question of the calling key; the last gives the job those whose time has come
    **{f"gate.{n}_question": {"sarhad_write"} for n in ("change", "drop", "tell")},
    "gate.last_told": {"sarhad_write"},
    "gate.due_questions": {"sarhad_write"},
    "gate.scheduled_questions": {"sarhad_write"},  # own country's: how many
    "gate.keep_exports": {"sarhad_write"},
    "gate.exports_asked": {"sarhad_write"},  # own country's: when
    "gate.country_exports": {"sarhad_write"},  # own country's: how many, how large together
    **{f"jobs.{n}": {"sarhad_write"} for n in ("defer", "settle", "wake", "relay")},
    "gate.windows_from": {"sarhad_read", "sarhad_write", *MASKED},
    "gate.windows_until": {"sarhad_read", "sarhad_write", *MASKED},
    "core.keep_nonces": {"sarhad_authn"},
    "core.keep_access": {"sarhad_sequencer"},  # makes the months ahead
    "core.forget_attachments": {"sarhad_sequencer"},  # names objects, shows nothing of them
    "core.unknown_objects": {"sarhad_sequencer"},
    # each one update: of what is addressed to the caller, or is its own
    "gate.acknowledge_notices": {"sarhad_write"},
    # as gate_linker
    "gate.act_on_link": {"sarhad_write", LINKER},  # of a link that the caller sees and is a party of
    "gate.lacking_scopes": {"sarhad_write", LINKER},  # scopes and groups of reports that a laboratory's result moves
    "gate.regroup": {LINKER},
    "gate.regrouped": {LINKER},
    "gate.link_audience": {"sarhad_write", LINKER},  # which parties see a link: agencies and numbers
    "gate.ready": {LINKER},  # compiles for parties of links what they would be given
    "gate.profile_hits": {"sarhad_read", LINKER},  # whose hidden profile matches, where a rule gives hits
    "core.find_links": {"sarhad_write", LINKER},
    "core.take_links": {"sarhad_write", LINKER},  # ids of records that wait; back with them where a pass failed
    "core.put_links_back": {"sarhad_write", LINKER},
    **{f"core.find_{n}_links": {LINKER} for n in ("event", "profile", "tablet")},
    **{f"core.{n}_links": {LINKER} for n in ("queue", "requeue", "requeue_unknown", "keep", "empty")},
    "core.requeue_pictured": {LINKER},
    **{f"core.{n}": {LINKER} for n in ("place_link_queue", "own_profile")},  # triggers
    "core.compare_events": {LINKER},
    "core.link_grounds": {LINKER},
    "core.link_patterns": {"sarhad_sequencer", LINKER},  # numbers of pairs by how they agree
    "gate.acknowledge_recall": {"sarhad_write"},
    "gate.end_record_rules": {"sarhad_write"},
    "gate.end_trial": {"sarhad_write"},  # the trial whose token it holds
    "gate.settle_request": {"sarhad_write"},
    "gate.settle_pack": {"sarhad_write"},  # own drafts only, by a policy officer
    **{f"core.count_{n}": {COUNTER} for n in ("filed", "lines", "moved", "moved_lines", "nothing")},
    **{f"core.count_{n}": {COUNTER} for n in ("contents", "moved_contents", "no_contents")},  # of analyses
    **{f"core.{n}_cube": {COUNTER, "sarhad_sequencer"} for n in ("fold", "rebuild", "check")},
    **{f"core.{n}_cube_contents": {COUNTER, "sarhad_sequencer"} for n in ("fold", "rebuild", "check")},
}


def owner_of(function: str) -> str:
    """Whose rights a definer function has."""
    if "link" in function.removeprefix("gate.link_exhibits") or function in (
        "core.compare_events",
        "core.own_profile",
        "core.requeue_pictured",
        "gate.lacking_scopes",
        "gate.profile_hits",
        "gate.regroup",
        "gate.regrouped",
    ):
        return LINKER
    return COUNTER if function.removeprefix("core.").startswith("count_") or "_cube" in function else "sarhad_owner"


# Functions that PostgreSQL may try on a row before row security has judged it.
LEAKPROOF = {"gate.bbox_overlaps", "gate.same"}


@pytest.mark.parametrize("role", sorted(LOGINS))
def test_no_role_reads_more_than_reviewed_tables(superuser: Engine, role: str, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        readable = set(
            connection.execute(
                text("""
                SELECT c.relname FROM pg_class c
                WHERE c.relnamespace IN ('core'::regnamespace, 'gate'::regnamespace)
                  AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname !~ '^(nonce|access)__'
                  AND (has_table_privilege(:role, c.oid, 'SELECT')
                    OR has_any_column_privilege(:role, c.oid, 'SELECT'))"""),
                {"role": role},
            ).scalars()
        )
    reference = {name for name in readable if name.startswith(REFERENCE)}
    assert readable - reference == READABLE[role]
    assert not readable & CONTENT
    assert bool(reference) == (role not in {"sarhad_sequencer", "sarhad_access", "sarhad_jobs"})


def test_shared_holds_masking_views_of_powerless_owners_and_nothing_else(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        views = connection.execute(
            text(
                """SELECT relname, relkind, pg_get_userbyid(relowner) FROM pg_class
                   WHERE relnamespace = 'shared'::regnamespace"""
            )
        ).all()
    assert {kind for _, kind, _ in views} == {"v"}
    assert {owner for *_, owner in views} <= GATE_ROLES
    leaves = {f"report_{level}": f"gate_{level}" for level in ("instant", "day", "month", "undated", "point", "cell")}
    assert leaves.items() <= {(name, owner) for name, _, owner in views}


def test_roles_have_no_power_and_no_membership(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        powerful = connection.execute(
            text("""SELECT rolname FROM pg_roles WHERE rolname = ANY (:roles)
                    AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)"""),
            {"roles": list(ROLES)},
        )
        assert powerful.scalars().all() == []
        logins = connection.execute(
            text("SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname ~ '^(sarhad|gate)_'")
        )
        assert set(logins.scalars()) == LOGINS
        member_of = connection.execute(
            text("""SELECT m.rolname, r.rolname FROM pg_roles m CROSS JOIN pg_roles r
                    WHERE m.rolname = ANY (:roles) AND m.oid <> r.oid
                      AND pg_has_role(m.oid, r.oid, 'MEMBER')"""),
            {"roles": list(ROLES)},
        )
        assert {tuple(row) for row in member_of} == {("sarhad_owner", role) for role in GATE_ROLES}
        owned = connection.execute(
            text("""SELECT pg_get_userbyid(relowner) FROM pg_class
                    WHERE relnamespace IN ('core'::regnamespace, 'gate'::regnamespace)
                      AND relkind IN ('r', 'p')""")
        )
        assert set(owned.scalars()) == {"sarhad_owner"}
        temporary = connection.execute(
            text("""SELECT r FROM unnest(CAST(:roles AS text[])) r
                    WHERE has_database_privilege(r, current_database(), 'TEMPORARY')
                       OR has_schema_privilege(r, 'public', 'CREATE')"""),
            {"roles": list(ROLES - {"sarhad_owner"})},
        )
        assert temporary.scalars().all() == []


def test_content_is_under_row_security_that_holds_its_owner_too(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        held = set(
            connection.execute(
                text("""SELECT relname FROM pg_class
                        WHERE relnamespace = 'core'::regnamespace AND relkind IN ('r', 'p')
                        AND relrowsecurity AND relforcerowsecurity""")
            ).scalars()
        )
        every = set(
            connection.execute(
                text(
                    """SELECT relname FROM pg_class
                       WHERE relnamespace = 'core'::regnamespace AND relkind IN ('r', 'p')"""
                )
            ).scalars()
        )
    assert held == CONTENT
    reviewed = set().union(*READABLE.values()) | CONTENT | {"nonce"}
    unknown = {t for t in every - reviewed if not t.startswith((*REFERENCE, "nonce__", "access__"))}
    assert not unknown, "say whether these hold content"


def test_definer_functions_are_reviewed_and_pinned(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        found = connection.execute(
            text("""SELECT n.nspname || '.' || p.proname, p.proconfig, pg_get_userbyid(p.proowner), p.oid,
                      ARRAY(SELECT r FROM unnest(CAST(:roles AS text[])) r
                            WHERE has_function_privilege(r, p.oid, 'EXECUTE'))
                    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                    WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"""),
            {"roles": sorted(ROLES - {"sarhad_owner"})},
        ).all()
    assert {name: set(callers) for name, _, _, _, callers in found} == DEFINERS
    for name, config, owner, _, _ in found:
        assert any(setting.startswith("search_path=pg_catalog") for setting in config), name
        assert not any("public" in setting or "$user" in setting for setting in config), name
        assert owner == owner_of(name), name


def test_nobody_calls_the_inside_of_the_gate(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        callable_ = connection.execute(
            text("""SELECT DISTINCT p.proname FROM pg_proc p, unnest(CAST(:roles AS text[])) r
                    WHERE p.pronamespace = 'gate'::regnamespace AND NOT p.prosecdef
                      AND has_function_privilege(r, p.oid, 'EXECUTE')"""),
            {"roles": sorted(ROLES - {"sarhad_owner"})},
        )
        # `alert_turn` waits for the turn of an alert and tells the time: it reads nothing
        assert set(callable_.scalars()) == {"alert_turn", "disclose", "bbox_overlaps", "same"}


def test_leakproof_functions_are_reviewed(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        found = connection.execute(
            text("""SELECT n.nspname || '.' || p.proname
                    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                    WHERE p.proleakproof AND p.oid >= 16384""")
        )
        assert set(found.scalars()) == LEAKPROOF


@pytest.mark.parametrize(
    "question",
    [
        "SELECT _postgis_stats('core.report', 'point')",
        "SELECT _postgis_index_extent('core.report', 'point')",
        "SELECT _postgis_selectivity('core.report', 'point', ST_MakeEnvelope(0, 0, 1, 1, 4326))",
        "SELECT ST_EstimatedExtent('core', 'report', 'point')",
        "SELECT * FROM core.report",
        "SELECT jwt FROM core.report_line, core.report",
        "SELECT * FROM gate.rule",
        "SELECT * FROM gate.secret",
        "SELECT gate.enter('TM', 'TM-CUS', ARRAY['reporter'], '')",
        "SELECT gate.mint('k', NULL)",
        "COPY core.report TO STDOUT",
        "CREATE TEMPORARY TABLE mine (a int)",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET ROLE sarhad_owner",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER TABLE core.report DISABLE ROW LEVEL SECURITY",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
def test_a_reader_who_speaks_sql_is_refused(entrance: Entrance, world: World, question: str) -> None:
    with entrance("sarhad_read", world.tokens["partner"]) as session:
        with pytest.raises(ProgrammingError) as refused:
            session.execute(text(question))
        assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
