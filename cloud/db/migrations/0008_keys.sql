-- A tenant's keys. Private halves are sealed with the master key (cloud/keys/sealing.py); the
-- context that each is sealed with names the tenant and the key, so that none can be swapped.

CREATE TABLE tenant_key (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    public bytea NOT NULL CHECK (length(public) = 32),
    kid bytea NOT NULL GENERATED ALWAYS AS -- shared.hashing.kid; a hint, so no two may share it
        (substring(sha256('usher/kid/v1\000'::bytea || public) FROM 1 FOR 4)) STORED,
    role text NOT NULL CHECK (role IN ('root', 'issuer', 'manifest', 'roster', 'command')),
    event_id uuid, -- of an issuer key
    sealed bytea NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL,
    signs_from timestamptz NOT NULL, -- a second key signs a day after it was published
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, public),
    UNIQUE (tenant_id, kid),
    FOREIGN KEY (tenant_id, event_id) REFERENCES event,
    CHECK ((role = 'issuer') = (event_id IS NOT NULL)),
    CHECK (not_before < not_after AND not_before <= signs_from)
);
CALL protect('tenant_key');
GRANT SELECT, INSERT, UPDATE (sealed, revoked_at, not_after) ON tenant_key TO usher_app;
CREATE INDEX tenant_key_event ON tenant_key (tenant_id, event_id, signs_from);

CREATE TABLE keyset ( -- signed documents, as published
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    version integer NOT NULL CHECK (version >= 1),
    root bytea NOT NULL CHECK (length(root) = 32), -- the key that signed it
    raw bytea NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, version)
);
CALL protect('keyset');
GRANT SELECT, INSERT ON keyset TO usher_app;
CREATE INDEX keyset_root ON keyset (tenant_id, root, version);
CREATE POLICY due ON keyset FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION tenants_with_old_keysets(before timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT tenant_id FROM public.keyset GROUP BY tenant_id HAVING max(issued_at) < before
    $$;
REVOKE ALL ON FUNCTION tenants_with_old_keysets(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_old_keysets(timestamptz) TO usher_app;
