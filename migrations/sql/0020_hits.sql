-- How alike two prepared spectra are, 0 to 1, and how many peaks they share. Fragments: entropy similarity (Li et al.,
-- Nature Methods 18, 2021, 1524) within 0.02 Th; electron ionisation: cosine of vectors of norm one. Peaks of one
-- prepared spectrum stand further apart than twice the tolerance, so each meets one at most.
CREATE FUNCTION core.likeness(electron boolean, mz float8[], weight float8[], other_mz float8[], other_weight float8[])
RETURNS TABLE (score float8, matched integer) LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT least(1, coalesce(sum(CASE WHEN electron THEN a.w * b.w
      ELSE ((a.w + b.w) * ln(a.w + b.w) - a.w * ln(a.w) - b.w * ln(b.w)) / ln(2::float8) / 2 END), 0)),
    count(*)::integer
  FROM unnest(mz, weight) AS a(m, w)
  JOIN unnest(other_mz, other_weight) AS b(m, w) ON b.m BETWEEN a.m - 0.02 AND a.m + 0.02
  WHERE a.w > 0 AND b.w > 0
$$;
REVOKE ALL ON FUNCTION core.likeness(boolean, float8[], float8[], float8[], float8[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.likeness(boolean, float8[], float8[], float8[], float8[]) TO sarhad_read;

-- The class of every entry: its highest ancestor within the same policy group.
CREATE FUNCTION gate.substance_classes() RETURNS TABLE (code text, class text, policy_group text)
LANGUAGE sql STABLE SET search_path = pg_catalog, core AS $$
  WITH RECURSIVE up AS (
    SELECT s.code, s.code AS ancestor, s.parent, s.policy_group, 0 AS height FROM core.substance s
    UNION ALL
    SELECT up.code, s.code, s.parent, s.policy_group, up.height + 1
    FROM up JOIN core.substance s ON s.code = up.parent AND s.policy_group = up.policy_group
  )
  SELECT DISTINCT ON (up.code) up.code, up.ancestor, up.policy_group FROM up ORDER BY up.code, up.height DESC
$$;
REVOKE ALL ON FUNCTION gate.substance_classes() FROM PUBLIC;

-- Spectra in records that a policy gives this reader as hits, with the facet `spectra`; substances where also `items`.
GRANT USAGE ON SCHEMA gate, core TO gate_hits;
GRANT USAGE, CREATE ON SCHEMA shared TO gate_hits;
GRANT EXECUTE ON FUNCTION gate.masks(), gate.delays(), gate.windows_from(), gate.windows_until() TO gate_hits;
GRANT SELECT ON core.report, core.report_line, core.finding, core.attachment, core.attachment_ref,
  core.attached_spectrum TO gate_hits;
CREATE POLICY hit ON core.report FOR SELECT TO gate_hits USING (latest AND status = 'reported' AND {hit});
CREATE POLICY hit ON core.report_line FOR SELECT TO gate_hits USING (latest AND {hit_items});
CREATE POLICY hit ON core.finding FOR SELECT TO gate_hits USING (latest AND {hit_items});
CREATE POLICY hit ON core.attachment_ref FOR SELECT TO gate_hits USING (latest AND facet = 'spectra' AND {hit_spectra});
CREATE POLICY hit ON core.attachment FOR SELECT TO gate_hits USING (EXISTS (
  SELECT FROM core.attachment_ref r WHERE (r.country, r.sha256) = (attachment.country, attachment.sha256)));
CREATE POLICY hit ON core.attached_spectrum FOR SELECT TO gate_hits USING (EXISTS (
  SELECT FROM core.attachment a WHERE a.id = attached_spectrum.attachment_id));
-- For the function below alone: no role of the service may select from it.
CREATE VIEW shared.hit_spectrum AS
  SELECT r.record_id, p.country, p.agency, coalesce(f.substance, l.substance) AS substance,
    s.technique, s.ion_mode, s.precursor_mz, s.mz, s.weight
  FROM core.attachment_ref r
  JOIN core.report p ON (p.record_id, p.version) = (r.record_id, r.version)
  JOIN core.attachment a ON (a.country, a.sha256) = (r.country, r.sha256)
  JOIN core.attached_spectrum s ON s.attachment_id = a.id
  LEFT JOIN core.finding f ON (f.record_id, f.version, f.line) = (r.record_id, r.version, r.line)
  LEFT JOIN core.report_line l ON (l.record_id, l.version, l.line) = (r.record_id, r.version, r.line);
ALTER VIEW shared.hit_spectrum OWNER TO gate_hits;

-- What is told of hidden spectra like this one: for each agency and class of substance the best band of scores, none
-- below `threshold`. `record_id` is the record of the best, for the owner's statement and not for the reader.
CREATE FUNCTION gate.spectrum_hits(of_technique text, of_mode text, lowest float8, highest float8, query_mz float8[],
  query_weight float8[], threshold float8)
RETURNS TABLE (owner char(2), agency text, class text, band text, record_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core, shared, gate AS $$
  SELECT DISTINCT ON (h.agency, c.class) h.country, h.agency, c.class,
    CASE WHEN k.score >= 0.9 THEN '0.9-1.0' ELSE threshold::text || '-0.9' END, h.record_id
  FROM shared.hit_spectrum h
  CROSS JOIN LATERAL core.likeness(of_technique = 'EI', query_mz, query_weight, h.mz, h.weight) k
  LEFT JOIN gate.substance_classes() c ON c.code = h.substance
  WHERE h.technique = of_technique AND h.ion_mode = of_mode
    AND (lowest IS NULL OR h.precursor_mz BETWEEN lowest AND highest) AND k.score >= threshold
  ORDER BY h.agency, c.class, k.score DESC, h.record_id
$$;
REVOKE ALL ON FUNCTION gate.spectrum_hits(text, text, float8, float8, float8[], float8[], float8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.spectrum_hits(text, text, float8, float8, float8[], float8[], float8) TO sarhad_read;
