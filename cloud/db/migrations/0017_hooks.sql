-- Calls to organizers' own systems (cloud/hooks).

CREATE TABLE hook_endpoint (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    endpoint_id uuid NOT NULL DEFAULT gen_random_uuid(),
    url text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    topics text[] NOT NULL, -- empty: all that are public
    sealed bytea NOT NULL, -- its secret
    sealed_before bytea, -- the one before, which signs too until `before_until`
    before_until timestamptz,
    created_at timestamptz NOT NULL,
    paused_at timestamptz, -- nothing is sent, and everything waits
    paused_for text NOT NULL DEFAULT '' CHECK (paused_for IN ('', 'asked', 'failing', 'gone')),
    failures integer NOT NULL DEFAULT 0, -- in a row
    failing_since timestamptz,
    rest_until timestamptz, -- it failed, and is left alone so long
    removed_at timestamptz,
    PRIMARY KEY (tenant_id, endpoint_id),
    CHECK ((paused_at IS NULL) = (paused_for = '')),
    CHECK ((sealed_before IS NULL) = (before_until IS NULL))
);
CALL protect('hook_endpoint');
GRANT SELECT, INSERT, UPDATE (url, name, topics, sealed, sealed_before, before_until, paused_at,
    paused_for, failures, failing_since, rest_until, removed_at) ON hook_endpoint TO usher_app;

-- Whether a webhook takes any of these topics. What happens by the ten thousand, and of which
-- others alone are told, is not written down where nobody listens (cloud/checkins/announcing.py).
CREATE FUNCTION is_heard(wanted text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM hook_endpoint
                    WHERE tenant_id = current_tenant() AND removed_at IS NULL
                      AND (topics = '{}' OR topics && wanted))
$$;

CREATE TABLE hook_delivery (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    delivery_id uuid NOT NULL DEFAULT gen_random_uuid(), -- the receiver's `webhook-id`
    endpoint_id uuid NOT NULL,
    message_id bigint, -- of the outbox; null: a test
    topic text NOT NULL,
    body bytea NOT NULL CHECK (length(body) <= 262144),
    created_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0, -- since it was made, or was to be sent again
    due_at timestamptz NOT NULL,
    taken_at timestamptz, -- by the receiver
    dead_at timestamptz, -- given up
    PRIMARY KEY (tenant_id, delivery_id),
    UNIQUE (tenant_id, endpoint_id, message_id),
    FOREIGN KEY (tenant_id, endpoint_id) REFERENCES hook_endpoint
);
CALL protect('hook_delivery');
GRANT SELECT, INSERT, DELETE, UPDATE (attempts, due_at, taken_at, dead_at)
    ON hook_delivery TO usher_app;
CREATE INDEX hook_delivery_due ON hook_delivery (tenant_id, endpoint_id, due_at)
    WHERE taken_at IS NULL AND dead_at IS NULL;
CREATE INDEX hook_delivery_list ON hook_delivery (tenant_id, endpoint_id, created_at, delivery_id);

CREATE TABLE hook_attempt ( -- each call, and how it went
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    delivery_id uuid NOT NULL,
    at timestamptz NOT NULL,
    status integer NOT NULL, -- of HTTP; 0: no answer
    fault text NOT NULL,
    ms integer NOT NULL,
    PRIMARY KEY (tenant_id, delivery_id, at),
    FOREIGN KEY (tenant_id, delivery_id) REFERENCES hook_delivery ON DELETE CASCADE
);
CALL protect('hook_attempt');
GRANT SELECT, INSERT, DELETE ON hook_attempt TO usher_app;

CREATE FUNCTION wake_hooks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY usher_hooks;
    RETURN NULL;
END $$;
CREATE TRIGGER wake AFTER INSERT OR UPDATE OF due_at ON hook_delivery
    FOR EACH STATEMENT EXECUTE FUNCTION wake_hooks();

-- As for messages: the senders learn which endpoints have something due, and nothing else.
CREATE POLICY due ON hook_endpoint FOR SELECT TO usher_owner USING (true);
CREATE POLICY due ON hook_delivery FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION hooks_due(now timestamptz, OUT tenant_id uuid, OUT endpoint_id uuid)
    RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT e.tenant_id, e.endpoint_id FROM public.hook_endpoint e
          CROSS JOIN LATERAL (
            SELECT min(d.due_at) AS oldest FROM public.hook_delivery d
             WHERE d.tenant_id = e.tenant_id AND d.endpoint_id = e.endpoint_id
               AND d.taken_at IS NULL AND d.dead_at IS NULL) w
         WHERE e.paused_at IS NULL AND e.removed_at IS NULL AND w.oldest <= now
           AND (e.rest_until IS NULL OR e.rest_until <= now)
         ORDER BY w.oldest LIMIT 1000
    $$;
REVOKE ALL ON FUNCTION hooks_due(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hooks_due(timestamptz) TO usher_app;
