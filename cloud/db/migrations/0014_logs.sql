-- What came in of devices' logs, where it belongs, and what of it a person must settle.
--
-- Triggers note it, so that no feature that writes records can forget to.

-- Which incarnations touch which event: what a gate of that event asks for (spec/sync.md §4).
CREATE TABLE log_event (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    event_ref bytea NOT NULL CHECK (length(event_ref) = 8),
    device_id bytea NOT NULL,
    incarnation bigint NOT NULL,
    PRIMARY KEY (tenant_id, event_ref, device_id, incarnation)
);
CREATE INDEX log_event_log ON log_event (tenant_id, device_id, incarnation);

-- How many records came in of each device: a sum that only rises. One row for the whole tenant
-- would make everybody who writes wait for everybody else.
CREATE TABLE log_count (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    device_id bytea NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (tenant_id, device_id)
);

-- Incarnations of which a device wrote two histories: they are sent whole.
CREATE TABLE log_fork (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    device_id bytea NOT NULL,
    incarnation bigint NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, device_id, incarnation)
);

-- Incarnations of one device that a BOOT ties together by forgetting records: it follows what the
-- other one went on from. Each pair stands here both ways round.
CREATE TABLE log_tie (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    device_id bytea NOT NULL,
    incarnation bigint NOT NULL,
    other bigint NOT NULL,
    PRIMARY KEY (tenant_id, device_id, incarnation, other)
);
CALL protect('log_tie');
GRANT SELECT, INSERT ON log_tie TO usher_app;

-- What each BOOT follows, where it follows anything: whoever follows the same is tied to it.
CREATE TABLE log_boot (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    device_id bytea NOT NULL,
    prev bytea NOT NULL CHECK (length(prev) = 32),
    incarnation bigint NOT NULL,
    PRIMARY KEY (tenant_id, device_id, prev, incarnation)
);
CALL protect('log_boot');
GRANT SELECT, INSERT ON log_boot TO usher_app;

-- Events whose records, proofs, cutoffs or tickets changed since they were merged. A merge takes
-- its event's rows first and reads after: what commits in between is in both, and lost in neither.
-- A worker goes on from what it merged last, reading new records, devices and tickets' words alone,
-- unless a row says that more has changed: a proof of an old record, or who may prove.
CREATE TABLE merge_due (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    event_ref bytea NOT NULL CHECK (length(event_ref) = 8),
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    anew boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant_id, event_ref, change_id)
);

-- What is here already. As long as this takes, the owner of the tables sees every tenant's.
ALTER TABLE record NO FORCE ROW LEVEL SECURITY;
ALTER TABLE event NO FORCE ROW LEVEL SECURITY;
INSERT INTO log_event (tenant_id, event_ref, device_id, incarnation)
SELECT DISTINCT r.tenant_id, r.event_ref, r.device_id, r.incarnation
  FROM record r JOIN event e ON e.tenant_id = r.tenant_id AND e.ref = r.event_ref;
INSERT INTO log_count (tenant_id, device_id, records)
SELECT tenant_id, device_id, count(*) FROM record GROUP BY tenant_id, device_id;
INSERT INTO log_fork (tenant_id, device_id, incarnation)
SELECT DISTINCT tenant_id, device_id, incarnation FROM record
 GROUP BY tenant_id, device_id, incarnation, seq HAVING count(*) > 1;
INSERT INTO merge_due (tenant_id, event_ref) SELECT DISTINCT tenant_id, event_ref FROM log_event;
ALTER TABLE record FORCE ROW LEVEL SECURITY;
ALTER TABLE event FORCE ROW LEVEL SECURITY;

CALL protect('log_event');
CALL protect('log_count');
CALL protect('log_fork');
CALL protect('merge_due');
GRANT SELECT, INSERT ON log_event TO usher_app;
GRANT SELECT, INSERT, UPDATE (records) ON log_count TO usher_app;
GRANT SELECT, INSERT ON log_fork TO usher_app;
GRANT SELECT, INSERT, DELETE ON merge_due TO usher_app;

-- A record's blob is found by the hash that the record names. A column, since row-level security
-- lets no index be used by way of a function that might leak. With the event, so that whoever asks
-- for both never reads all of an event instead.
ALTER TABLE record ADD evidence bytea NOT NULL
    GENERATED ALWAYS AS (substring(raw FROM 157 FOR 32)) STORED;
CREATE INDEX record_evidence ON record (tenant_id, evidence, event_ref)
    WHERE kind IN (1, 2, 3, 5, 6, 7);

CREATE FUNCTION wake_merging() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY usher_merges;
    RETURN NULL;
END $$;
CREATE TRIGGER wake AFTER INSERT ON merge_due
    FOR EACH STATEMENT EXECUTE FUNCTION wake_merging();

-- Of events that the tenant has: what else a device makes up is kept and asked for by nobody.
-- A record of no event (BOOT, CLOCK, …) may tell of its device's log: at the events that its
-- incarnation touches, and those that the device touched last. Workers' logs are the cloud's own.
CREATE FUNCTION note_records() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.log_event (tenant_id, event_ref, device_id, incarnation)
    SELECT a.tenant_id, a.event_ref, a.device_id, a.incarnation
      FROM (SELECT DISTINCT tenant_id, event_ref, device_id, incarnation FROM added) AS a
      JOIN public.event e ON e.tenant_id = a.tenant_id AND e.ref = a.event_ref
        ON CONFLICT DO NOTHING;
    INSERT INTO public.log_count AS c (tenant_id, device_id, records)
    SELECT tenant_id, device_id, count(*) FROM added GROUP BY tenant_id, device_id
        ON CONFLICT (tenant_id, device_id) DO UPDATE SET records = c.records + excluded.records;
    INSERT INTO public.merge_due (tenant_id, event_ref, anew)
    SELECT e.tenant_id, e.ref, false FROM public.event e
      JOIN (SELECT DISTINCT tenant_id, event_ref FROM added) AS a
        ON a.tenant_id = e.tenant_id AND a.event_ref = e.ref
     UNION
    SELECT e.tenant_id, e.event_ref, false
      FROM (SELECT DISTINCT tenant_id, device_id, incarnation FROM added
             WHERE event_ref = '\x0000000000000000') AS a
      JOIN public.device d ON d.tenant_id = a.tenant_id AND d.device_id = a.device_id
                          AND d.kind = 'gate'
      JOIN public.log_event e ON e.tenant_id = a.tenant_id AND e.device_id = a.device_id
     WHERE e.incarnation = a.incarnation
        OR e.incarnation = (SELECT max(l.incarnation) FROM public.log_event l
                             WHERE l.tenant_id = a.tenant_id AND l.device_id = a.device_id);
    PERFORM pg_notify('usher_sync', told.tenant_id::text || '/records')
       FROM (SELECT DISTINCT tenant_id FROM added) AS told;
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON record REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION note_records();

-- Another cutoff counts more records or fewer.
CREATE FUNCTION note_cutoff() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.merge_due (tenant_id, event_ref, anew)
    SELECT DISTINCT tenant_id, event_ref, false FROM public.log_event
     WHERE tenant_id = NEW.tenant_id AND device_id = NEW.device_id;
    RETURN NULL;
END $$;
CREATE TRIGGER merge AFTER UPDATE ON device FOR EACH ROW
    WHEN ((OLD.cutoff_incarnation, OLD.cutoff_seq)
        IS DISTINCT FROM (NEW.cutoff_incarnation, NEW.cutoff_seq))
    EXECUTE FUNCTION note_cutoff();

-- A badge or an issuer's key that is withdrawn proves nothing any more, at no event.
CREATE FUNCTION note_judges() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.merge_due (tenant_id, event_ref)
    SELECT DISTINCT tenant_id, event_ref FROM public.log_event WHERE tenant_id = NEW.tenant_id;
    RETURN NULL;
END $$;
CREATE TRIGGER merge AFTER UPDATE OF revoked_at ON badge FOR EACH ROW
    WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at) EXECUTE FUNCTION note_judges();
CREATE TRIGGER merge AFTER UPDATE OF revoked_at ON tenant_key FOR EACH ROW
    WHEN (NEW.role = 'issuer' AND OLD.revoked_at IS DISTINCT FROM NEW.revoked_at)
    EXECUTE FUNCTION note_judges();

-- A ticket that gates have scanned, and that has a newer generation or is none any more.
CREATE FUNCTION note_word() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.merge_due (tenant_id, event_ref, anew)
    SELECT e.tenant_id, e.ref, false FROM public.event e
     WHERE e.tenant_id = NEW.tenant_id AND e.event_id = NEW.event_id
       AND EXISTS (SELECT FROM public.record r
                    WHERE r.tenant_id = e.tenant_id AND r.event_ref = e.ref
                      AND r.ticket = NEW.hash);
    RETURN NULL;
END $$;
CREATE TRIGGER merge AFTER UPDATE ON ticket FOR EACH ROW
    WHEN (OLD.gen <> NEW.gen OR OLD.gone <> NEW.gone) EXECUTE FUNCTION note_word();

-- Find the ties that records of a device make which have just come in, and have the events merged
-- that they matter to: one of them follows what a BOOT follows, or is a BOOT that does. A BOOT that
-- follows the end of an incarnation, as no other record does, forgets nothing. Of the others, which
-- are few, all of the device's records are asked, once for all that came in together.
CREATE FUNCTION note_ties(of_device bytea, incarnations bigint[], seqs bigint[], prevs bytea[])
    RETURNS void LANGUAGE sql SET search_path = pg_catalog, public AS $$
    WITH came AS MATERIALIZED (
        SELECT * FROM unnest(incarnations, seqs, prevs) AS n (incarnation, seq, prev)
         WHERE n.prev <> decode(repeat('00', 32), 'hex')),
    added_boot AS (
        INSERT INTO public.log_boot (device_id, prev, incarnation)
        SELECT of_device, prev, incarnation FROM came WHERE seq = 1
            ON CONFLICT DO NOTHING),
    boot AS (
        SELECT prev, incarnation FROM came WHERE seq = 1
         UNION
        SELECT b.prev, b.incarnation FROM public.log_boot b
         WHERE b.tenant_id = public.current_tenant() AND b.device_id = of_device
           AND b.prev IN (SELECT prev FROM came)),
    odd AS MATERIALIZED (
        SELECT incarnation, prev FROM came
         WHERE seq = 1 AND prev NOT IN (
            SELECT h.hash FROM public.log_head h
             WHERE h.tenant_id = public.current_tenant() AND h.device_id = of_device)),
    tie AS (
        SELECT b.incarnation AS one, c.incarnation AS other
          FROM boot b JOIN came c ON c.prev = b.prev AND c.incarnation <> b.incarnation
         UNION
        SELECT o.incarnation, r.incarnation
          FROM odd o
          JOIN public.record r ON r.tenant_id = public.current_tenant()
                              AND r.device_id = of_device AND r.incarnation <> o.incarnation
                              AND substring(r.raw FROM 33 FOR 32) = o.prev),
    added AS (
        INSERT INTO public.log_tie (device_id, incarnation, other)
        SELECT of_device, one, other FROM tie UNION SELECT of_device, other, one FROM tie
            ON CONFLICT DO NOTHING RETURNING incarnation)
    INSERT INTO public.merge_due (event_ref, anew)
    SELECT DISTINCT e.event_ref, false FROM added a
      JOIN public.log_event e ON e.tenant_id = public.current_tenant()
                             AND e.device_id = of_device AND e.incarnation = a.incarnation
$$;
REVOKE ALL ON FUNCTION note_ties(bytea, bigint[], bigint[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_ties(bytea, bigint[], bigint[], bytea[]) TO usher_app;
ALTER TABLE log_count NO FORCE ROW LEVEL SECURITY;
DO $$ -- of what is here already
DECLARE known record;
BEGIN
    FOR known IN SELECT DISTINCT tenant_id, device_id FROM log_count LOOP
        PERFORM set_config('app.tenant', known.tenant_id::text, true);
        PERFORM note_ties(known.device_id, array_agg(r.incarnation), array_agg(r.seq),
                          array_agg(substring(r.raw FROM 33 FOR 32)))
           FROM record r
          WHERE r.tenant_id = known.tenant_id AND r.device_id = known.device_id;
    END LOOP;
    PERFORM set_config('app.tenant', '', true);
END $$;
ALTER TABLE log_count FORCE ROW LEVEL SECURITY;

CREATE POLICY due ON merge_due FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION merges_due(OUT tenant_id uuid, OUT event_ref bytea, OUT newest bigint)
    RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT tenant_id, event_ref, max(change_id) FROM public.merge_due
         GROUP BY tenant_id, event_ref ORDER BY min(change_id) -- whoever has waited longest first
    $$;
REVOKE ALL ON FUNCTION merges_due() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION merges_due() TO usher_app;

-- What a merge came to, so that asking is cheap: cloud/checkins/counts.py's Counts.
CREATE TABLE event_count (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    event_ref bytea NOT NULL CHECK (length(event_ref) = 8),
    at timestamptz NOT NULL,
    body jsonb NOT NULL,
    -- Another one whenever a merge read all anew: what workers keep since before is no base any more.
    base uuid NOT NULL DEFAULT gen_random_uuid(),
    PRIMARY KEY (tenant_id, event_ref)
);
CALL protect('event_count');
GRANT SELECT, INSERT, UPDATE (at, body, base) ON event_count TO usher_app;

-- Incidents (spec/merge.md §5), and records that are kept and don't count. Those about a device's
-- log are of no event: `event_ref` is zero. They are never deleted.
CREATE TABLE incident (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    incident_id bytea NOT NULL CHECK (length(incident_id) = 16), -- cloud/incidents/model.py
    number bigint NOT NULL, -- rises with every change: the devices' feed goes by it
    event_ref bytea NOT NULL CHECK (length(event_ref) = 8),
    kind text NOT NULL,
    ticket bytea NOT NULL CHECK (length(ticket) = 16),
    device_id bytea NOT NULL CHECK (length(device_id) = 16),
    incarnation bigint NOT NULL,
    seq bigint NOT NULL,
    record_events bytea[] NOT NULL, -- the evidence: where each record is kept, and its id
    record_ids bytea[] NOT NULL CHECK (cardinality(record_ids) = cardinality(record_events)),
    records bigint NOT NULL, -- how many there are; the evidence has the first of them
    devices bytea[] NOT NULL, -- concerned
    gates integer[] NOT NULL,
    found_at timestamptz NOT NULL,
    resolved_at timestamptz, -- a later merge has it no more
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'explained', 'confirmed')),
    decided_by text,
    decided_at timestamptz,
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
    PRIMARY KEY (tenant_id, incident_id),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL))
);
CALL protect('incident');
GRANT SELECT, INSERT, UPDATE (number, record_events, record_ids, records, devices, gates,
    resolved_at, state, decided_by, decided_at, note) ON incident TO usher_app;
CREATE UNIQUE INDEX incident_number ON incident (tenant_id, number);
CREATE INDEX incident_event ON incident (tenant_id, event_ref, number);
CREATE INDEX incident_device ON incident (tenant_id, device_id);
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON incident
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE incident_count ( -- the newest number of a tenant's; whoever writes incidents locks it
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    number bigint NOT NULL,
    PRIMARY KEY (tenant_id)
);
CALL protect('incident_count');
GRANT SELECT, INSERT, UPDATE (number) ON incident_count TO usher_app;
