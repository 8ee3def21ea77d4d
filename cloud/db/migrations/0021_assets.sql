-- What the ledger's worker (cloud/ledger/work) knows: which ticket shall have what, which
-- transactions it has signed, and where it mints. What a chain holds is a copy of none of this,
-- and none of this says who may enter.

-- One secret, sealed under the master key: every key that signs is derived from it
-- (cloud/ledger/work/keys.py). It belongs to no tenant.
CREATE TABLE ledger_root (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    sealed bytea NOT NULL,
    paused boolean NOT NULL DEFAULT false, -- by an operator: nothing is signed or sent
    cluster bytea CHECK (length(cluster) = 32) -- of Solana: what it began with, once it was used
);
GRANT SELECT, INSERT, UPDATE (sealed, paused, cluster) ON ledger_root TO usher_app;

-- An event on the ledger. `due_at`: when the worker shall look at it next; null: at rest.
CREATE TABLE asset_event (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    collection bytea CHECK (length(collection) = 32), -- its Core collection, once there
    due_at timestamptz,
    paused boolean NOT NULL DEFAULT false, -- by a person
    freezes boolean NOT NULL DEFAULT false, -- whether a ticket that was used is frozen
    fault text NOT NULL DEFAULT '', -- why it stands still
    PRIMARY KEY (tenant_id, event_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES event
);
CALL protect('asset_event');
GRANT SELECT, INSERT, UPDATE (collection, due_at, paused, freezes, fault)
    ON asset_event TO usher_app;
CREATE INDEX asset_event_due ON asset_event (due_at) WHERE due_at IS NOT NULL;

-- Pictures of an event's collection, written anew from what was uploaded and named by their hash. A
-- row is never changed: metadata that is told for good names it.
CREATE TABLE asset_image (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    image bytea NOT NULL CHECK (image = sha256(body)),
    media_type text NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg', 'image/webp')),
    width integer NOT NULL,
    height integer NOT NULL,
    body bytea NOT NULL CHECK (length(body) <= 8388608),
    PRIMARY KEY (tenant_id, event_id, image),
    FOREIGN KEY (tenant_id, event_id) REFERENCES asset_event
);
CALL protect('asset_image');
GRANT SELECT, INSERT ON asset_image TO usher_app;
ALTER TABLE asset_image ALTER COLUMN body SET STORAGE EXTERNAL; -- compressed as it is
ALTER TABLE asset_event -- the one that is shown now
    ADD COLUMN image bytea,
    ADD FOREIGN KEY (tenant_id, event_id, image) REFERENCES asset_image;
GRANT UPDATE (image) ON asset_event TO usher_app;

-- Trees of an event, in the order in which they are filled.
CREATE TABLE asset_tree (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    tree_no integer NOT NULL,
    state text NOT NULL DEFAULT 'planned'
        CHECK (state IN ('planned', 'approved', 'open', 'full')),
    schema text NOT NULL CHECK (schema IN ('v1', 'v2')), -- for good: of all that is minted there
    depth integer NOT NULL,
    buffer integer NOT NULL,
    canopy integer NOT NULL,
    cost jsonb NOT NULL, -- cloud/ledger/work/planning.py: Cost; shown before it is spent
    address bytea CHECK (length(address) = 32),
    minted integer NOT NULL DEFAULT 0, -- leaves that we know of
    cursor bytea CHECK (length(cursor) = 64), -- the last transaction of its history that was read
    PRIMARY KEY (tenant_id, event_id, tree_no),
    FOREIGN KEY (tenant_id, event_id) REFERENCES asset_event,
    CHECK (state IN ('planned', 'approved') OR address IS NOT NULL)
);
CALL protect('asset_tree');
GRANT SELECT, INSERT, UPDATE (state, cost, address, minted, cursor) ON asset_tree TO usher_app;

-- What metadata says of a class's tickets; a row is never changed, so neither is what was told.
CREATE TABLE asset_text (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    text_id integer NOT NULL,
    class_index integer NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (tenant_id, event_id, text_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES asset_event
);
CALL protect('asset_text');
GRANT SELECT, INSERT ON asset_text TO usher_app;

-- Transactions that were signed. The row is committed before the first byte is sent; only one
-- that can land no more (`dead`) or that has failed lets its tickets be signed for again.
CREATE TABLE ledger_job (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    job_id uuid NOT NULL DEFAULT gen_random_uuid(),
    number bigint GENERATED ALWAYS AS IDENTITY, -- the order in which they were signed
    kind text NOT NULL CHECK (kind IN
        ('collection', 'tree', 'mint', 'transfer', 'freeze', 'thaw', 'burn')),
    state text NOT NULL DEFAULT 'signed' -- cloud/ledger/work/lifecycle.py
        CHECK (state IN ('signed', 'landed', 'failed', 'dead', 'review')),
    tree_no integer,
    ticket_id uuid, -- of one that changes one ticket's asset
    raw bytea, -- null once it has ended: the chain has it, or nobody
    signature bytea NOT NULL CHECK (length(signature) = 64),
    last_height bigint NOT NULL,
    data_hashes bytea[] NOT NULL,
    creates bytea CHECK (length(creates) = 32),
    sends integer NOT NULL DEFAULT 0,
    fault text NOT NULL DEFAULT '',
    slot bigint,
    made_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(), -- when to send and look again
    ended_at timestamptz,
    entry bigint, -- of the books: what it took; null: nothing, or nobody keeps books of it
    PRIMARY KEY (tenant_id, event_id, job_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES asset_event,
    FOREIGN KEY (tenant_id, entry) REFERENCES journal (tenant_id, journal_id),
    CHECK (state NOT IN ('signed', 'review') OR raw IS NOT NULL)
) PARTITION BY HASH (event_id);
CALL partition_by_event('ledger_job');
GRANT SELECT, INSERT, UPDATE (state, raw, sends, fault, slot, due_at, ended_at, entry)
    ON ledger_job TO usher_app;
CREATE UNIQUE INDEX ledger_job_signature ON ledger_job (tenant_id, event_id, signature);
CREATE INDEX ledger_job_open ON ledger_job (tenant_id, event_id, number)
    WHERE state IN ('signed', 'review');
CREATE INDEX ledger_job_ticket ON ledger_job (tenant_id, event_id, ticket_id)
    WHERE ticket_id IS NOT NULL;

-- A ticket's asset: what the ledger has of it, as events told. `due_at`: when to compare that
-- with the ticket; null: they agree. `wish` counts what asked for a comparison.
CREATE TABLE asset (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    number integer NOT NULL,
    ref bytea NOT NULL GENERATED ALWAYS AS -- how the public names it; tells nothing of the ticket
        (substring(sha256('usher/asset/v1\000'::bytea || uuid_send(ticket_id)) FROM 1 FOR 16))
        STORED,
    due_at timestamptz,
    wish integer NOT NULL DEFAULT 1,
    wished_at timestamptz NOT NULL DEFAULT now(),
    job_id uuid, -- the open transaction that it is in: one at a time
    place integer, -- there
    taken integer, -- the wish that it answers
    more boolean NOT NULL DEFAULT false, -- whether another step is known to follow
    attempts integer NOT NULL DEFAULT 0,
    fault text NOT NULL DEFAULT '',
    held text NOT NULL DEFAULT '' CHECK (held IN ('', 'failed', 'review', 'left')),
        -- waits for a person, or was left as others made it
    text_id integer, -- as it was minted, with the next
    gen integer,
    mint_job uuid,
    asset_id bytea CHECK (length(asset_id) = 32),
    tree_no integer,
    leaf_index integer,
    owner bytea CHECK (length(owner) = 32),
    frozen boolean NOT NULL DEFAULT false,
    burnt boolean NOT NULL DEFAULT false,
    changed_at timestamptz,
    PRIMARY KEY (tenant_id, event_id, ticket_id),
    FOREIGN KEY (tenant_id, event_id, ticket_id) REFERENCES ticket,
    CHECK ((asset_id IS NULL) = (owner IS NULL)),
    CHECK (NOT burnt OR asset_id IS NOT NULL)
) PARTITION BY HASH (event_id);
CALL partition_by_event('asset');
GRANT SELECT, INSERT, UPDATE (
    due_at, wish, wished_at, job_id, place, taken, more, attempts, fault, held, text_id, gen,
    mint_job, asset_id, tree_no, leaf_index, owner, frozen, burnt, changed_at
) ON asset TO usher_app;
CREATE UNIQUE INDEX asset_ids ON asset (tenant_id, event_id, asset_id) WHERE asset_id IS NOT NULL;
CREATE UNIQUE INDEX asset_leaf ON asset (tenant_id, event_id, tree_no, leaf_index)
    WHERE leaf_index IS NOT NULL;
CREATE INDEX asset_due ON asset (tenant_id, event_id, due_at, number)
    WHERE due_at IS NOT NULL AND job_id IS NULL AND held = '';
CREATE INDEX asset_job ON asset (tenant_id, event_id, job_id) WHERE job_id IS NOT NULL;
CREATE INDEX asset_ref ON asset (ref);

-- An address of a fan's own, proved by a signature. Without one it is derived.
CREATE TABLE wallet (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    account_id uuid NOT NULL REFERENCES account,
    address bytea NOT NULL CHECK (length(address) = 32),
    linked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, account_id)
);
CALL protect('wallet');
GRANT SELECT, INSERT, DELETE, UPDATE (address, linked_at) ON wallet TO usher_app;

-- Keys of kept addresses that were handed to their fans: we sign with none of them again. As many
-- rows as an account has is the number of the key that is kept for it now (work/keys.py).
CREATE TABLE wallet_export (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    account_id uuid NOT NULL REFERENCES account,
    number integer NOT NULL CHECK (number >= 0),
    exported_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id, number)
);
CALL protect('wallet_export');
GRANT SELECT, INSERT ON wallet_export TO usher_app;

-- What somebody did to an asset and we did not: for a person to settle.
CREATE TABLE asset_review (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    event_id uuid NOT NULL,
    signature bytea NOT NULL CHECK (length(signature) = 64),
    asset_id bytea NOT NULL CHECK (length(asset_id) = 32),
    ticket_id uuid, -- null: an asset that is no ticket's
    kind text NOT NULL CHECK (kind IN ('moved', 'burnt', 'frozen', 'minted')),
    owner bytea NOT NULL,
    slot bigint NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    settled_by text NOT NULL DEFAULT '',
    decision text CHECK (decision IN ('restore', 'leave')),
    PRIMARY KEY (tenant_id, event_id, signature, asset_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES asset_event
);
CALL protect('asset_review');
GRANT SELECT, INSERT, UPDATE (settled_at, settled_by, decision) ON asset_review TO usher_app;

-- The worker must know which events are due, and a public page whose ticket it is asked about:
-- both in which tenant, and nothing else.
CREATE POLICY due ON asset_event FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION events_with_asset_work(before timestamptz)
    RETURNS TABLE (tenant_id uuid, event_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT a.tenant_id, a.event_id FROM public.asset_event a
         WHERE a.due_at <= before AND NOT a.paused
           AND NOT EXISTS (SELECT FROM public.ledger_root r WHERE r.paused)
         ORDER BY a.due_at LIMIT 200
    $$;
REVOKE ALL ON FUNCTION events_with_asset_work(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION events_with_asset_work(timestamptz) TO usher_app;

CREATE POLICY named ON asset FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION asset_named(wanted bytea)
    RETURNS TABLE (tenant_id uuid, event_id uuid, ticket_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$ SELECT a.tenant_id, a.event_id, a.ticket_id FROM public.asset a WHERE a.ref = wanted $$;
REVOKE ALL ON FUNCTION asset_named(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION asset_named(bytea) TO usher_app;

-- What waits to be written to the ledger, as figures() in 0018_figures.sql.
CREATE POLICY figures ON asset_review FOR SELECT TO usher_owner USING (true);
CREATE POLICY figures ON ledger_job FOR SELECT TO usher_owner USING (true);
CREATE INDEX asset_held ON asset (tenant_id, held) WHERE held IN ('failed', 'review');
CREATE INDEX asset_waiting ON asset (tenant_id, wished_at) WHERE due_at IS NOT NULL AND held = '';
CREATE INDEX asset_review_open ON asset_review (tenant_id) WHERE settled_at IS NULL;
CREATE INDEX ledger_job_lost ON ledger_job (tenant_id) WHERE state = 'review';
CREATE FUNCTION ledger_figures(now timestamptz)
    RETURNS TABLE (slug text, figure text, value double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        WITH waiting AS (
            SELECT a.tenant_id, count(*) AS many, min(a.wished_at) AS since FROM public.asset a
              JOIN public.asset_event e USING (tenant_id, event_id)
             WHERE a.due_at IS NOT NULL AND a.held = '' AND NOT e.paused GROUP BY 1
        ), held AS (
            SELECT tenant_id FROM public.asset WHERE held = 'failed'
            UNION ALL SELECT tenant_id FROM public.ledger_job WHERE state = 'review'
            UNION ALL SELECT tenant_id FROM public.asset_review WHERE settled_at IS NULL
        ), told (tenant_id, figure, value) AS (
            SELECT w.tenant_id, f.figure, f.value FROM waiting w CROSS JOIN LATERAL (VALUES
                ('ledger_waiting', w.many::double precision),
                ('ledger_oldest_seconds', greatest(0, extract(epoch FROM now - w.since)))
            ) f (figure, value)
            UNION ALL SELECT tenant_id, 'ledger_held', count(*) FROM held GROUP BY 1
        )
        SELECT t.slug, told.figure, told.value FROM told JOIN public.tenant t USING (tenant_id)
    $$;
REVOKE ALL ON FUNCTION ledger_figures(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_figures(timestamptz) TO usher_app;
