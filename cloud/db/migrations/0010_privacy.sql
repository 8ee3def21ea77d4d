-- What is held about a person, over all tenants. Each function only names tenants; the rows are
-- then read and blanked inside each of them, as by anybody (cloud/privacy).

CREATE INDEX ticket_email ON ticket (tenant_id, lower(email)) WHERE email IS NOT NULL;
CREATE INDEX transfer_email ON transfer (tenant_id, lower(email)) WHERE email IS NOT NULL;
CREATE INDEX transfer_recipient ON transfer (tenant_id, recipient) WHERE recipient IS NOT NULL;
CREATE INDEX invitation_email ON invitation (tenant_id, lower(email));

CREATE POLICY person ON ticket FOR SELECT TO usher_owner USING (true);
CREATE POLICY person ON event_artist FOR SELECT TO usher_owner USING (true);
CREATE POLICY person ON audit FOR SELECT TO usher_owner USING (true);
CREATE POLICY person ON invitation FOR SELECT TO usher_owner USING (true);
CREATE POLICY person ON guest FOR SELECT TO usher_owner USING (true);

-- Where an account has rows. Asked tenant by tenant, so that each question is one look-up.
CREATE FUNCTION tenants_of_account(who uuid) RETURNS SETOF uuid
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
         ORDER BY t.tenant_id
    $$;
REVOKE ALL ON FUNCTION tenants_of_account(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_of_account(uuid) TO usher_app;

-- Where others have written an address down: guest lists, offers, invitations.
CREATE FUNCTION tenants_with_address(address text) RETURNS SETOF uuid
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
         ORDER BY t.tenant_id
    $$;
REVOKE ALL ON FUNCTION tenants_with_address(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_address(text) TO usher_app;
