-- When endsync last ended rows of a table, and the attempt of the snapshot that counted then
-- (lsn and tx 0: that a resynchronization began at attempt_time). A row of that attempt, or of a
-- later one, that is written afterwards was read at the source although endsync ended it.
CREATE TABLE metadb.last_endsync (
    source_name varchar(63) NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    ended_at timestamptz NOT NULL,
    attempt_lsn bigint NOT NULL,
    attempt_tx bigint NOT NULL,
    attempt_time timestamptz NOT NULL,
    PRIMARY KEY (source_name, schema_name, table_name)
);
