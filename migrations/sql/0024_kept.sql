-- Whoever adds a record says whose it is, or leaves that to be looked up.
CREATE FUNCTION core.place_link_queue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  NEW.country := (SELECT r.country FROM report r WHERE r.record_id = NEW.record_id LIMIT 1);
  RETURN NEW;
END $$;
CREATE TRIGGER placed BEFORE INSERT ON core.link_queue FOR EACH ROW WHEN (NEW.country IS NULL)
  EXECUTE FUNCTION core.place_link_queue();

-- What was filed waits for a pass; what stands for a record follows its scope and its versions.
CREATE FUNCTION core.queue_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO link_queue (record_id, country) SELECT f.record_id, f.country FROM filed f WHERE f.kind <> 'zero';
  RETURN NULL;
END $$;
CREATE FUNCTION core.requeue_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO link_queue VALUES (NEW.record_id);
  RETURN NULL;
END $$;
CREATE FUNCTION core.keep_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE profile p SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (p.record_id, p.version) = (NEW.record_id, NEW.version);
  UPDATE appearance p SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (p.record_id, p.version) = (NEW.record_id, NEW.version);
  IF NEW.latest THEN
    UPDATE link_fact f SET scope_id = NEW.scope_id WHERE f.record_id = NEW.record_id;
    UPDATE link k SET a_scope = NEW.scope_id, a_month = NEW.month_end WHERE k.a = NEW.record_id;
    UPDATE link k SET b_scope = NEW.scope_id, b_month = NEW.month_end WHERE k.b = NEW.record_id;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION core.empty_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM link; DELETE FROM link_fact; DELETE FROM link_queue; DELETE FROM link_retry;
  RETURN NULL;
END $$;
CREATE TRIGGER links_filed AFTER INSERT ON core.report REFERENCING NEW TABLE AS filed
  FOR EACH STATEMENT EXECUTE FUNCTION core.queue_links();
CREATE TRIGGER links_followed AFTER UPDATE OF scope_id, latest ON core.report FOR EACH ROW
  WHEN ((OLD.scope_id, OLD.latest) IS DISTINCT FROM (NEW.scope_id, NEW.latest)) EXECUTE FUNCTION core.keep_links();
CREATE TRIGGER links_succeeded AFTER INSERT ON core.report FOR EACH ROW
  WHEN (NEW.version > 1) EXECUTE FUNCTION core.keep_links();
CREATE TRIGGER links_resulted AFTER UPDATE OF substance ON core.report_line FOR EACH ROW
  WHEN (OLD.substance <> NEW.substance AND NEW.latest) EXECUTE FUNCTION core.requeue_links();
CREATE TRIGGER links_emptied AFTER TRUNCATE ON core.report FOR EACH STATEMENT EXECUTE FUNCTION core.empty_links();

-- A photograph may be sent after the record that names it.
CREATE FUNCTION core.requeue_pictured() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO link_queue SELECT DISTINCT p.record_id FROM appearance p JOIN report r USING (record_id, version)
    WHERE p.latest AND p.image_sha256 = encode(NEW.sha256, 'hex') AND r.country = NEW.country;
  RETURN NULL;
END $$;
CREATE TRIGGER pictured AFTER INSERT ON core.attachment FOR EACH ROW WHEN (NEW.phash IS NOT NULL)
  EXECUTE FUNCTION core.requeue_pictured();

-- Reports of an unknown are compared again when it is published, and when it turns out to be something: they are
-- compared within its policy group and along its place in the catalogue, and both were those of an unknown.
CREATE FUNCTION core.requeue_unknown_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  -- of every version: while the cube takes lines out and in again, none of them is the latest
  INSERT INTO link_queue SELECT DISTINCT l.record_id FROM report_line l WHERE l.substance = NEW.code;
  RETURN NULL;
END $$;
CREATE TRIGGER links_placed AFTER INSERT OR UPDATE OF parent, policy_group ON core.substance FOR EACH ROW
  WHEN (NEW.kind = 'provisional') EXECUTE FUNCTION core.requeue_unknown_links();

-- The nearest profiles are looked for in each country by itself, so a profile says whose it is.
CREATE FUNCTION core.own_profile() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  NEW.owner := (SELECT s.owner FROM gate.scope s WHERE s.id = NEW.scope_id);
  RETURN NEW;
END $$;
CREATE TRIGGER owned BEFORE INSERT ON core.profile FOR EACH ROW EXECUTE FUNCTION core.own_profile();
