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
  CONSTRAINT profile_pkey PRIMARY KEY (record_id, version, n),
  CONSTRAINT profile_record_id_version_fkey FOREIGN KEY (record_id, version)
    REFERENCES core.report (record_id, version)
);
CREATE INDEX profile_method_unit_idx ON core.profile USING gist (method, unit) WHERE latest;

-- What the units of one exhibit look like, of the facet marks.
CREATE TABLE core.appearance (
  record_id uuid NOT NULL,
  version integer NOT NULL,
  n integer NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  latest boolean NOT NULL DEFAULT true,
  exhibit integer NOT NULL,
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
  CONSTRAINT appearance_pkey PRIMARY KEY (record_id, version, n),
  CONSTRAINT appearance_record_id_version_fkey FOREIGN KEY (record_id, version)
    REFERENCES core.report (record_id, version)
);
CREATE INDEX appearance_logo_idx ON core.appearance (logo) WHERE latest AND logo IS NOT NULL;
CREATE INDEX appearance_hashed_idx ON core.appearance (record_id) WHERE latest AND logo_hash IS NOT NULL;

-- Records that no pass has looked at yet. No index: filing only adds to it.
CREATE TABLE core.link_queue (record_id uuid NOT NULL);

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
  CONSTRAINT link_fact_pkey PRIMARY KEY (record_id, line)
);
CREATE INDEX link_fact_policy_group_day_idx ON core.link_fact (policy_group, day);

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
