-- Tenants, and how a transaction is bound to one.
--
-- `usher_owner` runs this and owns everything; `usher_app` owns nothing. Row-level security is
-- forced, so it binds the owner too. A query with no tenant set sees no rows, and an insert
-- with none fails: current_setting() is '' after a transaction, hence nullif().

CREATE FUNCTION current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.tenant', true), '')::uuid;

CREATE FUNCTION current_actor() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.actor', true), '');

-- Bind a table to its tenant. Each table with tenant data calls it once.
CREATE PROCEDURE protect(target regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format(
        'CREATE POLICY tenant ON %s USING (tenant_id = current_tenant())'
        ' WITH CHECK (tenant_id = current_tenant())', target);
END $$;

-- Split a partitioned table by event, and protect each part as the whole is.
CREATE PROCEDURE partition_by_event(target regclass) LANGUAGE plpgsql AS $$
BEGIN
    CALL protect(target);
    FOR part IN 0..7 LOOP
        EXECUTE format(
            'CREATE TABLE %1$s_%2$s PARTITION OF %1$s'
            ' FOR VALUES WITH (MODULUS 8, REMAINDER %2$s)', target, part);
        CALL protect(format('%s_%s', target, part)::regclass);
    END LOOP;
END $$;

CREATE TABLE tenant (
    tenant_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9](-?[a-z0-9]){1,39}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    fee_bps integer NOT NULL DEFAULT 250 CHECK (fee_bps BETWEEN 0 AND 5000),
    fees_fixed jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(fees_fixed) = 'array'),
    created_at timestamptz NOT NULL DEFAULT now(),
    suspended_at timestamptz
);
GRANT SELECT, INSERT, UPDATE (name, fee_bps, fees_fixed, suspended_at) ON tenant TO usher_app;

-- Who did what to what, when, from where. Nobody may change or delete a row; erasing a person
-- blanks the address alone (erase_origin below).
CREATE TABLE audit (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL DEFAULT current_actor(), -- "account:<uuid>", "key:<id>", "worker", …
    action text NOT NULL,   -- "order.refunded": what, in the past tense
    subject text NOT NULL,  -- "order:<uuid>"
    request_id text NOT NULL DEFAULT '',
    address inet,
    detail jsonb NOT NULL DEFAULT '{}', -- ids and numbers; never a name or an address
    PRIMARY KEY (tenant_id, audit_id)
);
CALL protect('audit');
GRANT SELECT, INSERT ON audit TO usher_app;
CREATE INDEX audit_subject ON audit (tenant_id, subject, audit_id);
CREATE INDEX audit_actor ON audit (tenant_id, actor, audit_id);
CREATE INDEX audit_time ON audit USING brin (at); -- it grows in the order of time

-- The same for what no tenant owns: sign-ins, keys of the issuer, new tenants.
CREATE TABLE platform_audit (
    audit_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL DEFAULT current_actor(),
    action text NOT NULL,
    subject text NOT NULL,
    request_id text NOT NULL DEFAULT '',
    address inet,
    detail jsonb NOT NULL DEFAULT '{}'
);
GRANT SELECT, INSERT ON platform_audit TO usher_app;
CREATE INDEX platform_audit_actor ON platform_audit (actor, audit_id);
CREATE INDEX platform_audit_subject ON platform_audit (subject, audit_id);
CREATE INDEX platform_audit_time ON platform_audit USING brin (at);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

-- The same, but for an address that is blanked.
CREATE FUNCTION refuse_all_but_blanking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.address IS NULL THEN
        NEW.address := OLD.address;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            NEW.address := NULL;
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_blanking();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON platform_audit
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_blanking();

-- Forget where an account's acts came from: in the tenant entered, and outside every tenant.
-- Before it signs in, an account is nobody who does something to it.
CREATE FUNCTION erase_origin(who uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        UPDATE public.audit SET address = NULL
         WHERE tenant_id = public.current_tenant() AND actor = 'account:' || who
           AND address IS NOT NULL;
        UPDATE public.platform_audit SET address = NULL
         WHERE actor = 'account:' || who AND address IS NOT NULL;
        UPDATE public.platform_audit SET address = NULL
         WHERE subject = 'account:' || who AND actor = 'anonymous' AND address IS NOT NULL;
    $$;
REVOKE ALL ON FUNCTION erase_origin(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_origin(uuid) TO usher_app;

-- Messages, committed with what they tell of and dispatched later, in order per key.
CREATE TABLE outbox (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    message_id bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    key text NOT NULL,
    payload jsonb NOT NULL,
    request_id text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    dead_at timestamptz,
    fault text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, message_id)
);
CALL protect('outbox');
GRANT SELECT, INSERT, DELETE, UPDATE (attempts, due_at, done_at, dead_at, fault)
    ON outbox TO usher_app;
CREATE INDEX outbox_due ON outbox (tenant_id, due_at) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_key ON outbox (tenant_id, key, message_id)
    WHERE done_at IS NULL AND dead_at IS NULL;

CREATE FUNCTION wake_dispatcher() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY usher_outbox;
    RETURN NULL;
END $$;
CREATE TRIGGER wake AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION wake_dispatcher();

-- The answer to a request that was given an idempotency key. `answer` is sealed.
CREATE TABLE idempotency (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    caller text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL, -- SHA-256 of method, target and body
    answer bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, caller, key)
);
CALL protect('idempotency');
GRANT SELECT, INSERT, DELETE, UPDATE (answer) ON idempotency TO usher_app;
CREATE INDEX idempotency_age ON idempotency (tenant_id, created_at);

CREATE TABLE platform_idempotency (
    caller text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);
GRANT SELECT, INSERT, DELETE, UPDATE (answer) ON platform_idempotency TO usher_app;
CREATE INDEX platform_idempotency_age ON platform_idempotency (created_at);

-- The sweeps must know which tenants have something due and may read nothing else across
-- tenants: the owner's policies below let these functions, and only them, see the rows.
CREATE POLICY due ON outbox FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION tenants_with_messages() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT DISTINCT tenant_id FROM public.outbox
         WHERE done_at IS NULL AND dead_at IS NULL AND due_at <= clock_timestamp()
    $$;
REVOKE ALL ON FUNCTION tenants_with_messages() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_messages() TO usher_app;
