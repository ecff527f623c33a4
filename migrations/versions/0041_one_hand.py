"""Where two hands are needed, a person is one, whatever keys its sign-ins brought: links and alerts, too."""

from alembic import op

from migrations.passages import change

revision = "0041"
down_revision = "0040"

ONE_HAND = """
CREATE FUNCTION gate.one_hand(one text, other text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core
BEGIN ATOMIC
  SELECT one = other OR EXISTS (SELECT FROM core.session_key a JOIN core.session_key b USING (person)
    WHERE a.kid = one AND b.kid = other);
END;
REVOKE ALL ON FUNCTION gate.one_hand(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.one_hand(text, text) TO sarhad_write, gate_linker;
"""
CHANGED = (
    ("gate.act_on_link", "t.key_id = signer OR", "gate.one_hand(t.key_id, signer) OR"),
    ("gate.issue_alert", "a.reviewed_by <> gate.key()", "NOT gate.one_hand(a.reviewed_by, gate.key())"),
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")
    connection.exec_driver_sql(ONE_HAND)
    for function, was, is_ in CHANGED:
        change(connection, function, (was, is_))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
