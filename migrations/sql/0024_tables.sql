-- Methods of impurity profiling and what they are worth: registers, the same for every member.
CREATE TABLE core.profile_method (
  code text NOT NULL,
  agency text NOT NULL CONSTRAINT profile_method_agency_fkey REFERENCES core.agency (code),
  substance text NOT NULL CONSTRAINT profile_method_substance_fkey REFERENCES core.substance (code),
  technique text NOT NULL,
  markers text[] NOT NULL,
  description text NOT NULL,
  declared_at timestamptz NOT NULL DEFAULT now(),
  declared_by text NOT NULL,
  CONSTRAINT profile_method_pkey PRIMARY KEY (code),
  CONSTRAINT profile_method_markers_check CHECK (cardinality(markers) BETWEEN 5 AND 98)
);
-- Scores (Pearson r) at which the log10 likelihood ratio is known, with the bounds of its 95 % interval.
CREATE TABLE core.profile_calibration (
  method text NOT NULL CONSTRAINT profile_calibration_method_fkey REFERENCES core.profile_method (code),
  version integer NOT NULL,
  agency text NOT NULL,
  batches integer NOT NULL,
  linked integer NOT NULL,
  unlinked integer NOT NULL,
  auc real NOT NULL,
  cllr real NOT NULL,
  scores real[] NOT NULL,
  log10lr real[] NOT NULL,
  low real[] NOT NULL,
  high real[] NOT NULL,
  least real,
  made_at timestamptz NOT NULL DEFAULT now(),
  made_by text NOT NULL,
  CONSTRAINT profile_calibration_pkey PRIMARY KEY (method, version)
);

-- One impurity profile, of the facet spectra: centred and of length 1, so that the order by distance is
-- the order by Pearson's r (|a - b|² = 2 (1 - r)). The values themselves are in the record.
CREATE TABLE core.profile (
  record_id uuid NOT NULL,
  version integer NOT NULL,
  n integer NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  latest boolean NOT NULL DEFAULT true,
  line integer NOT NULL,
  method text NOT NULL CONSTRAINT profile_method_fkey REFERENCES core.profile_method (code),
  unit public.cube NOT NULL,
  owner char(2) NOT NULL,
  CONSTRAINT profile_pkey PRIMARY KEY (record_id, version, n),
  CONSTRAINT profile_record_id_version_fkey FOREIGN KEY (record_id, version)
    REFERENCES core.report (record_id, version)
);
CREATE INDEX profile_method_owner_unit_idx ON core.profile USING gist (method, owner, unit) WHERE latest;

-- What the units of one exhibit look like, of the facet marks; or, without an exhibit, an imprint that another record
-- than an analysis names. A laboratory may state the perceptual hash of an imprint (`logo_hash`). Where it does not,
-- that of the photograph takes its place which the appearance names and its country holds (`picture_hash`): the same
-- facet gives both, so no policy changes its meaning. Indexes tell whether a logo is new.
CREATE TABLE core.appearance (
  record_id uuid NOT NULL,
  version integer NOT NULL,
  n integer NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  latest boolean NOT NULL DEFAULT true,
  exhibit integer,
  logo text,
  logo_back text,
  logo_hash bigint,
  shape text,
  score text,
  diameter_mm numeric,
  thickness_mm numeric,
  length_mm numeric,
  width_mm numeric,
  image_sha256 text,
  picture_hash bigint,
  CONSTRAINT appearance_pkey PRIMARY KEY (record_id, version, n),
  CONSTRAINT appearance_record_id_version_fkey FOREIGN KEY (record_id, version)
    REFERENCES core.report (record_id, version)
);
CREATE INDEX appearance_logo_idx ON core.appearance (logo) WHERE latest AND logo IS NOT NULL;
CREATE INDEX appearance_hashed_idx ON core.appearance (record_id) WHERE latest AND logo_hash IS NOT NULL;
CREATE INDEX appearance_logo_back_idx ON core.appearance (logo_back) WHERE latest AND logo_back IS NOT NULL;
CREATE INDEX appearance_image_sha256_idx ON core.appearance (image_sha256) WHERE latest AND image_sha256 IS NOT NULL;

-- Records that no pass has looked at yet. Countries have their turns.
CREATE TABLE core.link_queue (record_id uuid NOT NULL, country char(2) NOT NULL);
CREATE INDEX link_queue_country_idx ON core.link_queue (country);
-- Records that a pass did not get through with, and how often: their portion is halved each time. Of one for which no
-- portion is left the links are not found (`service/links/seek.py`).
CREATE TABLE core.link_retry (
  record_id uuid NOT NULL,
  tried integer NOT NULL,
  country char(2) NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  CONSTRAINT link_retry_pkey PRIMARY KEY (record_id)
);
CREATE INDEX link_retry_country_id_idx ON core.link_retry (country, id);
-- Whose turn was last. A pass that is undone has had its turn all the same.
CREATE SEQUENCE core.link_turn MINVALUE 0;

-- One line of a report as the comparison of events looks at it. Kept by the passes, from the latest versions.
CREATE TABLE core.link_fact (
  record_id uuid NOT NULL,
  line integer NOT NULL,
  agency text NOT NULL,
  day date NOT NULL,
  place_country char(2),
  admin1 text,
  place text,
  lon double precision,
  lat double precision,
  policy_group text NOT NULL,
  substance text NOT NULL,
  lineage text[] NOT NULL,
  quantity numeric NOT NULL,
  unit text NOT NULL,
  kg numeric,
  kg_low numeric,
  kg_high numeric,
  weighed boolean NOT NULL,
  transport text,
  origin text,
  destination text,
  scope_id integer NOT NULL DEFAULT -1,
  CONSTRAINT link_fact_pkey PRIMARY KEY (record_id, line)
);
CREATE INDEX link_fact_near_idx ON core.link_fact (policy_group, day, agency, scope_id, (coalesce(kg, quantity)));

-- What a level of agreement weighs: log2 of how much more often it is met among reports of one event than among others
-- that are compared. `possible` and `probable` are the sums from which on a pair is proposed, and called probable.
CREATE TABLE core.link_model (
  version integer NOT NULL,
  weights jsonb NOT NULL,
  source text NOT NULL,
  pairs integer NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  made_by text NOT NULL,
  CONSTRAINT link_model_pkey PRIMARY KEY (version)
);

-- Two records that may belong together. `base` are the facets of both that a reader must be given to see it at all; of
-- the evidence (facets, weights, levels side by side) it is shown, and told the sum of, what it is given.
-- `grounds`: for each ground on which the two can be compared, the facets that say so; a reader is given all of one of
-- them. A pair that is shown without them would tell of places and routes that a reader is not given. Links of analyses
-- have the ground that takes none.
CREATE TABLE core.link (
  id uuid NOT NULL,
  relation text NOT NULL,
  a uuid NOT NULL,
  b uuid NOT NULL,
  a_agency text NOT NULL,
  b_agency text NOT NULL,
  a_scope integer NOT NULL,
  b_scope integer NOT NULL,
  a_month date NOT NULL,
  b_month date NOT NULL,
  base integer NOT NULL,
  facets integer[] NOT NULL,
  weights real[] NOT NULL,
  levels text[] NOT NULL,
  least real NOT NULL,
  score real,
  method text,
  model integer,
  state text NOT NULL DEFAULT 'proposed',
  round integer NOT NULL DEFAULT 1,
  made_at timestamptz NOT NULL DEFAULT now(),
  grounds integer[] NOT NULL DEFAULT '{0}',
  CONSTRAINT link_pkey PRIMARY KEY (id),
  CONSTRAINT link_relation_a_b_key UNIQUE (relation, a, b),
  CONSTRAINT link_relation_check CHECK (relation IN ('event', 'chemical', 'physical')),
  CONSTRAINT link_state_check CHECK (state IN ('proposed', 'confirmed', 'rejected', 'undone')),
  CONSTRAINT link_sides_check CHECK (a <> b AND a_agency <= b_agency)
);
CREATE INDEX link_a_idx ON core.link (a);
CREATE INDEX link_b_idx ON core.link (b);
CREATE INDEX link_confirmed_idx ON core.link (relation) WHERE state = 'confirmed';

-- What the parties said of a link. Nothing here is ever changed.
CREATE TABLE core.link_act (
  id uuid NOT NULL,
  link_id uuid NOT NULL CONSTRAINT link_act_link_id_fkey REFERENCES core.link (id) ON DELETE CASCADE,
  round integer NOT NULL,
  act text NOT NULL,
  agency text NOT NULL,
  key_id text NOT NULL,
  reason text,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT link_act_pkey PRIMARY KEY (id),
  CONSTRAINT link_act_act_check CHECK (act IN ('confirm', 'reject', 'undo'))
);
CREATE INDEX link_act_link_id_idx ON core.link_act (link_id);

-- Learned from the public seizure reports of 2011 and 2012 with second reports added, told of 500 of them what they are
-- (`tests/bench duplicates` prints them). What agencies confirm teaches others.
INSERT INTO core.link_model (version, weights, source, pairs, made_by) VALUES (1, '{
  "possible": 6.8, "probable": 10,
  "amount": {"same-rare": 7.8, "same-distinctive": 7.3, "same-round": 6.5, "close": 3.9, "near": 0.5, "converted": 4.9,
    "thousandfold": 0.2, "different": -5.0},
  "substance": {"same": 0.4, "within": 1.0, "other": -8.0},
  "time": {"same": 1.7, "next": -0.4, "days": -1.7},
  "place": {"same": 3.8, "similar": 2.8, "different": -3.7},
  "admin1": {"same": 3.9, "different": -5.3},
  "transport": {"same": 0.1, "different": -2.8},
  "origin": {"same": 0.2, "different": -2.0},
  "destination": {"same": 0.0, "different": -1.5}
}', 'public reports 2011-2012', 500, 'migration');
