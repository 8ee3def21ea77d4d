-- What each consumer has before it: one row a message and consumer, whose `done_at` is committed
-- with the message's effect. `due_at` is null where a broker brings the message. The payload is
-- kept until it is done.
CREATE TABLE inbox (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    consumer text NOT NULL,
    message_id bigint NOT NULL, -- of the outbox; below zero: made of what can't be read
    topic text NOT NULL,
    version integer NOT NULL,
    key text NOT NULL,
    payload jsonb,
    at timestamptz NOT NULL, -- when it was published
    request_id text NOT NULL,
    trace text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    done_at timestamptz,
    dead_at timestamptz,
    fault text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, consumer, message_id)
);
CALL protect('inbox');
GRANT SELECT, INSERT, DELETE, UPDATE (payload, attempts, due_at, done_at, dead_at, fault)
    ON inbox TO usher_app;
CREATE INDEX inbox_due ON inbox (tenant_id, consumer, message_id)
    WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX inbox_key ON inbox (tenant_id, consumer, key, message_id)
    WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX inbox_dead ON inbox (tenant_id, message_id, consumer)
    WHERE dead_at IS NOT NULL AND done_at IS NULL;
CREATE INDEX inbox_done ON inbox (tenant_id, done_at) WHERE done_at IS NOT NULL;

-- As `due` on the outbox: who takes must know in which tenants, and nothing else of them.
CREATE POLICY due ON inbox FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION tenants_with_arrivals(whose text) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT DISTINCT tenant_id FROM public.inbox
         WHERE consumer = whose AND done_at IS NULL AND dead_at IS NULL
           AND due_at <= clock_timestamp()
    $$;
REVOKE ALL ON FUNCTION tenants_with_arrivals(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_arrivals(text) TO usher_app;

-- The form of a message, and the trace that it is a part of.
ALTER TABLE outbox ADD COLUMN version integer NOT NULL DEFAULT 1,
                   ADD COLUMN trace text NOT NULL DEFAULT '';
CREATE INDEX outbox_undone ON outbox (tenant_id, message_id)
    WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_done ON outbox (tenant_id, done_at) WHERE done_at IS NOT NULL;

-- A message was handled out of the outbox until now, by those who are the consumers "orders" and
-- "tickets" from here on. One that has failed keeps its attempts, and a dead one is dead in the
-- inbox. The others are relayed like new ones.
ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
ALTER TABLE inbox NO FORCE ROW LEVEL SECURITY;
INSERT INTO inbox (tenant_id, consumer, message_id, topic, version, key, payload, at, request_id,
                   trace, attempts, due_at, dead_at, fault)
SELECT o.tenant_id, s.consumer, o.message_id, o.topic, 1, o.key, o.payload, o.created_at,
       o.request_id, '', o.attempts, o.due_at, o.dead_at, o.fault
  FROM outbox o
  JOIN (VALUES ('orders', 'refund.requested'), ('orders', 'event.cancelled'),
               ('orders', 'orders.event_cancelled'), ('tickets', 'guests.batch'),
               ('tickets', 'key.revoked'), ('tickets', 'event.moved'),
               ('tickets', 'tickets.resign')) AS s (consumer, topic) USING (topic)
 WHERE o.done_at IS NULL AND (o.dead_at IS NOT NULL OR o.attempts > 0);
UPDATE outbox SET done_at = clock_timestamp(), dead_at = NULL, fault = ''
 WHERE done_at IS NULL AND dead_at IS NOT NULL
   AND EXISTS (SELECT FROM inbox i WHERE i.tenant_id = outbox.tenant_id
                  AND i.message_id = outbox.message_id);
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
ALTER TABLE inbox FORCE ROW LEVEL SECURITY;
