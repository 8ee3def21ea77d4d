-- What gates preload (shared/spec/manifest.md), and the journal of what changed since.
--
-- The journal is written by triggers, so that no feature can forget it. A publication takes its
-- rows first and reads the tickets after: what commits in between is in both, and lost in neither.

CREATE TABLE manifest_change (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    ticket_id uuid, -- NULL: something else that gates go by
    PRIMARY KEY (tenant_id, event_id, change_id)
);
CALL protect('manifest_change');
GRANT SELECT, INSERT, DELETE ON manifest_change TO usher_app;

CREATE FUNCTION wake_publisher() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY usher_manifests;
    RETURN NULL;
END $$;
CREATE TRIGGER wake AFTER INSERT ON manifest_change
    FOR EACH STATEMENT EXECUTE FUNCTION wake_publisher();

CREATE FUNCTION journal_new_tickets() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.manifest_change (tenant_id, event_id, ticket_id)
    SELECT tenant_id, event_id, ticket_id FROM added
     WHERE list_status IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_new AFTER INSERT ON ticket REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION journal_new_tickets();

-- A row's condition is judged before anything is called: holds and check-ins, which no list
-- tells of, cost next to nothing.
CREATE FUNCTION journal_ticket() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.manifest_change (tenant_id, event_id, ticket_id)
    VALUES (NEW.tenant_id, NEW.event_id, NEW.ticket_id);
    RETURN NULL;
END $$;
CREATE TRIGGER journal AFTER UPDATE ON ticket FOR EACH ROW
    WHEN (NEW.list_status IS NOT NULL AND (
        OLD.list_status IS DISTINCT FROM NEW.list_status
        OR OLD.gen <> NEW.gen OR OLD.class_index <> NEW.class_index
        OR OLD.token IS DISTINCT FROM NEW.token OR OLD.holder IS DISTINCT FROM NEW.holder
        OR OLD.attendee IS DISTINCT FROM NEW.attendee OR OLD.seat IS DISTINCT FROM NEW.seat))
    EXECUTE FUNCTION journal_ticket();

-- What the plan is computed from. Every change of an event raises its version.
CREATE FUNCTION journal_event() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.manifest_change (tenant_id, event_id)
    VALUES (NEW.tenant_id, NEW.event_id);
    RETURN NULL;
END $$;
CREATE TRIGGER journal AFTER UPDATE ON event FOR EACH ROW
    WHEN (NEW.state <> 'draft' AND OLD.version <> NEW.version)
    EXECUTE FUNCTION journal_event();

CREATE FUNCTION journal_class() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
DECLARE changed record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    INSERT INTO public.manifest_change (tenant_id, event_id)
    SELECT tenant_id, event_id FROM public.event
     WHERE tenant_id = changed.tenant_id AND event_id = changed.event_id AND state <> 'draft';
    RETURN NULL;
END $$;
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON ticket_class
    FOR EACH ROW EXECUTE FUNCTION journal_class();

CREATE FUNCTION journal_layout() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.manifest_change (tenant_id, event_id)
    SELECT e.tenant_id, e.event_id FROM public.event e
     WHERE e.state IN ('published', 'ended')
       AND (e.tenant_id, e.venue_id) IN (SELECT tenant_id, venue_id FROM changed);
    RETURN NULL;
END $$;
CREATE TRIGGER journal_new AFTER INSERT ON zone REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION journal_layout();
CREATE TRIGGER journal_changed AFTER UPDATE ON zone REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION journal_layout();
CREATE TRIGGER journal_gone AFTER DELETE ON zone REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION journal_layout();
CREATE TRIGGER journal_new AFTER INSERT ON gate REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION journal_layout();
CREATE TRIGGER journal_changed AFTER UPDATE ON gate REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION journal_layout();
CREATE TRIGGER journal_gone AFTER DELETE ON gate REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION journal_layout();

-- The newest manifest of an event. `version` 0: none yet; the row is what a publication locks.
CREATE TABLE manifest (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    version bigint NOT NULL DEFAULT 0 CHECK (version BETWEEN 0 AND 4294967295),
    issued_at timestamptz,
    PRIMARY KEY (tenant_id, event_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES event,
    CHECK ((version = 0) = (issued_at IS NULL))
);
CALL protect('manifest');
GRANT SELECT, INSERT, UPDATE (version, issued_at) ON manifest TO usher_app;

-- Heads as signed: the newest, and a few before it, against which changes are compressed.
CREATE TABLE manifest_head (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    version bigint NOT NULL,
    raw bytea NOT NULL,
    PRIMARY KEY (tenant_id, event_id, version),
    FOREIGN KEY (tenant_id, event_id) REFERENCES manifest
);
CALL protect('manifest_head');
GRANT SELECT, INSERT, DELETE ON manifest_head TO usher_app;

CREATE TABLE manifest_chunk (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    place smallint NOT NULL CHECK (place BETWEEN 0 AND 255),
    version bigint NOT NULL, -- that brought it to what it is
    records bytea NOT NULL CHECK (length(records) BETWEEN 29 AND 475136),
    names bytea NOT NULL CHECK (length(names) <= 3620864),
    PRIMARY KEY (tenant_id, event_id, place),
    FOREIGN KEY (tenant_id, event_id) REFERENCES manifest
);
CALL protect('manifest_chunk');
GRANT SELECT, INSERT, DELETE, UPDATE (version, records, names) ON manifest_chunk TO usher_app;
-- Hashes and ciphertext: trying to compress them costs and saves nothing.
ALTER TABLE manifest_chunk ALTER records SET STORAGE EXTERNAL, ALTER names SET STORAGE EXTERNAL;

CREATE TABLE manifest_delta ( -- one entry of the log: what led to `version`
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    version bigint NOT NULL,
    changes bytea NOT NULL CHECK (length(changes) <= 1048576),
    PRIMARY KEY (tenant_id, event_id, version),
    FOREIGN KEY (tenant_id, event_id) REFERENCES manifest
);
CALL protect('manifest_delta');
GRANT SELECT, INSERT, DELETE ON manifest_delta TO usher_app;

-- A withdrawn manifest key vouches for nothing: whatever it signed is signed anew.
CREATE FUNCTION journal_key() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.manifest_change (tenant_id, event_id)
    SELECT tenant_id, event_id FROM public.manifest WHERE tenant_id = NEW.tenant_id;
    RETURN NULL;
END $$;
CREATE TRIGGER journal AFTER UPDATE OF revoked_at ON tenant_key FOR EACH ROW
    WHEN (NEW.role = 'manifest' AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
    EXECUTE FUNCTION journal_key();

-- Whoever follows a tenant's state hears of a new keyset by itself.
CREATE FUNCTION tell_of_keyset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('usher_sync', NEW.tenant_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON keyset FOR EACH ROW EXECUTE FUNCTION tell_of_keyset();

-- Events whose manifest is to be published: soon or now, and changed, unpublished or grown old.
-- The times are cloud/manifests/model.py's.
CREATE INDEX event_ends ON event (ends_at) WHERE state <> 'draft';
CREATE POLICY due ON manifest FOR SELECT TO usher_owner USING (true);
CREATE POLICY due ON manifest_change FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION manifests_due(now timestamptz, OUT tenant_id uuid, OUT event_id uuid)
    RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT e.tenant_id, e.event_id FROM public.event e
          LEFT JOIN public.manifest m USING (tenant_id, event_id)
         WHERE e.state <> 'draft' AND e.ends_at > $1 - interval '24 hours'
           AND e.doors_at < $1 + interval '15 days'
           AND (m.issued_at IS NULL OR m.issued_at < $1 - interval '1 hour'
                OR EXISTS (SELECT FROM public.manifest_change c
                            WHERE c.tenant_id = e.tenant_id AND c.event_id = e.event_id))
    $$;
REVOKE ALL ON FUNCTION manifests_due(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION manifests_due(timestamptz) TO usher_app;
