-- The groups under which a report was filed, where a laboratory's result has added others: NULL where none has.
ALTER TABLE core.report ADD COLUMN groups_reported integer;

GRANT SELECT ON core.exhibit_link, core.substance_group TO gate_linker;
CREATE POLICY linked ON core.exhibit_link FOR SELECT TO gate_linker USING (true);
GRANT UPDATE (scope_id, groups_reported) ON core.report TO gate_linker;
GRANT UPDATE (scope_id) ON core.report_line TO gate_linker;
CREATE POLICY regrouped ON core.report FOR UPDATE TO gate_linker USING (true)
  WITH CHECK (EXISTS (SELECT FROM gate.scope s WHERE (s.id, s.owner, s.agency) = (scope_id, country, report.agency)
    AND (s.record IS NULL OR s.record = report.record_id)));
CREATE POLICY regrouped ON core.report_line FOR UPDATE TO gate_linker USING (latest) WITH CHECK (latest);

-- Scopes with the labels of others but for the groups, made and compiled where they are new: a country's general ones
-- beyond the ration are that of all groups, of single records there are none. In a short transaction of its own: it
-- holds the gate's lock to its COMMIT.
CREATE FUNCTION gate.sibling_scopes(wanted jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  moment timestamptz;
  readers integer[];
  fresh integer[];
BEGIN
  PERFORM gate.lock();
  WITH held AS (
    SELECT s.owner, s.record IS NULL AS general, count(*) AS scopes FROM gate.scope s GROUP BY 1, 2
  ), asked AS (
    SELECT s.owner, s.agency, s.kind, s.handling, s.record, s.month_end, w.groups,
      h.scopes + row_number() OVER (PARTITION BY s.owner, s.record IS NULL ORDER BY s.id, w.groups) <= 4096 AS room
    FROM (SELECT DISTINCT a.scope, a.groups FROM jsonb_to_recordset(wanted) AS a(scope integer, groups integer)) w
    JOIN gate.scope s ON s.id = w.scope
    JOIN held h ON (h.owner, h.general) = (s.owner, s.record IS NULL)
  ), lacking AS (
    SELECT DISTINCT a.owner, a.agency, a.kind, a.handling, a.record, a.month_end,
      CASE WHEN a.room THEN a.groups ELSE 2147483647 END AS groups
    FROM asked a WHERE a.room OR a.record IS NULL
  ), added AS (
    INSERT INTO gate.scope (id, owner, kind, groups, handling, agency, record, month_end)
    SELECT (SELECT count(*) FROM gate.scope) + row_number() OVER () - 1, l.owner, l.kind, l.groups, l.handling,
      l.agency, l.record, l.month_end
    FROM lacking l WHERE NOT EXISTS (SELECT FROM gate.scope s
      WHERE (s.owner, s.agency, s.kind, s.groups, s.handling) = (l.owner, l.agency, l.kind, l.groups, l.handling)
        AND (s.record, s.month_end) IS NOT DISTINCT FROM (l.record, l.month_end))
    RETURNING gate.scope.id
  ) SELECT array_agg(a.id ORDER BY a.id) INTO fresh FROM added a;
  IF fresh IS NULL THEN
    RETURN;
  END IF;
  moment := clock_timestamp();
  readers := gate.readers();
  PERFORM gate.put(gate.weigh(readers, fresh, moment), readers, fresh);
  IF EXISTS (SELECT FROM gate.rule r JOIN gate.scope s ON s.record = r.record WHERE s.id = ANY (fresh)) THEN
    PERFORM gate.restamp(readers, moment);
  END IF;
END $$;

-- Of the exhibits of these records, and of what was filed of them: held until the COMMIT, for a report and an analysis
-- that are filed at once see each other, one after the other. Each two countries have 128 locks (migration 0018).
CREATE FUNCTION gate.hold_exhibits(records uuid[]) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(k.lock) FROM (
    WITH mine AS (
      SELECT l.exhibit AS number, s.owner FROM core.report_line l JOIN gate.scope s ON s.id = l.scope_id
        WHERE l.record_id = ANY (records) AND l.latest AND l.exhibit IS NOT NULL
      UNION SELECT x.exhibit, s.owner FROM core.exhibit_link x JOIN gate.scope s ON s.id = x.scope_id
        WHERE x.record_id = ANY (records)
    ), pair AS (
      -- who gave the number, and who files; who gave it, and whose laboratory it has asked
      SELECT m.number, left(m.number, 2) AS giver, m.owner::text AS examiner FROM mine m
      UNION SELECT m.number, m.owner::text, left(l.examined_by, 2) FROM mine m
        JOIN core.report_line l ON l.exhibit = m.number AND l.latest AND l.examined_by IS NOT NULL
        WHERE m.owner = left(m.number, 2)
    )
    -- a country that is not enrolled files nothing to wait for
    SELECT DISTINCT hashtextextended(p.giver || p.examiner, 7276828) & ~127::bigint
      | (hashtextextended(p.number, 0) & 127) AS lock
    FROM pair p JOIN core.country g ON g.code = p.giver JOIN core.country e ON e.code = p.examiner ORDER BY 1) k;
  RETURN ARRAY(
    SELECT l.exhibit FROM core.report_line l WHERE l.record_id = ANY (records) AND l.latest AND l.exhibit IS NOT NULL
    UNION SELECT x.exhibit FROM core.exhibit_link x WHERE x.record_id = ANY (records)
    ORDER BY 1);
END $$;

-- The reports with these exhibits of which the substances' groups, as reported and as found, are not those of their
-- scope: the groups that they are to be judged by, and the scope that has them, or that of all groups.
CREATE FUNCTION gate.regrouped(numbers text[])
RETURNS TABLE (record_id uuid, version integer, scope_id integer, reported integer, groups integer, target integer,
  exact boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH touched AS (
    SELECT DISTINCT l.record_id, l.version FROM core.report_line l WHERE l.exhibit = ANY (numbers) AND l.latest
  ), found AS (
    SELECT l.record_id, l.version, bit_or(1 << g.bit) AS bits
    FROM touched t JOIN core.report p USING (record_id, version) JOIN core.report_line l USING (record_id, version)
    JOIN gate.scope s ON s.id = l.scope_id
    CROSS JOIN LATERAL ({result}) r
    JOIN core.substance c ON c.code = r.result_substance
    JOIN core.substance_group g ON g.code = c.policy_group
    WHERE l.latest AND l.exhibit IS NOT NULL
    GROUP BY l.record_id, l.version
  )
  SELECT r.record_id, r.version, r.scope_id, b.reported, b.reported | coalesce(f.bits, 0), p.id, p.exact
  FROM touched t
  JOIN core.report r USING (record_id, version)
  JOIN gate.scope s ON s.id = r.scope_id
  LEFT JOIN found f USING (record_id, version)
  CROSS JOIN LATERAL (SELECT coalesce(r.groups_reported, s.groups) AS reported) b
  LEFT JOIN LATERAL (
    SELECT o.id, o.groups = b.reported | coalesce(f.bits, 0) AS exact FROM gate.scope o
    WHERE (o.owner, o.agency, o.kind, o.handling) = (s.owner, s.agency, s.kind, s.handling)
      AND (o.record, o.month_end) IS NOT DISTINCT FROM (s.record, s.month_end)
      AND o.groups IN (b.reported | coalesce(f.bits, 0), 2147483647)
    ORDER BY 2 DESC LIMIT 1
  ) p ON true
  WHERE s.groups <> b.reported | coalesce(f.bits, 0);
END $$;

-- Scopes that the reports with the exhibits of these records lack, as `gate.sibling_scopes` takes them. Of reports that
-- are about to move nobody changes the rules until the COMMIT.
CREATE FUNCTION gate.lacking_scopes(records uuid[]) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
DECLARE
  numbers text[] := gate.hold_exhibits(records);
  moving uuid[] := ARRAY(SELECT r.record_id FROM gate.regrouped(numbers) r ORDER BY 1);
BEGIN
  IF moving = '{}' THEN
    RETURN NULL;
  END IF;
  PERFORM FROM core.report r WHERE r.record_id = ANY (moving) AND r.version = 1 ORDER BY r.record_id FOR NO KEY UPDATE;
  RETURN (SELECT jsonb_agg(DISTINCT jsonb_build_object('scope', r.scope_id, 'groups', r.groups))
    FROM gate.regrouped(numbers) r WHERE r.exact IS NOT TRUE);
END $$;

-- Reports go where their groups are judged, and back when a result is withdrawn. One that has left its scope meanwhile
-- stays where it was brought: an embargo is not undone.
CREATE FUNCTION gate.regroup(numbers text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
DECLARE
  moving jsonb := (SELECT jsonb_agg(jsonb_build_object('record_id', r.record_id, 'version', r.version, 'was', r.scope_id, 'target', r.target,
      'reported', CASE WHEN r.groups <> r.reported THEN r.reported END))
    FROM gate.regrouped(numbers) r WHERE r.target <> r.scope_id);
BEGIN
  IF moving IS NULL THEN
    RETURN;
  END IF;
  UPDATE core.report_line l SET scope_id = m.target
    FROM jsonb_to_recordset(moving) AS m(record_id uuid, version integer, was integer, target integer)
    WHERE (l.record_id, l.version, l.scope_id) = (m.record_id, m.version, m.was) AND l.latest;
  UPDATE core.report r SET scope_id = m.target, groups_reported = m.reported
    FROM jsonb_to_recordset(moving) AS m(record_id uuid, version integer, was integer, target integer,
      reported integer)
    WHERE (r.record_id, r.version, r.scope_id) = (m.record_id, m.version, m.was);
END $$;

-- Brings the lines that share an exhibit number with these records up to date with what laboratories say of them, and
-- returns those that changed. A result counts for a line where the laboratory is of the line's country, or was asked by
-- the report and found what is of its groups; where it is not marked more strictly than the report; and where its substance is known to whom the report
-- may be shared with. Its group is judged with those of the report from then on. Of several the one filed last.
CREATE OR REPLACE FUNCTION gate.link_exhibits(records uuid[])
RETURNS TABLE (record_id uuid, line integer, agency text, status text, substance text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
#variable_conflict use_column
DECLARE
  numbers text[] := gate.hold_exhibits(records);
BEGIN
  PERFORM gate.regroup(numbers);
  RETURN QUERY
  WITH wanted AS (
    SELECT l.record_id, l.version, l.line, s.agency,
      coalesce(l.substance_reported, l.substance) AS substance_reported,
      coalesce(l.status_reported, l.status) AS status_reported, r.*
    FROM core.report_line l
    JOIN core.report p ON (p.record_id, p.version) = (l.record_id, l.version)
    JOIN gate.scope s ON s.id = l.scope_id
    LEFT JOIN LATERAL ({result}) r ON EXISTS (
      SELECT FROM core.substance c JOIN core.substance_group g ON g.code = c.policy_group
      WHERE c.code = r.result_substance AND s.groups & (1 << g.bit) <> 0)
    WHERE l.exhibit = ANY (numbers) AND l.latest
  )
  UPDATE core.report_line l SET
    substance = coalesce(w.result_substance, w.substance_reported),
    status = coalesce(w.result_status, w.status_reported),
    substance_reported = CASE WHEN w.result_id IS NOT NULL THEN w.substance_reported END,
    status_reported = CASE WHEN w.result_id IS NOT NULL THEN w.status_reported END,
    result_id = w.result_id, result_version = w.result_version
  FROM wanted w
  WHERE (l.record_id, l.version, l.line) = (w.record_id, w.version, w.line)
    AND (l.result_id, l.result_version, l.substance, l.status) IS DISTINCT FROM (w.result_id, w.result_version,
      coalesce(w.result_substance, w.substance_reported), coalesce(w.result_status, w.status_reported))
  RETURNING l.record_id, l.line, w.agency, l.status, l.substance;
END $$;

-- Nothing calls it; and every fact has a scope.
DROP FUNCTION core.logo_distance(bigint, bigint);
ALTER TABLE core.link_fact ALTER COLUMN scope_id DROP DEFAULT;
