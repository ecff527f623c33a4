-- References in facets that the reader is given, of records that it is shown.
GRANT SELECT ON core.attachment, core.attachment_ref, core.attached_spectrum TO gate_items;
CREATE POLICY given ON core.attachment_ref FOR SELECT TO gate_items USING (latest AND {given});
-- A file is seen where a reference to it is, and nowhere else.
CREATE POLICY given ON core.attachment FOR SELECT TO gate_items USING (EXISTS (
  SELECT FROM core.attachment_ref r WHERE (r.country, r.sha256) = (attachment.country, attachment.sha256)));
CREATE POLICY given ON core.attached_spectrum FOR SELECT TO gate_items USING (EXISTS (
  SELECT FROM core.attachment a JOIN core.attachment_ref r USING (country, sha256)
  WHERE a.id = attached_spectrum.attachment_id AND r.facet = 'spectra'));

CREATE VIEW shared.attachment AS
  SELECT r.record_id, r.version, r.facet, r.line, a.country, a.sha256, a.object, a.media_type, a.content, a.size,
    a.width, a.height, a.phash
  FROM core.attachment_ref r JOIN core.attachment a USING (country, sha256);
ALTER VIEW shared.attachment OWNER TO gate_items;
CREATE VIEW shared.spectrum AS
  SELECT r.record_id, r.version, r.line, a.country, a.sha256, s.n, s.technique, s.ion_mode, s.precursor_mz,
    s.collision_energy, s.instrument, s.mz, s.weight, s.drawn_mz, s.drawn
  FROM core.attachment_ref r
  JOIN core.attachment a ON (a.country, a.sha256) = (r.country, r.sha256) AND r.facet = 'spectra'
  JOIN core.attached_spectrum s ON s.attachment_id = a.id;
ALTER VIEW shared.spectrum OWNER TO gate_items;
GRANT SELECT ON shared.attachment, shared.spectrum TO sarhad_read;

-- What a country holds, named by a record or not yet.
GRANT SELECT ON core.attachment TO gate_own;
CREATE POLICY own ON core.attachment FOR SELECT TO gate_own USING (country = (SELECT gate.country()));
GRANT SELECT ON core.attachment_ref TO gate_own;
CREATE POLICY own ON core.attachment_ref FOR SELECT TO gate_own USING (country = (SELECT gate.country()));
CREATE VIEW shared.own_attachment AS
  SELECT a.id, a.country, a.agency, a.sha256, a.object, a.media_type, a.content, a.size, a.width, a.height, a.phash,
    a.stored_at, a.kept_until,
    EXISTS (SELECT FROM core.attachment_ref r WHERE (r.country, r.sha256) = (a.country, a.sha256)) AS named
  FROM core.attachment a;
ALTER VIEW shared.own_attachment OWNER TO gate_own;
GRANT SELECT ON shared.own_attachment TO sarhad_read, sarhad_write;

-- Files that superseded versions of an own record name, for its country alone: the policies of its owner let through
-- what the caller's own country names and holds, in whichever version.
CREATE VIEW shared.own_version_attachment AS
  SELECT r.record_id, r.version, r.facet, r.line, a.country, a.sha256, a.object, a.media_type, a.content, a.size,
    a.width, a.height, a.phash
  FROM core.attachment_ref r JOIN core.attachment a USING (country, sha256);
ALTER VIEW shared.own_version_attachment OWNER TO gate_own;
GRANT SELECT ON shared.own_version_attachment TO sarhad_read;
