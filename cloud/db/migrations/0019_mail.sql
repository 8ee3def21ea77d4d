-- Mail (cloud/notify). A row says to whom and about what, by ids alone: names, addresses and
-- words are looked up when it is sent. Mail to accounts outside every tenant waits in
-- `platform_outbox`.

CREATE TABLE mail (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    mail_id uuid NOT NULL DEFAULT gen_random_uuid(), -- also in its Message-ID, at every try
    kind text NOT NULL, -- cloud/notify/model.py
    account_id uuid REFERENCES account, -- to whom; null: to the address that `about` leads to
    language text NOT NULL CHECK (length(language) BETWEEN 2 AND 16),
    about jsonb NOT NULL, -- ids and amounts
    sealed text NOT NULL DEFAULT '', -- a secret that it carries
    trace text NOT NULL DEFAULT '' CHECK (length(trace) <= 55), -- a traceparent of what it tells of
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'sent', 'kept', 'bounced', 'dropped', 'failed')),
    ended_at timestamptz,
    fault text NOT NULL DEFAULT '', -- a code
    PRIMARY KEY (tenant_id, mail_id),
    CHECK ((state = 'waiting') = (ended_at IS NULL))
);
CALL protect('mail');
GRANT SELECT, INSERT, DELETE, UPDATE (due_at, attempts, state, ended_at, fault, sealed)
    ON mail TO usher_app;
CREATE INDEX mail_due ON mail (tenant_id, due_at) WHERE state = 'waiting';
CREATE INDEX mail_newest ON mail (tenant_id, created_at, mail_id);
CREATE INDEX mail_account ON mail (tenant_id, account_id) WHERE account_id IS NOT NULL;

-- What an address wants no more of, from one organizer.
CREATE TABLE mail_refusal (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    address bytea NOT NULL CHECK (length(address) = 32), -- SHA-256 of it, in lower case
    category text NOT NULL CHECK (category IN ('incidents', 'invitations', 'offers')),
    since timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, address, category)
);
CALL protect('mail_refusal');
GRANT SELECT, INSERT, DELETE ON mail_refusal TO usher_app;

CREATE FUNCTION wake_mail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY usher_mail;
    RETURN NULL;
END $$;
CREATE TRIGGER wake AFTER INSERT ON mail FOR EACH STATEMENT EXECUTE FUNCTION wake_mail();
CREATE TRIGGER wake_mail AFTER INSERT ON platform_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION wake_mail();

CREATE INDEX mail_ended ON mail (ended_at) WHERE ended_at IS NOT NULL;

-- The sender learns which tenants have something due, and the mailbox page where the newest
-- ones lie; nothing else of them.
CREATE POLICY due ON mail FOR SELECT TO usher_owner USING (true);
CREATE POLICY person ON mail_refusal FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION tenants_with_mail(now timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT t.tenant_id FROM public.tenant t CROSS JOIN LATERAL (
            SELECT min(m.due_at) AS oldest FROM public.mail m
             WHERE m.tenant_id = t.tenant_id AND m.state = 'waiting') w
         WHERE w.oldest <= now ORDER BY w.oldest
    $$;
REVOKE ALL ON FUNCTION tenants_with_mail(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_mail(timestamptz) TO usher_app;
CREATE FUNCTION newest_mail(most integer, OUT tenant_id uuid, OUT mail_id uuid) RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT m.tenant_id, m.mail_id FROM public.mail m ORDER BY m.created_at DESC LIMIT most
    $$;
REVOKE ALL ON FUNCTION newest_mail(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION newest_mail(integer) TO usher_app;

-- Mail in figures, beside those of 0018_figures.sql. The oldest is one that no receiver has put
-- off, and that does not wait on purpose; what goes to accounts outside every tenant is (platform).
CREATE FUNCTION mail_figures(now timestamptz)
    RETURNS TABLE (slug text, figure text, value double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        WITH queue (slug, at, new) AS (
            SELECT t.slug, m.created_at, m.attempts <= 1 AND m.kind <> 'incident'
              FROM public.mail m JOIN public.tenant t USING (tenant_id) WHERE m.state = 'waiting'
            UNION ALL
            SELECT '(platform)', p.created_at, p.attempts <= 1 FROM public.platform_outbox p
             WHERE p.done_at IS NULL AND p.dead_at IS NULL
        ), ended (slug, state, many) AS (
            SELECT t.slug, m.state, count(*) FROM public.mail m JOIN public.tenant t USING (tenant_id)
             WHERE m.ended_at > now - interval '1 hour' GROUP BY 1, 2
        )
        SELECT slug, 'mail_waiting', count(*) FROM queue GROUP BY 1
        UNION ALL
        SELECT slug, 'mail_oldest_seconds',
               greatest(0, coalesce(extract(epoch FROM now - min(at) FILTER (WHERE new)), 0))
          FROM queue GROUP BY 1
        UNION ALL
        SELECT slug, 'mail_sent', sum(many) FROM ended WHERE state IN ('sent', 'kept') GROUP BY 1
        UNION ALL
        SELECT slug, 'mail_refused', sum(many) FROM ended WHERE state IN ('bounced', 'failed')
         GROUP BY 1
    $$;
REVOKE ALL ON FUNCTION mail_figures(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mail_figures(timestamptz) TO usher_app;

-- As in 0010_privacy.sql, with mail among what is held about a person.
CREATE OR REPLACE FUNCTION tenants_of_account(who uuid) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT t.tenant_id FROM public.tenant t
         WHERE EXISTS (SELECT FROM public.member m
                        WHERE (m.tenant_id, m.account_id) = (t.tenant_id, who))
            OR EXISTS (SELECT FROM public.purchase p
                        WHERE (p.tenant_id, p.account_id) = (t.tenant_id, who))
            OR EXISTS (SELECT FROM public.ticket k
                        WHERE (k.tenant_id, k.account_id) = (t.tenant_id, who))
            OR EXISTS (SELECT FROM public.transfer f
                        WHERE (f.tenant_id, f.sender) = (t.tenant_id, who))
            OR EXISTS (SELECT FROM public.transfer f
                        WHERE (f.tenant_id, f.recipient) = (t.tenant_id, who))
            OR EXISTS (SELECT FROM public.event_artist a
                        WHERE (a.tenant_id, a.account_id) = (t.tenant_id, who))
            OR EXISTS (SELECT FROM public.audit u
                        WHERE (u.tenant_id, u.actor) = (t.tenant_id, 'account:' || who))
            OR EXISTS (SELECT FROM public.mail l
                        WHERE (l.tenant_id, l.account_id) = (t.tenant_id, who))
         ORDER BY t.tenant_id
    $$;
CREATE OR REPLACE FUNCTION tenants_with_address(address text) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT t.tenant_id FROM public.tenant t
         WHERE EXISTS (SELECT FROM public.ticket k
                        WHERE (k.tenant_id, lower(k.email)) = (t.tenant_id, lower(address)))
            OR EXISTS (SELECT FROM public.transfer f
                        WHERE (f.tenant_id, lower(f.email)) = (t.tenant_id, lower(address)))
            OR EXISTS (SELECT FROM public.invitation i
                        WHERE (i.tenant_id, lower(i.email)) = (t.tenant_id, lower(address)))
            OR EXISTS (SELECT FROM public.guest g
                        WHERE (g.tenant_id, lower(g.email)) = (t.tenant_id, lower(address)))
            OR EXISTS (SELECT FROM public.mail_refusal r
                        WHERE (r.tenant_id, r.address)
                            = (t.tenant_id, sha256(convert_to(lower($1), 'UTF8'))))
         ORDER BY t.tenant_id
    $$;

-- What has waited in the platform's outbox until now was never to be sent: it was read there.
UPDATE platform_outbox SET done_at = clock_timestamp(), fault = 'kept' WHERE done_at IS NULL;
