-- What a mail server has said of an address stands beside what its reader has said: for a while.
ALTER TABLE mail_refusal ADD COLUMN bounced boolean NOT NULL DEFAULT false;
GRANT UPDATE (since, bounced) ON mail_refusal TO usher_app;
