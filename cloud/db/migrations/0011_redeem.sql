-- What a batch of scans begins with, in one round trip (cloud/checkins/opening.py).

CREATE TYPE scan_caller AS (current boolean, role text);
CREATE TYPE scan_ticket AS (
    ticket_id uuid, hash bytea, number integer, class_index integer, state text, gen integer,
    blocked boolean, holder bytea, attendee text, seat text
);
CREATE TYPE scan_record AS (
    ticket bytea, record_id bytea, raw bytea, online boolean, proved boolean
);

-- Enter a tenant as `enter` does, and say who calls. Then, unless one of the accounts is refused:
-- by which stamp the event is decided, the tickets, locked, and what is known of them and of
-- `hashes`. Each is a statement of its own, so that the records are read after the locks are held.
CREATE FUNCTION open_scans(
    wanted uuid, who text, accounts uuid[], epochs integer[], admitting text[],
    for_event uuid, wanted_tickets uuid[], hashes bytea[], told text[],
    OUT known boolean, OUT callers scan_caller[], OUT ref bytea, OUT stamp text,
    OUT tickets scan_ticket[], OUT records scan_record[],
    OUT heard boolean
) LANGUAGE plpgsql AS $$
DECLARE refused boolean;
BEGIN
    PERFORM set_config('app.tenant', wanted::text, true), set_config('app.actor', who, true);
    SELECT t.suspended_at IS NULL INTO known FROM tenant t WHERE t.tenant_id = wanted;
    SELECT array_agg(ROW(a.epoch = n.epoch AND a.erased_at IS NULL, m.role)::scan_caller
                     ORDER BY n.place),
           bool_or((a.epoch = n.epoch AND a.erased_at IS NULL AND m.role = ANY (admitting))
                   IS NOT TRUE)
      INTO callers, refused
      FROM unnest(accounts, epochs) WITH ORDINALITY AS n (account, epoch, place)
      LEFT JOIN account a ON a.account_id = n.account
      LEFT JOIN member m ON m.tenant_id = wanted AND m.account_id = n.account;
    IF known IS NOT TRUE OR refused THEN
        RETURN;
    END IF;
    -- The venue's rows have no version, so what they say is part of the stamp.
    SELECT e.ref, ROW(
               e.version, e.state,
               (SELECT max(k.version) FROM keyset k WHERE k.tenant_id = wanted),
               (SELECT sum(c.version) FROM ticket_class c
                 WHERE c.tenant_id = wanted AND c.event_id = for_event),
               (SELECT sum(hashtextextended(g::text, 0)) FROM gate g
                 WHERE g.tenant_id = wanted AND g.venue_id = e.venue_id),
               (SELECT sum(hashtextextended(z::text, 0)) FROM zone z
                 WHERE z.tenant_id = wanted AND z.venue_id = e.venue_id))::text
      INTO ref, stamp
      FROM event e
     WHERE e.tenant_id = wanted AND e.event_id = for_event AND e.state <> 'draft';
    IF ref IS NULL THEN
        RETURN;
    END IF;
    -- In the order of their ids, like everybody who locks several: so nobody waits in a circle.
    SELECT array_agg(ROW(t.ticket_id, t.hash, t.number, t.class_index, t.state, t.gen, t.blocked,
                         t.holder, t.attendee, t.seat)::scan_ticket)
      INTO tickets
      FROM (SELECT * FROM ticket
             WHERE tenant_id = wanted AND event_id = for_event AND ticket_id = ANY (wanted_tickets)
             ORDER BY ticket_id FOR NO KEY UPDATE) AS t;
    -- What counts: it chains to a BOOT, and its device was not cut off before it.
    SELECT array_agg(ROW(r.ticket, r.record_id, r.raw, d.kind = 'worker',
                         p.record_id IS NOT NULL)::scan_record)
      INTO records
      FROM record r
      JOIN device d ON d.tenant_id = r.tenant_id AND d.device_id = r.device_id
      LEFT JOIN proof p ON p.tenant_id = r.tenant_id AND p.record_id = r.record_id
     WHERE r.tenant_id = wanted AND r.event_ref = ref
       AND r.ticket = ANY (hashes || ARRAY(SELECT t.hash FROM unnest(tickets) AS t))
       AND r.kind IN (1, 2, 3, 5)
       AND (d.revoked_at IS NULL
            OR (r.incarnation, r.seq) <= (d.cutoff_incarnation, d.cutoff_seq))
       AND NOT EXISTS (SELECT FROM record_waiting w
                        WHERE w.tenant_id = r.tenant_id AND w.record_id = r.record_id);
    heard := is_heard(told); -- 0017_hooks.sql
END $$;
