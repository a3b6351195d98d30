-- A resynchronization is one of a whole data source, where schema_name and
-- table_name are empty, or of one table.
ALTER TABLE metadb.resync
    ADD schema_name text NOT NULL DEFAULT '',
    ADD table_name text NOT NULL DEFAULT '',
    DROP CONSTRAINT resync_pkey,
    ADD PRIMARY KEY (source_name, schema_name, table_name);
ALTER TABLE metadb.resync_from
    ADD schema_name text NOT NULL DEFAULT '',
    ADD table_name text NOT NULL DEFAULT '',
    DROP CONSTRAINT resync_from_pkey,
    ADD PRIMARY KEY (source_name, schema_name, table_name, topic, partition);

-- What is known to be missing in the stream of a data source, until it is
-- resynchronized.
CREATE TABLE metadb.stream_gap (
    source_name varchar(63) NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    -- how many records, as far as offsets tell
    missing bigint NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (source_name, topic, partition)
);
