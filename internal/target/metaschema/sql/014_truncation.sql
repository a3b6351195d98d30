-- Truncates that have been applied: a change that precedes one at the source and
-- comes later, from another partition of its topic, ends with it. The names are those
-- of the target table, which need not exist yet.
CREATE TABLE metadb.truncation (
    schema_name text NOT NULL,
    table_name text NOT NULL,
    origin varchar(63) NOT NULL,
    lsn bigint NOT NULL,
    truncated_at timestamptz NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    PRIMARY KEY (schema_name, table_name, origin, lsn, truncated_at)
);
