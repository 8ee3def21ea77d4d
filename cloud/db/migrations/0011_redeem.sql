-- A batch of scans, in one round trip that reads (cloud/checkins/opening.py) and one that writes
-- (cloud/checkins/worker.py).

CREATE TYPE scan_caller AS (current boolean, role text);
CREATE TYPE scan_ticket AS (
    ticket_id uuid, hash bytea, number integer, class_index integer, state text, gen integer,
    blocked boolean, holder bytea, attendee text, seat text,
    version text -- the row's, which every change replaces
);
CREATE TYPE scan_record AS (
    ticket bytea, record_id bytea, raw bytea, online boolean, proved boolean
);

-- Enter a tenant as `enter` does, and say who calls. Then, unless one of the accounts is refused:
-- by which stamp the event is decided, the tickets, and what is known of them and of `hashes`.
-- `locking`: the tickets stay as they are until the transaction ends. Each is a statement of its
-- own, so that the records are read after the locks are held.
CREATE FUNCTION open_scans(
    wanted uuid, who text, accounts uuid[], epochs integer[], admitting text[],
    for_event uuid, wanted_tickets uuid[], hashes bytea[], told text[], locking boolean,
    OUT known boolean, OUT callers scan_caller[], OUT ref bytea, OUT stamp text,
    OUT tickets scan_ticket[], OUT records scan_record[],
    OUT written bigint, -- how many records there are of them, whether they count or not
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
    IF locking THEN -- in the order of their ids, like everybody: so nobody waits in a circle
        PERFORM FROM ticket
          WHERE tenant_id = wanted AND event_id = for_event AND ticket_id = ANY (wanted_tickets)
          ORDER BY ticket_id FOR NO KEY UPDATE;
    END IF;
    SELECT array_agg(ROW(t.ticket_id, t.hash, t.number, t.class_index, t.state, t.gen, t.blocked,
                         t.holder, t.attendee, t.seat, t.xmin::text)::scan_ticket)
      INTO tickets
      FROM ticket t
     WHERE t.tenant_id = wanted AND t.event_id = for_event AND t.ticket_id = ANY (wanted_tickets);
    -- What counts: it chains to a BOOT, and its device was not cut off before it.
    SELECT count(*), array_agg(ROW(r.ticket, r.record_id, r.raw, d.kind = 'worker',
                                   p.record_id IS NOT NULL)::scan_record)
               FILTER (WHERE (d.revoked_at IS NULL
                              OR (r.incarnation, r.seq) <= (d.cutoff_incarnation, d.cutoff_seq))
                         AND NOT EXISTS (SELECT FROM record_waiting w
                                          WHERE w.tenant_id = r.tenant_id
                                            AND w.record_id = r.record_id))
      INTO written, records
      FROM record r
      JOIN device d ON d.tenant_id = r.tenant_id AND d.device_id = r.device_id
      LEFT JOIN proof p ON p.tenant_id = r.tenant_id AND p.record_id = r.record_id
     WHERE r.tenant_id = wanted AND r.event_ref = ref
       AND r.ticket = ANY (hashes || ARRAY(SELECT t.hash FROM unnest(tickets) AS t))
       AND r.kind IN (1, 2, 3, 5);
    heard := is_heard(told); -- 0017_hooks.sql
END $$;

-- Append to a worker's log, and move tickets to where the records say that they are. Nothing is
-- written unless the records follow the log's end and nobody has closed it: else 'lost'. With
-- `who`, it is a transaction of its own in the tenant `wanted`, and what was decided by must be as
-- it was read, the tickets' `versions` and how many records were `written` of `about`: else
-- 'stale'. The settings of the move are there before the triggers run (cloud/tickets/moves.py).
CREATE FUNCTION append_scans(
    wanted uuid, who text, for_event uuid, read_tickets uuid[], versions text[],
    of_event bytea, about bytea[], written bigint,
    device bytea, boot bigint, old_seq bigint, old_hash bytea,
    new_seq bigint, new_hash bytea, new_hlc bigint,
    refs bytea[], ids bytea[], kinds smallint[], tickets bytea[], raws bytea[],
    moved uuid[], move text, target text
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF who IS NOT NULL THEN
        PERFORM set_config('app.tenant', wanted::text, true), set_config('app.actor', who, true);
        IF (SELECT count(*) FROM (
                SELECT ticket_id, xmin::text AS version FROM ticket
                 WHERE tenant_id = wanted AND event_id = for_event
                   AND ticket_id = ANY (read_tickets)
                 ORDER BY ticket_id FOR NO KEY UPDATE) t
              JOIN unnest(read_tickets, versions) AS n (ticket_id, version)
             USING (ticket_id, version)) < cardinality(read_tickets) THEN
            RETURN 'stale';
        END IF;
        IF (SELECT count(*) FROM record r
             WHERE r.tenant_id = wanted AND r.event_ref = of_event AND r.ticket = ANY (about)
               AND r.kind IN (1, 2, 3, 5)) <> written THEN
            RETURN 'stale';
        END IF;
    END IF;
    UPDATE log_head SET seq = new_seq, hash = new_hash, hlc = new_hlc
     WHERE tenant_id = wanted AND device_id = device AND incarnation = boot
       AND seq = old_seq AND hash = old_hash AND NOT closed;
    IF NOT FOUND THEN
        RETURN 'lost';
    END IF;
    INSERT INTO record (event_ref, record_id, device_id, incarnation, seq, kind, ticket, raw)
    SELECT n.event_ref, n.record_id, device, boot, old_seq + n.place, n.kind, n.ticket, n.raw
      FROM unnest(refs, ids, kinds, tickets, raws)
           WITH ORDINALITY AS n (event_ref, record_id, kind, ticket, raw, place);
    IF cardinality(moved) > 0 THEN
        PERFORM set_config('app.move', move, true), set_config('app.reason', '', true);
        UPDATE ticket SET state = target, changed_at = now()
         WHERE tenant_id = wanted AND event_id = for_event AND ticket_id = ANY (moved);
    END IF;
    RETURN 'stored';
END $$;
