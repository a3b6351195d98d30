-- Names and types that scripts and reports of Metadb 1.x expect.

-- Objects are t (a table) or f (a function), the privilege is a (access). Access to
-- all is a property of the user.
ALTER TABLE metadb.auth ADD COLUMN access_all boolean NOT NULL DEFAULT false;
UPDATE metadb.auth SET access_all = true
    WHERE username IN (SELECT user_name FROM metadb.acl WHERE object_type = 'all');
DELETE FROM metadb.acl WHERE object_type = 'all';
UPDATE metadb.acl SET object_type = left(object_type, 1) WHERE object_type IN ('table', 'function');
UPDATE metadb.acl SET privilege = 'a' WHERE privilege = 'access';

-- Readers take both into values that can't be NULL.
UPDATE metadb.table_update
    SET last_update = coalesce(last_update, 'epoch'), elapsed_real_time = coalesce(elapsed_real_time, 0)
    WHERE last_update IS NULL OR elapsed_real_time IS NULL;
ALTER TABLE metadb.table_update
    ALTER last_update SET NOT NULL,
    ALTER elapsed_real_time SET NOT NULL;

-- A function's columns can't be changed in place. What was granted on the old one is
-- granted on the new one; where somebody's view reads the old one, that stays, out of
-- the way, in the schema metadb.
DO $upgrade$
DECLARE
    f record;
    r record;
    acl aclitem[];
BEGIN
    FOR f IN SELECT * FROM (VALUES
        ('mdbusers', $$
            CREATE FUNCTION public.mdbusers() RETURNS TABLE (username text)
            LANGUAGE sql STABLE
            AS 'SELECT username::text FROM metadb.auth ORDER BY username'
        $$),
        ('ps', $$
            CREATE FUNCTION public.ps()
            RETURNS TABLE (dbname text, username text, state text, realtime text, query text)
            LANGUAGE sql STABLE
            AS '
                SELECT datname::text, coalesce(usename, '''')::text, coalesce(state, ''''),
                       to_char(make_interval(secs => greatest(0, coalesce(extract(epoch FROM clock_timestamp() - query_start), 0))), ''HH24:MI:SS''),
                       coalesce(query, '''')
                    FROM pg_catalog.pg_stat_activity
                    WHERE leader_pid IS NULL AND pid <> pg_backend_pid() AND datname IS NOT NULL AND state IS DISTINCT FROM ''idle''
                    ORDER BY query_start
            '
        $$)) AS v (name, definition)
    LOOP
        SELECT p.proacl INTO acl FROM pg_catalog.pg_proc p
            WHERE p.oid = pg_catalog.to_regprocedure('public.' || f.name || '()');
        BEGIN
            EXECUTE format('DROP FUNCTION IF EXISTS public.%I()', f.name);
        EXCEPTION WHEN dependent_objects_still_exist THEN
            EXECUTE format('ALTER FUNCTION public.%I() SET SCHEMA metadb', f.name);
        END;
        EXECUTE f.definition;
        CONTINUE WHEN acl IS NULL;
        EXECUTE format('REVOKE ALL ON FUNCTION public.%I() FROM PUBLIC', f.name);
        FOR r IN SELECT * FROM pg_catalog.aclexplode(acl) LOOP
            EXECUTE format('GRANT EXECUTE ON FUNCTION public.%I() TO %s', f.name,
                CASE WHEN r.grantee = 0 THEN 'PUBLIC' ELSE r.grantee::regrole::text END)
                || CASE WHEN r.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END;
        END LOOP;
    END LOOP;
END
$upgrade$;
