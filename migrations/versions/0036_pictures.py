"""Photographs of imprints speak in the comparison of tablets, and whether a logo is new is told by an index.

A laboratory may state the perceptual hash of an imprint (`logo_hash`). Where it does not, that of the photograph takes
its place which the appearance names and its country holds: the same facet gives both, so no policy changes its meaning.
"""

from alembic import op

revision = "0036"
down_revision = "0035"

COLUMN = """
ALTER TABLE core.appearance ADD COLUMN picture_hash bigint;
CREATE INDEX appearance_logo_back_idx ON core.appearance (logo_back) WHERE latest AND logo_back IS NOT NULL;
CREATE INDEX appearance_image_sha256_idx ON core.appearance (image_sha256) WHERE latest AND image_sha256 IS NOT NULL;
CREATE OR REPLACE VIEW shared.appearance AS
  SELECT record_id, version, n, exhibit, logo, shape, image_sha256, logo_back FROM core.appearance;
GRANT SELECT (country, sha256, phash) ON core.attachment TO gate_linker;
CREATE POLICY linked ON core.attachment FOR SELECT TO gate_linker USING (true);
"""

COMPARE = """
-- Points for what a press leaves on every tablet; they order a list and are no likelihood.
CREATE OR REPLACE FUNCTION core.find_tablet_links(taken uuid[]) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
  -- a picture without detail has no hash to speak of
  UPDATE appearance p SET picture_hash = t.phash::bigint
    FROM report r, attachment t
    WHERE p.record_id = ANY (taken) AND p.latest AND p.picture_hash IS NULL
      AND (r.record_id, r.version) = (p.record_id, p.version)
      AND (t.country, t.sha256) = (r.country, decode(p.image_sha256, 'hex')) AND bit_count(t.phash) BETWEEN 16 AND 48;
  WITH pair AS (
    SELECT DISTINCT ON (x.record_id, y.record_id) x.record_id AS a, y.record_id AS b, x.agency AS a_agency,
      y.agency AS b_agency, x.scope_id AS a_scope, y.scope_id AS b_scope, x.month_end AS a_month,
      y.month_end AS b_month, e.weights, e.levels
    FROM appearance p
    JOIN appearance q ON q.latest AND q.record_id <> p.record_id
      AND (q.logo = p.logo OR logo_distance(coalesce(p.logo_hash, p.picture_hash),
        coalesce(q.logo_hash, q.picture_hash)) <= 10)
    CROSS JOIN LATERAL (SELECT logo_distance(p.logo_hash, q.logo_hash) AS stated,
      logo_distance(coalesce(p.logo_hash, p.picture_hash), coalesce(q.logo_hash, q.picture_hash)) AS shown) d
    CROSS JOIN LATERAL (
      SELECT array_agg(v.weight ORDER BY v.n) AS weights, array_agg(v.level ORDER BY v.n) AS levels,
        sum(v.weight) AS points
      FROM (VALUES
        (1, CASE WHEN p.logo = q.logo THEN 3 WHEN p.logo <> q.logo THEN -2 END::real,
          'logo:' || CASE WHEN p.logo = q.logo THEN 'same' ELSE 'different' END),
        -- light, angle and ground make two photographs of one imprint unlike: only what is stated speaks against it
        (2, CASE WHEN d.shown <= 10 THEN 3 WHEN d.stated > 20 THEN -3 END,
          CASE WHEN d.stated <= 10 THEN 'image:alike' WHEN d.shown <= 10 THEN 'photograph:alike'
            ELSE 'image:different' END),
        (3, CASE WHEN p.logo_back = q.logo_back THEN 1 WHEN p.logo_back <> q.logo_back THEN -3 END,
          'logo_back:' || CASE WHEN p.logo_back = q.logo_back THEN 'same' ELSE 'different' END),
        (4, CASE WHEN p.score = q.score THEN 1 WHEN p.score <> q.score THEN -3 END,
          'score:' || CASE WHEN p.score = q.score THEN 'same' ELSE 'different' END),
        (5, CASE WHEN p.shape = q.shape THEN 1 WHEN p.shape <> q.shape THEN -2 END,
          'shape:' || CASE WHEN p.shape = q.shape THEN 'same' ELSE 'different' END),
        (6, CASE WHEN abs(p.diameter_mm - q.diameter_mm) <= 0.1 THEN 2
            WHEN abs(p.diameter_mm - q.diameter_mm) > 0.3 THEN -5 END,
          'diameter:' || CASE WHEN abs(p.diameter_mm - q.diameter_mm) <= 0.1 THEN 'same' ELSE 'different' END),
        (7, CASE WHEN abs(p.length_mm - q.length_mm) <= 0.1 AND abs(p.width_mm - q.width_mm) <= 0.1 THEN 2
            WHEN abs(p.length_mm - q.length_mm) > 0.3 OR abs(p.width_mm - q.width_mm) > 0.3 THEN -5 END,
          'outline:' || CASE WHEN abs(p.length_mm - q.length_mm) <= 0.1 AND abs(p.width_mm - q.width_mm) <= 0.1
            THEN 'same' ELSE 'different' END)
      ) AS v(n, weight, level) WHERE v.weight IS NOT NULL
    ) e
    JOIN report x ON x.latest AND x.status = 'reported' AND x.record_id IN (p.record_id, q.record_id)
    JOIN report y ON y.latest AND y.status = 'reported' AND y.record_id IN (p.record_id, q.record_id)
    WHERE p.record_id = ANY (taken) AND p.latest AND e.points >= 5
      AND (x.agency, x.record_id) < (y.agency, y.record_id)
    ORDER BY x.record_id, y.record_id, e.points DESC
  ), kept AS (
    INSERT INTO link AS k (id, relation, a, b, a_agency, b_agency, a_scope, b_scope, a_month, b_month, base, facets,
      weights, levels, least)
    SELECT link_id('physical', s.a, s.b), 'physical', s.a, s.b, s.a_agency, s.b_agency, s.a_scope, s.b_scope, s.a_month,
      s.b_month, 1 << 13, array_fill(1 << 13, ARRAY[cardinality(s.levels)]), s.weights, s.levels, 5
    FROM pair s
    ON CONFLICT (relation, a, b) DO UPDATE SET facets = EXCLUDED.facets, weights = EXCLUDED.weights,
      levels = EXCLUDED.levels
    RETURNING k.id, k.xmax = 0 AS fresh
  ) SELECT k.id FROM kept k WHERE k.fresh
$$;
"""

# A photograph may be sent after the record that names it.
LATE = """
CREATE FUNCTION core.requeue_pictured() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO link_queue SELECT DISTINCT p.record_id FROM appearance p JOIN report r USING (record_id, version)
    WHERE p.latest AND p.image_sha256 = encode(NEW.sha256, 'hex') AND r.country = NEW.country;
  RETURN NULL;
END $$;
GRANT CREATE ON SCHEMA core TO gate_linker;
ALTER FUNCTION core.requeue_pictured() OWNER TO gate_linker;
REVOKE CREATE ON SCHEMA core FROM gate_linker;
REVOKE ALL ON FUNCTION core.requeue_pictured() FROM PUBLIC;
CREATE TRIGGER pictured AFTER INSERT ON core.attachment FOR EACH ROW WHEN (NEW.phash IS NOT NULL)
  EXECUTE FUNCTION core.requeue_pictured();
"""

# Those that are there already wait for a pass. Row security holds the owner, so it rests meanwhile.
BACKFILL = """
ALTER TABLE core.appearance NO FORCE ROW LEVEL SECURITY;
INSERT INTO core.link_queue SELECT DISTINCT record_id FROM core.appearance WHERE latest AND image_sha256 IS NOT NULL;
ALTER TABLE core.appearance FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run = op.get_bind().exec_driver_sql
    for part in (COLUMN, COMPARE.replace("%", "%%"), LATE, BACKFILL):
        run(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
