-- Columns whose NULL in an update stands for a long value that has not changed.
ALTER TABLE metadb.source ADD COLUMN null_means_unchanged text NOT NULL DEFAULT '';
