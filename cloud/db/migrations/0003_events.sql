-- Venues, and events with their classes. What a gate needs of them is compiled into the
-- manifest's plan (shared/event.py); entry rules are kept in its own spelling, as JSON.

CREATE TABLE venue (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    venue_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    address text NOT NULL DEFAULT '' CHECK (length(address) <= 200),
    timezone text NOT NULL,
    version integer NOT NULL DEFAULT 1, -- raised by every change; an edit names the one it saw
    created_at timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, venue_id)
);
CALL protect('venue');
GRANT SELECT, INSERT, UPDATE (name, address, timezone, version, archived_at)
    ON venue TO usher_app;

CREATE TABLE zone (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    venue_id uuid NOT NULL,
    zone_id integer NOT NULL CHECK (zone_id BETWEEN 1 AND 65535),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    parent integer, -- the zone that it lies in
    capacity bigint NOT NULL DEFAULT 0 CHECK (capacity >= 0), -- 0: not counted
    PRIMARY KEY (tenant_id, venue_id, zone_id),
    FOREIGN KEY (tenant_id, venue_id) REFERENCES venue,
    FOREIGN KEY (tenant_id, venue_id, parent) REFERENCES zone DEFERRABLE INITIALLY DEFERRED
);
CALL protect('zone');
GRANT SELECT, INSERT, UPDATE, DELETE ON zone TO usher_app;

CREATE TABLE gate (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    venue_id uuid NOT NULL,
    gate_id integer NOT NULL CHECK (gate_id BETWEEN 1 AND 65535),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    zone_id integer NOT NULL,
    direction text NOT NULL DEFAULT 'entry' CHECK (direction IN ('entry', 'exit', 'both')),
    PRIMARY KEY (tenant_id, venue_id, gate_id),
    FOREIGN KEY (tenant_id, venue_id, zone_id) REFERENCES zone DEFERRABLE INITIALLY DEFERRED
);
CALL protect('gate');
GRANT SELECT, INSERT, UPDATE, DELETE ON gate TO usher_app;

CREATE TABLE event (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    event_id uuid NOT NULL DEFAULT gen_random_uuid(),
    ref bytea NOT NULL CHECK (length(ref) = 8), -- random; what tokens and records carry
    venue_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 4000),
    timezone text NOT NULL,
    doors_at timestamptz NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    days jsonb NOT NULL DEFAULT '[]', -- cloud/events/plan.py: Hours
    currency text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    state text NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'published', 'cancelled', 'ended')),
    policy jsonb NOT NULL DEFAULT '{}', -- shared.event.Policy
    royalty_bps integer NOT NULL DEFAULT 0 CHECK (royalty_bps BETWEEN 0 AND 5000), -- of a resale
    transfers boolean NOT NULL DEFAULT true,
    transfer_freeze integer NOT NULL DEFAULT 3600 CHECK (transfer_freeze >= 0), -- s before doors
    resale text NOT NULL DEFAULT 'off' CHECK (resale IN ('off', 'capped', 'open')),
    resale_cap_bps integer NOT NULL DEFAULT 10000 CHECK (resale_cap_bps BETWEEN 0 AND 100000),
    reissue_limit integer NOT NULL DEFAULT 5 CHECK (reissue_limit BETWEEN 0 AND 1000),
    reissue_cooldown integer NOT NULL DEFAULT 600 CHECK (reissue_cooldown >= 0), -- seconds
    next_number integer NOT NULL DEFAULT 0, -- of the next ticket; dense
    version integer NOT NULL DEFAULT 1, -- raised by every change; an edit names the one it saw
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    cancelled_at timestamptz,
    expired_at timestamptz, -- since when all its tickets are
    PRIMARY KEY (tenant_id, event_id),
    UNIQUE (tenant_id, ref),
    FOREIGN KEY (tenant_id, venue_id) REFERENCES venue,
    CHECK (doors_at <= starts_at AND starts_at < ends_at)
);
CALL protect('event');
GRANT SELECT, INSERT, UPDATE (
    venue_id, name, description, timezone, doors_at, starts_at, ends_at, days, currency, state,
    policy, royalty_bps, transfers, transfer_freeze, resale, resale_cap_bps, reissue_limit,
    reissue_cooldown, next_number, version, published_at, cancelled_at, expired_at
) ON event TO usher_app;
CREATE INDEX event_starts ON event (tenant_id, starts_at, event_id);
-- Events that are over: not yet ended, or with tickets that still are not expired, for the sweep.
-- The week is cloud/events/jobs.py's EXPIRY_GRACE.
CREATE POLICY due ON event FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION tenants_with_ended_events(before timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT DISTINCT tenant_id FROM public.event
         WHERE (state = 'published' AND ends_at < before)
            OR (state IN ('ended', 'cancelled') AND expired_at IS NULL
                AND ends_at < before - interval '7 days')
    $$;
REVOKE ALL ON FUNCTION tenants_with_ended_events(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_ended_events(timestamptz) TO usher_app;

CREATE TABLE event_artist ( -- an artist sees these events, and earns their royalties
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    account_id uuid NOT NULL REFERENCES account,
    share_bps integer NOT NULL DEFAULT 10000 CHECK (share_bps BETWEEN 0 AND 10000),
    PRIMARY KEY (tenant_id, event_id, account_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES event
);
CALL protect('event_artist');
GRANT SELECT, INSERT, UPDATE (share_bps), DELETE ON event_artist TO usher_app;

CREATE TABLE ticket_class (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    class_index integer NOT NULL CHECK (class_index BETWEEN 0 AND 65535),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    price bigint NOT NULL CHECK (price BETWEEN 0 AND 100000000), -- minor units
    capacity integer NOT NULL CHECK (capacity BETWEEN 0 AND 1000000), -- tickets to sell
    seated boolean NOT NULL DEFAULT false,
    per_order integer NOT NULL DEFAULT 10 CHECK (per_order BETWEEN 1 AND 100),
    sale_from timestamptz,
    sale_until timestamptz, -- NULL: until the event ends
    live boolean NOT NULL DEFAULT false, -- only a live code admits
    transferable boolean NOT NULL DEFAULT true,
    resalable boolean NOT NULL DEFAULT true,
    entry jsonb NOT NULL, -- cloud/events/plan.py: Entry
    version integer NOT NULL DEFAULT 1,
    withdrawn_at timestamptz, -- no longer sold
    PRIMARY KEY (tenant_id, event_id, class_index),
    FOREIGN KEY (tenant_id, event_id) REFERENCES event,
    CHECK (sale_from IS NULL OR sale_until IS NULL OR sale_from < sale_until)
);
CALL protect('ticket_class');
GRANT SELECT, INSERT, DELETE, UPDATE (
    name, price, capacity, per_order, sale_from, sale_until, live, transferable, resalable,
    entry, version, withdrawn_at
) ON ticket_class TO usher_app;

CREATE TABLE class_seat ( -- what a seated class may sell; tickets are made of it at publication
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    label text NOT NULL CHECK (length(label) BETWEEN 1 AND 80),
    class_index integer NOT NULL,
    place integer NOT NULL, -- its order on a list of seats
    withdrawn_at timestamptz, -- taken off sale
    PRIMARY KEY (tenant_id, event_id, label),
    FOREIGN KEY (tenant_id, event_id, class_index) REFERENCES ticket_class ON DELETE CASCADE
);
CALL protect('class_seat');
GRANT SELECT, INSERT, UPDATE (withdrawn_at) ON class_seat TO usher_app;
CREATE INDEX class_seat_class ON class_seat (tenant_id, event_id, class_index, place);
