-- The columns, by their names at the source, that only records of snapshots have
-- brought so far. The first streamed change empties it: those that it lacks (the
-- generated ones) are NULL from then on.
ALTER TABLE metadb.target_table ADD COLUMN snapshot_columns text[] NOT NULL DEFAULT '{}';
