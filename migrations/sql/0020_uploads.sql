-- A file on its way, in pieces that lie in the store under the names in `pieces`; seen by the agency that sends it.
-- `sha256` is that of the whole as it is sent. Finished, it says what was kept, or why nothing was.
CREATE TABLE core.upload (
  id uuid NOT NULL,
  country char(2) NOT NULL CONSTRAINT upload_country_fkey REFERENCES core.country (code),
  agency text NOT NULL CONSTRAINT upload_agency_fkey REFERENCES core.agency (code),
  key_id text NOT NULL,
  size bigint NOT NULL,
  sha256 bytea NOT NULL,
  received bigint NOT NULL DEFAULT 0,
  pieces text[] NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'receiving',
  kept_id uuid,
  refusal jsonb,
  begun_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  CONSTRAINT upload_pkey PRIMARY KEY (id),
  CONSTRAINT upload_state_check CHECK (state IN ('receiving', 'kept', 'refused')
    AND (state = 'kept') = (kept_id IS NOT NULL) AND (state = 'refused') = (refusal IS NOT NULL)),
  CONSTRAINT upload_received_check CHECK (received BETWEEN 0 AND size),
  CONSTRAINT upload_agency_check CHECK (left(agency, 2) = country)
);
CREATE INDEX upload_agency_idx ON core.upload (agency);
CREATE INDEX upload_expires_at_idx ON core.upload (expires_at);
ALTER TABLE core.upload ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT INSERT ON core.upload TO sarhad_write;
CREATE POLICY begun ON core.upload FOR INSERT TO sarhad_write WITH CHECK (
  country = (SELECT gate.country()) AND agency = (SELECT gate.agency()) AND state = 'receiving' AND received = 0);
GRANT SELECT ON core.upload TO gate_own;
CREATE POLICY own ON core.upload FOR SELECT TO gate_own USING (country = (SELECT gate.country()));
CREATE VIEW shared.upload AS
  SELECT id, country, agency, size, sha256, received, pieces, state, kept_id, refusal, begun_at, expires_at
  FROM core.upload;
ALTER VIEW shared.upload OWNER TO gate_own;
GRANT SELECT ON shared.upload TO sarhad_read, sarhad_write;

CREATE POLICY sent ON core.upload TO sarhad_owner USING (agency = gate.agency() OR expires_at < now())
  WITH CHECK (agency = gate.agency());
-- One more piece at the end of what was received so far. False: it is not the next, or nothing is awaited.
CREATE FUNCTION gate.extend_upload(upload_id uuid, starting bigint, bytes bigint, piece text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.upload u SET received = u.received + bytes, pieces = u.pieces || piece
    WHERE u.id = upload_id AND u.agency = gate.agency() AND u.state = 'receiving' AND u.received = starting
      AND u.received + bytes <= u.size AND u.expires_at > now();
  RETURN FOUND;
END $$;
-- The end of an upload: kept, refused, or (neither) given up and forgotten.
CREATE FUNCTION gate.end_upload(upload_id uuid, kept uuid, refused jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  IF kept IS NULL AND refused IS NULL THEN
    DELETE FROM core.upload u WHERE u.id = upload_id AND u.agency = gate.agency();
  ELSE
    UPDATE core.upload u SET pieces = '{}', kept_id = kept, refusal = refused,
        state = CASE WHEN kept IS NULL THEN 'refused' ELSE 'kept' END
      WHERE u.id = upload_id AND u.agency = gate.agency() AND u.state = 'receiving';
  END IF;
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION gate.extend_upload(uuid, bigint, bigint, text), gate.end_upload(uuid, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.extend_upload(uuid, bigint, bigint, text), gate.end_upload(uuid, uuid, jsonb)
  TO sarhad_write;

-- Forgets uploads that were given up, and files that no record has named in time; returns the names of their objects,
-- which the caller then removes from the store.
CREATE FUNCTION core.forget_attachments() RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY WITH gone AS (DELETE FROM core.upload u WHERE u.expires_at < now() RETURNING u.pieces)
    SELECT unnest(g.pieces) FROM gone g;
  RETURN QUERY DELETE FROM core.attachment a WHERE a.kept_until < now()
    AND NOT EXISTS (SELECT FROM core.attachment_ref r WHERE (r.country, r.sha256) = (a.country, a.sha256))
    RETURNING a.object;
END $$;
-- Of these names of objects those that nothing refers to.
CREATE POLICY counted ON core.attachment FOR SELECT TO sarhad_owner USING (gate.country() IS NULL);
CREATE POLICY counted ON core.upload FOR SELECT TO sarhad_owner USING (gate.country() IS NULL);
CREATE FUNCTION core.unknown_objects(names text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
  SELECT n FROM unnest(names) AS n
  WHERE NOT EXISTS (SELECT FROM core.attachment a WHERE a.object = n)
    AND NOT EXISTS (SELECT FROM core.upload u WHERE n = ANY (u.pieces))
$$;
REVOKE ALL ON FUNCTION core.forget_attachments(), core.unknown_objects(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.forget_attachments(), core.unknown_objects(text[]) TO sarhad_sequencer;
