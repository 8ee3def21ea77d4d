-- Double entry. A journal entry is one business fact; its postings sum to zero per currency,
-- which is checked when the transaction commits. Nothing is ever changed or deleted.
--
-- Accounts: "processor" (what the payment provider holds for us), "organizer" (owed to the
-- tenant), "platform" (our fees), "artist:<uuid>" (royalties owed), "refunds" (owed to buyers),
-- "wallet:<uuid>" (owed to a seller; resale). A debit is positive.
--
-- What minting on a chain cost is booked in its own unit, the lamport, and in accounts of its own:
-- "chain:payer" (what we laid out), "chain:fees" (for transactions), "chain:protocol" (to programs,
-- for changes), "chain:deposits" (what accounts hold). No entry turns one unit into another.

CREATE TABLE journal (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    journal_id bigint GENERATED ALWAYS AS IDENTITY,
    fact text NOT NULL,    -- "sale", "refund_due", "refund_paid", … (cloud/books/model.py)
    subject text NOT NULL,
        -- "order:<uuid>", "refund:<uuid>", "payment:<provider's id>", "transaction:<signature>"
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL DEFAULT current_actor(),
    written xid8 NOT NULL DEFAULT pg_current_xact_id(), -- by which transaction
    PRIMARY KEY (tenant_id, journal_id),
    UNIQUE (tenant_id, fact, subject) -- a fact is booked once
);
CALL protect('journal');
GRANT SELECT, INSERT ON journal TO usher_app;
CREATE INDEX journal_subject ON journal (tenant_id, subject);
CREATE INDEX journal_pages ON journal (tenant_id, written, journal_id);

CREATE TABLE posting (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    journal_id bigint NOT NULL,
    line integer NOT NULL,
    account text NOT NULL CHECK (account ~ '^(processor|organizer|platform|refunds|(artist|wallet):[0-9a-f-]{36}|chain:(payer|fees|protocol|deposits))$'),
    currency text NOT NULL CHECK (currency ~ '^([a-z]{3}|lamport)$'), -- ISO 4217; or no money
    amount bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (tenant_id, journal_id, line),
    FOREIGN KEY (tenant_id, journal_id) REFERENCES journal,
    CONSTRAINT unit CHECK ((account LIKE 'chain:%') = (currency = 'lamport'))
);
CALL protect('posting');
GRANT SELECT, INSERT ON posting TO usher_app;
CREATE INDEX posting_account ON posting (tenant_id, account, currency);

CREATE FUNCTION balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE entry bigint := NEW.journal_id;
BEGIN
    IF NOT EXISTS (SELECT FROM posting p
                    WHERE p.tenant_id = NEW.tenant_id AND p.journal_id = entry)
    OR EXISTS (SELECT FROM posting p
                WHERE p.tenant_id = NEW.tenant_id AND p.journal_id = entry
                GROUP BY p.currency HAVING sum(p.amount) <> 0) THEN
        RAISE EXCEPTION 'journal entry % does not balance', entry
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balanced', TABLE = 'posting';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON journal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balanced();
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balanced();

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON posting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON ticket_move
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
