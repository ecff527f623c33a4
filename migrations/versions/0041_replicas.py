"""A replica answers by the policies that the leader named, or not at all; and says how far it is.

A token names what it was minted by: the compiled row of its context, and what is stopped towards its key. A replica
that holds another row, older or newer, or other stops, gives its bearer nothing.
"""

from alembic import op

from migrations.scripts import run

revision = "0041"
down_revision = "0040"

STAMPED = """
-- Random, so that no two states are ever taken for one: after a failover numbers would be given a second time.
ALTER TABLE gate.compiled ADD COLUMN stamp uuid NOT NULL DEFAULT gen_random_uuid();
CREATE FUNCTION gate.stamped() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  NEW.stamp := gen_random_uuid();
  RETURN NEW;
END $$;
CREATE TRIGGER stamped BEFORE UPDATE ON gate.compiled FOR EACH ROW EXECUTE FUNCTION gate.stamped();

-- All that decides what a key of this context is given, as one short text.
CREATE FUNCTION gate.mark(of_context integer, of_key text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT encode(sha256(convert_to(k.stamp || gate.stops(c.country, c.agency, of_key)::text, 'UTF8')), 'hex')
    FROM gate.compiled k JOIN gate.context c ON c.id = k.context_id WHERE k.context_id = of_context);
END $$;

CREATE OR REPLACE FUNCTION gate.token(of_context integer, of_key text, of_roles text[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  -- a field that is NULL would be left out, and the next ones taken for it
  claim text := concat_ws('.', of_context, extract(epoch FROM clock_timestamp())::bigint + 120, coalesce(of_key, ''),
    coalesce(array_to_string(of_roles, '+'), ''), encode(public.gen_random_bytes(16), 'hex'),
    coalesce(gate.mark(of_context, of_key), ''));
BEGIN
  RETURN claim || '.' || encode(public.hmac(convert_to(claim, 'UTF8'), (SELECT key FROM gate.secret), 'sha256'), 'hex');
END $$;

-- The token's claim, once its hash and its time hold, and on a replica its mark: an empty array otherwise. Called by
-- the gate's own functions alone, as their owner and on their search path.
CREATE OR REPLACE FUNCTION gate.claim() RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  token text := nullif(current_setting('sarhad.context', true), '');
  claim text := left(token, -65);
  claimed text[];
BEGIN
  IF token IS NULL
    OR right(token, 64) <>
      encode(public.hmac(convert_to(claim, 'UTF8'), (SELECT key FROM gate.secret), 'sha256'), 'hex')
  THEN
    RETURN '{}';
  END IF;
  -- a statement of its own: the planner may compute a cast ahead of the condition that guards it
  IF split_part(claim, '.', 2)::bigint < extract(epoch FROM now()) THEN
    RETURN '{}';
  END IF;
  claimed := string_to_array(claim, '.');
  IF pg_is_in_recovery() AND claimed[6] IS DISTINCT FROM gate.mark(claimed[1]::integer, claimed[3]) THEN
    RETURN '{}';
  END IF;
  RETURN claimed;
END $$;
"""

HEARTBEAT = """
CREATE TABLE gate.heartbeat (at timestamptz NOT NULL);
INSERT INTO gate.heartbeat VALUES ('-infinity');
-- The leader's time, left for replicas to pass on once a second while anybody is read to.
CREATE FUNCTION gate.beat() RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  PERFORM FROM gate.heartbeat h WHERE h.at < clock_timestamp() - interval '1 second' FOR UPDATE SKIP LOCKED;
  IF FOUND THEN
    UPDATE gate.heartbeat SET at = clock_timestamp();
  END IF;
  RETURN clock_timestamp();
END $$;
-- Whatever was acknowledged before this moment is in this snapshot. NULL where it is no replica: who leads, or did, is
-- asked as leader or not at all.
CREATE FUNCTION gate.as_of() RETURNS timestamptz
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT h.at FROM gate.heartbeat h WHERE pg_is_in_recovery() AND isfinite(h.at));
END $$;
"""

RIGHTS = """
REVOKE ALL ON FUNCTION gate.stamped(), gate.mark(integer, text), gate.beat(), gate.as_of() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.beat() TO sarhad_authn;
GRANT EXECUTE ON FUNCTION gate.as_of() TO sarhad_read;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(STAMPED, HEARTBEAT, RIGHTS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
