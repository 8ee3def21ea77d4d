-- The ledger inside the service (cloud/ledger/embedded). It belongs to no tenant, as a chain does
-- not: it holds addresses and hashes, and no person's data. Every change of it is one transaction,
-- and whoever makes one holds the row of ledger_head until the end.

CREATE TABLE ledger_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    secret bytea NOT NULL CHECK (length(secret) = 32), -- blockhashes are made of it
    started_ms bigint NOT NULL, -- Unix time of slot 0
    position bigint NOT NULL DEFAULT 0, -- counts changes
    slot bigint NOT NULL DEFAULT 0 -- of the last change
);
GRANT SELECT, INSERT, UPDATE (position, slot) ON ledger_head TO usher_app;

CREATE TABLE ledger_transaction (
    position bigint PRIMARY KEY,
    signature bytea NOT NULL UNIQUE CHECK (length(signature) = 64),
    slot bigint NOT NULL,
    landed_at bigint NOT NULL, -- Unix seconds
    raw bytea NOT NULL CHECK (length(raw) <= 1232),
    fee bigint NOT NULL CHECK (fee >= 0), -- lamports
    spent bigint NOT NULL, -- what its payer has less than before, the fee in it
    events bytea[] NOT NULL,
    error text, -- null: it succeeded
    code integer,
    instruction integer
);
GRANT SELECT, INSERT ON ledger_transaction TO usher_app;

CREATE TABLE ledger_touch ( -- which transactions wrote to an account that is a tree or a collection
    address bytea NOT NULL CHECK (length(address) = 32),
    position bigint NOT NULL REFERENCES ledger_transaction,
    PRIMARY KEY (address, position)
);
GRANT SELECT, INSERT ON ledger_touch TO usher_app;

CREATE TABLE ledger_account (
    address bytea PRIMARY KEY CHECK (length(address) = 32),
    owner bytea NOT NULL CHECK (length(owner) = 32),
    lamports bigint NOT NULL CHECK (lamports >= 0),
    data bytea NOT NULL,
    position bigint NOT NULL -- of its last change
);
ALTER TABLE ledger_account ALTER data SET STORAGE EXTERNAL; -- hashes don't compress
CREATE INDEX ledger_account_position ON ledger_account (position);
GRANT SELECT, INSERT, UPDATE ON ledger_account TO usher_app;

CREATE TABLE ledger_leaf (
    asset bytea PRIMARY KEY CHECK (length(asset) = 32),
    tree bytea NOT NULL CHECK (length(tree) = 32),
    index integer NOT NULL CHECK (index >= 0),
    nonce bigint NOT NULL,
    schema text NOT NULL CHECK (schema IN ('v1', 'v2')),
    owner bytea NOT NULL,
    delegate bytea NOT NULL,
    data_hash bytea NOT NULL,
    creator_hash bytea NOT NULL,
    collection_hash bytea NOT NULL, -- empty in V1, as the next
    asset_data_hash bytea NOT NULL,
    flags smallint NOT NULL,
    collection bytea,
    sequence bigint NOT NULL,
    name text NOT NULL,
    symbol text NOT NULL,
    uri text NOT NULL,
    burnt boolean NOT NULL,
    position bigint NOT NULL, -- of its last change
    UNIQUE (tree, index)
);
CREATE INDEX ledger_leaf_position ON ledger_leaf (tree, position);
CREATE INDEX ledger_leaf_owner ON ledger_leaf (owner, asset) WHERE NOT burnt;
CREATE INDEX ledger_leaf_collection ON ledger_leaf (collection, asset)
    WHERE collection IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON ledger_leaf TO usher_app;
