"""What a reader's own country is not told of figures; and bounds of what one country makes the gate keep.

A figure over records that nobody may see is disturbed, so how many it rests on is for their owner alone.
"""

from alembic import op

from migrations.passages import change

revision = "0039"
down_revision = "0038"

UNSEEN = """
ALTER TABLE core.access ADD COLUMN unseen boolean NOT NULL DEFAULT false;
CREATE OR REPLACE VIEW shared.reading AS
  SELECT id, at, reading, country, agency, key_id, roles, purpose, case_reference, method, route, policy, status, owner,
    records, question, answer, seal
  FROM core.access WHERE (SELECT gate.country_as(ARRAY['auditor'])) IS NOT NULL AND NOT unseen;
CREATE OR REPLACE VIEW shared.reading_taken AS
  SELECT at, owner, records FROM core.access WHERE owner <> country AND NOT unseen;
"""

# Under the lock: who weighs rules meanwhile would put back what lapses here.
WAITING = (
    "BEGIN\n  UPDATE gate.compiled k SET until = '-infinity'",
    "BEGIN\n  PERFORM gate.lock();\n  UPDATE gate.compiled k SET until = '-infinity'",
)

TRIALS = """
-- What a preview looked through, which holds its token, is of no use after it.
CREATE FUNCTION gate.end_trial() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  ended integer := (SELECT c.id FROM gate.context c WHERE c.id = gate.context_id() AND c.trial IS NOT NULL);
BEGIN
  DELETE FROM gate.compiled k WHERE k.context_id = ended;
  DELETE FROM gate.context c WHERE c.id = ended;
END $$;
REVOKE ALL ON FUNCTION gate.end_trial() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.end_trial() TO sarhad_write;
"""

# `put` keeps what lapsed while it worked.
LAPSED = ("until = least(k.until, k.turns)", "until = least(c.until, k.turns)")
# A rule for everyone always fits: an embargo, a recall.
ROOM = (
    "  PERFORM pg_advisory_xact_lock(7276824, hashtext(mine));\n",
    """  PERFORM pg_advisory_xact_lock(7276824, hashtext(mine));
  DELETE FROM gate.rule r WHERE r.owner = mine AND r.layer = 'record' AND r.valid_until < clock_timestamp();
  IF EXISTS (SELECT FROM jsonb_to_recordset(rules) AS r(record uuid, permit boolean, countries text[], agencies text[])
      WHERE r.permit OR r.countries IS NOT NULL OR r.agencies IS NOT NULL GROUP BY r.record HAVING count(*) > 40)
    OR (SELECT count(*) > 8192 FROM gate.rule r WHERE r.owner = mine AND r.layer = 'record'
      AND (r.permit OR r.countries IS NOT NULL OR r.agencies IS NOT NULL) AND r.record <> ALL (wanted))
  THEN
    RAISE EXCEPTION 'a record has at most 40 rules of its own, and a country 8192' USING ERRCODE = 'SG004';
  END IF;
""",
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")
    for statement in (UNSEEN, TRIALS):
        connection.exec_driver_sql(statement)
    change(connection, "gate.country_changed", WAITING)
    change(connection, "gate.put", LAPSED)
    change(connection, "gate.rule_records", ROOM)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
