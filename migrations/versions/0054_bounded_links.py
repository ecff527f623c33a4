"""A record is compared with so many others and no more, whatever anybody files; what a pass does not get through with
is looked at again in smaller portions, and what not even alone, set aside.

Of more than can be compared the nearest of each scope are taken, because who is given one record of a scope is given
all: what is left out of a list follows from what is in it. Where one country floods others, its scopes together are
bounded, too. A flood takes no place of another country's.
"""

from alembic import op

from migrations.passages import change

revision = "0054"
down_revision = "0053"

# Others with which links of a record are proposed, by each relation, the most alike: of one scope, of one country.
ALIKE, ALIKE_OF_COUNTRY = 50, 500
# Looks of one logo, or like one picture, that are weighed at all, the newest: of one scope, of one country.
LOOKS, LOOKS_OF_COUNTRY = 100, 500
# Lines of one group and day that are all compared; where there are more, so many of each agency to each side of an
# amount, the nearest to it.
CROWD, BESIDE = 500, 50


MUCH = "coalesce(f.kg, f.quantity)"
INDEX = """
DROP INDEX core.link_fact_policy_group_day_idx;
CREATE INDEX link_fact_near_idx ON core.link_fact (policy_group, day, agency, (coalesce(kg, quantity)));
"""

_OF_THE_DAY = "link_fact f WHERE f.policy_group = t.policy_group AND f.day = t.day"
EVENTS = (
    (
        "SELECT CASE WHEN x.agency < y.agency",
        f"""WITH RECURSIVE own AS MATERIALIZED (
    SELECT f.*, {MUCH} AS much, f.day + n AS other_day FROM link_fact f CROSS JOIN generate_series(-3, 3) n
    WHERE f.record_id = ANY (taken)
  ), whole AS (
    SELECT t.policy_group, t.day,
      (SELECT count(*) FROM (SELECT FROM {_OF_THE_DAY} LIMIT {CROWD} + 1) c) > {CROWD} AS crowded
    FROM (SELECT DISTINCT x.policy_group, x.other_day AS day FROM own x) t
  ), told (policy_group, day, crowded, agency) AS (
    -- of a crowded day each agency by itself: found by leaps through the index, however many lines there are
    SELECT t.*, CASE WHEN t.crowded THEN (SELECT min(f.agency) FROM {_OF_THE_DAY}) END FROM whole t
    UNION ALL SELECT t.policy_group, t.day, t.crowded, (SELECT min(f.agency) FROM {_OF_THE_DAY} AND f.agency > t.agency)
    FROM told t WHERE t.agency IS NOT NULL
  )
  SELECT CASE WHEN x.agency < y.agency""",
    ),
    (
        """FROM link_fact x
  JOIN link_fact y ON y.policy_group = x.policy_group AND y.day BETWEEN x.day - 3 AND x.day + 3 AND y.agency <> x.agency
""",
        f"""FROM own x
  JOIN told t ON t.policy_group = x.policy_group AND t.day = x.other_day
  CROSS JOIN LATERAL (
    SELECT f.* FROM {_OF_THE_DAY} AND NOT t.crowded
    UNION ALL (SELECT f.* FROM {_OF_THE_DAY} AND f.agency = t.agency AND {MUCH} >= x.much
      ORDER BY {MUCH} LIMIT {BESIDE})
    UNION ALL (SELECT f.* FROM {_OF_THE_DAY} AND f.agency = t.agency AND {MUCH} < x.much
      ORDER BY {MUCH} DESC LIMIT {BESIDE})) y
""",
    ),
    (
        "WHERE x.record_id = ANY (taken)\n    AND (x.place_country",
        "WHERE y.agency <> x.agency\n    AND (x.place_country",
    ),
)


def roomy(relation: str, pairs: str, order: str) -> str:
    """Of pairs of records those that have room on both sides beside what is proposed already."""

    def room(one: str, other: str) -> tuple[str, str, str]:
        """Ranks of the pairs of one side, how many are proposed for it, and the condition."""
        order_ = f"ORDER BY {order}, p.a, p.b"
        ranks = f"""row_number() OVER (PARTITION BY p.{one}, {other}.scope_id {order_}) AS {one}_of_scope,
        row_number() OVER (PARTITION BY p.{one}, {other}.country {order_}) AS {one}_of_country"""
        proposed = f"""CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE o.scope_id = p.{other}_scope_id) AS of_scope, count(*) AS of_country FROM (
        SELECT k.b_scope AS scope_id, k.b_agency AS agency FROM link k
          WHERE k.a = p.{one} AND k.relation = '{relation}' AND k.state = 'proposed'
        UNION ALL SELECT k.a_scope, k.a_agency FROM link k
          WHERE k.b = p.{one} AND k.relation = '{relation}' AND k.state = 'proposed') o
      WHERE left(o.agency, 2) = p.{other}_country) of_{one}"""
        return (
            ranks,
            proposed,
            f"""p.{one}_of_scope <= {ALIKE} - of_{one}.of_scope
      AND p.{one}_of_country <= {ALIKE_OF_COUNTRY} - of_{one}.of_country""",
        )

    (ranks_a, proposed_a, room_a), (ranks_b, proposed_b, room_b) = room("a", "y"), room("b", "x")
    return f"""(SELECT p.* FROM (
      SELECT p.*, x.scope_id AS x_scope_id, x.country AS x_country, y.scope_id AS y_scope_id, y.country AS y_country,
        {ranks_a}, {ranks_b}
      FROM {pairs} p
      JOIN report x ON x.record_id = p.a AND x.latest
      JOIN report y ON y.record_id = p.b AND y.latest) p
    {proposed_a}
    {proposed_b}
    WHERE p.a_of_scope <= {ALIKE} AND p.b_of_scope <= {ALIKE} AND {room_a} AND {room_b})"""


_WEIGHT = """p.w_amount + p.w_time + p.w_substance + p.w_place + p.w_admin1 + p.w_transport + p.w_origin
      + p.w_destination"""
KEPT = ("FROM best c\n", f"FROM {roomy('event', 'best', f'{_WEIGHT} DESC')} c\n")
PROFILES = ("FROM sided s\n", f"FROM {roomy('chemical', 'sided', 'p.r DESC')} s\n")

LOOK = """record_id, owner, scope_id, month_end, logo, logo_hash, shown, logo_back, score, shape, diameter_mm,
      length_mm, width_mm"""


def newest(rows: str, of: str) -> str:
    """Of the looks of each `of` as many as are weighed."""
    order = f"u.month_end DESC, {', '.join(f'u.{name.strip()}' for name in LOOK.split(','))}"
    return f"""SELECT * FROM (
      SELECT u.*, row_number() OVER (PARTITION BY u.{of}, u.scope_id ORDER BY {order}) AS of_scope,
        row_number() OVER (PARTITION BY u.{of}, u.owner ORDER BY {order}) AS of_country FROM ({rows}) u
    ) n WHERE n.of_scope <= {LOOKS} AND n.of_country <= {LOOKS_OF_COUNTRY}"""


_NAMED = f"""SELECT DISTINCT {LOOK} FROM look WHERE logo IN (SELECT w.logo FROM own w)
      AND (SELECT EXISTS (SELECT FROM own w WHERE w.logo IS NOT NULL))"""
_PICTURED = f"""SELECT DISTINCT {LOOK} FROM look WHERE shown IS NOT NULL
      AND (SELECT EXISTS (SELECT FROM own w WHERE w.shown IS NOT NULL))"""
_ALIKE = f"""SELECT w.seen, {LOOK} FROM (SELECT DISTINCT v.shown AS seen FROM own v WHERE v.shown IS NOT NULL) w
      JOIN pictured o ON bit_count((w.seen # o.shown)::bit(64)) <= 10"""

# What is weighed, and how, stays as it is. Each look of a record is compared once, however often the record has it.
TABLETS = (
    (
        """WITH pair AS (
    SELECT DISTINCT ON (x.record_id, y.record_id) x.record_id AS a, y.record_id AS b, x.agency AS a_agency,
      y.agency AS b_agency, x.scope_id AS a_scope, y.scope_id AS b_scope, x.month_end AS a_month,
      y.month_end AS b_month, e.weights, e.levels
    FROM appearance p
    CROSS JOIN LATERAL (
      SELECT o.* FROM appearance o WHERE o.latest AND o.logo = p.logo AND o.record_id <> p.record_id
      UNION SELECT o.* FROM appearance o WHERE o.latest AND o.record_id <> p.record_id
        AND coalesce(p.logo_hash, p.picture_hash) IS NOT NULL
        AND logo_distance(coalesce(p.logo_hash, p.picture_hash), coalesce(o.logo_hash, o.picture_hash)) <= 10) q
    CROSS JOIN LATERAL (SELECT logo_distance(p.logo_hash, q.logo_hash) AS stated,
      logo_distance(coalesce(p.logo_hash, p.picture_hash), coalesce(q.logo_hash, q.picture_hash)) AS shown) d
""",
        f"""WITH look AS NOT MATERIALIZED (
    SELECT o.*, coalesce(o.logo_hash, o.picture_hash) AS shown, s.owner
    FROM appearance o JOIN gate.scope s ON s.id = o.scope_id WHERE o.latest
  ), own AS MATERIALIZED (
    SELECT DISTINCT {LOOK} FROM look WHERE record_id = ANY (taken)
  ), named AS MATERIALIZED ({newest(_NAMED, "logo")}
  ), pictured AS MATERIALIZED ({newest(_PICTURED, "shown")}
  ), alike AS MATERIALIZED ({newest(_ALIKE, "seen")}
  ), scored AS MATERIALIZED (
    SELECT DISTINCT ON (p.record_id, q.record_id) p.record_id AS one, q.record_id AS other, e.*
    FROM own p
    CROSS JOIN LATERAL (SELECT {LOOK} FROM named n WHERE n.logo = p.logo
      UNION SELECT {LOOK} FROM alike n WHERE n.seen = p.shown) q
    CROSS JOIN LATERAL (SELECT bit_count((p.logo_hash # q.logo_hash)::bit(64)) AS stated,
      bit_count((p.shown # q.shown)::bit(64)) AS shown) d
""",
    ),
    (
        """JOIN report x ON x.latest AND x.status = 'reported' AND x.record_id IN (p.record_id, q.record_id)
    JOIN report y ON y.latest AND y.status = 'reported' AND y.record_id IN (p.record_id, q.record_id)
    WHERE p.record_id = ANY (taken) AND p.latest AND e.points >= 5
      AND (x""",
        """WHERE q.record_id <> p.record_id AND e.points >= 5
    ORDER BY p.record_id, q.record_id, e.points DESC, e.levels
  ), pair AS (
    SELECT DISTINCT ON (x.record_id, y.record_id) x.record_id AS a, y.record_id AS b, x.agency AS a_agency,
      y.agency AS b_agency, x.scope_id AS a_scope, y.scope_id AS b_scope, x.month_end AS a_month,
      y.month_end AS b_month, e.weights, e.levels, e.points
    FROM (
      SELECT one AS a, other AS b, points, weights, levels FROM scored
      UNION ALL SELECT other, one, points, weights, levels FROM scored) e
    JOIN report x ON x.record_id = e.a AND x.latest AND x.status = 'reported'
    JOIN report y ON y.record_id = e.b AND y.latest AND y.status = 'reported'
    WHERE (x""",
    ),
    ("FROM pair s\n", f"FROM {roomy('physical', 'pair', 'p.points DESC')} s\n"),
)

# As bounded as they are asked for only where they go by indexes, also while the statistics know nothing of a flood.
INDEXED = """
ALTER FUNCTION core.compare_events(uuid[]) SET enable_seqscan = off;
ALTER FUNCTION core.find_event_links(uuid[]) SET enable_seqscan = off;
ALTER FUNCTION core.find_tablet_links(uuid[]) SET enable_seqscan = off;
"""

# A pass is taken, compared and, where that fails, put back in one transaction, which holds the lock of passes.
PASSES = """
-- Records that a pass did not get through with, and how often: their portion is halved each time. Of one for which no
-- portion is left the links are not found (`service/links/seek.py`).
CREATE TABLE core.link_retry (
  record_id uuid NOT NULL,
  tried integer NOT NULL,
  CONSTRAINT link_retry_pkey PRIMARY KEY (record_id)
);
ALTER TABLE core.link_retry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON core.link_retry TO gate_linker;
CREATE POLICY linked ON core.link_retry TO gate_linker USING (true) WITH CHECK (true);

-- What a pass looks at: what nobody has looked at yet; where nothing is left of that, of what was tried least.
CREATE FUNCTION core.take_links(most integer, OUT records uuid[], OUT times integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  records := '{}'; times := 0;
  IF NOT pg_try_advisory_xact_lock(7276827) THEN RETURN; END IF;
  WITH gone AS (
    DELETE FROM link_queue q WHERE q.ctid = ANY (ARRAY(SELECT w.ctid FROM link_queue w LIMIT most))
      RETURNING q.record_id
  ) SELECT coalesce(array_agg(DISTINCT g.record_id), '{}') INTO records FROM gone g;
  IF records <> '{}' THEN
    DELETE FROM link_retry r WHERE r.record_id = ANY (records);
    RETURN;
  END IF;
  times := coalesce((SELECT min(r.tried) FROM link_retry r WHERE most >> r.tried > 0), 0);
  WITH gone AS (
    DELETE FROM link_retry r WHERE r.record_id = ANY (ARRAY(SELECT w.record_id FROM link_retry w WHERE w.tried = times
      ORDER BY w.record_id LIMIT most >> times)) RETURNING r.record_id
  ) SELECT coalesce(array_agg(g.record_id), '{}') INTO records FROM gone g;
END $$;
CREATE FUNCTION core.put_links_back(records uuid[], times integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
  INSERT INTO link_retry SELECT DISTINCT r, times FROM unnest(records) r
$$;
-- These records are compared with all there are. Returns the links that are new.
CREATE FUNCTION core.find_links(taken uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
BEGIN
  -- what was proposed for an earlier version, or under an earlier result, is looked at anew
  DELETE FROM link k WHERE (k.a = ANY (taken) OR k.b = ANY (taken)) AND k.state = 'proposed'
    AND NOT EXISTS (SELECT FROM link_act t WHERE (t.link_id, t.round) = (k.id, k.round));
  RETURN ARRAY(SELECT find_event_links(taken) UNION ALL SELECT find_profile_links(taken)
    UNION ALL SELECT find_tablet_links(taken));
END $$;
-- Both at once, as the release before this one asks for it.
CREATE OR REPLACE FUNCTION core.find_links(most integer) RETURNS TABLE (looked integer, fresh uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
DECLARE
  taken uuid[] := (SELECT t.records FROM take_links(most) t);
BEGIN
  looked := cardinality(taken);
  fresh := CASE WHEN looked > 0 THEN find_links(taken) ELSE '{}' END;
  RETURN NEXT;
END $$;
CREATE OR REPLACE FUNCTION core.empty_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM link; DELETE FROM link_fact; DELETE FROM link_queue; DELETE FROM link_retry;
  RETURN NULL;
END $$;
GRANT CREATE ON SCHEMA core TO gate_linker;
ALTER FUNCTION core.take_links(integer) OWNER TO gate_linker;
ALTER FUNCTION core.put_links_back(uuid[], integer) OWNER TO gate_linker;
ALTER FUNCTION core.find_links(uuid[]) OWNER TO gate_linker;
REVOKE CREATE ON SCHEMA core FROM gate_linker;
REVOKE ALL ON FUNCTION core.take_links(integer), core.put_links_back(uuid[], integer), core.find_links(uuid[])
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.take_links(integer), core.put_links_back(uuid[], integer), core.find_links(uuid[])
  TO sarhad_write;
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    for part in (INDEX, PASSES):
        connection.exec_driver_sql(part)
    change(connection, "core.compare_events", *EVENTS)
    change(connection, "core.find_event_links", KEPT)
    change(connection, "core.find_profile_links", PROFILES)
    change(connection, "core.find_tablet_links", *TABLETS)
    connection.exec_driver_sql(INDEXED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
