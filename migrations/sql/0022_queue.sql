-- What was filed waits here, from which it is judged in a lane for each country that watches. It is nobody's past while
-- it waits: two portions of one batch, or an entry whose judging failed and one that was judged meanwhile, would each
-- be the past of the other, and nobody be told of what both brought. An entry stays for the orders that did not look at
-- it, which try again after 1, 4, 16 and 64 minutes: five times in all, within a day.
CREATE TABLE core.alert_queue (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  reader char(2) NOT NULL CONSTRAINT alert_queue_reader_fkey REFERENCES core.country (code),
  country char(2),
  records uuid[] NOT NULL,
  links uuid[] NOT NULL,
  tried integer NOT NULL DEFAULT 0,
  looked uuid[] NOT NULL DEFAULT '{}',
  filed_at timestamptz NOT NULL DEFAULT now(),
  due_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT alert_queue_pkey PRIMARY KEY (id)
);
CREATE INDEX alert_queue_reader_id_idx ON core.alert_queue (reader, id);
ALTER TABLE core.alert_queue ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY kept ON core.alert_queue TO sarhad_owner USING (true) WITH CHECK (true);
-- In the transaction that files or links: for each country that watches. Answers with these.
CREATE FUNCTION gate.judge_later(of_records uuid[], of_links uuid[]) RETURNS SETOF char(2)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY INSERT INTO core.alert_queue AS q (reader, country, records, links)
    SELECT w.country, gate.country(), of_records, of_links
    FROM (SELECT DISTINCT s.country FROM core.subscription s WHERE s.ended_at IS NULL
      AND EXISTS (SELECT FROM core.agency_key k WHERE k.kid = s.key_id AND gate.in_force(k))) w
    RETURNING q.reader;
END $$;
-- Ids of what waits for the reader's country. It is asked about records that the reader sees, and about no others.
CREATE FUNCTION gate.unjudged() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT unnest(q.records) FROM core.alert_queue q WHERE q.reader = (SELECT gate.country());
END $$;
-- What is to be judged next in one country's eyes: first what was never taken, of each country that filed one entry and
-- then up to so many records; then, if `again`, one by one, what was taken, was not judged to the end and is due.
CREATE FUNCTION gate.take_unjudged(reading char(2), most integer, again boolean)
RETURNS TABLE (id bigint, records uuid[], links uuid[], looked uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM core.alert_queue q
    WHERE q.reader = reading AND (q.tried >= 5 OR q.tried > 0 AND q.filed_at < now() - interval '1 day');
  RETURN QUERY UPDATE core.alert_queue q SET tried = 1, due_at = now() + interval '1 minute' FROM (
      SELECT u.id, sum(cardinality(u.records) + cardinality(u.links) + 1) OVER earlier AS so_far,
        row_number() OVER earlier AS place
      FROM core.alert_queue u WHERE u.reader = reading AND u.tried = 0
      WINDOW earlier AS (PARTITION BY u.country ORDER BY u.id)) w
    WHERE q.id = w.id AND (w.so_far <= most OR w.place = 1) RETURNING q.id, q.records, q.links, q.looked;
  IF NOT FOUND AND again THEN
    RETURN QUERY UPDATE core.alert_queue q
      SET tried = q.tried + 1, due_at = now() + interval '1 minute' * power(4, q.tried)
      WHERE q.id = (SELECT u.id FROM core.alert_queue u WHERE u.reader = reading AND u.due_at <= now()
        ORDER BY u.tried, u.id LIMIT 1)
      RETURNING q.id, q.records, q.links, q.looked;
  END IF;
END $$;
-- Some orders of the country have looked at these entries, which stay for the others.
CREATE FUNCTION gate.looked(entries bigint[], orders uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.alert_queue q SET looked = q.looked || orders WHERE q.id = ANY (entries);
END $$;
CREATE FUNCTION gate.judged(entries bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM core.alert_queue q WHERE q.id = ANY (entries);
END $$;
-- The countries in whose eyes something is to be judged.
CREATE FUNCTION gate.judging() RETURNS SETOF char(2)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT DISTINCT q.reader FROM core.alert_queue q WHERE q.due_at <= now();
END $$;
