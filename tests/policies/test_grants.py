"""Who may write what, what everybody may do, and whose rights the views run with: against the catalogue."""

import pytest
from sqlalchemy import Engine, text

from tests.exchange import Exchange
from tests.policies.test_privileges import LOGINS

# Reviewed. What is added is never changed, but keys (revoked), changes (decided) and publications (settled).
WRITABLE = {
    "sarhad_read": {},
    "sarhad_authn": {"INSERT": {"nonce"}},
    "sarhad_access": {"INSERT": {"access", "log_pending"}},
    "sarhad_jobs": {},
    "sarhad_sequencer": {
        "INSERT": {"cube_check", "link_model", "log_checkpoint", "log_leaf", "log_tile"},
        "UPDATE": {"log_tile"},
        "DELETE": {"log_pending"},
    },
    "sarhad_write": {
        "INSERT": {
            "agency",
            "agency_key",
            "alert",
            "alert_answer",
            "alert_basis",
            "alert_candidate",
            "analysis",
            "appearance",
            "attachment_ref",
            "bulletin",
            "change",
            "clandestine_site",
            "content",
            "enrolment_code",
            "exhibit_link",
            "export",
            "finding",
            "governance_event",
            "listing_match",
            "log_cosignature",
            "log_pending",
            "national_listing",
            "nonce",
            "notice",
            "observation",
            "pack",
            "national_identity",
            "passkey",
            "person",
            "policy",
            "policy_decision",
            "policy_draft",
            "profile",
            "profile_calibration",
            "profile_method",
            "publication",
            "publication_release",
            "question",
            "recall",
            "recall_recipient",
            "record_rule",
            "release_request",
            "report",
            "report_line",
            "role_grant",
            "session_key",
            "subscription",
            "suspension",
            "upload",
        },
        "UPDATE": {"agency_key", "bulletin", "change", "enrolment_code", "passkey", "person", "publication"},
        "DELETE": {"national_identity", "role_grant"},
    },
}
SCHEMAS = "('core'::regnamespace, 'gate'::regnamespace, 'shared'::regnamespace)"


@pytest.mark.parametrize("role", sorted(LOGINS))
def test_no_role_writes_more_than_reviewed_tables(superuser: Engine, role: str, exchange: Exchange) -> None:
    query = text(f"""SELECT p, c.relname FROM pg_class c, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p
      WHERE c.relnamespace IN {SCHEMAS} AND c.relkind IN ('r', 'p', 'v') AND c.relname !~ '^(nonce|access)__'
        AND (has_table_privilege(:role, c.oid, p)
          OR p IN ('INSERT', 'UPDATE') AND has_any_column_privilege(:role, c.oid, p))""")
    found: dict[str, set[str]] = {}
    with superuser.connect() as connection:
        for privilege, table in connection.execute(query, {"role": role}):
            found.setdefault(privilege, set()).add(table)
    for privilege in found.keys() | WRITABLE[role].keys():
        assert found.get(privilege, set()) == WRITABLE[role].get(privilege, set()), privilege


def test_everybody_may_do_nothing(superuser: Engine, exchange: Exchange) -> None:
    """Grants to PUBLIC reach every role of the cluster."""
    with superuser.connect() as connection:
        granted = connection.execute(
            text(f"""
            SELECT c.oid::regclass::text FROM pg_class c, aclexplode(c.relacl) a
              WHERE c.relnamespace IN {SCHEMAS} AND a.grantee = 0
            UNION ALL SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a
              WHERE n.oid IN {SCHEMAS} AND a.grantee = 0
            UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p,
              aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
              WHERE p.pronamespace IN {SCHEMAS} AND p.prosecdef AND a.grantee = 0""")
        )
        assert granted.scalars().all() == []


def test_views_run_with_the_rights_of_roles_that_have_no_others(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        owners = connection.execute(
            text(f"""SELECT DISTINCT r.rolname, r.rolcanlogin OR r.rolsuper OR r.rolbypassrls OR r.rolcreaterole,
                EXISTS (SELECT FROM pg_class t WHERE t.relowner = r.oid AND t.relkind IN ('r', 'p', 'm')),
                EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid)
              FROM pg_class v JOIN pg_roles r ON r.oid = v.relowner
              WHERE v.relkind = 'v' AND v.relnamespace IN {SCHEMAS}""")
        ).all()
    assert owners
    assert all(name.startswith("gate_") for name, *_ in owners)
    assert not [name for name, powerful, owning, member in owners if powerful or owning or member]


def test_row_security_holds_every_table_that_a_view_shows(superuser: Engine, exchange: Exchange) -> None:
    """Each has a policy for its view's owner: a table without one would show nothing, and one without force all."""
    with superuser.connect() as connection:
        unheld = connection.execute(
            text("""SELECT DISTINCT t.relname FROM pg_class v JOIN pg_rewrite w ON w.ev_class = v.oid
              JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                AND d.refclassid = 'pg_class'::regclass
              JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p')
              WHERE v.relnamespace = 'shared'::regnamespace AND t.relkind IN ('r', 'p')
                AND NOT (t.relrowsecurity AND t.relforcerowsecurity)""")
        )
        assert set(unheld.scalars()) <= REVIEWED


# Labels, ids, the catalogue and the register of keys, which every member reads: no record.
REVIEWED = {"scope", "substance", "substance_group", "agency_key"}
