-- The functions in public that people call, docs/spec/08-system-schema.md#functions.

CREATE FUNCTION public.mdbusers() RETURNS TABLE (username varchar(63))
LANGUAGE sql STABLE
AS $$ SELECT username FROM metadb.auth ORDER BY username $$;

CREATE FUNCTION public.mdblog(v interval DEFAULT interval '24 hours')
RETURNS TABLE (log_time timestamptz(3), error_severity text, message text)
LANGUAGE sql STABLE
AS $$
    SELECT log_time, error_severity, message
        FROM metadb.log
        WHERE log_time >= now() - v
        ORDER BY log_time
$$;

CREATE FUNCTION public.ps()
RETURNS TABLE (dbname name, username name, state text, realtime interval, query text)
LANGUAGE sql STABLE
AS $$
    SELECT datname, usename, state, date_trunc('seconds', clock_timestamp() - query_start), query
        FROM pg_catalog.pg_stat_activity
        WHERE leader_pid IS NULL AND pid <> pg_backend_pid() AND datname = current_database() AND state <> 'idle'
        ORDER BY query_start
$$;
