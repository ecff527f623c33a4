"""How verdicts are kept: compiled for each context and scope, for records with rules of their own, by few who write.

The SQL stands in `sql/0009_*.sql`: compiling and the adoption of rules, the scopes of records, rules of single records.
"""

from alembic import op

from migrations.scripts import read, run

revision = "0009"
down_revision = "0008"

RIGHTS = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.adopt(char, text, integer, jsonb, timestamptz), gate.scopes_for(jsonb),
  gate.hold_records(uuid[]), gate.private_scopes_for(jsonb), gate.rule_records(uuid[], jsonb),
  gate.record_rules(uuid, jsonb) TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(read("0009_compile"), read("0009_scopes"), read("0009_record_rules"), RIGHTS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
