-- The stored names of the columns that Metadb has made. Others, which somebody has
-- added to the main table by hand, are left alone.
ALTER TABLE metadb.target_table ADD COLUMN own_columns text[] NOT NULL DEFAULT '{}';
UPDATE metadb.target_table AS t
    SET own_columns = ARRAY(
        SELECT a.attname::text
            FROM pg_catalog.pg_namespace AS n
                JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = t.main_table
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
            WHERE n.nspname = t.stored_schema AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.atttypmod = -1
                AND a.attname NOT IN ('__id', '__start', '__end', '__current', '__origin')
                AND a.atttypid IN ('text'::regtype, 'boolean'::regtype, 'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype,
                    'real'::regtype, 'double precision'::regtype, 'numeric'::regtype, 'date'::regtype, 'time'::regtype, 'timetz'::regtype,
                    'timestamp'::regtype, 'timestamptz'::regtype, 'interval'::regtype, 'uuid'::regtype, 'jsonb'::regtype, 'bytea'::regtype)
            ORDER BY a.attnum);
