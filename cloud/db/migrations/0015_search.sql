-- Lists of guests for supervisors (shared/spec/files.md §3): sealed parts under a signed head, and
-- the journal of what changed since. As for manifests, the journal is written by triggers, and a
-- publication takes its rows first and reads the tickets after.

CREATE TABLE search_change (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    ticket_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, event_id, change_id)
);
CALL protect('search_change');
GRANT SELECT, INSERT, DELETE ON search_change TO usher_app;

CREATE FUNCTION journal_found_new() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.search_change (tenant_id, event_id, ticket_id)
    SELECT tenant_id, event_id, ticket_id FROM added
     WHERE list_status IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_found_new AFTER INSERT ON ticket REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION journal_found_new();

-- What a list says of a ticket, and nothing else: a scan or a block costs a comparison.
CREATE FUNCTION journal_found() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.search_change (tenant_id, event_id, ticket_id)
    VALUES (NEW.tenant_id, NEW.event_id, NEW.ticket_id);
    RETURN NULL;
END $$;
CREATE TRIGGER journal_found AFTER UPDATE ON ticket FOR EACH ROW
    WHEN ((OLD.list_status IS NULL) <> (NEW.list_status IS NULL)
        OR (NEW.list_status IS NOT NULL
            AND (OLD.attendee IS DISTINCT FROM NEW.attendee OR OLD.seat IS DISTINCT FROM NEW.seat
                OR OLD.order_id IS DISTINCT FROM NEW.order_id
                OR OLD.class_index <> NEW.class_index)))
    EXECUTE FUNCTION journal_found();

-- The newest list of an event, which a publication locks. Without a series, nothing is there to
-- be had; the version stays, since devices pass lower ones over.
CREATE TABLE search_list (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    version bigint NOT NULL DEFAULT 0 CHECK (version BETWEEN 0 AND 4294967295),
    badges bytea[] NOT NULL DEFAULT '{}', -- public keys that the series is sealed to, in order
    series bytea CHECK (length(series) = 16),
    key bytea, -- the series', sealed with the master key
    began_at timestamptz, -- the series
    base integer NOT NULL DEFAULT 0, -- parts that it began with
    parts integer NOT NULL DEFAULT 0 CHECK (parts BETWEEN base AND 512),
    raw bytea, -- the head as signed
    signer bytea, -- public key
    PRIMARY KEY (tenant_id, event_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES event,
    CHECK (num_nonnulls(series, key, began_at, raw, signer) IN (0, 5)),
    CHECK (version > 0 OR series IS NULL)
);
CALL protect('search_list');
GRANT SELECT, INSERT, UPDATE (
    version, badges, series, key, began_at, base, parts, raw, signer
) ON search_list TO usher_app;

CREATE TABLE search_part (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    series bytea NOT NULL CHECK (length(series) = 16),
    place smallint NOT NULL CHECK (place BETWEEN 0 AND 511),
    words integer NOT NULL CHECK (words > 0), -- tickets of which it says something
    digest bytea NOT NULL CHECK (length(digest) = 32),
    sealed bytea NOT NULL CHECK (length(sealed) <= 1048576),
    PRIMARY KEY (tenant_id, event_id, series, place),
    FOREIGN KEY (tenant_id, event_id) REFERENCES search_list
);
CALL protect('search_part');
GRANT SELECT, INSERT, DELETE ON search_part TO usher_app;
ALTER TABLE search_part ALTER sealed SET STORAGE EXTERNAL; -- ciphertext: nothing to compress

-- Events whose list is to be published. The badges and the signer are compared here, and not
-- journalled: whatever was going on beside, what is sealed to the wrong people is found.
-- The times are cloud/search/model.py's.
CREATE POLICY due ON search_list FOR SELECT TO usher_owner USING (true);
CREATE POLICY due ON search_change FOR SELECT TO usher_owner USING (true);
CREATE POLICY due_search ON badge FOR SELECT TO usher_owner USING (true);
CREATE POLICY due_search ON tenant_key FOR SELECT TO usher_owner USING (role = 'manifest');
CREATE FUNCTION search_lists_due(now timestamptz, OUT tenant_id uuid, OUT event_id uuid)
    RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT e.tenant_id, e.event_id FROM public.event e
          LEFT JOIN public.search_list s USING (tenant_id, event_id)
         WHERE e.state <> 'draft' AND e.ends_at > $1 - interval '24 hours'
           AND e.doors_at < $1 + interval '15 days'
           AND (s.event_id IS NULL
                OR s.badges <> ARRAY(SELECT b.public FROM public.badge b
                                      WHERE b.tenant_id = e.tenant_id AND b.role = 'supervisor'
                                        AND b.revoked_at IS NULL ORDER BY b.public)
                OR EXISTS (SELECT FROM public.search_change c
                            WHERE c.tenant_id = e.tenant_id AND c.event_id = e.event_id)
                OR (s.began_at < $1 - interval '24 hours' AND s.base < s.parts)
                OR EXISTS (SELECT FROM public.tenant_key k
                            WHERE k.tenant_id = s.tenant_id AND k.public = s.signer
                              AND k.revoked_at IS NOT NULL))
    $$;
REVOKE ALL ON FUNCTION search_lists_due(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_lists_due(timestamptz) TO usher_app;

-- Events that are over, whose lists are to go: names are kept no longer than they are of use.
CREATE FUNCTION search_lists_over(now timestamptz, OUT tenant_id uuid, OUT event_id uuid)
    RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT s.tenant_id, s.event_id FROM public.search_list s
          JOIN public.event e USING (tenant_id, event_id)
         WHERE e.ends_at <= $1 - interval '24 hours'
           AND (s.series IS NOT NULL
                OR EXISTS (SELECT FROM public.search_change c
                            WHERE c.tenant_id = s.tenant_id AND c.event_id = s.event_id))
    $$;
REVOKE ALL ON FUNCTION search_lists_over(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_lists_over(timestamptz) TO usher_app;
