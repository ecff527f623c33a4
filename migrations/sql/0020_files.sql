-- A file that a country holds: `object` is its name in the store, `sha256` that of its bytes.
CREATE TABLE core.attachment (
  id uuid NOT NULL,
  country char(2) NOT NULL CONSTRAINT attachment_country_fkey REFERENCES core.country (code),
  agency text NOT NULL CONSTRAINT attachment_agency_fkey REFERENCES core.agency (code),
  key_id text NOT NULL,
  sha256 bytea NOT NULL,
  object text NOT NULL,
  media_type text NOT NULL,
  content text NOT NULL,
  size bigint NOT NULL,
  width integer,
  height integer,
  phash bit(64),
  stored_at timestamptz NOT NULL DEFAULT now(),
  kept_until timestamptz NOT NULL,
  CONSTRAINT attachment_pkey PRIMARY KEY (id),
  CONSTRAINT attachment_country_sha256_key UNIQUE (country, sha256),
  CONSTRAINT attachment_sha256_check CHECK (octet_length(sha256) = 32),
  CONSTRAINT attachment_content_check CHECK (content IN ('image', 'spectrum', 'document')),
  CONSTRAINT attachment_agency_check CHECK (left(agency, 2) = country)
);
CREATE INDEX attachment_agency_stored_at_id_idx ON core.attachment (agency, stored_at, id);

-- One version of one record names a file in one facet; `flag` is that facet's bit.
CREATE TABLE core.attachment_ref (
  record_id uuid NOT NULL,
  version integer NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  latest boolean NOT NULL DEFAULT true,
  country char(2) NOT NULL,
  facet text NOT NULL,
  flag integer NOT NULL,
  sha256 bytea NOT NULL,
  line integer,
  CONSTRAINT attachment_ref_pkey PRIMARY KEY (record_id, version, facet, sha256),
  CONSTRAINT attachment_ref_record_id_version_fkey FOREIGN KEY (record_id, version)
    REFERENCES core.report (record_id, version)
);
CREATE INDEX attachment_ref_country_sha256_idx ON core.attachment_ref (country, sha256);

-- The mass spectra of a file, as the search compares them: `mz` and `weight` are cleaned and weighted (fragments sum to
-- one, electron ionisation is a vector of norm one), `drawn_mz` and `drawn` the strongest peaks as measured.
CREATE TABLE core.attached_spectrum (
  attachment_id uuid NOT NULL,
  n integer NOT NULL,
  technique text NOT NULL,
  ion_mode text NOT NULL,
  precursor_mz double precision,
  collision_energy text NOT NULL,
  instrument text NOT NULL,
  mz double precision[] NOT NULL,
  weight double precision[] NOT NULL,
  drawn_mz double precision[] NOT NULL,
  drawn double precision[] NOT NULL,
  CONSTRAINT attached_spectrum_pkey PRIMARY KEY (attachment_id, n),
  CONSTRAINT attached_spectrum_attachment_id_fkey FOREIGN KEY (attachment_id)
    REFERENCES core.attachment (id) ON DELETE CASCADE,
  CONSTRAINT attached_spectrum_peaks_check CHECK (
    cardinality(mz) = cardinality(weight) AND cardinality(drawn_mz) = cardinality(drawn))
);
CREATE INDEX attached_spectrum_precursor_mz_idx ON core.attached_spectrum (precursor_mz);

ALTER TABLE core.attachment ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE core.attachment_ref ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE core.attached_spectrum ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- A record's own rows, written with it.
GRANT INSERT ON core.attachment_ref TO sarhad_write;
CREATE POLICY filed ON core.attachment_ref FOR INSERT TO sarhad_write WITH CHECK (latest AND EXISTS (
  SELECT FROM shared.own_report o
  WHERE (o.record_id, o.version, o.scope_id, o.country)
    = (attachment_ref.record_id, attachment_ref.version, attachment_ref.scope_id, attachment_ref.country)));

-- References follow their report's scope and its place among the versions, whoever changes them: so a recall, a block
-- or a retraction takes the files along.
CREATE POLICY followed ON core.attachment_ref TO sarhad_owner USING (true) WITH CHECK (true);
CREATE FUNCTION gate.keep_attached() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.attachment_ref SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (record_id, version) = (NEW.record_id, NEW.version);
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION gate.keep_attached() FROM PUBLIC;
CREATE TRIGGER attached AFTER UPDATE OF scope_id, latest ON core.report FOR EACH ROW
  WHEN ((OLD.scope_id, OLD.latest) IS DISTINCT FROM (NEW.scope_id, NEW.latest))
  EXECUTE FUNCTION gate.keep_attached();

-- A file of the caller's own country, kept; one that it holds already is kept longer. Returns the id in force.
CREATE POLICY kept ON core.attachment TO sarhad_owner USING (country = gate.country() OR kept_until < now())
  WITH CHECK (country = gate.country());
CREATE POLICY kept ON core.attached_spectrum TO sarhad_owner
  USING (EXISTS (SELECT FROM core.attachment a WHERE a.id = attachment_id))
  WITH CHECK (EXISTS (SELECT FROM core.attachment a WHERE a.id = attachment_id));
CREATE FUNCTION gate.keep_attachment(new_id uuid, of_sha256 bytea, of_object text, of_media_type text, of_content text,
  of_size bigint, of_width integer, of_height integer, of_phash text, until timestamptz, spectra jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
DECLARE
  kept uuid;
BEGIN
  INSERT INTO core.attachment AS a (id, country, agency, key_id, sha256, object, media_type, content, size, width,
      height, phash, kept_until)
    VALUES (new_id, gate.country(), gate.agency(), gate.key(), of_sha256, of_object, of_media_type, of_content, of_size,
      of_width, of_height, ('x' || of_phash)::bit(64), until)
    ON CONFLICT ON CONSTRAINT attachment_country_sha256_key DO UPDATE
      SET kept_until = greatest(a.kept_until, EXCLUDED.kept_until)
    RETURNING a.id INTO kept;
  IF kept = new_id THEN
    INSERT INTO core.attached_spectrum (attachment_id, n, technique, ion_mode, precursor_mz, collision_energy,
        instrument, mz, weight, drawn_mz, drawn)
      SELECT kept, s.n, s.technique, s.ion_mode, s.precursor_mz, s.collision_energy, s.instrument, s.mz, s.weight,
        s.drawn_mz, s.drawn
      FROM jsonb_to_recordset(spectra) AS s(n integer, technique text, ion_mode text, precursor_mz double precision,
        collision_energy text, instrument text, mz double precision[], weight double precision[],
        drawn_mz double precision[], drawn double precision[]);
  END IF;
  RETURN kept;
END $$;
REVOKE ALL ON FUNCTION gate.keep_attachment(uuid, bytea, text, text, text, bigint, integer, integer, text, timestamptz,
  jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.keep_attachment(uuid, bytea, text, text, text, bigint, integer, integer, text,
  timestamptz, jsonb) TO sarhad_write;
