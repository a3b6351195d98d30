-- How much may be set aside of a data source before its stream stops: see the option's
-- documentation for its form.
ALTER TABLE metadb.source ADD COLUMN rejected_limit text NOT NULL DEFAULT '';
