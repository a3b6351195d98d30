-- The kind of a data source, as in CREATE DATA SOURCE … TYPE.
ALTER TABLE metadb.source ADD source_type text NOT NULL DEFAULT 'kafka';
