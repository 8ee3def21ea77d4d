-- Tickets and every move they made. A ticket that is for sale exists already, as `created`:
-- holding one is taking a free row, so that nothing can be sold that is not there.

-- cloud/tickets/lifecycle.py, which a test compares with this. '' is "no ticket yet".
CREATE TABLE legal_move (
    from_state text NOT NULL,
    move text NOT NULL,
    to_state text NOT NULL,
    gen_step integer NOT NULL CHECK (gen_step IN (0, 1)),
    PRIMARY KEY (from_state, move)
);
GRANT SELECT ON legal_move TO usher_app;
INSERT INTO legal_move (from_state, move, to_state, gen_step) VALUES
    ('', 'create', 'created', 0),
    ('', 'issue', 'active', 0),
    ('created', 'hold', 'reserved', 0),
    ('reserved', 'release', 'created', 0),
    ('reserved', 'pay', 'purchased', 0),
    ('created', 'pay', 'purchased', 0),
    ('created', 'withdraw', 'revoked', 0),
    ('purchased', 'mint', 'minted', 0),
    ('purchased', 'activate', 'active', 0),
    ('minted', 'activate', 'active', 0),
    ('active', 'list', 'listed', 0),
    ('listed', 'unlist', 'active', 0),
    ('listed', 'resell', 'active', 1),
    ('active', 'transfer', 'active', 1),
    ('active', 'reissue', 'active', 1),
    ('active', 'use', 'used', 0),
    ('listed', 'use', 'used', 0),
    ('used', 'undo', 'active', 0),
    ('active', 'expire', 'expired', 0),
    ('listed', 'expire', 'expired', 0),
    ('used', 'expire', 'expired', 0),
    ('purchased', 'refund', 'refunded', 0),
    ('minted', 'refund', 'refunded', 0),
    ('active', 'refund', 'refunded', 0),
    ('listed', 'refund', 'refunded', 0),
    ('used', 'refund', 'refunded', 0),
    ('expired', 'refund', 'refunded', 0),
    ('purchased', 'revoke', 'revoked', 0),
    ('minted', 'revoke', 'revoked', 0),
    ('active', 'revoke', 'revoked', 0),
    ('listed', 'revoke', 'revoked', 0),
    ('used', 'revoke', 'revoked', 0),
    ('expired', 'revoke', 'revoked', 0);

CREATE TABLE ticket (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    ticket_id uuid NOT NULL DEFAULT gen_random_uuid(), -- its 16 bytes are the token's ticket id
    number integer NOT NULL CHECK (number >= 0), -- the manifest's: dense, never changes
    class_index integer NOT NULL,
    state text NOT NULL,
    gen integer NOT NULL DEFAULT 0 CHECK (gen BETWEEN 0 AND 65535),
    own_gen integer NOT NULL DEFAULT 0, -- the first of its present owner; above 0: handed over
    blocked boolean NOT NULL DEFAULT false,
    seat text CHECK (length(seat) BETWEEN 1 AND 80),
    attendee text CHECK (length(attendee) <= 80),
    email text CHECK (length(email) <= 254), -- of a guest without an account
    account_id uuid REFERENCES account,
    order_id uuid,
    holder bytea CHECK (length(holder) = 32), -- public key of a live ticket's phone
    kid bytea CHECK (length(kid) = 4),
    token bytea CHECK (length(token) IN (102, 134)), -- signed; of this generation
    hash bytea NOT NULL GENERATED ALWAYS AS -- shared.hashing.ticket_hash
        (substring(sha256('usher/id/v1\000'::bytea || uuid_send(ticket_id)) FROM 1 FOR 16)) STORED,
    changed_at timestamptz NOT NULL DEFAULT now(),
    -- For the indexes below: on the state itself they would make every move rewrite all of them.
    free boolean NOT NULL GENERATED ALWAYS AS (state = 'created') STORED,
    gone boolean NOT NULL GENERATED ALWAYS AS (state IN ('refunded', 'revoked')) STORED,
    -- cloud/manifests/listing.py's STATUSES, which a test compares with this. NULL: not a ticket
    -- yet. A column, since the triggers that ask for it would plan a function at each statement.
    list_status integer GENERATED ALWAYS AS (CASE
        WHEN state IN ('active', 'listed', 'used', 'expired')
        THEN CASE WHEN blocked THEN 4 ELSE 1 END
        WHEN state = 'revoked' THEN 2
        WHEN state = 'refunded' THEN 3
    END) STORED,
    PRIMARY KEY (tenant_id, event_id, ticket_id),
    FOREIGN KEY (tenant_id, event_id, class_index) REFERENCES ticket_class,
    -- A free ticket is nobody's; one that admits is signed.
    CHECK (state <> 'created' OR (order_id IS NULL AND account_id IS NULL AND token IS NULL)),
    CHECK (state <> 'reserved' OR order_id IS NOT NULL),
    -- Unsigned is only one whose class asks for a live code, until a phone is bound to it.
    CHECK (state NOT IN ('active', 'listed', 'used') OR token IS NOT NULL OR holder IS NULL)
) PARTITION BY HASH (event_id);
CALL partition_by_event('ticket');
DO $$ -- Room on each page for the next version of its rows.
BEGIN
    FOR part IN 0..7 LOOP
        EXECUTE format('ALTER TABLE ticket_%s SET (fillfactor = 80)', part);
    END LOOP;
END $$;
CREATE UNIQUE INDEX ticket_number ON ticket (tenant_id, event_id, number);
-- Once given back or withdrawn, a seat may be sold again, as another ticket.
CREATE UNIQUE INDEX ticket_seat ON ticket (tenant_id, event_id, seat)
    WHERE seat IS NOT NULL AND NOT gone;
CREATE UNIQUE INDEX ticket_hash ON ticket (tenant_id, event_id, hash);
-- Of which gates' records may be older than the cloud's word: a merge asks for all of an event's.
CREATE INDEX ticket_word ON ticket (tenant_id, event_id) WHERE gen > 0 OR gone;
CREATE INDEX ticket_free ON ticket (tenant_id, event_id, class_index, number) WHERE free;
CREATE INDEX ticket_account ON ticket (tenant_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX ticket_order ON ticket (tenant_id, order_id) WHERE order_id IS NOT NULL;
GRANT SELECT, INSERT, UPDATE (
    state, gen, own_gen, blocked, attendee, email, account_id, order_id, holder, kid, token, changed_at
) ON ticket TO usher_app;

CREATE TABLE ticket_move (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    move_id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    move text NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    gen integer NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, event_id, ticket_id, move_id)
) PARTITION BY HASH (event_id);
CALL partition_by_event('ticket_move');
GRANT SELECT ON ticket_move TO usher_app; -- only the triggers write

-- Write each move down and refuse those that the table lacks. The move's name and reason are
-- settings of the transaction (cloud/tickets/moves.py); the state alone can't tell a transfer
-- from a reissue.
CREATE FUNCTION refuse_move(wanted text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'illegal move: %', wanted USING ERRCODE = 'check_violation',
        CONSTRAINT = 'legal_move', TABLE = 'ticket';
END $$;

CREATE FUNCTION record_first_moves() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE wanted text := coalesce(nullif(current_setting('app.move', true), ''), 'none');
BEGIN
    INSERT INTO public.ticket_move
        (tenant_id, event_id, ticket_id, move, from_state, to_state, gen, actor, reason)
    SELECT tenant_id, event_id, ticket_id, coalesce(l.move, public.refuse_move(wanted)), '',
           a.state, gen, public.current_actor(), coalesce(current_setting('app.reason', true), '')
      FROM added a LEFT JOIN public.legal_move l
        ON (l.from_state, l.move, l.to_state) = ('', wanted, a.state);
    RETURN NULL;
END $$;

-- Planned for the first statement of a session, for one ticket perhaps, and kept for those that
-- move thousands: nested loops would then pair each with each.
CREATE FUNCTION record_moves() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
    SET enable_nestloop = off AS $$
DECLARE wanted text := coalesce(nullif(current_setting('app.move', true), ''), 'none');
BEGIN
    INSERT INTO public.ticket_move
        (tenant_id, event_id, ticket_id, move, from_state, to_state, gen, actor, reason)
    SELECT a.tenant_id, a.event_id, a.ticket_id, coalesce(l.move, public.refuse_move(wanted)),
           b.state, a.state, a.gen, public.current_actor(),
           coalesce(current_setting('app.reason', true), '')
      FROM before b JOIN after a USING (tenant_id, event_id, ticket_id)
      LEFT JOIN public.legal_move l ON (l.from_state, l.move, l.to_state, l.gen_step)
                                     = (b.state, wanted, a.state, a.gen - b.gen)
     WHERE (b.state, b.gen) IS DISTINCT FROM (a.state, a.gen);
    RETURN NULL;
END $$;

CREATE TRIGGER first_moves AFTER INSERT ON ticket REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION record_first_moves();
CREATE TRIGGER moves AFTER UPDATE ON ticket REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION record_moves();

-- Of rows just made the planner knows nothing until autovacuum comes by, once a minute, and to find
-- one ticket it walks all of the event's. So whoever makes many tells it, at the end of the work.
CREATE FUNCTION count_tickets(of_event uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE part regclass;
BEGIN
    SELECT tableoid INTO part FROM public.ticket
     WHERE tenant_id = public.current_tenant() AND event_id = of_event LIMIT 1;
    IF part IS NOT NULL THEN
        EXECUTE format('ANALYZE %s', part);
    END IF;
END $$;
REVOKE ALL ON FUNCTION count_tickets(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_tickets(uuid) TO usher_app;

-- Long work that a person waits for: a guest list being issued.
CREATE TABLE job (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    job_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    input jsonb NOT NULL, -- ids and switches; what is personal stands in `guest`
    done integer NOT NULL DEFAULT 0 CHECK (done >= 0),
    total integer NOT NULL DEFAULT 0 CHECK (total >= done),
    report jsonb NOT NULL DEFAULT '{}', -- cloud/tickets/guests_model.py: Report
    actor text NOT NULL DEFAULT current_actor(),
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, job_id)
);
CALL protect('job');
GRANT SELECT, INSERT, UPDATE (state, input, done, total, report, ended_at) ON job TO usher_app;

-- Guests whose tickets are still to be issued, one row a ticket; gone once they are.
CREATE TABLE guest (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    job_id uuid NOT NULL,
    place integer NOT NULL CHECK (place >= 0), -- in the job's order; dense
    line integer NOT NULL, -- of the file
    class_index integer NOT NULL,
    name text CHECK (length(name) <= 80),
    email text CHECK (length(email) <= 254),
    seat text CHECK (length(seat) BETWEEN 1 AND 80),
    PRIMARY KEY (tenant_id, job_id, place),
    FOREIGN KEY (tenant_id, job_id) REFERENCES job
);
CALL protect('guest');
GRANT SELECT, INSERT, DELETE, UPDATE (name, email) ON guest TO usher_app;
CREATE INDEX guest_email ON guest (tenant_id, lower(email)) WHERE email IS NOT NULL;
