-- Who may speak for a tenant (shared/spec/devices.md): the roster as published, badges,
-- enrolments, commands, and what devices report of themselves.
--
-- What a roster is made of is watched by triggers, so that no feature can forget it: also a
-- worker that is made in the middle of a batch of check-ins. A publication takes the journal's
-- rows first and reads after: what commits in between is in both, and lost in neither.

CREATE TABLE roster_change (
    tenant_id uuid NOT NULL DEFAULT current_tenant(),
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant_id, change_id)
);
-- Devices that are here already wait for the first roster. As long as this takes, the owner of
-- the tables sees every tenant's.
ALTER TABLE device NO FORCE ROW LEVEL SECURITY;
INSERT INTO roster_change (tenant_id) SELECT DISTINCT tenant_id FROM device;
ALTER TABLE device FORCE ROW LEVEL SECURITY;
CALL protect('roster_change');
GRANT SELECT, INSERT, DELETE ON roster_change TO usher_app;

CREATE FUNCTION journal_roster() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public.roster_change (tenant_id) VALUES (NEW.tenant_id);
    RETURN NULL;
END $$;

ALTER TABLE device
    ADD appliance text NOT NULL DEFAULT 'kiosk' -- of a gate: what it is on the roster
        CHECK (appliance IN ('kiosk', 'handheld')),
    ADD site integer NOT NULL DEFAULT 0 CHECK (site BETWEEN 0 AND 65535),
    ADD successor bytea; -- the same gate by its next key
GRANT UPDATE (appliance, site, successor) ON device TO usher_app;
CREATE TRIGGER journal_new AFTER INSERT ON device FOR EACH ROW EXECUTE FUNCTION journal_roster();
CREATE TRIGGER journal AFTER UPDATE ON device FOR EACH ROW
    WHEN ((OLD.name, OLD.appliance, OLD.site, OLD.cutoff_incarnation, OLD.cutoff_seq)
        IS DISTINCT FROM (NEW.name, NEW.appliance, NEW.site, NEW.cutoff_incarnation,
                          NEW.cutoff_seq))
    EXECUTE FUNCTION journal_roster();

CREATE TABLE badge (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    badge_id bytea NOT NULL CHECK (length(badge_id) = 16), -- shared.hashing.badge_id
    public bytea NOT NULL CHECK (length(public) = 32),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    role text NOT NULL CHECK (role IN ('scan', 'supervisor', 'technician')),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, badge_id)
);
CALL protect('badge');
GRANT SELECT, INSERT, UPDATE (revoked_at) ON badge TO usher_app;
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON badge
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal AFTER INSERT OR UPDATE ON badge
    FOR EACH ROW EXECUTE FUNCTION journal_roster();

CREATE TABLE device_setting ( -- of all devices of a tenant
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    lock_after bigint NOT NULL CHECK (lock_after BETWEEN 0 AND 4294967295), -- seconds
    PRIMARY KEY (tenant_id)
);
CALL protect('device_setting');
GRANT SELECT, INSERT, UPDATE (lock_after) ON device_setting TO usher_app;
CREATE TRIGGER journal AFTER INSERT OR UPDATE ON device_setting
    FOR EACH ROW EXECUTE FUNCTION journal_roster();

CREATE TABLE roster ( -- signed documents, as published: the newest, and some before it
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    version bigint NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
    raw bytea NOT NULL CHECK (length(raw) <= 1048576),
    issued_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, version)
);
CALL protect('roster');
GRANT SELECT, INSERT, DELETE ON roster TO usher_app;

-- A withdrawn roster key vouches for nothing: the roster is signed anew.
CREATE TRIGGER journal_roster AFTER UPDATE OF revoked_at ON tenant_key FOR EACH ROW
    WHEN (NEW.role = 'roster' AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
    EXECUTE FUNCTION journal_roster();

-- The time is cloud/devices/composing.py's RENEWAL.
CREATE POLICY due ON roster FOR SELECT TO usher_owner USING (true);
CREATE POLICY due ON roster_change FOR SELECT TO usher_owner USING (true);
CREATE FUNCTION rosters_due(now timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    AS $$
        SELECT tenant_id FROM public.roster_change
         UNION
        SELECT tenant_id FROM public.roster
         GROUP BY tenant_id HAVING max(issued_at) < $1 - interval '15 days'
    $$;
REVOKE ALL ON FUNCTION rosters_due(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rosters_due(timestamptz) TO usher_app;

-- Offers to enrol a device (shared/spec/devices.md §2). The code is kept as it is: it is good for
-- ten minutes and once, and lets nobody in without the digits.
CREATE TABLE enrolment (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    enrolment_id uuid NOT NULL DEFAULT gen_random_uuid(),
    origin text NOT NULL,
    code bytea NOT NULL CHECK (length(code) = 16),
    expires bigint NOT NULL, -- unix seconds, as offered
    root bytea NOT NULL CHECK (length(root) = 32),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80), -- of the device to be
    appliance text NOT NULL CHECK (appliance IN ('kiosk', 'handheld')),
    site integer NOT NULL CHECK (site BETWEEN 0 AND 65535),
    state text NOT NULL DEFAULT 'offered' CHECK (state IN (
        'offered', 'claimed', 'revealed', 'confirmed', 'void', 'revoked')),
    hello bytea NOT NULL DEFAULT '' CHECK (length(hello) IN (0, 144)),
    challenge bytea NOT NULL DEFAULT '' CHECK (length(challenge) IN (0, 16)),
    revealed bytea NOT NULL DEFAULT '' CHECK (length(revealed) IN (0, 16)),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, enrolment_id),
    UNIQUE (tenant_id, code)
);
CALL protect('enrolment');
GRANT SELECT, INSERT, DELETE, UPDATE (state, hello, challenge, revealed) ON enrolment TO usher_app;
CREATE INDEX enrolment_age ON enrolment (tenant_id, created_at);

-- What devices are told to do. They are signed when they are handed out, by the key of that day.
CREATE TABLE device_command (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    device_id bytea NOT NULL,
    number bigint NOT NULL CHECK (number >= 1), -- a device's own count
    action text NOT NULL CHECK (action IN ('wipe', 'lock', 'unlock', 'set_time')),
    time bigint, -- unix ms
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, device_id, number),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device,
    CHECK ((action = 'set_time') = (time IS NOT NULL))
);
CALL protect('device_command');
GRANT SELECT, INSERT ON device_command TO usher_app;

-- What each device said last of itself.
CREATE TABLE device_report (
    tenant_id uuid NOT NULL DEFAULT current_tenant() REFERENCES tenant,
    device_id bytea NOT NULL,
    received_at timestamptz NOT NULL,
    address inet,
    body jsonb NOT NULL, -- shared.wire.Report
    PRIMARY KEY (tenant_id, device_id),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device
);
CALL protect('device_report');
GRANT SELECT, INSERT, UPDATE (received_at, address, body) ON device_report TO usher_app;

-- Since when a version was there to be had: how long a gate has been without it.
ALTER TABLE manifest_delta ADD issued_at timestamptz NOT NULL DEFAULT now();
