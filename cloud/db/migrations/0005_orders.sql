-- Orders, what was paid for them, and refunds.
--
-- Whoever changes an order locks its row first and its tickets afterwards.

CREATE TABLE purchase (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    order_id uuid NOT NULL DEFAULT gen_random_uuid(),
    event_id uuid NOT NULL,
    account_id uuid NOT NULL REFERENCES account,
    state text NOT NULL DEFAULT 'held' CHECK (state IN
        ('held', 'paying', 'paid', 'lapsed', 'cancelled', 'refunding', 'refunded')),
    currency text NOT NULL,
    total bigint NOT NULL CHECK (total >= 0), -- what the buyer pays, minor units
    fee bigint NOT NULL CHECK (fee >= 0 AND fee <= total), -- of it, the platform's
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND total),
    hold_until timestamptz NOT NULL,
    attempt integer NOT NULL DEFAULT 0, -- how often a payment was asked for
    intent text, -- the provider's id of the newest payment
    -- The request that began it, as W3C's `traceparent`: what comes of it goes on with its trace.
    trace text NOT NULL DEFAULT '' CHECK (length(trace) <= 55),
    created_at timestamptz NOT NULL DEFAULT now(),
    paid_at timestamptz,
    closed_at timestamptz,
    PRIMARY KEY (tenant_id, order_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES event,
    CHECK ((state IN ('paid', 'refunding', 'refunded')) = (paid_at IS NOT NULL))
);
CALL protect('purchase');
GRANT SELECT, INSERT, UPDATE (state, refunded, hold_until, attempt, intent, paid_at, closed_at)
    ON purchase TO usher_app;
CREATE INDEX purchase_account ON purchase (tenant_id, account_id, created_at, order_id);
CREATE INDEX purchase_event ON purchase (tenant_id, event_id, created_at, order_id);
CREATE INDEX purchase_open ON purchase (tenant_id, hold_until) WHERE state IN ('held', 'paying');
CREATE INDEX purchase_holds ON purchase (tenant_id, account_id, event_id)
    WHERE state IN ('held', 'paying');
CREATE INDEX purchase_paid ON purchase (tenant_id, event_id, order_id) WHERE state = 'paid';
CREATE POLICY due ON purchase FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION tenants_with_open_holds(before timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT DISTINCT tenant_id FROM public.purchase
         WHERE state IN ('held', 'paying') AND hold_until < before
    $$;
REVOKE ALL ON FUNCTION tenants_with_open_holds(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_open_holds(timestamptz) TO usher_app;

CREATE TABLE purchase_item ( -- one ticket of an order, at the price of that day
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    order_id uuid NOT NULL,
    event_id uuid NOT NULL,
    line integer NOT NULL,
    class_index integer NOT NULL,
    ticket_id uuid NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    fee bigint NOT NULL CHECK (fee >= 0 AND fee <= price),
    refunded boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, order_id, line),
    -- Judged at the end of a statement: a late payment may swap an order's tickets.
    UNIQUE (tenant_id, order_id, ticket_id) DEFERRABLE INITIALLY IMMEDIATE,
    FOREIGN KEY (tenant_id, order_id) REFERENCES purchase,
    FOREIGN KEY (tenant_id, event_id, ticket_id) REFERENCES ticket
);
CALL protect('purchase_item');
GRANT SELECT, INSERT, UPDATE (ticket_id, refunded) ON purchase_item TO usher_app;

-- Each payment that the provider was asked for, or told us of, for an order.
CREATE TABLE payment (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    intent text NOT NULL, -- the provider's id
    order_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'asked' CHECK (state IN
        ('asked', 'failed', 'canceled', 'received')),
    received bigint NOT NULL DEFAULT 0 CHECK (received >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz NOT NULL DEFAULT now(), -- when the provider last said how it stands
    PRIMARY KEY (tenant_id, intent),
    FOREIGN KEY (tenant_id, order_id) REFERENCES purchase
);
CALL protect('payment');
GRANT SELECT, INSERT, UPDATE (state, received, checked_at) ON payment TO usher_app;
CREATE INDEX payment_order ON payment (tenant_id, order_id);
CREATE INDEX payment_open ON payment (tenant_id, checked_at) WHERE state IN ('asked', 'failed');

-- What the payment provider told us. A second delivery meets the first one's row.
CREATE TABLE payment_event (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    provider_event text NOT NULL,
    type text NOT NULL,
    order_id uuid, -- as the provider says; it may be unknown here
    outcome text NOT NULL DEFAULT '', -- what we did about it
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, provider_event)
);
CALL protect('payment_event');
GRANT SELECT, INSERT, UPDATE (outcome) ON payment_event TO usher_app;

CREATE TABLE refund (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    refund_id uuid NOT NULL DEFAULT gen_random_uuid(),
    order_id uuid NOT NULL,
    intent text NOT NULL, -- the payment that is given back
    of_tickets boolean NOT NULL, -- false: a payment that bought nothing
    currency text NOT NULL, -- of the payment
    amount bigint NOT NULL CHECK (amount > 0),
    fee bigint NOT NULL CHECK (fee >= 0 AND fee <= amount), -- of it, given back by the platform
    reason text NOT NULL CHECK (length(reason) <= 200),
    state text NOT NULL DEFAULT 'requested'
        CHECK (state IN ('requested', 'sent', 'succeeded', 'failed')),
    provider_refund text,
    fault text NOT NULL DEFAULT '',
    attempt integer NOT NULL DEFAULT 1, -- one that failed is asked for anew, under another key
    requested_by text NOT NULL DEFAULT current_actor(),
    created_at timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, refund_id),
    FOREIGN KEY (tenant_id, order_id) REFERENCES purchase,
    FOREIGN KEY (tenant_id, intent) REFERENCES payment
);
CALL protect('refund');
GRANT SELECT, INSERT, UPDATE (state, provider_refund, fault, attempt, checked_at, ended_at)
    ON refund TO usher_app;
CREATE INDEX refund_order ON refund (tenant_id, order_id);
CREATE INDEX refund_open ON refund (tenant_id, checked_at) WHERE state = 'sent';

-- Payments and refunds of which the provider has not told the end.
CREATE POLICY due ON payment FOR SELECT TO usher_owner USING (true);
CREATE POLICY due ON refund FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION tenants_with_open_payments(before timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT tenant_id FROM public.payment
         WHERE state IN ('asked', 'failed') AND checked_at < before
        UNION
        SELECT tenant_id FROM public.refund WHERE state = 'sent' AND checked_at < before
    $$;
REVOKE ALL ON FUNCTION tenants_with_open_payments(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_with_open_payments(timestamptz) TO usher_app;

-- Lock free tickets of a class: the lowest numbers, or the seats asked for. Each order of locks
-- is by class, then by number.
CREATE FUNCTION lock_free(for_event uuid, of_class integer, quantity integer, wanted text[])
    RETURNS uuid[] LANGUAGE plpgsql AS $$
BEGIN
    IF wanted IS NULL THEN
        RETURN ARRAY(
            SELECT ticket_id FROM ticket
             WHERE tenant_id = current_tenant() AND event_id = for_event
               AND class_index = of_class AND free
             ORDER BY number LIMIT quantity FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN ARRAY(
        SELECT ticket_id FROM ticket
         WHERE tenant_id = current_tenant() AND event_id = for_event
           AND class_index = of_class AND free AND seat = ANY (wanted)
         ORDER BY number FOR UPDATE SKIP LOCKED);
END $$;

-- Lock so many, or say which are free where there are fewer. While others have locked what is free
-- it looks again, for what they roll back is free after all; but it waits for no lock. Whoever passes
-- over locked rows still keeps those that were sold while he looked (a row's newest version is locked
-- before it is seen to fit no more), so that two who waited for each other's would deadlock.
CREATE FUNCTION take_free(for_event uuid, of_class integer, quantity integer, wanted text[])
    RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    found uuid[];
    patience constant timestamptz := clock_timestamp() + interval '2 seconds';
BEGIN
    LOOP
        IF quantity = 1 THEN -- which has nothing to give back, and needs no subtransaction
            found := lock_free(for_event, of_class, quantity, wanted);
        ELSE
            BEGIN
                found := lock_free(for_event, of_class, quantity, wanted);
                IF cardinality(found) < quantity THEN
                    RAISE SQLSTATE 'UH001'; -- gives it back: somebody else may want no more than that
                END IF;
            EXCEPTION WHEN SQLSTATE 'UH001' THEN
                found := '{}';
            END;
        END IF;
        IF cardinality(found) = quantity THEN
            RETURN found;
        END IF;
        found := ARRAY(
            SELECT ticket_id FROM ticket
             WHERE tenant_id = current_tenant() AND event_id = for_event
               AND class_index = of_class AND free
               AND (wanted IS NULL OR seat = ANY (wanted))
             ORDER BY number LIMIT quantity);
        IF cardinality(found) < quantity THEN
            RETURN found;
        END IF;
        IF clock_timestamp() > patience THEN
            RAISE lock_not_available USING MESSAGE = 'others keep what is free locked';
        END IF;
        PERFORM pg_sleep(0.005 + random() * 0.01);
    END LOOP;
END $$;

-- Hold tickets for a buyer: all that were asked for, or none. `items` come from
-- cloud/orders/model.py, judged and priced: class_index, quantity, seats, price, fee.
-- An outcome other than 'held' has locked rows and changed none: roll back.
CREATE FUNCTION hold(
    new_order uuid, for_event uuid, buyer uuid, money text, until timestamptz, at timestamptz,
    most integer, told text, items jsonb,
    OUT outcome text, OUT at_class integer, OUT remaining bigint, OUT taken text[]
) LANGUAGE plpgsql AS $$
DECLARE
    item record;
    found uuid[];
    tickets uuid[] := '{}';
    classes integer[] := '{}';
    prices bigint[] := '{}';
    fees bigint[] := '{}';
BEGIN
    -- One hold at a time for a buyer, so that two at once can't both be the last allowed.
    PERFORM pg_advisory_xact_lock(hashtextextended(format('hold/%s/%s', buyer, for_event), 0));
    IF (SELECT count(*) FROM purchase
         WHERE tenant_id = current_tenant() AND account_id = buyer AND event_id = for_event
           AND state IN ('held', 'paying') AND hold_until > at) >= most THEN
        outcome := 'hold_limit';
        RETURN;
    END IF;
    FOR item IN SELECT * FROM jsonb_to_recordset(items)
                    AS i (class_index integer, quantity integer, seats text[], price bigint,
                          fee bigint) ORDER BY class_index LOOP
        found := take_free(for_event, item.class_index, item.quantity, item.seats);
        IF cardinality(found) < item.quantity THEN
            at_class := item.class_index;
            remaining := cardinality(found);
            outcome := 'sold_out';
            IF item.seats IS NOT NULL THEN
                outcome := 'seats_taken';
                taken := ARRAY(
                    SELECT unnest(item.seats) EXCEPT
                    SELECT seat FROM ticket WHERE tenant_id = current_tenant()
                       AND event_id = for_event AND ticket_id = ANY (found) ORDER BY 1);
            END IF;
            RETURN;
        END IF;
        tickets := tickets || found;
        classes := classes || array_fill(item.class_index, ARRAY[item.quantity]);
        prices := prices || array_fill(item.price, ARRAY[item.quantity]);
        fees := fees || array_fill(item.fee, ARRAY[item.quantity]);
    END LOOP;
    PERFORM set_config('app.move', 'hold', true), set_config('app.reason', '', true);
    UPDATE ticket SET state = 'reserved', order_id = new_order, changed_at = at
     WHERE tenant_id = current_tenant() AND event_id = for_event AND ticket_id = ANY (tickets);
    WITH line AS (
        SELECT * FROM unnest(classes, tickets, prices, fees) WITH ORDINALITY AS s (c, t, p, f, n)
    ), made AS (
        INSERT INTO purchase (order_id, event_id, account_id, currency, total, fee, hold_until,
                              created_at, trace)
        SELECT new_order, for_event, buyer, money, sum(p), sum(f), until, at, told FROM line
    )
    INSERT INTO purchase_item (order_id, event_id, line, class_index, ticket_id, price, fee)
    SELECT new_order, for_event, n, c, t, p, f FROM line;
    outcome := 'held';
END $$;
