-- Run once in a cluster, by a superuser (`usher-cloud admin roles` prints it). The service
-- signs in as usher_app, which owns nothing; migrations as usher_owner. Neither is a superuser
-- nor passes by row-level security.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'usher_owner') THEN
        CREATE ROLE usher_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'usher_app') THEN
        CREATE ROLE usher_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
END $$;
