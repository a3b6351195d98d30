-- The row that a rejected event concerns, in one form however the record spells its key;
-- NULL where the key could not be read, and for those from before, which are found by
-- the bytes of the record's key.
ALTER TABLE metadb.rejected_event ADD COLUMN canonical_key bytea;
CREATE INDEX ON metadb.rejected_event USING hash (canonical_key);
