-- Users that "create user" made, which alone "drop user" drops, and which function was
-- granted, whatever its arguments' types are called now.
ALTER TABLE metadb.auth ADD COLUMN created boolean NOT NULL DEFAULT false;
ALTER TABLE metadb.acl ADD COLUMN function_oid oid;

-- Nothing says which users earlier versions made: those that have a schema of their own
-- name, and no rights beyond this database.
UPDATE metadb.auth SET created = true
    WHERE EXISTS (
        SELECT FROM pg_catalog.pg_roles AS r JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.rolname
            WHERE r.rolname = username AND n.nspowner IN (r.oid, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user))
                AND NOT (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
                AND NOT EXISTS (SELECT FROM metadb.target_table AS t WHERE t.stored_schema = n.nspname));

-- Signatures as PostgreSQL writes them, where Metadb 1.x wrote others.
DO $upgrade$
DECLARE
    g record;
    f oid;
    signature text;
BEGIN
    FOR g IN SELECT * FROM metadb.acl WHERE object_type = 'f' LOOP
        BEGIN
            f := pg_catalog.to_regprocedure(pg_catalog.quote_ident(g.schema_name) || '.' || g.object_name);
        EXCEPTION WHEN OTHERS THEN
            f := NULL; -- a type is gone
        END;
        SELECT pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')' INTO signature FROM pg_catalog.pg_proc AS p WHERE p.oid = f;
        CONTINUE WHEN f IS NULL OR signature IS NULL;
        IF signature <> g.object_name AND EXISTS (SELECT FROM metadb.acl AS o WHERE (o.schema_name, o.object_name, o.object_type, o.privilege, o.user_name)
                = (g.schema_name, signature, g.object_type, g.privilege, g.user_name)) THEN
            DELETE FROM metadb.acl AS o WHERE (o.schema_name, o.object_name, o.object_type, o.privilege, o.user_name)
                = (g.schema_name, g.object_name, g.object_type, g.privilege, g.user_name);
            CONTINUE;
        END IF;
        UPDATE metadb.acl AS o SET object_name = signature, function_oid = f
            WHERE (o.schema_name, o.object_name, o.object_type, o.privilege, o.user_name)
                = (g.schema_name, g.object_name, g.object_type, g.privilege, g.user_name);
    END LOOP;
END
$upgrade$;
