"""Provisional substances of laboratories, and the lists of what each member controls.

A provisional entry is its country's own until a policy officer of that country publishes it: row security shows it to
nobody else. Published, it stands in `core.substance` like any entry, below the class its laboratory named; resolved,
below the entry it turned out to be. So what is asked of that entry includes it, and no record changes.
"""

from alembic import op

from migrations.scripts import run

revision = "0021"
down_revision = "0020"

PROVISIONAL = """
CREATE TABLE core.provisional_substance (
  code text NOT NULL,
  owner char(2) NOT NULL CONSTRAINT provisional_substance_owner_fkey REFERENCES core.country (code),
  agency text NOT NULL CONSTRAINT provisional_substance_agency_fkey REFERENCES core.agency (code),
  year smallint NOT NULL,
  n integer NOT NULL,
  name text NOT NULL,
  parent text NOT NULL CONSTRAINT provisional_substance_parent_fkey REFERENCES core.substance (code),
  policy_group text NOT NULL CONSTRAINT provisional_substance_policy_group_fkey REFERENCES core.substance_group (code),
  nps_group text,
  smiles text,
  inchikey text,
  parent_inchikey text,
  formula text,
  triage text,
  note text,
  registered_by text NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT now(),
  published_by text,
  published_at timestamptz,
  resolved text CONSTRAINT provisional_substance_resolved_fkey REFERENCES core.substance (code),
  resolved_by text,
  resolved_at timestamptz,
  reason text,
  CONSTRAINT provisional_substance_pkey PRIMARY KEY (code),
  CONSTRAINT provisional_substance_agency_year_n_key UNIQUE (agency, year, n),
  CONSTRAINT provisional_substance_owner_check CHECK (left(agency, 2) = owner),
  CONSTRAINT provisional_substance_code_check CHECK (code = 'UNK-' || agency || '-' || year || '-' || n),
  CONSTRAINT provisional_substance_published_check CHECK ((published_at IS NULL) = (published_by IS NULL)),
  CONSTRAINT provisional_substance_resolved_check CHECK ((resolved IS NULL) = (resolved_at IS NULL))
);
CREATE INDEX provisional_substance_parent_inchikey_idx ON core.provisional_substance (parent_inchikey);
ALTER TABLE core.provisional_substance ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON core.provisional_substance TO gate_own;
CREATE POLICY known ON core.provisional_substance FOR SELECT TO gate_own
  USING (owner = (SELECT gate.country()) OR published_at IS NOT NULL AND (SELECT gate.country()) IS NOT NULL);
CREATE POLICY kept ON core.provisional_substance TO sarhad_owner
  USING (owner = (SELECT gate.country())) WITH CHECK (owner = (SELECT gate.country()));
CREATE VIEW shared.provisional_substance AS
  SELECT code, owner, agency, name, parent, policy_group, nps_group, smiles, inchikey, parent_inchikey, formula, triage,
    note, registered_at, published_at, resolved, resolved_at, reason,
    CASE WHEN owner = (SELECT gate.country()) THEN registered_by END AS registered_by
  FROM core.provisional_substance;
ALTER VIEW shared.provisional_substance OWNER TO gate_own;
GRANT SELECT ON shared.provisional_substance TO sarhad_read, sarhad_write;

-- The next code of the caller's agency in this year. Its country numbers nobody else's.
CREATE FUNCTION gate.register_provisional(given jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
DECLARE
  made core.provisional_substance;
BEGIN
  IF NOT 'laboratory' = ANY (gate.roles()) THEN
    RAISE EXCEPTION 'only a laboratory registers what it found';
  END IF;
  PERFORM pg_advisory_xact_lock(7276828, hashtext(gate.agency()));
  made := jsonb_populate_record(NULL::core.provisional_substance, given);
  made.owner := gate.country();
  made.agency := gate.agency();
  made.registered_by := gate.key();
  made.registered_at := now();
  made.year := extract(year FROM now() AT TIME ZONE 'UTC');
  made.n := 1 + coalesce((SELECT max(p.n) FROM core.provisional_substance p
    WHERE (p.agency, p.year) = (made.agency, made.year)), 0);
  made.code := concat_ws('-', 'UNK', made.agency, made.year, made.n);
  made.published_by := NULL; made.published_at := NULL;
  made.resolved := NULL; made.resolved_by := NULL; made.resolved_at := NULL; made.reason := NULL;
  INSERT INTO core.provisional_substance SELECT made.*;
  RETURN made.code;
END $$;

-- Lines that carry a provisional code are counted under the group its entry has: taken out of the cube as they were and
-- put back as they are, once the entry has changed. What the lines say does not change.
CREATE POLICY provisional ON core.report_line FOR SELECT TO sarhad_owner USING (substance LIKE 'UNK-%');
CREATE POLICY provisional_recounted ON core.report_line FOR UPDATE TO sarhad_owner USING (substance LIKE 'UNK-%')
  WITH CHECK (substance LIKE 'UNK-%');
CREATE FUNCTION gate.place_provisional(of_code text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, core AS $$
DECLARE
  p core.provisional_substance := (SELECT x FROM core.provisional_substance x WHERE x.code = of_code);
  records uuid[];
  versions integer[];
  numbers integer[];
BEGIN
  WITH out_of AS (
    UPDATE core.report_line l SET latest = false WHERE l.substance = of_code AND l.latest
    RETURNING l.record_id, l.version, l.line)
  SELECT array_agg(record_id), array_agg(version), array_agg(line) INTO records, versions, numbers FROM out_of;
  INSERT INTO core.substance (code, kind, parent, name_en, policy_group, nps_group, inchikey, smiles, formula, note)
    SELECT p.code, 'provisional', coalesce(p.resolved, p.parent), p.name,
      coalesce((SELECT s.policy_group FROM core.substance s WHERE s.code = p.resolved), p.policy_group),
      p.nps_group, p.parent_inchikey, p.smiles, p.formula, p.note
    ON CONFLICT ON CONSTRAINT substance_pkey DO UPDATE SET parent = EXCLUDED.parent,
      policy_group = EXCLUDED.policy_group, inchikey = EXCLUDED.inchikey, smiles = EXCLUDED.smiles,
      formula = EXCLUDED.formula;
  UPDATE core.report_line l SET latest = true
    FROM unnest(records, versions, numbers) AS o(record_id, version, line)
    WHERE (l.record_id, l.version, l.line) = (o.record_id, o.version, o.line);
END $$;

-- Show the entry to every member, as the decision of a policy officer of its country. False: shown before, or none.
CREATE FUNCTION gate.publish_provisional(of_code text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  IF NOT 'policy_officer' = ANY (gate.roles()) THEN
    RAISE EXCEPTION 'only a policy officer publishes';
  END IF;
  UPDATE core.provisional_substance p SET published_at = now(), published_by = gate.key()
    WHERE p.code = of_code AND p.owner = gate.country() AND p.published_at IS NULL;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM gate.place_provisional(of_code);
  RETURN true;
END $$;

-- What the unknown turned out to be, or what it is held to be now. False: no such entry of the caller's country.
CREATE FUNCTION gate.resolve_provisional(of_code text, becoming text, because text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
DECLARE
  shown boolean;
BEGIN
  IF NOT 'laboratory' = ANY (gate.roles()) THEN
    RAISE EXCEPTION 'only a laboratory resolves';
  END IF;
  UPDATE core.provisional_substance p SET resolved = becoming, resolved_at = now(), resolved_by = gate.key(),
      reason = because
    WHERE p.code = of_code AND p.owner = gate.country() RETURNING p.published_at IS NOT NULL INTO shown;
  IF shown IS NULL THEN RETURN false; END IF;
  IF shown THEN PERFORM gate.place_provisional(of_code); END IF;
  RETURN true;
END $$;

-- Of the caller's own country: the analyses in which a finding carries this code.
CREATE FUNCTION gate.found_as(of_code text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN ARRAY(SELECT DISTINCT f.record_id FROM core.finding f JOIN gate.scope s ON s.id = f.scope_id
    WHERE f.substance = of_code AND f.latest AND s.owner = gate.country() ORDER BY 1);
END $$;
REVOKE ALL ON FUNCTION gate.register_provisional(jsonb), gate.place_provisional(text), gate.publish_provisional(text),
  gate.resolve_provisional(text, text, text), gate.found_as(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.register_provisional(jsonb), gate.publish_provisional(text),
  gate.resolve_provisional(text, text, text), gate.found_as(text) TO sarhad_write;
"""

# When an unknown is published or resolved, early warning looks again at the records that carry it.
CARRYING = """
-- Of an entry of the caller's own country, in records of any: ids alone, for the queue of what is to be judged.
CREATE FUNCTION gate.carrying(of_code text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM core.provisional_substance p WHERE p.code = of_code AND p.owner = gate.country()) THEN
    RETURN '{}';
  END IF;
  RETURN ARRAY(
    SELECT l.record_id FROM core.report_line l WHERE l.substance = of_code AND l.substance LIKE 'UNK-%' AND l.latest
    UNION SELECT f.record_id FROM core.finding f WHERE f.substance = of_code AND f.latest ORDER BY 1);
END $$;
REVOKE ALL ON FUNCTION gate.carrying(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.carrying(text) TO sarhad_write;
"""

LISTINGS = """
-- What each member says it controls: its own words, for all members. Versions are added and never changed.
CREATE TABLE core.national_listing (
  country char(2) NOT NULL CONSTRAINT national_listing_country_fkey REFERENCES core.country (code),
  entry text NOT NULL,
  version integer NOT NULL,
  substance text CONSTRAINT national_listing_substance_fkey REFERENCES core.substance (code),
  generic jsonb,
  schedule text NOT NULL,
  legal_basis text NOT NULL,
  valid_from date NOT NULL,
  valid_until date,
  source text,
  withdrawn text,
  signed text NOT NULL,
  key_id text NOT NULL,
  entered_by text NOT NULL,
  entered_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT national_listing_pkey PRIMARY KEY (country, entry, version),
  CONSTRAINT national_listing_version_check CHECK (version >= 1),
  CONSTRAINT national_listing_period_check CHECK (valid_until > valid_from),
  CONSTRAINT national_listing_covers_check CHECK ((substance IS NULL) <> (generic IS NULL))
);
CREATE INDEX national_listing_substance_idx ON core.national_listing (substance);
-- Which entries of the catalogue a generic definition takes in: computed when it is entered, and for new entries.
CREATE TABLE core.listing_match (
  country char(2) NOT NULL,
  entry text NOT NULL,
  version integer NOT NULL,
  substance text NOT NULL CONSTRAINT listing_match_substance_fkey REFERENCES core.substance (code),
  CONSTRAINT listing_match_pkey PRIMARY KEY (country, entry, version, substance),
  CONSTRAINT listing_match_country_entry_version_fkey FOREIGN KEY (country, entry, version)
    REFERENCES core.national_listing (country, entry, version)
);
CREATE INDEX listing_match_substance_idx ON core.listing_match (substance);
ALTER TABLE core.national_listing ENABLE ROW LEVEL SECURITY;
CREATE POLICY registered ON core.national_listing FOR SELECT TO sarhad_read, sarhad_write USING (true);
CREATE POLICY entered ON core.national_listing FOR INSERT TO sarhad_write
  WITH CHECK (country = (SELECT gate.country()));
GRANT SELECT ON core.national_listing, core.listing_match TO sarhad_read, sarhad_write;
GRANT INSERT ON core.national_listing, core.listing_match TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(PROVISIONAL, CARRYING, LISTINGS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
