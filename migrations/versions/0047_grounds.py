"""A pair of reports is shown to who is given why the two were compared.

Reports are compared where they are of one country, near each other, or one is on the way to the country of the other.
Which of these holds is said by facets of their own: a pair that is shown without them tells of places and routes that a
reader is not given.
"""

from alembic import op

from migrations.passages import change

revision = "0047"
down_revision = "0046"

GROUNDS = """
-- For each ground on which the two can be compared, the facets that say so: a reader is given all of one of them. Links
-- of analyses have the ground that takes none.
ALTER TABLE core.link ADD COLUMN grounds integer[] NOT NULL DEFAULT '{0}';
CREATE FUNCTION core.link_grounds(one uuid, other uuid) RETURNS integer[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
  SELECT array_remove(ARRAY[
    CASE WHEN x.place_country = y.place_country THEN 1 << 8 END,
    CASE WHEN y.place_country IN (x.origin, x.destination) OR x.place_country IN (y.origin, y.destination)
      THEN (1 << 8) | (1 << 11) END,
    CASE WHEN 111.2 * sqrt((x.lat - y.lat) ^ 2 + ((x.lon - y.lon) * cosd(x.lat)) ^ 2) <= 50 THEN 1 << 5 END], NULL)
  FROM link_fact x, link_fact y WHERE x.record_id = one AND y.record_id = other LIMIT 1
$$;
GRANT CREATE ON SCHEMA core TO gate_linker;
ALTER FUNCTION core.link_grounds(uuid, uuid) OWNER TO gate_linker;
REVOKE CREATE ON SCHEMA core FROM gate_linker;
"""

# Row security holds the owner, so it rests meanwhile. Of a report that was withdrawn nothing is left to compare: the
# link to it is for those who are given every ground.
BACKFILL = """
ALTER TABLE core.link NO FORCE ROW LEVEL SECURITY;
UPDATE core.link k SET grounds = coalesce(core.link_grounds(k.a, k.b), ARRAY[(1 << 8) | (1 << 11) | (1 << 5)])
  WHERE k.relation = 'event';
ALTER TABLE core.link FORCE ROW LEVEL SECURITY;
REVOKE ALL ON FUNCTION core.link_grounds(uuid, uuid) FROM PUBLIC;
"""

FOUND = (
    ("a_month, b_month, base, facets,", "a_month, b_month, base, grounds, facets,"),
    ("(1 << 3) | (1 << 9), array_agg(e.facet", "(1 << 3) | (1 << 9), link_grounds(c.a, c.b), array_agg(e.facet"),
    ("DO UPDATE SET facets", "DO UPDATE SET grounds = EXCLUDED.grounds, facets"),
)
AUDIENCE = (
    "AND link_weight(m.masks",
    """AND EXISTS (SELECT FROM unnest(k.grounds) AS g(facets)
        WHERE m.masks[k.a_scope + 1] & m.masks[k.b_scope + 1] & g.facets = g.facets)
      AND link_weight(m.masks""",
)
SEEN = """
DO $$ BEGIN EXECUTE format('ALTER POLICY seen ON core.link USING (%s AND EXISTS (
    SELECT FROM unnest(grounds) AS g(facets)
    WHERE ((SELECT gate.masks()))[a_scope + 1] & ((SELECT gate.masks()))[b_scope + 1] & g.facets = g.facets))',
  (SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'core.link'::regclass AND polname = 'seen'));
END $$;
"""


def upgrade() -> None:
    connection = op.get_bind()
    for statement in ("SET LOCAL lock_timeout = '5s'", "SET LOCAL statement_timeout = '60s'", GROUNDS, BACKFILL, SEEN):
        connection.exec_driver_sql(statement.replace("%", "%%"))
    change(connection, "core.find_event_links", *FOUND)
    change(connection, "gate.link_audience", AUDIENCE)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
