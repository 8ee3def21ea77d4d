-- Offers to hand a ticket over. Accepting one raises the ticket's generation.

CREATE TABLE transfer (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    transfer_id uuid NOT NULL DEFAULT gen_random_uuid(),
    event_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    gen integer NOT NULL, -- of the ticket when it was offered
    sender uuid NOT NULL REFERENCES account,
    recipient uuid REFERENCES account,
    email text CHECK (length(email) <= 254), -- whom it was offered to; NULL: whoever has the link
    hash bytea NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the link's secret
    state text NOT NULL DEFAULT 'offered'
        CHECK (state IN ('offered', 'accepted', 'cancelled', 'declined', 'lapsed')),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, transfer_id),
    FOREIGN KEY (tenant_id, event_id, ticket_id) REFERENCES ticket
);
CALL protect('transfer');
GRANT SELECT, INSERT, UPDATE (recipient, email, state, ended_at) ON transfer TO usher_app;
CREATE UNIQUE INDEX transfer_open ON transfer (tenant_id, event_id, ticket_id)
    WHERE state = 'offered';
CREATE UNIQUE INDEX transfer_hash ON transfer (tenant_id, hash);
CREATE INDEX transfer_ticket ON transfer (tenant_id, event_id, ticket_id);
CREATE INDEX transfer_due ON transfer (tenant_id, expires_at) WHERE state = 'offered';
CREATE INDEX transfer_sender ON transfer (tenant_id, sender, created_at);
CREATE POLICY due ON transfer FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION tenants_with_lapsed_transfers(before timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT DISTINCT tenant_id FROM public.transfer
         WHERE state = 'offered' AND expires_at < before
    $$;
REVOKE ALL ON FUNCTION tenants_with_lapsed_transfers(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_lapsed_transfers(timestamptz) TO usher_app;
