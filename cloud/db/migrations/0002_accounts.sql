-- Accounts belong to nobody's tenant: a fan buys from many. Membership gives a role in one.

CREATE TABLE account (
    account_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email text UNIQUE, -- lower case; NULL once erased
    email_verified_at timestamptz,
    password text, -- Argon2id in PHC form; NULL: signs in elsewhere
    name text NOT NULL DEFAULT '' CHECK (length(name) <= 80),
    locale text NOT NULL DEFAULT 'en' CHECK (length(locale) BETWEEN 2 AND 16),
    admin boolean NOT NULL DEFAULT false,
    epoch integer NOT NULL DEFAULT 0, -- raised by "sign out everywhere": older tokens are void
    created_at timestamptz NOT NULL DEFAULT now(),
    erased_at timestamptz
);
GRANT SELECT, INSERT, UPDATE ON account TO usher_app;

CREATE TABLE identity ( -- who an account is at an external issuer
    issuer text NOT NULL,
    subject text NOT NULL,
    account_id uuid NOT NULL REFERENCES account,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
GRANT SELECT, INSERT, DELETE ON identity TO usher_app;
CREATE INDEX identity_account ON identity (account_id);

CREATE TABLE session ( -- a family of refresh tokens
    session_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES account,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL, -- however often it is refreshed
    ended_at timestamptz,
    ended_why text NOT NULL DEFAULT ''
);
GRANT SELECT, INSERT, DELETE, UPDATE (used_at, ended_at, ended_why) ON session TO usher_app;
CREATE INDEX session_account ON session (account_id);

CREATE TABLE refresh_token (
    hash bytea PRIMARY KEY, -- SHA-256 of the token
    session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0), -- in its family: the highest is in use
    issued_at timestamptz NOT NULL DEFAULT now(),
    successor bytea CHECK (length(successor) = 32), -- the next one, masked by this one's text
    UNIQUE (session_id, number)
);
GRANT SELECT, INSERT, DELETE, UPDATE (successor) ON refresh_token TO usher_app;

CREATE TABLE mail_secret ( -- what is mailed to an address, to be brought back once
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    account_id uuid NOT NULL REFERENCES account,
    purpose text NOT NULL CHECK (purpose IN ('verify', 'reset')),
    password text, -- of the sign-up that it was mailed for: whoever has the mailbox decides
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
GRANT SELECT, INSERT, DELETE, UPDATE (password, used_at) ON mail_secret TO usher_app;
CREATE INDEX mail_secret_account ON mail_secret (account_id);

CREATE TABLE spent_id_token ( -- an outside issuer's ID token signs in once
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    spent_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, DELETE ON spent_id_token TO usher_app;

-- As `outbox`, for what no tenant owns: mail to accounts. No payload holds an address, and the
-- secrets in it are sealed.
CREATE TABLE platform_outbox (
    message_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    key text NOT NULL,
    payload jsonb NOT NULL,
    request_id text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    dead_at timestamptz,
    fault text NOT NULL DEFAULT ''
);
GRANT SELECT, INSERT, DELETE, UPDATE (attempts, due_at, done_at, dead_at, fault)
    ON platform_outbox TO usher_app;
CREATE INDEX platform_outbox_due ON platform_outbox (due_at)
    WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX platform_outbox_key ON platform_outbox (key, message_id)
    WHERE done_at IS NULL AND dead_at IS NULL;
CREATE TRIGGER wake AFTER INSERT ON platform_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION wake_dispatcher();

CREATE TABLE token_key ( -- what access tokens are signed with
    kid text PRIMARY KEY,
    public bytea NOT NULL CHECK (length(public) = 32),
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    signs_from timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz, -- signs no more from then on; verifies until its last token ended
    withdrawn_at timestamptz -- void at once: somebody else may have it
);
GRANT SELECT, INSERT, UPDATE (sealed, retired_at, withdrawn_at) ON token_key TO usher_app;

CREATE TABLE member (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    account_id uuid NOT NULL REFERENCES account,
    role text NOT NULL CHECK (role IN ('owner', 'artist', 'staff', 'scanner')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, account_id)
);
CALL protect('member');
GRANT SELECT, INSERT, DELETE, UPDATE (role) ON member TO usher_app;

-- Which tenants an account belongs to, asked before any tenant is entered.
CREATE POLICY own ON member FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION memberships(who uuid) RETURNS TABLE (tenant_id uuid, slug text, name text, role text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT t.tenant_id, t.slug, t.name, m.role
          FROM public.member m JOIN public.tenant t USING (tenant_id)
         WHERE m.account_id = who AND t.suspended_at IS NULL
         ORDER BY t.slug
    $$;
REVOKE ALL ON FUNCTION memberships(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION memberships(uuid) TO usher_app;

CREATE TABLE invitation ( -- to become a member, by mail; only who owns the address may accept
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    invitation_id uuid NOT NULL DEFAULT gen_random_uuid(),
    email text NOT NULL, -- lower case
    role text NOT NULL CHECK (role IN ('owner', 'artist', 'staff', 'scanner')),
    hash bytea NOT NULL CHECK (length(hash) = 32), -- of the secret that was mailed
    created_by text NOT NULL DEFAULT current_actor(),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, invitation_id),
    UNIQUE (tenant_id, hash)
);
CALL protect('invitation');
GRANT SELECT, INSERT, DELETE, UPDATE (accepted_at, revoked_at) ON invitation TO usher_app;

CREATE TABLE api_key (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    key_id text NOT NULL, -- stands in the key itself
    hash bytea NOT NULL CHECK (length(hash) = 32),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    scopes text[] NOT NULL,
    created_by text NOT NULL DEFAULT current_actor(),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, key_id)
);
CALL protect('api_key');
GRANT SELECT, INSERT, UPDATE (revoked_at) ON api_key TO usher_app;

CREATE TABLE client ( -- another service, which asks for tokens by client credentials
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    client_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    hash bytea NOT NULL CHECK (length(hash) = 32), -- of its secret
    scopes text[] NOT NULL,
    created_by text NOT NULL DEFAULT current_actor(),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, client_id)
);
CALL protect('client');
GRANT SELECT, INSERT, UPDATE (hash, scopes, revoked_at) ON client TO usher_app;

-- Bind the transaction to a tenant and say what an account is in it: one round trip.
--   known:   there is such a tenant, and it is not suspended
--   current: the account exists and has not signed out everywhere since the token was made
--   role:    of the account in this tenant; NULL for a fan
CREATE FUNCTION enter(
    wanted uuid, who text, account uuid, token_epoch integer,
    OUT known boolean, OUT current boolean, OUT role text, OUT admin boolean
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.tenant', wanted::text, true), set_config('app.actor', who, true);
    SELECT t.suspended_at IS NULL INTO known FROM tenant t WHERE t.tenant_id = wanted;
    IF account IS NOT NULL THEN
        SELECT a.epoch = token_epoch AND a.erased_at IS NULL, a.admin INTO current, admin
          FROM account a WHERE a.account_id = account;
        SELECT m.role INTO role FROM member m
         WHERE m.tenant_id = wanted AND m.account_id = account;
    END IF;
END $$;
