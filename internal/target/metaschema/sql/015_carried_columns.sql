-- How the events of each origin bring the columns of a table, by their names at
-- the source. What is in none of the lists is in the streamed changes. It takes
-- the place of target_table.snapshot_columns.
CREATE TABLE metadb.carried_columns (
    schema_name text NOT NULL,
    table_name text NOT NULL,
    origin varchar(63) NOT NULL,
    -- only snapshots have brought them, and no streamed change has come since
    from_snapshot text[] NOT NULL,
    -- snapshots bring them, streamed changes don't: generated columns
    snapshot_only text[] NOT NULL,
    -- streamed changes had them, and don't any more
    gone text[] NOT NULL,
    -- no event has had them: another origin's, or an administrator's
    never text[] NOT NULL,
    PRIMARY KEY (schema_name, table_name, origin)
);
INSERT INTO metadb.carried_columns
SELECT t.schema_name, t.table_name, f.origin, t.snapshot_columns, '{}', '{}', '{}'
  FROM metadb.target_table t
       JOIN metadb.table_feed f ON f.schema_name = t.schema_name AND f.table_name = t.table_name
 WHERE t.snapshot_columns <> '{}';
ALTER TABLE metadb.target_table DROP COLUMN snapshot_columns;

-- Tables with rows that may have other values than at the source, because the
-- source has changed the table without events for its rows; until the table is
-- read again.
CREATE TABLE metadb.outdated_table (
    schema_name text NOT NULL,
    table_name text NOT NULL,
    reason text NOT NULL,
    noted_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (schema_name, table_name, reason)
);
