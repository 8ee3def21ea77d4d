-- The business in figures, for whoever runs the service (cloud/watch/figures.py): numbers of all
-- tenants, and nothing else of them. Events count until a day after their end.
CREATE POLICY figures ON event_count FOR SELECT TO usher_owner USING (true);
CREATE POLICY figures ON incident FOR SELECT TO usher_owner USING (true);
CREATE POLICY figures ON device FOR SELECT TO usher_owner USING (true);
CREATE POLICY figures ON device_report FOR SELECT TO usher_owner USING (true);
CREATE POLICY figures ON manifest_delta FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION figures(now timestamptz)
    RETURNS TABLE (slug text, figure text, value double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        WITH current AS MATERIALIZED (
            SELECT e.tenant_id, e.event_id, e.ref, e.state = 'published'
                   AND now BETWEEN e.doors_at - interval '1 hour' AND e.ends_at AS is_on
              FROM public.event e
             WHERE e.state <> 'draft' AND e.ends_at > now - interval '1 day'
        ), heard AS MATERIALIZED (
            SELECT r.tenant_id, r.received_at, r.body FROM public.device_report r
              JOIN public.device d USING (tenant_id, device_id)
             WHERE d.revoked_at IS NULL AND r.received_at > now - interval '1 day'
        ), told (tenant_id, figure, value) AS (
            SELECT c.tenant_id, 'tickets_sold', sum(n.sold) FROM current c
              CROSS JOIN LATERAL (
                SELECT count(*) AS sold FROM public.ticket t
                 WHERE t.tenant_id = c.tenant_id AND t.event_id = c.event_id
                   AND t.state IN ('purchased', 'minted', 'active', 'listed', 'used', 'expired')
              ) n GROUP BY 1
            UNION ALL
            SELECT c.tenant_id, f.figure, sum(f.value) FROM current c
              JOIN public.event_count k ON (k.tenant_id, k.event_ref) = (c.tenant_id, c.ref)
              CROSS JOIN LATERAL (VALUES ('admitted', (k.body->>'entered')::double precision),
                                         ('refused', (k.body->>'refused')::double precision)
              ) f (figure, value) GROUP BY 1, 2
            UNION ALL
            SELECT tenant_id, 'incidents_open', count(*) FROM public.incident
             WHERE state = 'open' AND resolved_at IS NULL GROUP BY 1
            UNION ALL
            SELECT o.tenant_id, f.figure, f.value FROM (
                SELECT tenant_id, count(*) FILTER (WHERE dead_at IS NULL) AS waiting,
                       count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead,
                       min(at) FILTER (WHERE dead_at IS NULL) AS oldest
                  FROM (SELECT tenant_id, created_at AS at, dead_at
                          FROM public.outbox WHERE done_at IS NULL
                        UNION ALL
                        SELECT tenant_id, at, dead_at FROM public.inbox WHERE done_at IS NULL) m
                 GROUP BY 1) o
              CROSS JOIN LATERAL (VALUES
                ('messages_waiting', o.waiting::double precision), ('messages_dead', o.dead),
                ('messages_oldest_seconds', greatest(0, extract(epoch FROM now - o.oldest)))
              ) f (figure, value) WHERE f.value IS NOT NULL
            UNION ALL
            SELECT tenant_id, 'merges_waiting', count(DISTINCT event_ref)
              FROM public.merge_due GROUP BY 1
            UNION ALL
            SELECT tenant_id, 'gates', count(*) FROM public.device
             WHERE kind = 'gate' AND revoked_at IS NULL GROUP BY 1
            UNION ALL
            SELECT tenant_id, 'gates_silent_seconds',
                   greatest(0, extract(epoch FROM now - min(received_at))) FROM heard h
             WHERE EXISTS (SELECT FROM current c WHERE c.tenant_id = h.tenant_id AND c.is_on)
             GROUP BY 1
            UNION ALL
            SELECT tenant_id, 'gates_waiting', sum((body->>'waiting')::bigint) FROM heard GROUP BY 1
            UNION ALL
            SELECT tenant_id, 'gates_clock_off_seconds',
                   max(abs((body->>'at')::double precision / 1000
                           - extract(epoch FROM received_at))) FROM heard GROUP BY 1
            UNION ALL
            SELECT h.tenant_id, 'gates_behind_seconds',
                   greatest(0, extract(epoch FROM now - min(d.issued_at))) FROM heard h
              CROSS JOIN LATERAL jsonb_to_recordset(h.body->'manifests')
                    AS said (event text, version bigint)
              JOIN current c ON c.tenant_id = h.tenant_id AND encode(c.ref, 'hex') = said.event
              JOIN public.manifest_delta d ON d.tenant_id = c.tenant_id
               AND d.event_id = c.event_id AND d.version = said.version + 1
             GROUP BY 1
        )
        SELECT t.slug, told.figure, told.value FROM told JOIN public.tenant t USING (tenant_id)
    $$;
REVOKE ALL ON FUNCTION figures(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION figures(timestamptz) TO usher_app;
