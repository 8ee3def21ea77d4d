-- A temporary table goes before ours of the same name wherever a function doesn't say which of
-- the two it means, even where its search_path leaves pg_temp out: then it is looked through
-- first. By one that was called posting, the service's role could commit an entry of the books
-- that didn't balance.

-- The service makes no temporary tables.
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;

-- That belongs to this database and is lost with it: a copy of its tables has the functions alone.
ALTER FUNCTION balanced() SET search_path = pg_catalog, public, pg_temp;
DO $$
DECLARE each regprocedure;
BEGIN
    FOR each IN
        SELECT oid FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace
           AND 'search_path=pg_catalog, public' = ANY (proconfig)
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', each);
    END LOOP;
END $$;
