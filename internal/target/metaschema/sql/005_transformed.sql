-- Tables that are transformed from the JSON of others: which mappings they are
-- complete for. Empty where rows may be there that have not been transformed.
ALTER TABLE metadb.target_table ADD COLUMN mapped text NOT NULL DEFAULT '';
CREATE INDEX ON metadb.base_table (parent_schema_name, parent_table_name) WHERE transformed;
