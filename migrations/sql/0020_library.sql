-- A reference spectrum that every member may read: openly licensed and loaded by the operator, or submitted by a
-- member's laboratory for all. `attribution` is what its licence asks to be kept; `digest` that of its content.
CREATE TABLE core.library_spectrum (
  id uuid NOT NULL,
  agency text CONSTRAINT library_spectrum_agency_fkey REFERENCES core.agency (code),
  key_id text,
  digest bytea NOT NULL,
  substance text,
  name text NOT NULL,
  inchikey text NOT NULL,
  technique text NOT NULL,
  ion_mode text NOT NULL,
  precursor_mz double precision,
  instrument text NOT NULL,
  collision_energy text NOT NULL,
  mz double precision[] NOT NULL,
  intensity double precision[] NOT NULL,
  licence text NOT NULL,
  attribution jsonb NOT NULL,
  added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT library_spectrum_pkey PRIMARY KEY (id),
  CONSTRAINT library_spectrum_digest_key UNIQUE (digest),
  CONSTRAINT library_spectrum_peaks_check CHECK (cardinality(mz) = cardinality(intensity) AND cardinality(mz) > 0)
);
CREATE INDEX library_spectrum_agency_idx ON core.library_spectrum (agency);
CREATE INDEX library_spectrum_added_at_id_idx ON core.library_spectrum (added_at, id);
GRANT SELECT ON core.library_spectrum TO sarhad_read;

-- A member's laboratory adds a spectrum in its own name. False: the library has the same already. NULL: it has added as
-- many as it may.
CREATE FUNCTION gate.add_reference_spectrum(s jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  IF gate.agency() IS NULL OR NOT gate.roles() @> ARRAY['laboratory'] THEN
    RAISE EXCEPTION 'a laboratory submits reference spectra';
  END IF;
  IF (SELECT count(*) >= 20000 FROM core.library_spectrum h WHERE h.agency = gate.agency()) THEN
    RETURN NULL;
  END IF;
  INSERT INTO core.library_spectrum (id, agency, key_id, digest, substance, name, inchikey, technique, ion_mode,
      precursor_mz, instrument, collision_energy, mz, intensity, licence, attribution)
    SELECT r.id, gate.agency(), gate.key(), r.digest, r.substance, r.name, r.inchikey, r.technique, r.ion_mode,
      r.precursor_mz, r.instrument, r.collision_energy, r.mz, r.intensity, r.licence, r.attribution
    FROM jsonb_populate_record(NULL::core.library_spectrum, s) r
    ON CONFLICT ON CONSTRAINT library_spectrum_digest_key DO NOTHING;
  RETURN FOUND;
END $$;
-- An agency takes one of its own back.
CREATE FUNCTION gate.remove_reference_spectrum(spectrum uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM core.library_spectrum s WHERE s.id = spectrum AND s.agency = gate.agency();
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION gate.add_reference_spectrum(jsonb), gate.remove_reference_spectrum(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.add_reference_spectrum(jsonb), gate.remove_reference_spectrum(uuid) TO sarhad_write;
