-- Where changes stand at the source whose topic has several partitions, as arrays: the
-- version that each made (or found, where again is true: the row was inserted with the values that
-- were there). A truncate that comes after changes which follow it is told by them
-- what it ends. What no truncate can precede any more is removed.
CREATE TABLE metadb.row_position (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_name varchar(63) NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    topic text NOT NULL,
    last_at timestamptz NOT NULL,
    last_lsn bigint NOT NULL,
    ids bigint[] NOT NULL,
    lsns bigint[] NOT NULL,
    times timestamptz[] NOT NULL,
    again boolean[] NOT NULL
);

CREATE INDEX ON metadb.row_position (schema_name, table_name, last_at);
