-- Devices that write scan logs, and their records. A cloud worker is a device like any other.

CREATE TABLE device (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    device_id bytea NOT NULL CHECK (length(device_id) = 16), -- shared.hashing.device_id
    public bytea NOT NULL CHECK (length(public) = 32),
    kind text NOT NULL CHECK (kind IN ('gate', 'worker')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    slot integer, -- of a worker: which process runs it
    badge bytea CHECK (length(badge) = 32), -- of a worker: the public key that signs for its desk
    sealed bytea, -- a worker's private keys: the device's, the badge's
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    cutoff_incarnation bigint, -- of a revoked device: records up to here count
    cutoff_seq bigint,
    PRIMARY KEY (tenant_id, device_id),
    UNIQUE (tenant_id, slot),
    CHECK ((kind = 'worker')
        = (sealed IS NOT NULL AND slot IS NOT NULL AND badge IS NOT NULL)),
    CHECK ((revoked_at IS NULL) = (cutoff_incarnation IS NULL)),
    CHECK ((revoked_at IS NULL) = (cutoff_seq IS NULL))
);
CALL protect('device');
GRANT SELECT, INSERT, UPDATE (name, sealed, revoked_at, cutoff_incarnation, cutoff_seq)
    ON device TO usher_app;
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE OR UPDATE OF tenant_id, device_id ON device
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Nonces of signed requests, kept while a repetition could still be taken.
CREATE TABLE device_nonce (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    device_id bytea NOT NULL,
    nonce bytea NOT NULL CHECK (length(nonce) = 16),
    forget_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, device_id, nonce)
);
CALL protect('device_nonce');
GRANT SELECT, INSERT, DELETE ON device_nonce TO usher_app;
CREATE INDEX device_nonce_age ON device_nonce (tenant_id, forget_at);
CREATE POLICY due ON device_nonce FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION tenants_with_old_nonces(before timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT DISTINCT tenant_id FROM public.device_nonce WHERE forget_at < before
    $$;
REVOKE ALL ON FUNCTION tenants_with_old_nonces(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_old_nonces(timestamptz) TO usher_app;

-- One row a record, as signed (shared/spec/log.md). Two records at one place are both kept:
-- that is what equivocation looks like.
CREATE TABLE record (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_ref bytea NOT NULL CHECK (length(event_ref) = 8), -- zero: of no event (BOOT, …)
    record_id bytea NOT NULL CHECK (length(record_id) = 16),
    device_id bytea NOT NULL,
    incarnation bigint NOT NULL,
    seq bigint NOT NULL,
    kind smallint NOT NULL, -- 0: says nothing that can be read, and only holds its place
    ticket bytea NOT NULL CHECK (length(ticket) = 16), -- hash; zero where it has none
    raw bytea NOT NULL CHECK (length(raw) = 256),
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, event_ref, record_id)
) PARTITION BY HASH (event_ref);
CALL partition_by_event('record');
GRANT SELECT, INSERT ON record TO usher_app;
CREATE INDEX record_ticket ON record (tenant_id, event_ref, ticket);
CREATE INDEX record_log ON record (tenant_id, device_id, incarnation, seq);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON record
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A foreign key would look the same device up for each of an upload's 1,000 records. Devices stay,
-- so once a statement is enough.
CREATE FUNCTION refuse_strangers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (SELECT tenant_id, device_id FROM added
               EXCEPT SELECT tenant_id, device_id FROM public.device) THEN
        RAISE EXCEPTION 'records of an unknown device' USING ERRCODE = 'foreign_key_violation',
            CONSTRAINT = 'record_device', TABLE = 'record';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER of_devices AFTER INSERT ON record REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_strangers();

-- Records that are kept and don't count yet: the one that each follows is not here.
CREATE TABLE record_waiting (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    device_id bytea NOT NULL,
    incarnation bigint NOT NULL,
    record_id bytea NOT NULL CHECK (length(record_id) = 16),
    event_ref bytea NOT NULL CHECK (length(event_ref) = 8),
    PRIMARY KEY (tenant_id, record_id)
);
CALL protect('record_waiting');
GRANT SELECT, INSERT, DELETE ON record_waiting TO usher_app;
CREATE INDEX record_waiting_log ON record_waiting (tenant_id, device_id, incarnation);

-- Where each log ends here: its highest record that counts. A worker's next record must follow
-- it, and none follows a closed one: another process has opened the worker's next incarnation.
CREATE TABLE log_head (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    device_id bytea NOT NULL,
    incarnation bigint NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    hlc bigint NOT NULL,
    closed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, device_id, incarnation)
);
CALL protect('log_head');
GRANT SELECT, INSERT, UPDATE (seq, hash, hlc, closed) ON log_head TO usher_app;

-- What lets a record act on others' admissions (shared/spec/devices.md §5), checked before it
-- is kept.
CREATE TABLE proof (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    record_id bytea NOT NULL CHECK (length(record_id) = 16),
    body bytea NOT NULL CHECK (length(body) <= 65536),
    -- shared.hashing.evidence: what its record names it by, and others whose code is the same
    evidence bytea NOT NULL
        GENERATED ALWAYS AS (sha256('usher/evidence/v1\000'::bytea || body)) STORED,
    PRIMARY KEY (tenant_id, record_id)
);
CALL protect('proof');
GRANT SELECT, INSERT ON proof TO usher_app;
CREATE INDEX proof_evidence ON proof (tenant_id, evidence);

-- What guests answered and supervisors wrote: personal, so it can be deleted. The ATTACH record
-- holds its hash alone.
CREATE TABLE attachment (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    record_id bytea NOT NULL CHECK (length(record_id) = 16), -- the ATTACH
    ticket bytea NOT NULL CHECK (length(ticket) = 16), -- hash
    body bytea NOT NULL CHECK (length(body) <= 65536),
    PRIMARY KEY (tenant_id, record_id)
);
CALL protect('attachment');
GRANT SELECT, INSERT, DELETE ON attachment TO usher_app;
CREATE INDEX attachment_ticket ON attachment (tenant_id, ticket);
