"""Early warning: standing orders of agencies, candidates in their eyes, issued alerts, and what was delivered.

A candidate is what a rule found among what one reader may see, and is shown to that reader's agency while it may still
see it. An alert rests on records; it reaches who is addressed and may see every one of them, in the facets it rests on.
Row security and the views judge that at each reading, so what is taken back is taken back from alerts too.

Early warning goes on for everyone, whatever one country's filings and receivers do: what was filed waits in a queue,
what waits for webhooks goes out in lanes. The SQL stands in `sql/0022_*.sql`.
"""

from alembic import op

from migrations.scripts import read, run

revision = "0022"
down_revision = "0021"

PARTS = ("orders", "candidates", "alerts", "deliveries", "queue")
RIGHTS = """
REVOKE ALL ON FUNCTION gate.end_subscription(uuid), gate.watchers(), gate.watched(), gate.alert_turn(),
  gate.settle_candidate(uuid, text), gate.keep_candidates(jsonb, uuid[]), gate.issue_alert(uuid, text, text, text[]),
  gate.end_alert(uuid, text, text), gate.alert_feedback(uuid, text, boolean), gate.tell_of_alerts(char, uuid[]),
  gate.delivered(uuid, text, uuid, text, integer, text), gate.lanes_due(double precision),
  gate.judge_later(uuid[], uuid[]), gate.unjudged(), gate.take_unjudged(char, integer, boolean),
  gate.looked(bigint[], uuid[]), gate.judged(bigint[]), gate.judging() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.watchers() TO sarhad_authn;
GRANT EXECUTE ON FUNCTION gate.unjudged() TO sarhad_read;
GRANT EXECUTE ON FUNCTION gate.end_subscription(uuid), gate.watched(), gate.alert_turn(),
  gate.settle_candidate(uuid, text), gate.keep_candidates(jsonb, uuid[]), gate.issue_alert(uuid, text, text, text[]),
  gate.end_alert(uuid, text, text), gate.alert_feedback(uuid, text, boolean), gate.tell_of_alerts(char, uuid[]),
  gate.delivered(uuid, text, uuid, text, integer, text), gate.lanes_due(double precision),
  gate.judge_later(uuid[], uuid[]), gate.take_unjudged(char, integer, boolean), gate.looked(bigint[], uuid[]),
  gate.judged(bigint[]), gate.judging() TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(*(read(f"0022_{part}") for part in PARTS), RIGHTS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
