-- When an agency filed, and how many of its records in a period: read from the newest, of one agency after another.
CREATE INDEX report_received_idx ON core.report (agency, received_at) WHERE version = 1;

GRANT USAGE ON SCHEMA core, gate TO gate_timeliness;
GRANT USAGE, CREATE ON SCHEMA shared TO gate_timeliness;
GRANT EXECUTE ON FUNCTION gate.country_as(text[]) TO gate_timeliness;
GRANT SELECT (record_id, version, kind, agency, country, latest, status, received_at, at_instant, at_day, at_month,
  disclosures, leaf_hash) ON core.report TO gate_timeliness;
GRANT SELECT (record_id, version, line, scope_id, latest, exhibit, substance, substance_reported) ON core.report_line
  TO gate_timeliness;
GRANT SELECT (record_id, scope_id, latest, exhibit, status, substances) ON core.exhibit_link TO gate_timeliness;
GRANT SELECT (record_id, owner, asked_at, settled_at, state) ON core.release_request TO gate_timeliness;
GRANT SELECT (id, owner, handling, groups) ON gate.scope TO gate_timeliness;
GRANT SELECT (code, policy_group) ON core.substance TO gate_timeliness;
GRANT SELECT (code, bit) ON core.substance_group TO gate_timeliness;

CREATE POLICY timeliness ON core.report FOR SELECT TO gate_timeliness USING (country = (SELECT {supervised}));
CREATE POLICY timeliness ON core.report_line FOR SELECT TO gate_timeliness
  USING (latest AND scope_id IN (SELECT s.id FROM gate.scope s WHERE s.owner = (SELECT {supervised})));
CREATE POLICY timeliness ON core.exhibit_link FOR SELECT TO gate_timeliness
  USING (latest AND scope_id IN (SELECT s.id FROM gate.scope s WHERE s.owner = (SELECT {supervised})));
CREATE POLICY timeliness ON core.release_request FOR SELECT TO gate_timeliness USING (owner = (SELECT {supervised}));

-- Times of a country's own records, for its officers who see no content: of each record when its first version came, and
-- when its event was as its last version says. An instant falls back on the day, and a day on the month, in the columns:
-- only where they are all one the facets say what was stated.
CREATE VIEW shared.filing AS
  SELECT f.record_id, f.agency, r.kind, r.status, f.received_at AS filed_at, f.leaf_hash,
    CASE WHEN r.at_instant <> r.at_month OR r.disclosures[3] IS NOT NULL OR r.disclosures[4] IS NOT NULL
      THEN r.at_instant END AS event_at
  FROM core.report f JOIN core.report r ON r.record_id = f.record_id AND r.latest
  WHERE f.version = 1;

-- What an analysis states of the days of each exhibit, in its facet `laboratory`: decoded once for each, and here, for
-- `core.facet` is called anew wherever its value is named.
CREATE VIEW shared.exhibit_examined AS
  SELECT r.record_id, (said.laboratory ->> 'issued')::date AS issued, (e.exhibit ->> 'received')::date AS received
  FROM core.report r
  CROSS JOIN LATERAL (
    SELECT CASE WHEN left(d.disclosure, 1) IN ('W', 'I', 'C', 'D') THEN
      convert_from(decode(rpad(translate(d.disclosure, '-_', '+/'), (length(d.disclosure) + 3) / 4 * 4, '='), 'base64'),
        'UTF8')::jsonb -> 2 END AS laboratory
    FROM (SELECT r.disclosures[16] AS disclosure OFFSET 0) d OFFSET 0
  ) said
  LEFT JOIN LATERAL jsonb_array_elements(said.laboratory -> 'exhibits') e(exhibit) ON true
  WHERE r.latest AND r.kind = 'analysis' AND r.status = 'reported';

-- Of each line with an exhibit when the first of the results of the country's own laboratories came that count for it
-- by the rules of `gate.link_exhibits`.
CREATE VIEW shared.line_examined AS
  SELECT l.record_id, l.line, (
    SELECT min(f.received_at)
    FROM core.exhibit_link x
    JOIN gate.scope a ON a.id = x.scope_id
    JOIN core.report f ON f.record_id = x.record_id AND f.version = 1
    CROSS JOIN LATERAL (SELECT CASE WHEN x.status = 'NEGA'
        OR coalesce(l.substance_reported, l.substance) = ANY (x.substances)
      THEN coalesce(l.substance_reported, l.substance) ELSE x.substances[1] END AS substance) found
    JOIN core.substance c ON c.code = found.substance
    JOIN core.substance_group g ON g.code = c.policy_group
    WHERE x.exhibit = l.exhibit AND x.status IS NOT NULL AND a.handling <= s.handling AND s.groups & (1 << g.bit) <> 0
  ) AS resulted_at
  FROM core.report_line l JOIN gate.scope s ON s.id = l.scope_id
  WHERE l.exhibit IS NOT NULL;

-- Of each request of others about an own record when it was asked, and when answered or refused.
CREATE VIEW shared.request_settled AS
  SELECT f.agency, q.asked_at, q.settled_at
  FROM core.release_request q JOIN core.report f ON f.record_id = q.record_id AND f.version = 1
  WHERE q.state <> 'withdrawn';

ALTER VIEW shared.filing OWNER TO gate_timeliness;
ALTER VIEW shared.exhibit_examined OWNER TO gate_timeliness;
ALTER VIEW shared.line_examined OWNER TO gate_timeliness;
ALTER VIEW shared.request_settled OWNER TO gate_timeliness;
GRANT SELECT ON shared.filing, shared.exhibit_examined, shared.line_examined, shared.request_settled TO sarhad_read;
