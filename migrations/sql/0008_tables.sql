ALTER TABLE core.country ADD COLUMN status text NOT NULL DEFAULT 'member',
  ADD CONSTRAINT country_status_check CHECK (status IN ('member', 'observer', 'third'));
CREATE TABLE core.country_group (
  code text NOT NULL,
  country char(2) NOT NULL CONSTRAINT country_group_country_fkey REFERENCES core.country (code),
  CONSTRAINT country_group_pkey PRIMARY KEY (code, country),
  CONSTRAINT country_group_code_check CHECK (code ~ '^[a-z][a-z0-9-]{1,39}$' AND code <> 'members')
);
GRANT SELECT ON core.country_group TO sarhad_read, sarhad_write, sarhad_authn;

-- What a rule may test about a record: who filed it, and, for a record with rules of its own, which it is. `month_end`
-- stands with the latter only: of one record it is known whether a delay is over. With another month it has another
-- scope, and what readers see of the version in force does not change before the next one is committed.
ALTER TABLE gate.scope DROP CONSTRAINT scope_owner_kind_groups_handling_key;
ALTER TABLE gate.scope ADD COLUMN agency text NOT NULL DEFAULT '', ADD COLUMN record uuid, ADD COLUMN month_end date,
  ADD CONSTRAINT scope_private_check CHECK ((record IS NULL) = (month_end IS NULL));
ALTER TABLE gate.scope ADD CONSTRAINT scope_labels_key
  UNIQUE NULLS NOT DISTINCT (owner, agency, kind, groups, handling, record, month_end);
CREATE INDEX scope_record_idx ON gate.scope (record) WHERE record IS NOT NULL;

-- Private scopes that are about to be, while they are weighed: ids below zero until the lock gives them a place. Rows
-- come and go within one transaction, so that nobody else ever sees one.
CREATE TABLE gate.planned (LIKE gate.scope);

-- Contexts come back when their holders do: those there hold roles that count for nothing.
DROP FUNCTION gate.adopt(char, jsonb), gate.scopes_for(jsonb), gate.enter(text, text, text[], text),
  gate.version_for(gate.context), gate.grants(integer[], integer[]), gate.mask(integer, boolean);
DROP TABLE gate.compiled;
-- Ids go on: a token of before names no context of after.
DELETE FROM gate.context;
ALTER TABLE gate.context DROP CONSTRAINT context_country_agency_roles_purpose_key;
-- `trial`: the country whose officer looks through the eyes of this reader, at records of that country only
ALTER TABLE gate.context ADD COLUMN trial char(2), ADD COLUMN made_at timestamptz NOT NULL DEFAULT now();
CREATE UNIQUE INDEX context_reader_key ON gate.context (country, agency, roles, purpose) WHERE trial IS NULL;

-- By the ids of scopes: what each gives. `until`: when some rule begins or ends next; from then on the row gives
-- nothing until it is compiled again. `stopped`: the suspensions that it has taken in.
CREATE TABLE gate.compiled (
  context_id integer PRIMARY KEY REFERENCES gate.context,
  masks integer[] NOT NULL,
  delays integer[] NOT NULL,
  version text NOT NULL,
  duties integer[] NOT NULL,
  windows_from integer[],
  windows_until integer[],
  until timestamptz NOT NULL,
  stopped uuid[] NOT NULL
);
ALTER TABLE gate.compiled ALTER COLUMN masks SET STORAGE EXTERNAL, ALTER COLUMN delays SET STORAGE EXTERNAL,
  ALTER COLUMN duties SET STORAGE EXTERNAL, ALTER COLUMN windows_from SET STORAGE EXTERNAL,
  ALTER COLUMN windows_until SET STORAGE EXTERNAL;

-- A rule is in force from the later of its own beginning and its document's, to the earlier of both ends.
ALTER TABLE gate.rule DROP CONSTRAINT rule_pkey;
ALTER TABLE gate.rule
  ADD COLUMN layer text NOT NULL DEFAULT 'national', ADD COLUMN version integer NOT NULL DEFAULT 0,
  ADD COLUMN record uuid, ADD COLUMN audience_groups text[],
  ADD COLUMN gives text NOT NULL DEFAULT 'rows' CHECK (gives IN ('rows', 'aggregates', 'hits')),
  ADD COLUMN duties integer NOT NULL DEFAULT 0,
  ADD COLUMN events_from date, ADD COLUMN events_until date,
  ADD COLUMN valid_from timestamptz, ADD COLUMN valid_until timestamptz,
  ADD COLUMN begins timestamptz NOT NULL DEFAULT '-infinity', ADD COLUMN ends timestamptz NOT NULL DEFAULT 'infinity',
  ADD CONSTRAINT rule_layer_check CHECK (layer = 'national' OR layer ~ '^agency:[A-Z]{2}-[A-Z0-9]{2,12}$'
    OR layer = 'record'),
  ADD CONSTRAINT rule_record_check CHECK ((layer = 'record') = (record IS NOT NULL)),
  ADD CONSTRAINT rule_place_key UNIQUE NULLS NOT DISTINCT (owner, layer, version, record, position);
CREATE INDEX rule_record_idx ON gate.rule (record) WHERE record IS NOT NULL;

-- The documents in force and to come. A ceiling without rules lets nothing through; no ceiling lets everything.
CREATE TABLE gate.layer (
  owner char(2) NOT NULL,
  layer text NOT NULL,
  version integer NOT NULL,
  begins timestamptz NOT NULL,
  ends timestamptz NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (owner, layer, version)
);
INSERT INTO gate.layer SELECT DISTINCT owner, 'national', 0, '-infinity'::timestamptz FROM gate.rule;

-- The kill switch: from the statement after its COMMIT nobody in `towards` sees a record of `owner` (of one agency).
CREATE TABLE core.suspension (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  owner char(2) NOT NULL CONSTRAINT suspension_owner_fkey REFERENCES core.country (code),
  of_agency text,
  towards_country char(2),
  towards_agency text,
  towards_key text,
  by text NOT NULL,
  reason text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  lifted_at timestamptz,
  lifted_by text,
  CONSTRAINT suspension_pkey PRIMARY KEY (id),
  CONSTRAINT suspension_agency_check CHECK (left(of_agency, 2) = owner),
  CONSTRAINT suspension_lifting_check CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE INDEX suspension_owner_idx ON core.suspension (owner) WHERE lifted_at IS NULL;
ALTER TABLE core.suspension ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT INSERT ON core.suspension TO sarhad_write;
GRANT SELECT ON core.suspension TO gate_own;
CREATE POLICY filed ON core.suspension FOR INSERT TO sarhad_write
  WITH CHECK (owner = (SELECT gate.country()) AND lifted_at IS NULL);
CREATE POLICY own ON core.suspension FOR SELECT TO gate_own USING (owner = (SELECT gate.country()));
CREATE POLICY consulted ON core.suspension FOR SELECT TO sarhad_owner USING (true);
CREATE POLICY lifted ON core.suspension FOR UPDATE TO sarhad_owner
  USING (owner = gate.country() AND lifted_at IS NULL) WITH CHECK (lifted_at IS NOT NULL);
CREATE VIEW shared.suspension AS SELECT id, owner, of_agency, towards_country, towards_agency, towards_key, by, reason,
  created_at, lifted_at, lifted_by FROM core.suspension;
ALTER VIEW shared.suspension OWNER TO gate_own;
GRANT SELECT ON shared.suspension TO sarhad_read, sarhad_write;
